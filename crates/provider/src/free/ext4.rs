//! Free blocks of ext2, ext3 and ext4, from their bitmaps.
//!
//! A file system with a layout that is not read here, with errors, or with a journal that is still to be
//! replayed, is not understood. A group whose bitmap was never written counts as used: nothing was ever
//! written there either.

use super::{GuestDisk, table::number};
use std::ops::Range;

const SUPER_AT: u64 = 1024;
const SUPER_BYTES: usize = 1024;
const HAS_ERRORS: u64 = 2;
const RECOVER: u64 = 0x4;
const META_BG: u64 = 0x10;
const IS_64BIT: u64 = 0x80;
const JOURNAL_DEVICE: u64 = 0x8;
const BIGALLOC: u64 = 0x200;
/// The bitmap of this group is not there yet.
const BLOCK_UNINIT: u64 = 0x2;
/// 32 TiB in groups of 128 MiB: beyond it a hint is not worth the reading.
const GROUPS_MAX: u64 = 1 << 18;

struct Layout {
    block: u64,
    first: u64,
    blocks: u64,
    per_group: u64,
    groups: u64,
    descriptor: u64,
}

/// Spans of free bytes of the disk, in order. None: it is not understood.
pub fn free_blocks(disk: &dyn GuestDisk, start: u64, length: u64) -> Option<Vec<Range<u64>>> {
    let mut head = [0; SUPER_BYTES];
    disk.read_at(start.checked_add(SUPER_AT)?, &mut head).ok()?;
    let layout = layout(&head, length)?;
    let table = start.checked_add((layout.first + 1).checked_mul(layout.block)?)?;
    let mut free = Vec::new();
    let mut bitmap = vec![0; usize::try_from(layout.block).ok()?];
    for group in 0..layout.groups {
        let mut descriptor = [0; 64];
        let known = usize::try_from(layout.descriptor.min(64)).ok()?;
        let at = table.checked_add(group.checked_mul(layout.descriptor)?)?;
        disk.read_at(at, &mut descriptor[..known]).ok()?;
        if number(&descriptor, 0x12, 2)? & BLOCK_UNINIT != 0 {
            continue;
        }
        let low = number(&descriptor, 0, 4)?;
        let high = if known >= 64 { number(&descriptor, 0x20, 4)? } else { 0 };
        let block = high << 32 | low;
        if block == 0 || block >= layout.blocks {
            return None;
        }
        disk.read_at(start.checked_add(block.checked_mul(layout.block)?)?, &mut bitmap).ok()?;
        let from = layout.first + group * layout.per_group;
        let count = layout.per_group.min(layout.blocks - from);
        spans(&bitmap, count, |bits| {
            let byte = |bit: u64| start + (from + bit) * layout.block;
            free.push(byte(bits.start)..byte(bits.end));
        });
    }
    Some(free)
}

fn layout(head: &[u8], length: u64) -> Option<Layout> {
    let field = |at: usize, length: usize| number(head, at, length);
    let (state, incompatible, compatible_to_read) = (field(0x3a, 2)?, field(0x60, 4)?, field(0x64, 4)?);
    let strange = META_BG | RECOVER | JOURNAL_DEVICE;
    if field(0x38, 2)? != 0xef53 || state & HAS_ERRORS != 0 {
        return None;
    }
    if incompatible & strange != 0 || compatible_to_read & BIGALLOC != 0 {
        return None;
    }
    let wide = incompatible & IS_64BIT != 0;
    let shift = field(0x18, 4).filter(|shift| *shift <= 6)?;
    let block = 1024_u64 << shift;
    let (first, per_group) = (field(0x14, 4)?, field(0x20, 4)?);
    let high = if wide { field(0x150, 4)? } else { 0 };
    let blocks = high << 32 | field(0x4, 4)?;
    let descriptor = if wide { field(0xfe, 2)? } else { 32 };
    let plausible = first <= 1
        && first < blocks
        && blocks.checked_mul(block)? <= length
        && (1..=8 * block).contains(&per_group)
        && (32..=1024).contains(&descriptor);
    let groups = (blocks - first.min(blocks)).div_ceil(per_group.max(1));
    (plausible && groups <= GROUPS_MAX).then_some(Layout {
        block,
        first,
        blocks,
        per_group,
        groups,
        descriptor,
    })
}

/// Runs of zero bits among the first `count`.
fn spans(bitmap: &[u8], count: u64, mut found: impl FnMut(Range<u64>)) {
    let mut begun = None;
    for bit in 0..count {
        let byte = bitmap.get((bit / 8) as usize).copied().unwrap_or(0xff);
        let free = byte >> (bit % 8) & 1 == 0;
        match (free, begun) {
            (true, None) => begun = Some(bit),
            (false, Some(start)) => {
                found(start..bit);
                begun = None;
            }
            _ => (),
        }
    }
    if let Some(start) = begun {
        found(start..count);
    }
}
