//! The spool: compressed frames of a version, kept while a distribution is live. Only a cache.
//!
//! One append-only file of records `{magic, length, digest, bytes}`. Opening reads the record
//! headers; a torn tail is cut. Bytes are checked when read, so nothing need be fsynced: whatever a
//! crash spoils is simply not there. Only a derived version's spool is, when it is published: until the
//! first plain file is made, its frames are nowhere else.
//!
//! Large records go past the cache of the kernel: they begin at a block of the disk and are filled up to one with
//! zeroes. So a record follows the one before, or begins at the next block.

use crate::{
    direct::{self, ALIGNMENT},
    leaf,
    limits::FRAME_SIZE_MAX,
    sys,
};
use bytes::Bytes;
use diecast_domain::{digest::Digest, units::ByteCount};
use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

const RECORD_MAGIC: [u8; 4] = *b"DCF1";
/// Magic, length (`u32`, little-endian), digest.
const HEADER_SIZE: usize = 4 + 4 + 32;
/// Bytes of a record that is worth a block of its own and a way of its own to the disk.
const LARGE: usize = 64 << 10;

#[derive(Debug, thiserror::Error)]
#[error("could not {doing} the spool {path}")]
pub struct SpoolError {
    doing: &'static str,
    path: PathBuf,
    #[source]
    source: io::Error,
}

#[derive(Debug)]
pub struct Spool {
    path: PathBuf,
    file: File,
    /// The same past the cache, where the file system can.
    direct: Option<File>,
    sealed: bool,
    index: Mutex<Index>,
    /// Memory for large records, as many as were ever written at once.
    buffers: Mutex<Vec<direct::Buffer>>,
}

#[derive(Debug, Default)]
struct Index {
    /// Offset and length of the bytes of each frame.
    frames: HashMap<Digest, (u64, u32)>,
    end: u64,
}

impl Spool {
    /// Opens the spool at `path`, or makes an empty one.
    pub fn open(path: &Path) -> Result<Self, SpoolError> {
        let failed = |doing| move |source| SpoolError { doing, path: path.to_owned(), source };
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(path);
        let file = file.map_err(failed("open"))?;
        let size = file.metadata().map_err(failed("read"))?.len();
        let index = Index::read(&file, size).map_err(failed("read"))?;
        if index.end < size {
            file.set_len(index.end).map_err(failed("cut the torn end of"))?;
        }
        let direct = sys::open_direct_for_writing(path).ok();
        let (index, buffers) = (Mutex::new(index), Mutex::default());
        Ok(Self { path: path.to_owned(), file, direct, sealed: false, index, buffers })
    }

    /// Gives what it has, and keeps nothing more: there is no room.
    #[must_use]
    pub fn sealed(self) -> Self {
        Self { sealed: true, ..self }
    }

    /// Keeps a frame, unless it was sealed. Keeping it twice changes nothing.
    pub fn append(&self, digest: &Digest, bytes: &[u8]) -> Result<(), SpoolError> {
        let failed = |source| SpoolError { doing: "write", path: self.path.clone(), source };
        let length = u32::try_from(bytes.len()).map_err(|error| failed(io::Error::other(error)))?;
        let size = HEADER_SIZE + bytes.len();
        let is_large = size >= LARGE && bytes.len() <= FRAME_SIZE_MAX;
        let offset = {
            let mut index = self.index();
            if self.sealed || index.frames.contains_key(digest) {
                return Ok(());
            }
            let block = if is_large { ALIGNMENT as u64 } else { 1 };
            let offset = index.end.next_multiple_of(block);
            index.end = (offset + size as u64).next_multiple_of(block);
            offset
        };
        let fill = |record: &mut [u8]| {
            let (magic, rest) = record.split_at_mut(4);
            magic.copy_from_slice(&RECORD_MAGIC);
            let (told, rest) = rest.split_at_mut(4);
            told.copy_from_slice(&length.to_le_bytes());
            let (name, rest) = rest.split_at_mut(32);
            name.copy_from_slice(digest.as_bytes());
            let (content, behind) = rest.split_at_mut(bytes.len());
            content.copy_from_slice(bytes);
            behind.fill(0);
        };
        let written = if is_large {
            let new = || direct::Buffer::new(HEADER_SIZE + FRAME_SIZE_MAX);
            let mut buffer = lock(&self.buffers).pop().unwrap_or_else(new);
            let record = buffer.first(size.next_multiple_of(ALIGNMENT));
            fill(record);
            let written = self.write(record, offset);
            lock(&self.buffers).push(buffer);
            written
        } else {
            let mut record = vec![0; size];
            fill(&mut record);
            self.file.write_all_at(&record, offset)
        };
        written.map_err(failed)?;
        self.index().frames.insert(*digest, (offset + HEADER_SIZE as u64, length));
        Ok(())
    }

    /// Past the cache, if the file system will.
    fn write(&self, record: &[u8], offset: u64) -> io::Result<()> {
        let written = match self.direct.as_ref().map(|direct| direct.write_all_at(record, offset)) {
            // It opened it so, and has blocks of another size.
            Some(Err(error)) if error.kind() == io::ErrorKind::InvalidInput => None,
            written => written,
        };
        written.unwrap_or_else(|| self.file.write_all_at(record, offset))
    }

    /// A frame, if it is here and still has its digest.
    pub fn read(&self, digest: &Digest) -> Result<Option<Bytes>, SpoolError> {
        let Some((offset, length)) = self.index().frames.get(digest).copied() else {
            return Ok(None);
        };
        let mut bytes = vec![0; length as usize];
        match self.file.read_exact_at(&mut bytes, offset) {
            Ok(()) if leaf::digest_of(&bytes) == *digest => Ok(Some(bytes.into())),
            Err(source) if source.kind() != io::ErrorKind::UnexpectedEof => {
                Err(SpoolError { doing: "read", path: self.path.clone(), source })
            }
            _ => {
                self.index().frames.remove(digest);
                Ok(None)
            }
        }
    }

    /// Forces to the disk what was kept. Needed only where nobody else has the frames yet.
    pub(crate) fn sync(&self) -> Result<(), SpoolError> {
        let failed = |source| SpoolError { doing: "flush", path: self.path.clone(), source };
        self.file.sync_all().map_err(failed)
    }

    pub fn contains(&self, digest: &Digest) -> bool {
        self.index().frames.contains_key(digest)
    }

    /// What it takes on the disk.
    pub fn size(&self) -> ByteCount {
        ByteCount(self.index().end)
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        // At worst it lacks a frame that is in the file, which a cache may.
        lock(&self.index)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Index {
    fn read(file: &File, size: u64) -> io::Result<Self> {
        let mut index = Self::default();
        loop {
            let block = index.end.next_multiple_of(ALIGNMENT as u64);
            let next = match record_at(file, index.end, size)? {
                None if block > index.end => record_at(file, block, size)?,
                next => next,
            };
            let Some((digest, offset, length)) = next else { return Ok(index) };
            index.frames.insert(digest, (offset, length));
            index.end = offset + u64::from(length);
        }
    }
}

/// The record that begins there and is whole by its length: its digest, where its bytes begin, and their length.
fn record_at(file: &File, start: u64, size: u64) -> io::Result<Option<(Digest, u64, u32)>> {
    let offset = start + HEADER_SIZE as u64;
    if offset > size {
        return Ok(None);
    }
    let mut header = [0; HEADER_SIZE];
    file.read_exact_at(&mut header, start)?;
    let (magic, rest) = header.split_at(4);
    let (length, digest) = rest.split_at(4);
    let length = u32::from_le_bytes(length.try_into().expect("split at 4"));
    let digest = Digest::from_bytes(digest.try_into().expect("32 bytes are left"));
    let is_whole = magic == RECORD_MAGIC && offset + u64::from(length) <= size;
    Ok(is_whole.then_some((digest, offset, length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_tail_is_cut_and_the_rest_is_still_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("spool");
        let frames = [&b"one"[..], b"two", b"three"].map(|bytes| (leaf::digest_of(bytes), bytes));
        let spool = Spool::open(&path).unwrap();
        for (digest, bytes) in &frames {
            spool.append(digest, bytes).unwrap();
            spool.append(digest, bytes).unwrap();
        }
        let whole = std::fs::read(&path).unwrap();
        assert_eq!(spool.size(), ByteCount(whole.len() as u64));
        for cut in 0..=whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let spool = Spool::open(&path).unwrap();
            let held: Vec<_> = frames.iter().map_while(|(digest, _)| spool.read(digest).unwrap()).collect();
            let (first, second) = (HEADER_SIZE + 3, 2 * (HEADER_SIZE + 3));
            let expected =
                usize::from(cut >= first) + usize::from(cut >= second) + usize::from(cut == whole.len());
            assert_eq!(held.len(), expected, "cut at {cut}");
            spool.append(&frames[2].0, frames[2].1).unwrap();
            assert_eq!(Spool::open(&path).unwrap().read(&frames[2].0).unwrap().unwrap(), "three");
        }
    }

    #[test]
    fn large_frames_begin_at_a_block_and_all_are_found_again_wherever_the_file_is_cut() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("spool");
        let frames = [7, 2 * LARGE, LARGE, 100, FRAME_SIZE_MAX, LARGE - HEADER_SIZE];
        let frames = frames.map(|length| crate::testing::noise(length as u64, length as u64));
        let spool = Spool::open(&path).unwrap();
        let mut ends = Vec::new();
        for frame in &frames {
            let digest = leaf::digest_of(frame);
            spool.append(&digest, frame).unwrap();
            let (offset, length) = spool.index().frames[&digest];
            ends.push(offset + u64::from(length));
            let is_block = (offset - HEADER_SIZE as u64).is_multiple_of(ALIGNMENT as u64);
            assert!(is_block || HEADER_SIZE + frame.len() < LARGE);
        }
        let whole = std::fs::read(&path).unwrap();
        for cut in ends.iter().flat_map(|end| [end - 1, *end, end + 1]) {
            std::fs::write(&path, &whole[..whole.len().min(cut as usize)]).unwrap();
            let spool = Spool::open(&path).unwrap();
            for (frame, end) in frames.iter().zip(&ends) {
                let found = spool.read(&leaf::digest_of(frame)).unwrap();
                assert_eq!(found.is_some(), *end <= cut, "{} cut at {cut}", frame.len());
            }
            let last = &frames[5];
            spool.append(&leaf::digest_of(last), last).unwrap();
            assert_eq!(Spool::open(&path).unwrap().read(&leaf::digest_of(last)).unwrap().unwrap(), last);
        }
    }

    #[test]
    fn a_sealed_spool_gives_what_it_has_and_grows_no_more() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("spool");
        let [one, two] = [b"one", b"two"].map(|bytes| (leaf::digest_of(bytes), bytes));
        Spool::open(&path).unwrap().append(&one.0, one.1).unwrap();
        let spool = Spool::open(&path).unwrap().sealed();
        spool.append(&two.0, two.1).unwrap();
        assert_eq!(spool.read(&one.0).unwrap().unwrap(), "one");
        assert!(!spool.contains(&two.0));
        assert_eq!(std::fs::metadata(&path).unwrap().len(), spool.size().0);
    }

    #[test]
    fn a_spoiled_frame_is_not_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("spool");
        let digest = leaf::digest_of(b"frame");
        let spool = Spool::open(&path).unwrap();
        spool.append(&digest, b"frame").unwrap();
        spool.file.write_all_at(b"F", HEADER_SIZE as u64).unwrap();
        assert_eq!(spool.read(&digest).unwrap(), None);
        spool.append(&digest, b"frame").unwrap();
        assert_eq!(spool.read(&digest).unwrap().unwrap(), "frame");
    }
}
