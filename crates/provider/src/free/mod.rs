//! What trimming a disk would spare, without booting anything: leaves that no file of its file systems holds.
//!
//! ```text
//!   disk ─► table.rs  partitions ─► ext4.rs  bitmaps of free blocks ─► leaves that are free as a whole
//! ```
//!
//! Only a hint to people, so it is careful: it understands plain partitions and ext2 to ext4, takes nothing
//! for free that it does not understand, and says where it did not. It reads the file systems' tables alone,
//! a block for each 128 MiB, and believes no number that it reads there: a guest could have written it.

mod disk;
mod ext4;
mod table;

pub use disk::{Changed, GuestDisk, Plain};

use crate::image::qcow2::CLUSTER;
use diecast_domain::trim::{Content, Outcome, PLACES_MAX, Place};
use std::ops::Range;

/// The size of a leaf.
pub const LEAF_BYTES: u64 = CLUSTER;
/// Enough to know what is there: btrfs has its mark at 64 KiB.
const HEAD_BYTES: usize = 68 << 10;

/// What is free on a disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FreeSpace {
    /// Numbers of leaves, in order and apart from each other.
    pub leaves: Vec<Range<u64>>,
    pub places: Vec<Place>,
}

/// Looks at one disk, called `slot`. What cannot be read is not understood.
pub fn look(slot: &str, disk: &dyn GuestDisk) -> FreeSpace {
    let mut found = FreeSpace::default();
    for part in table::partitions(disk).into_iter().take(PLACES_MAX) {
        let (content, free) = free_of(disk, &part);
        let outcome = if free.is_some() { Outcome::Counted } else { Outcome::LeftAlone };
        found.leaves.extend(free.into_iter().flatten());
        found.places.push(Place { disk: slot.to_owned(), partition: part.number, content, outcome });
    }
    found.leaves = merged(found.leaves);
    found
}

fn free_of(disk: &dyn GuestDisk, part: &table::Partition) -> (Content, Option<Vec<Range<u64>>>) {
    let length = usize::try_from(part.length).unwrap_or(usize::MAX).min(HEAD_BYTES);
    let mut head = vec![0; length];
    if disk.read_at(part.start, &mut head).is_err() {
        return (Content::Unknown, None);
    }
    let content = content_of(&head);
    let free = match content {
        Content::Ext4 => ext4::free_blocks(disk, part.start, part.length),
        _ => None,
    };
    (content, free.map(|bytes| whole_leaves(&bytes)))
}

/// The same marks as the helper's `init.sh` looks for.
fn content_of(head: &[u8]) -> Content {
    let at = |offset: usize, mark: &[u8]| head.get(offset..offset + mark.len()) == Some(mark);
    type Places<'a> = &'a [(usize, &'a [u8])];
    let marks: [(Content, Places<'_>); 8] = [
        (Content::Swap, &[(4086, b"SWAPSPACE2")]),
        (Content::Xfs, &[(0, b"XFSB")]),
        (Content::Encrypted, &[(0, b"LUKS\xba\xbe"), (3, b"-FVE-FS-")]),
        (Content::Ntfs, &[(3, b"NTFS    ")]),
        (Content::Lvm, &[(0, b"LABELONE"), (512, b"LABELONE"), (1024, b"LABELONE"), (1536, b"LABELONE")]),
        (Content::Ext4, &[(1080, b"\x53\xef")]),
        (Content::Btrfs, &[(65600, b"_BHRfS_M")]),
        (Content::Vfat, &[(82, b"FAT32"), (54, b"FAT1")]),
    ];
    let found = marks.iter().find(|(_, places)| places.iter().any(|(offset, mark)| at(*offset, mark)));
    let raid = at(4096, b"\xfc\x4e\x2b\xa9");
    found.map_or(if raid { Content::Raid } else { Content::Unknown }, |(content, _)| *content)
}

/// Leaves that lie in the spans of bytes as a whole.
fn whole_leaves(bytes: &[Range<u64>]) -> Vec<Range<u64>> {
    let leaves = bytes.iter().map(|span| span.start.div_ceil(CLUSTER)..span.end / CLUSTER);
    leaves.filter(|leaves| leaves.start < leaves.end).collect()
}

/// In order, and each leaf once, whatever partitions lie over each other.
fn merged(mut leaves: Vec<Range<u64>>) -> Vec<Range<u64>> {
    leaves.sort_unstable_by_key(|span| span.start);
    let mut made: Vec<Range<u64>> = Vec::with_capacity(leaves.len());
    for span in leaves {
        match made.last_mut() {
            Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
            _ => made.push(span),
        }
    }
    made
}

#[cfg(test)]
mod tests;
