//! One disk of a working copy, leaf by leaf: its overlay's bytes, completed from the base version's file.

use super::{At, ChangedDisk, Extent};
use crate::{
    leaf::{self, Place},
    limits::{DISK_BYTES_MAX, LEAF_SIZE},
    manifest::{BadManifest, Disk, Manifest},
    publish::PublishError,
    verify::BadLeaf,
};
use diecast_domain::digest::Digest;
use std::{
    fs::File,
    io::{self, ErrorKind},
    ops::Range,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

pub(super) struct Layers<'a> {
    size: u64,
    below: Option<Below<'a>>,
    overlays: Vec<(File, PathBuf)>,
    /// Rising, none over another, none empty.
    extents: Vec<Extent>,
    /// Leaves that may differ from the base's, rising.
    touched: Vec<Range<u32>>,
}

/// The disk of the base version.
struct Below<'a> {
    version: Digest,
    disk: &'a Disk,
    file: File,
    path: PathBuf,
}

impl<'a> Layers<'a> {
    pub(super) fn open(base: &'a Manifest, changed: &ChangedDisk) -> Result<Self, PublishError> {
        let size = changed.size.0;
        if size > DISK_BYTES_MAX {
            let what = "the size of a disk";
            return Err(PublishError::Manifest(BadManifest::TooLarge {
                what,
                found: size,
                max: DISK_BYTES_MAX,
            }));
        }
        let below = base.disks().iter().find(|disk| disk.name() == changed.name);
        let below = below.map(|disk| {
            let path = changed.base.clone();
            Ok::<_, PublishError>(Below { version: base.digest(), disk, file: open_plain(&path)?, path })
        });
        let below = below.transpose()?;
        let extents = in_order(&changed.extents, size, changed.overlays.len()).map_err(|what| {
            PublishError::Map { overlay: changed.overlays.last().cloned().unwrap_or_default(), what }
        })?;
        let touched = touched(&extents, size, below.as_ref().map(|below| below.disk.size().0));
        let open = |path: &PathBuf| Ok::<_, PublishError>((open_plain(path)?, path.clone()));
        let overlays = changed.overlays.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { size, below, overlays, extents, touched })
    }

    pub(super) fn touched(&self) -> &[Range<u32>] {
        &self.touched
    }

    pub(super) fn touched_bytes(&self) -> u64 {
        let end = |leaf: u32| (u64::from(leaf) * LEAF_SIZE as u64).min(self.size);
        self.touched.iter().map(|span| end(span.end) - end(span.start)).sum()
    }

    pub(super) fn leaf_length(&self, leaf: u32) -> usize {
        leaf::length(self.size, leaf)
    }

    /// The base's leaves that are not touched.
    pub(super) fn untouched(&self) -> impl Iterator<Item = (u32, &Digest)> {
        let mut rest = self.touched.iter().peekable();
        let count = leaf::count(self.size);
        let leaves = self.below.iter().flat_map(|below| below.disk.leaves());
        leaves.filter(move |(leaf, _)| {
            while rest.next_if(|span| span.end <= *leaf).is_some() {}
            let here = rest.peek().is_some_and(|span| span.contains(leaf));
            !here && u64::from(*leaf) < count
        })
    }

    /// The map itself says that the whole of the leaf is zeroes.
    pub(super) fn is_hole(&self, leaf: u32) -> bool {
        let start = Place { disk: 0, leaf }.offset();
        let end = start + self.leaf_length(leaf) as u64;
        let first = self.extents.partition_point(|extent| extent.start + extent.length <= start);
        let covers = |extent: &Extent| {
            extent.at.is_none() && extent.start <= start && extent.start + extent.length >= end
        };
        self.extents.get(first).is_some_and(covers)
    }

    /// Reads a leaf as the guest saw it. `spare` is for a leaf of the base.
    pub(super) fn read(&self, leaf: u32, bytes: &mut [u8], spare: &mut [u8]) -> Result<(), PublishError> {
        let start = Place { disk: 0, leaf }.offset();
        let end = start + bytes.len() as u64;
        let first = self.extents.partition_point(|extent| extent.start + extent.length <= start);
        let here = self.extents[first..].iter().take_while(|extent| extent.start < end);
        let here =
            here.map(|extent| (extent, extent.start.max(start)..(extent.start + extent.length).min(end)));
        let covered: u64 = here.clone().map(|(_, span)| span.end - span.start).sum();
        if covered < bytes.len() as u64 {
            self.read_below(leaf, bytes, spare)?;
        }
        for (extent, span) in here {
            let bytes = &mut bytes[(span.start - start) as usize..(span.end - start) as usize];
            match extent.at {
                None => bytes.fill(0),
                Some(At { overlay, offset }) => {
                    let (file, path) = &self.overlays[overlay];
                    read_padded(file, bytes, offset + (span.start - extent.start)).map_err(failed(path))?;
                }
            }
        }
        Ok(())
    }

    /// The base's leaf, checked, with zeroes after its end.
    fn read_below(&self, leaf: u32, bytes: &mut [u8], spare: &mut [u8]) -> Result<(), PublishError> {
        bytes.fill(0);
        let Some(below) = &self.below else { return Ok(()) };
        let Some(name) = below.disk.leaf(leaf) else { return Ok(()) };
        let whole = &mut spare[..below.disk.leaf_length(leaf)];
        let intact = match below.file.read_exact_at(whole, Place { disk: 0, leaf }.offset()) {
            Ok(()) => leaf::digest_of(whole) == *name,
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => false,
            Err(source) => return Err(failed(&below.path)(source)),
        };
        if !intact {
            let leaf = BadLeaf::new(below.disk.name(), leaf);
            return Err(PublishError::Damaged { version: below.version, leaf });
        }
        let length = whole.len().min(bytes.len());
        bytes[..length].copy_from_slice(&whole[..length]);
        Ok(())
    }
}

/// What an overlay has of its last cluster may end early: a hypervisor reads zeroes there.
fn read_padded(file: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
    let mut done = 0;
    while done < bytes.len() {
        match file.read_at(&mut bytes[done..], at + done as u64) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes[done..].fill(0);
    Ok(())
}

/// The extents, checked: somebody else read them out of a file that a guest could write to.
fn in_order(extents: &[Extent], size: u64, overlays: usize) -> Result<Vec<Extent>, &'static str> {
    let mut extents: Vec<Extent> = extents.iter().copied().filter(|extent| extent.length > 0).collect();
    extents.sort_unstable_by_key(|extent| extent.start);
    let mut end = 0;
    for extent in &extents {
        if extent.start < end {
            return Err("two extents lie over each other");
        }
        let ends = extent.start.checked_add(extent.length).filter(|end| *end <= size);
        end = ends.ok_or("an extent goes beyond the end of the disk")?;
        if extent
            .at
            .is_some_and(|at| at.overlay >= overlays || at.offset.checked_add(extent.length).is_none())
        {
            return Err("an extent lies beyond any file");
        }
    }
    Ok(extents)
}

/// Leaves with an extent, and those that the size makes shorter or longer than the base's.
fn touched(extents: &[Extent], size: u64, below: Option<u64>) -> Vec<Range<u32>> {
    let leaves = |start: u64, end: u64| (start / LEAF_SIZE as u64) as u32..leaf::count(end) as u32;
    let mut found: Vec<Range<u32>> = Vec::new();
    for extent in extents {
        let span = leaves(extent.start, extent.start + extent.length);
        match found.last_mut() {
            Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
            _ => found.push(span),
        }
    }
    let Some(below) = below else { return found };
    // The end of the shorter of the two is in the one leaf whose length may differ.
    let last = (size.min(below) / LEAF_SIZE as u64) as u32;
    let partly = leaf::length(below, last) > 0 && leaf::length(size, last) > 0;
    let differs = partly && leaf::length(size, last) != leaf::length(below, last);
    let at = found.partition_point(|span| span.end <= last);
    if differs && !found.get(at).is_some_and(|span| span.contains(&last)) {
        found.insert(at, last..last + 1);
    }
    found
}

fn open_plain(path: &Path) -> Result<File, PublishError> {
    let file = File::open(path).map_err(failed(path))?;
    if !file.metadata().map_err(failed(path))?.is_file() {
        return Err(PublishError::NotAFile { path: path.to_owned() });
    }
    Ok(file)
}

fn failed(path: &Path) -> impl Fn(io::Error) -> PublishError {
    move |source| PublishError::Read { path: path.to_owned(), source }
}
