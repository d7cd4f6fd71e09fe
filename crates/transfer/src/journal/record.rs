//! The bytes of a journal: a header that says of which files it is, then records, each checked together
//! with all that went before it. `docs/format.md` describes them.
//!
//! What does not check ends the journal: it was torn when the process or the power went.

use crate::limits::{DISKS_MAX, JOURNAL_RUNS_MAX};
use diecast_domain::digest::Digest;
use std::{
    fs::Metadata,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    time::UNIX_EPOCH,
};

const MAGIC: &[u8; 8] = b"DCJRNL01";
const CHECK_SIZE: usize = 16;

/// Of all bytes up to here.
pub(crate) type Check = [u8; CHECK_SIZE];

/// A point in time as the file system writes it down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment {
    pub(crate) seconds: i64,
    pub(crate) nanoseconds: u32,
}

impl Moment {
    pub(crate) fn of_writing(found: &Metadata) -> Self {
        let nanoseconds = u32::try_from(found.mtime_nsec()).unwrap_or_default();
        Self { seconds: found.mtime(), nanoseconds }
    }
}

/// What tells a file from any other, for as long as it exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) inode: u64,
    /// Inodes are used again, birthdays are not. Zero where the file system keeps none.
    pub(crate) born: Moment,
    pub(crate) size: u64,
}

impl Identity {
    pub(crate) fn of(found: &Metadata) -> Self {
        let born = found.created().ok().and_then(|born| born.duration_since(UNIX_EPOCH).ok());
        let born = born.unwrap_or_default();
        let seconds = i64::try_from(born.as_secs()).unwrap_or_default();
        let born = Moment { seconds, nanoseconds: born.subsec_nanos() };
        Self { inode: found.ino(), born, size: found.size() }
    }
}

/// Of which version and of which files a journal speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) version: Digest,
    pub(crate) files: Vec<Identity>,
}

/// Leaves that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) disk: u16,
    pub(crate) first: u32,
    pub(crate) count: u32,
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    /// The files were complete: after this nobody wrote to them.
    pub(crate) closed: bool,
    /// When each file had been written to last, before it was flushed.
    pub(crate) written: Vec<Moment>,
    /// What is durable, and no earlier record said.
    pub(crate) runs: Vec<Run>,
}

impl Header {
    pub(crate) fn encode(&self) -> (Vec<u8>, Check) {
        let mut out = MAGIC.to_vec();
        out.extend(self.version.as_bytes());
        out.extend((self.files.len() as u16).to_le_bytes());
        for file in &self.files {
            out.extend(file.inode.to_le_bytes());
            put_moment(&mut out, file.born);
            out.extend(file.size.to_le_bytes());
        }
        checked(out, &Check::default())
    }
}

impl Batch {
    pub(crate) fn encode(&self, before: &Check) -> (Vec<u8>, Check) {
        let mut out = vec![u8::from(self.closed)];
        self.written.iter().for_each(|moment| put_moment(&mut out, *moment));
        out.extend((self.runs.len() as u32).to_le_bytes());
        for run in &self.runs {
            out.extend(run.disk.to_le_bytes());
            out.extend(run.first.to_le_bytes());
            out.extend(run.count.to_le_bytes());
        }
        checked(out, before)
    }
}

fn put_moment(out: &mut Vec<u8>, moment: Moment) {
    out.extend(moment.seconds.to_le_bytes());
    out.extend(moment.nanoseconds.to_le_bytes());
}

fn checked(mut bytes: Vec<u8>, before: &Check) -> (Vec<u8>, Check) {
    let check = check(before, &bytes);
    bytes.extend(check);
    (bytes, check)
}

fn check(before: &Check, bytes: &[u8]) -> Check {
    let hash = blake3::Hasher::new().update(before).update(bytes).finalize();
    let (first, _) = hash.as_bytes().split_first_chunk().expect("a hash has 32 bytes");
    *first
}

/// What the first bytes of a file are.
#[derive(Debug)]
pub(crate) enum Begun<R> {
    /// Nothing, or less than a header.
    Torn,
    /// Something else, or of another release.
    Foreign,
    Journal(Header, Records<R>),
}

/// The records of a journal, one after the other.
#[derive(Debug)]
pub(crate) struct Records<R> {
    from: R,
    disks: usize,
    /// Behind the last whole record.
    pub(crate) offset: u64,
    pub(crate) check: Check,
}

pub(crate) fn begin<R: Read>(from: R) -> io::Result<Begun<R>> {
    let mut part = Part { from, seen: Vec::new() };
    let header = match part.header() {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Begun::Torn),
        header => header?,
    };
    let Some(header) = header else { return Ok(Begun::Foreign) };
    let Part { from, seen } = part;
    let (_, check) = header.encode();
    let disks = header.files.len();
    Ok(Begun::Journal(header, Records { from, disks, offset: seen.len() as u64, check }))
}

impl<R: Read> Records<R> {
    /// The next record; none at the end, which is where the first one is that is not whole.
    pub(crate) fn next(&mut self) -> io::Result<Option<Batch>> {
        let mut part = Part { from: &mut self.from, seen: Vec::new() };
        let batch = match part.batch(self.disks, &self.check) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            batch => batch?,
        };
        let Some((batch, check)) = batch else { return Ok(None) };
        self.offset += part.seen.len() as u64;
        self.check = check;
        Ok(Some(batch))
    }
}

/// Header or record, as far as it was read. Its length is bounded by what it may hold.
struct Part<R> {
    from: R,
    seen: Vec<u8>,
}

impl<R: Read> Part<R> {
    fn header(&mut self) -> io::Result<Option<Header>> {
        if self.array()? != *MAGIC {
            return Ok(None);
        }
        let version = Digest::from_bytes(self.array()?);
        let disks = usize::from(u16::from_le_bytes(self.array()?));
        if disks > DISKS_MAX {
            return Ok(None);
        }
        let files = (0..disks).map(|_| {
            let inode = u64::from_le_bytes(self.array()?);
            Ok(Identity { inode, born: self.moment()?, size: u64::from_le_bytes(self.array()?) })
        });
        let files = files.collect::<io::Result<_>>()?;
        let expected = check(&Check::default(), &self.seen);
        Ok((self.array()? == expected).then_some(Header { version, files }))
    }

    fn batch(&mut self, disks: usize, before: &Check) -> io::Result<Option<(Batch, Check)>> {
        let [kind] = self.array()?;
        let written = (0..disks).map(|_| self.moment()).collect::<io::Result<_>>()?;
        let runs = u32::from_le_bytes(self.array()?) as usize;
        if kind > 1 || runs > JOURNAL_RUNS_MAX {
            return Ok(None);
        }
        let runs = (0..runs).map(|_| {
            let disk = u16::from_le_bytes(self.array()?);
            let first = u32::from_le_bytes(self.array()?);
            Ok(Run { disk, first, count: u32::from_le_bytes(self.array()?) })
        });
        let runs = runs.collect::<io::Result<_>>()?;
        let check = check(before, &self.seen);
        let batch = Batch { closed: kind == 1, written, runs };
        Ok((self.array()? == check).then_some((batch, check)))
    }

    fn moment(&mut self) -> io::Result<Moment> {
        let seconds = i64::from_le_bytes(self.array()?);
        Ok(Moment { seconds, nanoseconds: u32::from_le_bytes(self.array()?) })
    }

    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.from.read_exact(&mut bytes)?;
        self.seen.extend(bytes);
        Ok(bytes)
    }
}
