//! Making the differences of a derived version: each new frame once more, compressed with what it replaces.
//!
//! What new leaves are like is looked for among the leaves that the base loses: a file that is replaced is
//! deleted. Where much is new, all of the base is looked through: a new kernel is like the one that stays. So
//! what is read grows with the change, and memory is bounded by what is held of each leaf.

use super::{
    ChangedDisk,
    likeness::{self, Likeness},
};
use crate::{
    frame,
    gather::Packed,
    leaf::{self, Place},
    limits::{
        DIFFERENCE_LEVEL, DIFFERENCE_SAVING_MIN_PERCENT, DIFFERENCE_WORKERS_MAX, LEAF_SIZE, LIKENESS_READ_MAX,
    },
    manifest::{Difference, Differences, Frame, Manifest},
    progress::{Progress, Stage},
    publish::PublishError,
    scan,
    spool::Spool,
};
use diecast_domain::digest::Digest;
use std::{
    collections::HashMap,
    fs::File,
    sync::atomic::{AtomicUsize, Ordering},
};
use tokio_util::sync::CancellationToken;

/// A difference as it was made, before frames and references have numbers.
pub(super) struct Made {
    frame: Digest,
    digest: Digest,
    length: u32,
    window: Vec<Digest>,
}

/// The leaves of the base that new ones may be like, where they can be read.
struct Before<'a> {
    base: &'a Manifest,
    /// Of each of the base's disks, its file.
    files: Vec<Option<File>>,
    leaves: Vec<(u32, Place)>,
}

/// Everything that is worth it goes into `spool`. `kept`: by the base's ordinals, what the new version has too.
pub(super) fn make(
    base: &Manifest,
    disks: &[ChangedDisk],
    kept: &[bool],
    frames: &[Packed],
    spool: &Spool,
    progress: &Progress,
    cancel: &CancellationToken,
) -> Result<Vec<Made>, PublishError> {
    let new: usize = frames.iter().map(|frame| frame.bytes).sum();
    let all = kept.len() <= LIKENESS_READ_MAX * new / LEAF_SIZE;
    let before = Before::of(base, disks, |ordinal| all || !kept[ordinal as usize]);
    if before.leaves.is_empty() || frames.is_empty() {
        return Ok(Vec::new());
    }
    progress.begin(Stage::Publishing, new as u64);
    let likeness = before.likeness(cancel)?;
    let next = AtomicUsize::new(0);
    let next = || Ok(frames.get(next.fetch_add(1, Ordering::Relaxed)));
    let count = scan::workers().min(DIFFERENCE_WORKERS_MAX);
    let mut workers: Vec<Vec<Made>> = (0..count).map(|_| Vec::new()).collect();
    scan::in_parallel(cancel, &mut workers, next, |made: &mut Vec<Made>, packed: &Packed| {
        made.extend(one(packed, &before, &likeness, spool)?);
        progress.add_done(packed.bytes as u64);
        Ok::<_, PublishError>(())
    })?;
    Ok(workers.into_iter().flatten().collect())
}

fn one(
    packed: &Packed,
    before: &Before<'_>,
    likeness: &Likeness,
    spool: &Spool,
) -> Result<Option<Made>, PublishError> {
    let Some(leaves) = packed.leaves_from(spool) else { return Ok(None) };
    let (names, window) = before.read(&likeness.find(&leaves));
    if names.is_empty() {
        return Ok(None);
    }
    let bytes = frame::pack_difference(DIFFERENCE_LEVEL, &window, &leaves).map_err(PublishError::Compress)?;
    if bytes.len() * 100 > packed.length as usize * (100 - DIFFERENCE_SAVING_MIN_PERCENT) {
        return Ok(None);
    }
    let digest = leaf::digest_of(&bytes);
    spool.append(&digest, &bytes).map_err(PublishError::Spool)?;
    Ok(Some(Made { frame: packed.digest, digest, length: bytes.len() as u32, window: names }))
}

impl<'a> Before<'a> {
    fn of(base: &'a Manifest, disks: &[ChangedDisk], useful: impl Fn(u32) -> bool) -> Self {
        let file = |name: &str| File::open(&disks.iter().find(|disk| disk.name == name)?.base).ok();
        let files: Vec<Option<File>> = base.disks().iter().map(|disk| file(disk.name())).collect();
        let readable = |place: &&Place| files[usize::from(place.disk)].is_some();
        let useful = (0..base.ordinals()).filter(|ordinal| useful(*ordinal));
        let place = |ordinal: u32| Some((ordinal, *base.places(ordinal).iter().find(readable)?));
        let mut leaves: Vec<_> = useful.filter_map(place).collect();
        leaves.sort_unstable_by_key(|(_, place)| *place);
        Self { base, files, leaves }
    }

    /// Reads all of them once.
    fn likeness(&self, cancel: &CancellationToken) -> Result<Likeness, PublishError> {
        let rarity = likeness::rarity(self.leaves.len());
        let next = AtomicUsize::new(0);
        let next = || Ok(Some(next.fetch_add(1, Ordering::Relaxed)).filter(|it| *it < self.leaves.len()));
        let mut workers = vec![(Vec::new(), Vec::new()); scan::workers()];
        scan::in_parallel(cancel, &mut workers, next, |(bytes, samples), number| {
            bytes.clear();
            if self.read_one(number, bytes).is_some() {
                samples.extend(likeness::samples(bytes, rarity).map(|sample| (sample, number as u32)));
            }
            Ok::<_, PublishError>(())
        })?;
        Ok(Likeness::new(workers.into_iter().flat_map(|(_, samples)| samples).collect(), rarity))
    }

    /// The names of these leaves, and their bytes one after the other.
    fn read(&self, numbers: &[u32]) -> (Vec<Digest>, Vec<u8>) {
        let mut window = Vec::with_capacity(numbers.len() * LEAF_SIZE);
        let read = numbers.iter().filter_map(|number| self.read_one(*number as usize, &mut window));
        (read.collect(), window)
    }

    /// Appends a leaf, if it still is what it was: nobody else has another one by its name.
    fn read_one(&self, number: usize, out: &mut Vec<u8>) -> Option<Digest> {
        let (ordinal, place) = self.leaves[number];
        let start = out.len();
        out.resize(start + self.base.leaf_length(ordinal), 0);
        let file = self.files[usize::from(place.disk)].as_ref()?;
        let name = self.base.leaf_name(ordinal);
        let read = scan::read_at(file, &mut out[start..], place.offset());
        if read.is_ok() && leaf::digest_of(&out[start..]) == *name {
            return Some(*name);
        }
        out.truncate(start);
        None
    }
}

/// In numbers of the manifest that has these frames.
pub(super) fn numbered(made: &[Made], frames: &[Frame]) -> Differences {
    if made.is_empty() {
        return Differences::default();
    }
    let by_frame: HashMap<&Digest, &Made> = made.iter().map(|made| (&made.frame, made)).collect();
    let mut references = Vec::new();
    let mut numbers: HashMap<Digest, u32> = HashMap::new();
    let mut number = |name: &Digest| {
        *numbers.entry(*name).or_insert_with(|| {
            references.push(*name);
            references.len() as u32 - 1
        })
    };
    let all = (0..).zip(frames).filter_map(|(frame, named)| {
        let Made { digest, length, window, .. } = by_frame.get(&named.digest)?;
        let window = window.iter().map(&mut number).collect();
        Some(Difference { digest: *digest, length: *length, frame, window })
    });
    let all = all.collect();
    Differences { level: DIFFERENCE_LEVEL, references: references.into(), all }
}
