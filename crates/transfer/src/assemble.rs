//! The files of a version in the making: opened at their full size, checked, written in place.
//!
//! What an interrupted transfer left is present if its journal says that it is durable, and nothing
//! speaks against the journal; all else is read and compared with the manifest. So nothing that is there
//! is fetched again.

use crate::{
    direct,
    journal::{Claim, Journal, Keeper},
    layout,
    leaf::{self, Place},
    manifest::Manifest,
    present::Present,
    progress::{Progress, Stage},
    scan::{self, Block, ScanError, ScanFile},
    sys,
};
use bytes::Bytes;
use diecast_domain::{
    code::{Code, Problem},
    units::ByteCount,
};
use std::{
    fs::{self, File, OpenOptions, Permissions},
    io,
    ops::Range,
    os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio_util::sync::CancellationToken;

#[derive(Debug, thiserror::Error)]
pub enum AssembleError {
    #[error("could not {doing} {path}")]
    Write {
        doing: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("could not read {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{free} are free where {path} lies, and {floor} must stay free")]
    Floor { path: PathBuf, free: ByteCount, floor: ByteCount },
    #[error("cancelled")]
    Cancelled,
}

impl From<ScanError> for AssembleError {
    fn from(error: ScanError) -> Self {
        match error {
            ScanError::Read { path, source } => Self::Read { path, source },
            ScanError::Cancelled => Self::Cancelled,
        }
    }
}

impl AssembleError {
    /// What the administrator is told; none if it was cancelled, which somebody wanted.
    pub fn problem(&self) -> Option<Problem> {
        Some(match self {
            Self::Write { source, .. } => crate::write_problem(self, Some(source)),
            Self::Read { source, .. } => Problem::new(Code::T0005, format!("the transfer {self}: {source}")),
            Self::Floor { .. } => Problem::new(Code::T0003, format!("the transfer stopped: {self}")),
            Self::Cancelled => return None,
        })
    }
}

/// The disks of one version, open for writing.
#[derive(Debug)]
pub(crate) struct Assembly {
    pub(crate) manifest: Arc<Manifest>,
    dir: PathBuf,
    pub(crate) disks: Vec<(File, PathBuf)>,
    /// The same disks past the cache, where the file system can.
    direct: Vec<Option<File>>,
    floor: ByteCount,
    /// The file system shares blocks between files; found out at the first attempt.
    shares_blocks: AtomicBool,
    /// Writes down what is durable; only of a version that is being filled.
    keeper: Mutex<Option<Keeper>>,
}

impl Assembly {
    /// Opens the files in `dir`, making what is not there, each at its disk's size.
    pub(crate) fn open(manifest: Arc<Manifest>, dir: &Path, floor: ByteCount) -> Result<Self, AssembleError> {
        fs::create_dir_all(dir).map_err(failed("make", dir))?;
        let open = |name: String, size: ByteCount| {
            let path = dir.join(name);
            let file = open_for_writing(&path)?;
            let now = file.metadata().map_err(failed("look at", &path))?.len();
            if now != size.0 {
                file.set_len(size.0).map_err(failed("set the size of", &path))?;
            }
            Ok((file, path))
        };
        let disks = manifest.disks().iter().map(|disk| open(disk.file_name(), disk.size()));
        let disks = disks.collect::<Result<Vec<_>, AssembleError>>()?;
        let direct = disks.iter().map(|(_, path)| sys::open_direct_for_writing(path).ok()).collect();
        fail::fail_point!("transfer::after-truncate");
        let shares_blocks = AtomicBool::new(true);
        Ok(Self {
            manifest,
            dir: dir.to_owned(),
            disks,
            direct,
            floor,
            shares_blocks,
            keeper: Mutex::default(),
        })
    }

    /// Opens what is in `dir` and finds out what of it is present: what the journal of an interrupted
    /// transfer says without reading it, the rest by [`Assembly::check`]. A journal is kept from then on.
    pub(crate) fn resume(
        manifest: Arc<Manifest>,
        dir: &Path,
        floor: ByteCount,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<(Self, Present), AssembleError> {
        // A journal that cannot be had costs only time.
        let mut journal = Journal::open(dir, cancel).unwrap_or_else(|error| {
            tracing::debug!(error = &error as &dyn std::error::Error, "there is no journal");
            None
        });
        // Before the files are touched: opening them makes what is not there.
        let claim = journal.as_mut().map_or(Claim::Nothing, |journal| journal.claim(&manifest, dir));
        let claimed = match claim {
            Claim::Leaves(claimed) => claimed,
            Claim::Nothing => Present::none(&manifest),
            Claim::Refused(disbelief) => {
                progress.notice(disbelief.problem(&manifest.digest()));
                Present::none(&manifest)
            }
        };
        let recorded = claimed.words();
        let assembly = Self::open(manifest, dir, floor)?;
        let bytes = assembly.bytes_of(&claimed);
        progress.add_done(bytes);
        progress.add_local(bytes);
        let present = assembly.check_but(claimed, progress, cancel)?;
        let keeper = journal
            .map(|journal| Keeper::start(journal, &assembly.manifest, &assembly.disks, &present, recorded));
        match keeper.transpose() {
            Ok(keeper) => *assembly.keeper() = keeper,
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "no journal is kept");
            }
        }
        Ok((assembly, present))
    }

    fn bytes_of(&self, present: &Present) -> u64 {
        self.manifest.data_bytes().0 - present.missing_bytes(&self.manifest)
    }

    /// Compares all data that is there with the manifest: what matches is present, and what should
    /// be zero becomes a hole.
    pub(crate) fn check(
        &self,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<Present, AssembleError> {
        self.check_but(Present::none(&self.manifest), progress, cancel)
    }

    /// The same without what is present already.
    fn check_but(
        &self,
        present: Present,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<Present, AssembleError> {
        progress.enter(Stage::Checking);
        // As it is now: what this finds is not to be looked at twice either way.
        let known = present.words();
        let known = |place: Place| {
            let word = known[usize::from(place.disk)][place.leaf as usize / 64];
            word & 1 << (place.leaf % 64) != 0
        };
        let files = self.manifest.disks().iter().zip(&self.disks).map(|(disk, (_, path))| {
            let file = sys::open_direct(path)
                .map_err(|source| AssembleError::Read { path: path.clone(), source })?;
            Ok(ScanFile { file, path: path.clone(), size: disk.size().0 })
        });
        let files = files.collect::<Result<Vec<_>, AssembleError>>()?;
        let mut workers = vec![(); scan::workers()];
        scan::scan_but(&files, &known, cancel, &mut workers, |(), block: Block<'_>| {
            progress.add_reread(block.bytes.len() as u64);
            for (number, bytes) in block.leaves() {
                let place = Place { disk: block.disk as u16, leaf: number };
                match self.manifest.disks()[block.disk].leaf(number) {
                    Some(name) if leaf::digest_of(bytes) == *name => {
                        present.set(place);
                        progress.add_done(bytes.len() as u64);
                        progress.add_local(bytes.len() as u64);
                    }
                    Some(_) => {}
                    None if leaf::is_zero(bytes) => {}
                    None => self.clear(place)?,
                }
            }
            Ok::<_, AssembleError>(())
        })?;
        Ok(present)
    }

    /// Makes a leaf zero, as a hole where the file system can.
    pub(crate) fn clear(&self, place: Place) -> Result<(), AssembleError> {
        let (file, path) = &self.disks[usize::from(place.disk)];
        let length = self.manifest.disks()[usize::from(place.disk)].leaf_length(place.leaf);
        sys::punch_hole(file, place.offset(), length as u64)
            .or_else(|_| file.write_all_at(&vec![0; length], place.offset()))
            .map_err(failed("clear a part of", path))
    }

    /// Writes leaves that arrived together wherever they are missing.
    pub(crate) fn place_together(
        &self,
        ordinals: &[u32],
        leaves: &Bytes,
        present: &Present,
        progress: &Progress,
    ) -> Result<(), AssembleError> {
        self.check_floor(leaves.len())?;
        let mut missing = Vec::with_capacity(ordinals.len());
        let mut offset = 0;
        for ordinal in ordinals {
            let end = offset + self.manifest.leaf_length(*ordinal);
            let places = self.manifest.places(*ordinal).iter().filter(|place| !present.has(**place));
            missing.extend(places.map(|place| (*place, offset..end)));
            offset = end;
        }
        // Leaves that are neighbours in the frame and on the disk are written in one go: most are,
        // and each write takes the file's lock.
        missing.sort_unstable_by_key(|(place, _)| *place);
        let follows = |one: &(Place, Range<usize>), next: &(Place, Range<usize>)| {
            one.0.disk == next.0.disk && one.0.leaf + 1 == next.0.leaf && one.1.end == next.1.start
        };
        for run in missing.chunk_by(follows) {
            let (first, last) = (&run[0], &run[run.len() - 1]);
            let bytes = &leaves[first.1.start..last.1.end];
            self.write(bytes, first.0)?;
            run.iter().for_each(|(place, _)| present.set(*place));
            progress.add_done(bytes.len() as u64);
        }
        fail::fail_point!("transfer::after-frame");
        Ok(())
    }

    /// Past the cache where that can be: it costs no copy, and leaves the cache to the guests.
    fn write(&self, bytes: &[u8], at: Place) -> Result<(), AssembleError> {
        let (file, path) = &self.disks[usize::from(at.disk)];
        let direct = self.direct[usize::from(at.disk)].as_ref().filter(|_| direct::is_aligned(bytes));
        let written = match direct.map(|direct| direct.write_all_at(bytes, at.offset())) {
            // A file system that opened it so, and has blocks of another size.
            Some(Err(error)) if error.kind() == io::ErrorKind::InvalidInput => None,
            written => written,
        };
        written.unwrap_or_else(|| file.write_all_at(bytes, at.offset())).map_err(failed("write to", path))
    }

    /// Writes one leaf wherever it is missing. `origin` is the file that it was read from, and where:
    /// its blocks are shared rather than written again, where the file system can.
    pub(crate) fn place(
        &self,
        ordinal: u32,
        bytes: &[u8],
        origin: (&File, u64),
        present: &Present,
        progress: &Progress,
    ) -> Result<(), AssembleError> {
        for place in self.manifest.places(ordinal).iter().filter(|place| !present.has(**place)) {
            let (file, path) = &self.disks[usize::from(place.disk)];
            if !self.share(origin, file, place.offset(), bytes.len()) {
                self.check_floor(bytes.len())?;
                let written = file.write_all_at(bytes, place.offset());
                written.map_err(failed("write to", path))?;
            }
            present.set(*place);
            progress.add_done(bytes.len() as u64);
        }
        fail::fail_point!("transfer::after-leaf");
        Ok(())
    }

    fn share(&self, (from, offset): (&File, u64), file: &File, to: u64, length: usize) -> bool {
        if !self.shares_blocks.load(Ordering::Relaxed) {
            return false;
        }
        let range = sys::SharedRange { from: offset, to, length: length as u64 };
        let shared = sys::share_blocks(from, file, range).is_ok();
        // A short last leaf cannot be shared anywhere but at an end; that says nothing of the rest.
        if !shared && length == crate::limits::LEAF_SIZE {
            self.shares_blocks.store(false, Ordering::Relaxed);
        }
        shared
    }

    /// Refuses to write where less than the floor would stay free.
    pub(crate) fn check_floor(&self, length: usize) -> Result<(), AssembleError> {
        let path = &self.dir;
        let free = sys::free_space(path).map_err(failed("look at the space of", path))?;
        if free.saturating_sub(ByteCount(length as u64)) >= self.floor {
            return Ok(());
        }
        Err(AssembleError::Floor { path: path.clone(), free, floor: self.floor })
    }

    pub(crate) fn disk(&self, number: u16) -> &File {
        &self.disks[usize::from(number)].0
    }

    /// Writes what is small, and forces all to the disk. From then on the journal speaks for every leaf.
    pub(crate) fn finish(&self) -> Result<(), AssembleError> {
        write_small_files(&self.manifest, &self.dir)?;
        fail::fail_point!("transfer::before-sync");
        let flushing = || failed("flush", &self.dir);
        let book = self.keeper().take().map(Keeper::stop).transpose().map_err(flushing())?;
        for (file, path) in &self.disks {
            file.sync_data().map_err(failed("flush", path))?;
        }
        fail::fail_point!("transfer::after-sync");
        book.map_or(Ok(()), |mut book| book.record(true)).map_err(flushing())
    }

    /// The transfer ends before it is complete: writes down what is durable.
    pub(crate) fn pause(&self) -> Result<(), AssembleError> {
        let Some(keeper) = self.keeper().take() else { return Ok(()) };
        let paused = keeper.stop().and_then(|mut book| book.record(false));
        paused.map_err(failed("flush", &self.dir))
    }

    fn keeper(&self) -> MutexGuard<'_, Option<Keeper>> {
        // It is only ever replaced.
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What stands in a version's directory beside its disks: profile and NVRAM, out of the manifest.
pub fn write_small_files(manifest: &Manifest, dir: &Path) -> Result<(), AssembleError> {
    let small = [(layout::PROFILE_FILE, Some(manifest.profile())), (layout::NVRAM_FILE, manifest.nvram())];
    for (name, bytes) in small {
        let path = dir.join(name);
        let Some(bytes) = bytes else { continue };
        let file = open_for_writing(&path)?;
        file.set_len(bytes.len() as u64).map_err(failed("set the size of", &path))?;
        file.write_all_at(bytes, 0).map_err(failed("write to", &path))?;
        file.sync_data().map_err(failed("flush", &path))?;
    }
    Ok(())
}

/// Opens a file for reading and writing in place, also one that a verified version marked
/// read-only; it stays so marked for everybody else.
fn open_for_writing(path: &Path) -> Result<File, AssembleError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let read_only = fs::metadata(path).map_err(failed("open", path))?.permissions();
            fs::set_permissions(path, Permissions::from_mode(0o644)).map_err(failed("open", path))?;
            let file = options.open(path).map_err(failed("open", path));
            fs::set_permissions(path, read_only).map_err(failed("close", path))?;
            file
        }
        opened => opened.map_err(failed("open", path)),
    }
}

pub(crate) fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> AssembleError {
    move |source| AssembleError::Write { doing, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_from_a_broken_one() {
        let code = |errno| {
            let source = io::Error::from_raw_os_error(errno);
            let error = failed("write to", Path::new("/pool/disk0.raw"))(source);
            error.problem().unwrap()
        };
        assert_eq!(code(libc::ENOSPC).code, Code::T0003);
        assert_eq!(code(libc::EDQUOT).code, Code::T0003);
        assert_eq!(code(libc::EIO).code, Code::T0004);
        assert_eq!(
            code(libc::EIO).cause,
            "the transfer could not write to /pool/disk0.raw: Input/output error (os error 5)"
        );
    }
}
