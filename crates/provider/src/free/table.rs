//! Partitions: of a GPT, of an MBR with what is in its extended partition, or the whole disk if it has neither.

use super::GuestDisk;

const SECTOR: u64 = 512;
/// Entries of a GPT that are looked at: tools make 128.
const GPT_ENTRIES_MAX: u64 = 128;
/// Links of an extended partition that are followed.
const LINKS_MAX: u32 = 64;
const EXTENDED: [u8; 3] = [0x05, 0x0f, 0x85];
const PROTECTIVE: u8 = 0xee;
/// What is left out: a partition without room for a file system.
const LENGTH_MIN: u64 = 64 << 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    /// From 1 on; 0 is the disk itself.
    pub number: u32,
    /// In bytes, as is `length`.
    pub start: u64,
    pub length: u64,
}

pub fn partitions(disk: &dyn GuestDisk) -> Vec<Partition> {
    let whole = Partition { number: 0, start: 0, length: disk.size() };
    let Some(sector) = read(disk, 0) else { return Vec::new() };
    let found = match entries(&sector) {
        // A file system that begins the disk may have the same mark at its end, and no entries.
        entries if entries.is_empty() => vec![whole],
        entries if entries.iter().any(|entry| entry.kind == PROTECTIVE) => gpt(disk),
        entries => mbr(disk, &entries),
    };
    let size = disk.size();
    let fits = |part: &Partition| {
        part.length >= LENGTH_MIN && part.start.checked_add(part.length).is_some_and(|end| end <= size)
    };
    found.into_iter().filter(fits).collect()
}

fn read(disk: &dyn GuestDisk, at: u64) -> Option<[u8; SECTOR as usize]> {
    let mut sector = [0; SECTOR as usize];
    disk.read_at(at, &mut sector).ok()?;
    Some(sector)
}

pub fn number(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(length)?)?;
    Some(bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
}

struct Entry {
    place: u32,
    kind: u8,
    start: u64,
    sectors: u64,
}

fn entries(sector: &[u8]) -> Vec<Entry> {
    if sector.get(510..512) != Some(&[0x55, 0xaa]) {
        return Vec::new();
    }
    let entry = |place: u32| {
        let at = 446 + 16 * place as usize;
        let (status, kind) = (*sector.get(at)?, *sector.get(at + 4)?);
        let (start, sectors) = (number(sector, at + 8, 4)?, number(sector, at + 12, 4)?);
        // A boot sector of a file system has code here, and not this.
        (kind != 0 && status & 0x7f == 0 && sectors > 0).then_some(Entry { place, kind, start, sectors })
    };
    (0..4).filter_map(entry).collect()
}

fn mbr(disk: &dyn GuestDisk, entries: &[Entry]) -> Vec<Partition> {
    let part = |number: u32, start: u64, sectors: u64| {
        let (start, length) = (start.saturating_mul(SECTOR), sectors.saturating_mul(SECTOR));
        Partition { number, start, length }
    };
    let mut found = Vec::new();
    for entry in entries {
        if !EXTENDED.contains(&entry.kind) {
            found.push(part(entry.place + 1, entry.start, entry.sectors));
            continue;
        }
        // A chain of tables: each has one partition, told from itself, and the next table, told from the first.
        let mut table = entry.start;
        for link in 0..LINKS_MAX {
            let Some(sector) = read(disk, table.saturating_mul(SECTOR)) else { break };
            let inner = self::entries(&sector);
            if let Some(it) = inner.iter().find(|it| !EXTENDED.contains(&it.kind)) {
                found.push(part(5 + link, table.saturating_add(it.start), it.sectors));
            }
            match inner.iter().find(|it| EXTENDED.contains(&it.kind)) {
                Some(next) => table = entry.start.saturating_add(next.start),
                None => break,
            }
        }
    }
    found
}

fn gpt(disk: &dyn GuestDisk) -> Vec<Partition> {
    let entry = |table: u64, size: u64, index: u64| {
        let mut entry = [0; 48];
        disk.read_at(table.checked_add(index.checked_mul(size)?)?, &mut entry).ok()?;
        let (first, last) = (number(&entry, 32, 8)?, number(&entry, 40, 8)?);
        let used = entry[..16] != [0; 16] && first <= last;
        let length = last.checked_sub(first)?.checked_add(1)?.checked_mul(SECTOR)?;
        let number = u32::try_from(index + 1).ok()?;
        used.then_some(Partition { number, start: first.checked_mul(SECTOR)?, length })
    };
    let Some(header) = read(disk, SECTOR).filter(|header| header.starts_with(b"EFI PART")) else {
        return Vec::new();
    };
    let field = |at, length| number(&header, at, length).unwrap_or_default();
    let (table, count, size) = (field(72, 8).saturating_mul(SECTOR), field(80, 4), field(84, 4));
    (0..count.min(GPT_ENTRIES_MAX)).filter_map(|index| entry(table, size, index)).collect()
}
