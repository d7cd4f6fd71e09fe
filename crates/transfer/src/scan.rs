//! Reading the data of sparse files on all processors: holes are skipped, the rest comes in blocks.
//!
//! Workers take the next block from one shared walk, so that reading stays nearly sequential, and
//! each holds one block: memory is bounded by the number of workers.

use crate::{
    direct::Buffer,
    leaf::{self, Place},
    limits::{FRAME_SIZE_MAX, LEAF_SIZE, WORKERS_MAX},
    sys,
};
use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};
use tokio_util::sync::CancellationToken;

/// Bytes read at once.
const BLOCK_SIZE: u64 = FRAME_SIZE_MAX as u64;

/// A disk's file as far as `size`.
pub(crate) struct ScanFile {
    pub(crate) file: File,
    pub(crate) path: PathBuf,
    pub(crate) size: u64,
}

/// Up to 16 leaves that follow each other.
#[derive(Clone, Copy)]
pub(crate) struct Block<'a> {
    pub(crate) disk: usize,
    pub(crate) first_leaf: u32,
    pub(crate) bytes: &'a [u8],
}

impl<'a> Block<'a> {
    pub(crate) fn leaves(self) -> impl Iterator<Item = (u32, &'a [u8])> {
        (self.first_leaf..).zip(self.bytes.chunks(LEAF_SIZE))
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ScanError {
    #[error("could not read {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cancelled")]
    Cancelled,
}

pub(crate) fn workers() -> usize {
    thread::available_parallelism().map_or(1, usize::from).min(WORKERS_MAX)
}

/// Hands every block that holds data to one of `states`, each on a thread of its own.
pub(crate) fn scan<S: Send, E: From<ScanError> + Send>(
    files: &[ScanFile],
    cancel: &CancellationToken,
    states: &mut [S],
    visit: impl Fn(&mut S, Block<'_>) -> Result<(), E> + Sync,
) -> Result<(), E> {
    scan_but(files, &|_| false, cancel, states, visit)
}

/// As [`scan`], of all but what is `known`.
pub(crate) fn scan_but<S: Send, E: From<ScanError> + Send>(
    files: &[ScanFile],
    known: &(dyn Fn(Place) -> bool + Sync),
    cancel: &CancellationToken,
    states: &mut [S],
    visit: impl Fn(&mut S, Block<'_>) -> Result<(), E> + Sync,
) -> Result<(), E> {
    walk(Walk { known, ..Walk::new(files) }, cancel, states, visit, |refused| {
        let Refused { disk, source, .. } = refused;
        Err(ScanError::Read { path: files[disk].path.clone(), source }.into())
    })
}

/// A leaf that the disk refuses to read.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) disk: usize,
    pub(crate) leaf: u32,
    pub(crate) source: io::Error,
}

/// As [`scan`], and goes on around what the disk refuses to read, leaf by leaf, as long as `refused`
/// says so.
pub(crate) fn scan_around<S: Send, E: From<ScanError> + Send>(
    files: &[ScanFile],
    cancel: &CancellationToken,
    states: &mut [S],
    visit: impl Fn(&mut S, Block<'_>) -> Result<(), E> + Sync,
    refused: impl Fn(Refused) -> Result<(), E> + Sync,
) -> Result<(), E> {
    walk(Walk::new(files), cancel, states, visit, refused)
}

fn walk<S: Send, E: From<ScanError> + Send>(
    walk: Walk<'_>,
    cancel: &CancellationToken,
    states: &mut [S],
    visit: impl Fn(&mut S, Block<'_>) -> Result<(), E> + Sync,
    refused: impl Fn(Refused) -> Result<(), E> + Sync,
) -> Result<(), E> {
    let files = walk.files;
    let walk = Mutex::new(walk);
    let next = || Ok(walk.lock().expect("no worker panics while it holds the walk").next()?);
    let mut states: Vec<_> = states.iter_mut().map(|state| (state, Buffer::new(FRAME_SIZE_MAX))).collect();
    in_parallel(cancel, &mut states, next, |(state, buffer), span: Span| {
        let ScanFile { file, path, .. } = &files[span.disk];
        let disk = span.disk;
        let first_leaf = (span.offset / LEAF_SIZE as u64) as u32;
        match buffer.fill(file, span.offset, span.length) {
            Ok(bytes) => visit(state, Block { disk, first_leaf, bytes }),
            Err(source) if is_of_the_disk(&source) => {
                for (leaf, from) in (first_leaf..).zip((0..span.length).step_by(LEAF_SIZE)) {
                    let length = (span.length - from).min(LEAF_SIZE);
                    match buffer.fill(file, Place { disk: 0, leaf }.offset(), length) {
                        Ok(bytes) => visit(state, Block { disk, first_leaf: leaf, bytes })?,
                        Err(source) => refused(Refused { disk, leaf, source })?,
                    }
                }
                Ok(())
            }
            Err(source) => Err(ScanError::Read { path: path.clone(), source }.into()),
        }
    })
}

pub(crate) fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    fail::fail_point!("transfer::read", |_| Err(io::Error::from_raw_os_error(libc::EIO)));
    file.read_exact_at(bytes, offset)
}

/// The medium itself fails, or the file system's own sums do not match: another place may be well.
pub(crate) fn is_of_the_disk(error: &io::Error) -> bool {
    let codes = [libc::EIO, libc::EREMOTEIO, libc::EBADMSG, libc::EUCLEAN, libc::ENODATA, libc::EILSEQ];
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}

/// Hands everything that `next` gives to one of `states`, each on a thread of its own. The first error
/// stops all.
pub(crate) fn in_parallel<S: Send, T, E: From<ScanError> + Send>(
    cancel: &CancellationToken,
    states: &mut [S],
    next: impl Fn() -> Result<Option<T>, E> + Sync,
    take: impl Fn(&mut S, T) -> Result<(), E> + Sync,
) -> Result<(), E> {
    let stop = AtomicBool::new(false);
    let work = |state: &mut S| -> Result<(), E> {
        while !stop.load(Ordering::Relaxed) {
            if cancel.is_cancelled() {
                return Err(ScanError::Cancelled.into());
            }
            let Some(found) = next()? else { break };
            take(state, found)?;
        }
        Ok(())
    };
    let run = |state: &mut S| {
        let done = work(state);
        stop.fetch_or(done.is_err(), Ordering::Relaxed);
        done
    };
    let run = &run;
    thread::scope(|scope| {
        let threads: Vec<_> = states.iter_mut().map(|state| scope.spawn(move || run(state))).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        // All are joined before the first error is returned.
        threads.into_iter().map(join).collect::<Vec<_>>().into_iter().collect()
    })
}

/// Bytes that a scan will read.
pub(crate) fn data_bytes(files: &[ScanFile]) -> Result<u64, ScanError> {
    let mut walk = Walk::new(files);
    let mut total = 0;
    while let Some(span) = walk.next()? {
        total += span.length as u64;
    }
    Ok(total)
}

struct Span {
    disk: usize,
    offset: u64,
    length: usize,
}

/// Goes through the data extents of some files, widened to whole leaves.
struct Walk<'a> {
    files: &'a [ScanFile],
    /// What need not be read.
    known: &'a (dyn Fn(Place) -> bool + Sync),
    disk: usize,
    position: u64,
    extent_end: u64,
}

impl<'a> Walk<'a> {
    fn new(files: &'a [ScanFile]) -> Self {
        Self { files, known: &|_| false, disk: 0, position: 0, extent_end: 0 }
    }

    fn next(&mut self) -> Result<Option<Span>, ScanError> {
        while let Some(ScanFile { file, path, size }) = self.files.get(self.disk) {
            let failed = |source| ScanError::Read { path: path.clone(), source };
            if self.position < self.extent_end {
                let offset = self.position;
                if self.is_known(offset) {
                    self.position += LEAF_SIZE as u64;
                    continue;
                }
                let end = (offset + BLOCK_SIZE).min(self.extent_end);
                while self.position < end && !self.is_known(self.position) {
                    self.position = (self.position + LEAF_SIZE as u64).min(end);
                }
                let length = (self.position - offset) as usize;
                return Ok(Some(Span { disk: self.disk, offset, length }));
            }
            let data = if self.position < *size {
                sys::next_data(file, self.position).map_err(failed)?
            } else {
                None
            };
            match data.filter(|data| data < size) {
                Some(data) => {
                    let hole = sys::next_hole(file, data).map_err(failed)?;
                    self.position = data / LEAF_SIZE as u64 * LEAF_SIZE as u64;
                    self.extent_end = (leaf::count(hole) * LEAF_SIZE as u64).min(*size);
                }
                None => (self.disk, self.position, self.extent_end) = (self.disk + 1, 0, 0),
            }
        }
        Ok(None)
    }

    fn is_known(&self, offset: u64) -> bool {
        (self.known)(Place { disk: self.disk as u16, leaf: (offset / LEAF_SIZE as u64) as u32 })
    }
}
