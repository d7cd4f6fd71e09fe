//! Scrubbing: a version that was verified is read back slowly, leaf by leaf, from the disk itself.
//!
//! It makes no [`Verified`](crate::verify::Verified): a version that was never verified whole is not made
//! ready by it. What it says is that each byte matched again since it began, or which does not. It may
//! be stopped anywhere and go on from its [`Mark`] in another life.

use crate::{
    direct::Buffer,
    leaf::{self, Place},
    limits::{LEAF_SIZE, SCRUB_SPAN},
    manifest::{Disk, Manifest},
    scan, sys,
    verify::{self, BadLeaf, Damage, VerifyError, failed},
};
use diecast_domain::{digest::Digest, units::ByteCount};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs::File,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

/// How far a scrub is: the next leaf to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mark {
    pub disk: u16,
    pub leaf: u32,
}

/// What was done since the last look.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Up to here every byte matched.
    pub mark: Mark,
    /// Bytes read from the disk just now.
    pub read: u64,
}

/// The proof that each byte of a version was read and matched, from the mark on that the scrub began at.
#[derive(Debug)]
pub struct Scrubbed {
    pub(crate) version: Digest,
    pub(crate) dir: PathBuf,
}

#[derive(Debug)]
pub enum End {
    Whole(Scrubbed),
    Damaged(Damage),
    Stopped(Mark),
}

/// Lets the calling thread's reads wait for everybody else's.
pub fn yield_the_disk() {
    sys::lowest_io_priority();
}

/// Bytes that a scrub reads before it comes to `mark`; holes are not read.
pub fn bytes_before(manifest: &Manifest, mark: Mark) -> ByteCount {
    let of_disk = |(number, disk): (usize, &Disk)| {
        let before = |leaf: u32| (number as u16, leaf) < (mark.disk, mark.leaf);
        let leaves = disk.leaves().filter(|(leaf, _)| before(*leaf));
        ByteCount(leaves.map(|(leaf, _)| disk.leaf_length(leaf) as u64).sum())
    };
    manifest.disks().iter().enumerate().map(of_disk).sum()
}

/// Reads from `from` on, until `pace` breaks it off or a span does not match. Blocks: give it a thread.
pub fn scrub(
    manifest: &Manifest,
    dir: &Path,
    from: Mark,
    mut pace: impl FnMut(Pace) -> ControlFlow<()>,
) -> Result<End, VerifyError> {
    let mut damage = Damage::default();
    let mut buffer = Buffer::new(SCRUB_SPAN);
    for (number, disk) in (0..).zip(manifest.disks()).skip(usize::from(from.disk)) {
        let path = dir.join(disk.file_name());
        let file = sys::open_direct(&path).map_err(failed("open", &path))?;
        let first = if number == from.disk { from.leaf } else { 0 };
        let mut reader = Reader { disk, file, path, buffer: &mut buffer };
        let mut leaf = first;
        while leaf < leaves(disk.size().0) {
            let span = reader.span(leaf, &mut damage)?;
            if !damage.is_empty() {
                return Ok(End::Damaged(damage));
            }
            leaf = span.next;
            let mark = Mark { disk: number, leaf };
            if pace(Pace { mark, read: span.read }).is_break() {
                return Ok(End::Stopped(mark));
            }
        }
    }
    verify::check_small(manifest, dir, &mut damage, &mut BTreeMap::new())?;
    if damage.is_empty() {
        return Ok(End::Whole(Scrubbed { version: manifest.digest(), dir: dir.to_owned() }));
    }
    Ok(End::Damaged(damage))
}

/// One disk that is read.
struct Reader<'a> {
    disk: &'a Disk,
    file: File,
    path: PathBuf,
    buffer: &'a mut Buffer,
}

struct Done {
    next: u32,
    read: u64,
}

impl Reader<'_> {
    /// The next span of data, or all of a hole.
    fn span(&mut self, leaf: u32, damage: &mut Damage) -> Result<Done, VerifyError> {
        let (disk, path) = (self.disk, &self.path);
        let size = disk.size().0;
        let offset = Place { disk: 0, leaf }.offset();
        let data = sys::next_data(&self.file, offset).map_err(failed("read", path))?;
        let data = data.filter(|data| *data < size).unwrap_or(size);
        if data >= size || data / LEAF_SIZE as u64 > u64::from(leaf) {
            let next = if data >= size { leaves(size) } else { (data / LEAF_SIZE as u64) as u32 };
            let lacking = disk.leaves_in(leaf..next).map(|leaf| BadLeaf::new(disk.name(), leaf));
            damage.leaves.extend(lacking);
            return Ok(Done { next, read: 0 });
        }
        let length = (size - offset).min(SCRUB_SPAN as u64) as usize;
        match self.buffer.fill(&self.file, offset, length) {
            Ok(bytes) => {
                for (leaf, bytes) in (leaf..).zip(bytes.chunks(LEAF_SIZE)) {
                    if !verify::matches(disk, leaf, bytes) {
                        damage.leaves.push(BadLeaf::new(disk.name(), leaf));
                    }
                }
            }
            Err(error) if scan::is_of_the_disk(&error) => self.leaf_by_leaf(leaf, length, damage)?,
            Err(error) => return Err(failed("read", path)(error)),
        }
        Ok(Done { next: leaf + leaves(length as u64), read: length as u64 })
    }

    /// Finds out which leaves of a span cannot be read.
    fn leaf_by_leaf(&mut self, first: u32, length: usize, damage: &mut Damage) -> Result<(), VerifyError> {
        for leaf in first..first + leaves(length as u64) {
            let offset = Place { disk: 0, leaf }.offset();
            let bad = BadLeaf::new(self.disk.name(), leaf);
            match self.buffer.fill(&self.file, offset, self.disk.leaf_length(leaf)) {
                Ok(bytes) if verify::matches(self.disk, leaf, bytes) => {}
                Ok(_) => damage.leaves.push(bad),
                Err(error) if scan::is_of_the_disk(&error) => damage.unreadable.push(bad),
                Err(error) => return Err(failed("read", &self.path)(error)),
            }
        }
        Ok(())
    }
}

/// Leaves of so many bytes; a disk has fewer than 2^32.
fn leaves(bytes: u64) -> u32 {
    u32::try_from(leaf::count(bytes)).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[path = "scrub_tests.rs"]
mod tests;
