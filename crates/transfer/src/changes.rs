//! Publishing what a working copy changed: a version derived from another one.
//!
//! ```text
//!   base version's manifest ──┬─ leaves that nothing touched: taken over, not read
//!   overlay's map of extents ─┴─► touched leaves ─► read, completed from the base's file ─► hashed
//!                                                          │
//!       frames whose leaves are all still there: taken over┤
//!       leaves that are nowhere in the base: new frames ───┤► manifest, as `publish` would name it
//!       leaves of frames that went stale: loose ───────────┘
//!                                                    │
//!       leaves that the base loses ─► differences ◄──┘ new frames
//! ```
//!
//! What is read grows with the change, not with the disk. The digest is that of the same content
//! published anew: a version does not know how it came to be. It does not read an overlay's own
//! format: the caller brings the map.

mod differences;
mod layers;
mod likeness;
mod packing;

use self::layers::Layers;
use crate::{
    gather::{Cut, Gather},
    leaf::{self, Place},
    limits::{FRAME_LEAVES_MAX, LEAF_SIZE},
    manifest::Manifest,
    progress::{Progress, Stage},
    publish::PublishError,
    scan,
    spool::Spool,
};
use diecast_domain::{digest::Digest, units::ByteCount};
use std::{
    collections::{HashMap, HashSet},
    ops::Range,
    path::PathBuf,
    sync::Mutex,
};
use tokio_util::sync::CancellationToken;

/// A disk of a working copy: what its overlay says differs from the base version's plain file.
#[derive(Clone, Debug)]
pub struct ChangedDisk {
    /// What it is called in the version: `disk0`.
    pub name: String,
    /// The plain file of the base version's disk of that name. If it has none, this is not read, and
    /// what no extent covers is zero.
    pub base: PathBuf,
    /// The files that the extents are in.
    pub overlays: Vec<PathBuf>,
    /// What the guest sees: it may have grown beyond the base's.
    pub size: ByteCount,
    /// In any order, and none over another.
    pub extents: Vec<Extent>,
}

/// A span of the disk that the overlay answers for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    pub start: u64,
    pub length: u64,
    /// Where the bytes lie, as they are; none if they are zeroes.
    pub at: Option<At>,
}

/// A place in one of a disk's overlays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// Which of them.
    pub overlay: usize,
    pub offset: u64,
}

#[derive(Clone, Debug, Default)]
pub struct ChangesInput {
    /// All disks that the new version is to have, in the machine's order.
    pub disks: Vec<ChangedDisk>,
    pub nvram: Option<Vec<u8>>,
    /// The hardware profile in canonical JSON. Here it is only bytes.
    pub profile: Vec<u8>,
}

/// A version as derived from its base. If nothing changed, its digest is the base's.
#[derive(Debug)]
pub struct Derived {
    pub manifest: Manifest,
    /// Data of the leaves that are nowhere in the base, each once.
    pub new_bytes: ByteCount,
    /// What they take on the wire to who has no difference's window.
    pub new_packed: ByteCount,
    /// What they take to a holder of the base.
    pub new_differing: ByteCount,
}

/// Reads what the overlays changed into a manifest; the compressed frames of what is new go into
/// `spool`, and are on the disk when this returns. Blocks: call it from a thread that may. Holding
/// overlays and base still is the caller's part.
///
/// Should the spool be lost before the version's plain files are made, it can be done again: the digest
/// is the same, though the frames may be others. Filled by that manifest, the files serve either.
pub fn publish_changes(
    base: &Manifest,
    input: ChangesInput,
    spool: &Spool,
    progress: &Progress,
    cancel: &CancellationToken,
) -> Result<Derived, PublishError> {
    let layers = input.disks.iter().map(|disk| Layers::open(base, disk)).collect::<Result<Vec<_>, _>>()?;
    progress.begin(Stage::Publishing, layers.iter().map(Layers::touched_bytes).sum());

    let old_names = base.by_name();
    let met = Mutex::new(HashSet::new());
    let walk = Mutex::new(blocks(&layers));
    let next = || Ok(walk.lock().expect("no worker panics while it holds the walk").next());
    let worker = |_| {
        let gather = Gather::new(spool, Cut::beside(base.level())).map_err(PublishError::Compress)?;
        let (leaf, spare) = (vec![0; LEAF_SIZE], vec![0; LEAF_SIZE]);
        Ok::<_, PublishError>(Worker { gather, leaf, spare, leaves: Vec::new(), new_bytes: 0 })
    };
    let mut workers = (0..scan::workers()).map(worker).collect::<Result<Vec<_>, _>>()?;
    scan::in_parallel(cancel, &mut workers, next, |worker, (disk, leaves): (usize, Range<u32>)| {
        worker.take(disk, &layers[disk], leaves, &old_names, &met, progress)
    })?;

    let mut leaves: Vec<(Place, Digest)> = Vec::new();
    let mut new_bytes = 0;
    let mut frames = Vec::new();
    for worker in workers {
        leaves.extend(worker.leaves);
        new_bytes += worker.new_bytes;
        frames.append(&mut worker.gather.end()?);
    }
    for (disk, layers) in (0_u16..).zip(&layers) {
        leaves.extend(layers.untouched().map(|(leaf, name)| (Place { disk, leaf }, *name)));
    }
    let mut kept = vec![false; base.ordinals() as usize];
    for ordinal in leaves.iter().filter_map(|(_, name)| old_names.get(name)) {
        kept[*ordinal as usize] = true;
    }
    let made = differences::make(base, &input.disks, &kept, &frames, spool, progress, cancel)?;
    fail::fail_point!("transfer::before-spool-sync");
    spool.sync().map_err(PublishError::Spool)?;

    let new_packed = frames.iter().map(|packed| u64::from(packed.length)).sum::<u64>();
    let disks = input.disks.into_iter().map(|disk| (disk.name, disk.size)).collect();
    let packing = |ordinals: &HashMap<Digest, u32>| packing::derive(base, &frames, &made, ordinals);
    let manifest = Manifest::build(disks, leaves, input.nvram, input.profile, packing);
    let manifest = manifest.map_err(PublishError::Manifest)?;
    let new_packed = ByteCount(new_packed);
    Ok(Derived {
        new_bytes: ByteCount(new_bytes),
        new_differing: new_packed.saturating_sub(manifest.difference_saving()),
        new_packed,
        manifest,
    })
}

/// Touched leaves, disk after disk, up to 16 that follow each other at a time.
fn blocks<'a>(layers: &'a [Layers<'_>]) -> impl Iterator<Item = (usize, Range<u32>)> + 'a {
    let of_disk = |(disk, layers): (usize, &'a Layers<'_>)| {
        let cut = move |span: &'a Range<u32>| {
            let starts = span.clone().step_by(FRAME_LEAVES_MAX);
            starts.map(move |start| (disk, start..span.end.min(start + FRAME_LEAVES_MAX as u32)))
        };
        layers.touched().iter().flat_map(cut)
    };
    layers.iter().enumerate().flat_map(of_disk)
}

struct Worker<'a> {
    gather: Gather<'a>,
    leaf: Vec<u8>,
    /// For a leaf of the base that is only partly covered.
    spare: Vec<u8>,
    leaves: Vec<(Place, Digest)>,
    new_bytes: u64,
}

impl Worker<'_> {
    fn take(
        &mut self,
        disk: usize,
        layers: &Layers<'_>,
        leaves: Range<u32>,
        old_names: &HashMap<Digest, u32>,
        met: &Mutex<HashSet<Digest>>,
        progress: &Progress,
    ) -> Result<(), PublishError> {
        for number in leaves {
            // What was given back, or never written: much of a disk that was trimmed, and nothing to read.
            if layers.is_hole(number) {
                progress.add_done(layers.leaf_length(number) as u64);
                continue;
            }
            let bytes = &mut self.leaf[..layers.leaf_length(number)];
            layers.read(number, bytes, &mut self.spare)?;
            progress.add_done(bytes.len() as u64);
            if leaf::is_zero(bytes) {
                continue;
            }
            let name = leaf::digest_of(bytes);
            self.leaves.push((Place { disk: disk as u16, leaf: number }, name));
            if old_names.contains_key(&name) || !met.lock().expect("inserting does not panic").insert(name) {
                continue;
            }
            self.new_bytes += bytes.len() as u64;
            self.gather.add(name, bytes)?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "changes_tests.rs"]
mod tests;
