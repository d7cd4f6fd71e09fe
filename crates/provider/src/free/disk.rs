//! A disk as its guest sees it, for reading here and there.

use crate::words::{Extent, OverlayDisk};
use std::{fs::File, io, os::unix::fs::FileExt, path::Path};

pub trait GuestDisk {
    fn size(&self) -> u64;
    /// Fails where the disk has ended.
    fn read_at(&self, at: u64, bytes: &mut [u8]) -> io::Result<()>;
}

/// A plain file.
pub struct Plain {
    file: File,
    size: u64,
}

impl Plain {
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        Ok(Self { file, size })
    }
}

impl GuestDisk for Plain {
    fn size(&self) -> u64 {
        self.size
    }
    fn read_at(&self, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(bytes, at)
    }
}

/// A disk of a working copy: its overlays, and the base where they say nothing.
pub struct Changed<'a> {
    overlays: Vec<File>,
    base: Plain,
    disk: &'a OverlayDisk,
}

impl<'a> Changed<'a> {
    pub fn open(disk: &'a OverlayDisk) -> io::Result<Self> {
        let overlays = disk.overlays.iter().map(File::open).collect::<io::Result<Vec<_>>>()?;
        Ok(Self { overlays, base: Plain::open(&disk.base)?, disk })
    }
}

impl GuestDisk for Changed<'_> {
    fn size(&self) -> u64 {
        self.disk.virtual_size.0
    }

    fn read_at(&self, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        let end = at.checked_add(bytes.len() as u64).filter(|end| *end <= self.size());
        let end = end.ok_or(io::ErrorKind::UnexpectedEof)?;
        bytes.fill(0);
        // What the base has of it; the disk may have grown since.
        let length = self.base.size().saturating_sub(at).min(bytes.len() as u64) as usize;
        self.base.read_at(at, &mut bytes[..length])?;
        let extents = &self.disk.extents;
        let first = extents.partition_point(|extent| extent.start + extent.length <= at);
        for extent in extents[first..].iter().take_while(|extent| extent.start < end) {
            let Extent { start, length, at: data } = *extent;
            let (from, to) = (start.max(at), (start + length).min(end));
            let part = &mut bytes[(from - at) as usize..(to - at) as usize];
            match data {
                None => part.fill(0),
                Some(data) => {
                    let file = self.overlays.get(data.overlay).ok_or(io::ErrorKind::InvalidData)?;
                    file.read_exact_at(part, data.offset + (from - start))?;
                }
            }
        }
        Ok(())
    }
}
