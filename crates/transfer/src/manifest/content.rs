//! What a version is: its disks leaf by leaf, its NVRAM and its profile. The root names it all.

use super::{BadManifest, codec::Reader, page::Page};
use crate::{
    leaf::{self, Place},
    limits::{DISK_BYTES_MAX, DISK_NAME_MAX, DISKS_MAX, LEAF_SIZE, NVRAM_MAX, PAGE_LEAVES, PROFILE_MAX},
};
use diecast_domain::{digest::Digest, units::ByteCount};
use std::collections::HashSet;

const ROOT_MAGIC: &[u8; 8] = b"DCROOT01";
/// Stands in the root for a page that holds nothing but zeroes.
const ZERO_PAGE: Digest = Digest::from_bytes([0; 32]);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) disks: Vec<Disk>,
    pub(super) nvram: Option<NvramName>,
    pub(super) profile: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NvramName {
    pub(super) length: u32,
    pub(super) digest: Digest,
}

/// One disk of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    name: String,
    size: ByteCount,
    pages: Vec<Option<Page>>,
}

impl Disk {
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its file is called in a version's directory.
    pub fn file_name(&self) -> String {
        format!("{}.raw", self.name)
    }

    /// What the guest sees.
    pub const fn size(&self) -> ByteCount {
        self.size
    }

    /// The name of a leaf; none if it is zero or past the end.
    pub fn leaf(&self, leaf: u32) -> Option<&Digest> {
        let index = leaf as usize;
        self.pages.get(index / PAGE_LEAVES)?.as_ref()?.get(index % PAGE_LEAVES)
    }

    /// Bytes of leaf number `leaf`: 64 KiB, or less at the end of the disk.
    pub fn leaf_length(&self, leaf: u32) -> usize {
        leaf::length(self.size.0, leaf)
    }

    /// The leaves that are not zero, in the order of the disk.
    pub fn leaves(&self) -> impl Iterator<Item = (u32, &Digest)> {
        self.pages.iter().enumerate().flat_map(|(page, leaves)| {
            let first = (page * PAGE_LEAVES) as u32;
            leaves.iter().flat_map(Page::iter).map(move |(index, digest)| (first + index as u32, digest))
        })
    }

    /// The numbers of those in `range`.
    pub fn leaves_in(&self, range: std::ops::Range<u32>) -> impl Iterator<Item = u32> {
        range.filter(|leaf| self.leaf(*leaf).is_some())
    }

    pub(super) fn stored_pages(&self) -> impl Iterator<Item = &Page> {
        self.pages.iter().flatten()
    }
}

impl Content {
    /// Of the names of all leaves that are not zero, in any order.
    pub(super) fn build(
        disks: Vec<(String, ByteCount)>,
        mut leaves: Vec<(Place, Digest)>,
        nvram: Option<&[u8]>,
        profile: Vec<u8>,
    ) -> Result<Self, BadManifest> {
        check_disks(&disks)?;
        limit("the profile", profile.len(), PROFILE_MAX)?;
        limit("the NVRAM", nvram.map_or(0, <[u8]>::len), NVRAM_MAX)?;
        leaves.sort_unstable_by_key(|(place, _)| *place);
        let disks = disks.into_iter().enumerate().map(|(number, (name, size))| {
            let from = leaves.partition_point(|(place, _)| usize::from(place.disk) < number);
            let to = leaves.partition_point(|(place, _)| usize::from(place.disk) <= number);
            Disk { name, size, pages: pages(size, &leaves[from..to]) }
        });
        let nvram = nvram
            .filter(|bytes| !bytes.is_empty())
            .map(|bytes| NvramName { length: bytes.len() as u32, digest: leaf::digest_of(bytes) });
        Ok(Self { disks: disks.collect(), nvram, profile })
    }

    /// The root: its BLAKE3 is the version's digest.
    pub(super) fn root(&self) -> Vec<u8> {
        let mut out = ROOT_MAGIC.to_vec();
        out.extend((self.disks.len() as u16).to_le_bytes());
        for disk in &self.disks {
            out.push(disk.name.len() as u8);
            out.extend(disk.name.as_bytes());
            out.extend(disk.size.0.to_le_bytes());
            for page in &disk.pages {
                out.extend(page.as_ref().map_or(ZERO_PAGE, Page::digest).as_bytes());
            }
        }
        out.extend(self.nvram.map_or(0, |nvram| nvram.length).to_le_bytes());
        if let Some(nvram) = self.nvram {
            out.extend(nvram.digest.as_bytes());
        }
        out.extend((self.profile.len() as u32).to_le_bytes());
        out.extend(&self.profile);
        out
    }

    /// Reads a root, and then each page that it names from `pages`.
    pub(super) fn decode(root: &[u8], pages: &mut Reader<'_>) -> Result<Self, BadManifest> {
        let mut from = Reader::new(root);
        from.magic(ROOT_MAGIC, "the root")?;
        let count = usize::from(from.u16("the number of disks")?);
        limit("the number of disks", count, DISKS_MAX)?;
        let mut named = Vec::with_capacity(count);
        let mut page_names = Vec::with_capacity(count);
        for _ in 0..count {
            let length = from.u8("a disk's name")?.into();
            let name = std::str::from_utf8(from.take(length, "a disk's name")?)
                .map_err(|_| BadManifest::DiskName { name: "not text".to_owned() })?;
            let size = from.u64("a disk's size")?;
            if size > DISK_BYTES_MAX {
                let what = "the size of a disk";
                return Err(BadManifest::TooLarge { what, found: size, max: DISK_BYTES_MAX });
            }
            named.push((name.to_owned(), ByteCount(size)));
            let page_count = leaf::count(size).div_ceil(PAGE_LEAVES as u64) as usize;
            page_names.push(from.take(page_count * 32, "the names of a disk's pages")?);
        }
        let nvram = match from.count(NVRAM_MAX, "the NVRAM")? as u32 {
            0 => None,
            length => Some(NvramName { length, digest: from.digest("the NVRAM's digest")? }),
        };
        let length = from.count(PROFILE_MAX, "the profile")?;
        let profile = from.take(length, "the profile")?.to_vec();
        from.end("the root")?;
        check_disks(&named)?;

        let mut disks = Vec::with_capacity(count);
        for ((name, size), page_names) in named.into_iter().zip(page_names) {
            let leaves = leaf::count(size.0) as usize;
            let read = |(number, name): (usize, &[u8])| {
                let name = Digest::from_bytes(name.try_into().expect("chunks of 32"));
                let in_page = (leaves - number * PAGE_LEAVES).min(PAGE_LEAVES);
                let zero = name == ZERO_PAGE;
                (!zero).then(|| Page::decode(pages, in_page, &name)).transpose()
            };
            let pages = page_names.chunks_exact(32).enumerate().map(read);
            let disk = Disk { name, size, pages: pages.collect::<Result<_, _>>()? };
            check_no_zero_leaf(&disk)?;
            disks.push(disk);
        }
        Ok(Self { disks, nvram, profile })
    }
}

/// Cuts the leaves of one disk, in rising order, into pages.
fn pages(size: ByteCount, leaves: &[(Place, Digest)]) -> Vec<Option<Page>> {
    let count = leaf::count(size.0) as usize;
    let mut rest = leaves;
    let cut = |first: usize| {
        let end = (first + PAGE_LEAVES).min(count);
        let (here, after) = rest.split_at(rest.partition_point(|(place, _)| (place.leaf as usize) < end));
        rest = after;
        let found: Vec<_> =
            here.iter().map(|(place, digest)| (place.leaf as usize - first, *digest)).collect();
        Page::build(end - first, &found)
    };
    (0..count).step_by(PAGE_LEAVES).map(cut).collect()
}

fn limit(what: &'static str, found: usize, max: usize) -> Result<(), BadManifest> {
    let (found, max) = (found as u64, max as u64);
    if found <= max { Ok(()) } else { Err(BadManifest::TooLarge { what, found, max }) }
}

fn check_disks(disks: &[(String, ByteCount)]) -> Result<(), BadManifest> {
    limit("the number of disks", disks.len(), DISKS_MAX)?;
    let mut seen = HashSet::new();
    for (name, _) in disks {
        // It becomes a file name: no dot, no slash, nothing that a shell or QEMU would interpret.
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let good = (1..=DISK_NAME_MAX).contains(&name.len()) && name.bytes().all(allowed);
        if !good || name.starts_with('-') || !seen.insert(name) {
            return Err(BadManifest::DiskName { name: name.chars().take(80).collect() });
        }
    }
    let total: ByteCount = disks.iter().map(|(_, size)| *size).sum();
    if total.0 > DISK_BYTES_MAX {
        let what = "the size of all disks";
        return Err(BadManifest::TooLarge { what, found: total.0, max: DISK_BYTES_MAX });
    }
    Ok(())
}

/// A zero leaf that is listed instead of marked would give the same bytes a second digest.
fn check_no_zero_leaf(disk: &Disk) -> Result<(), BadManifest> {
    let full = leaf::zero_digest(LEAF_SIZE);
    let last = leaf::count(disk.size.0).saturating_sub(1) as u32;
    let short = leaf::zero_digest(disk.leaf_length(last));
    let zero = |(leaf, digest): (u32, &Digest)| *digest == if leaf == last { short } else { full };
    if disk.leaves().any(zero) {
        return Err(BadManifest::NotCanonical { what: "a leaf of zeroes that is listed" });
    }
    Ok(())
}
