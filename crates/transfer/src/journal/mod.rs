//! The journal of a transfer: which leaves are durable, so that whoever was interrupted reads and
//! hashes none of them again.
//!
//! ```text
//!   leaves are written ──► present ──► every 64 MiB or 2 s: fsync of the disks ──► one record of what is new
//!                                            (keeper.rs, a thread of its own)       (record.rs)
//!   resumed: journal ──► does it fit the files that are there? (belief.rs) ──► present, without reading
//! ```
//!
//! It lies beside the directory that is being filled, `incoming/<hex>.journal`, and is gone before the
//! version has its final name. It is bound to the version and to the very files that it speaks of.
//!
//! It is believed only as long as nothing speaks against it; else it is refused as a whole, and all that
//! is there is read and compared. A lie that nobody can see costs time and never truth: nothing is
//! `Ready` before [`verify`](crate::verify::verify) read every byte, and what that finds wrong is mended.

mod belief;
mod keeper;
pub(crate) mod record;
#[cfg(test)]
mod tests;

pub(crate) use belief::Claim;
pub(crate) use keeper::Keeper;

use self::record::{Batch, Check, Header};
use crate::durable;
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// How often it is tried to take over from a transfer that has been told to end.
const LOCK_LOOK: Duration = Duration::from_millis(50);

/// The journal of the version that is filled in `dir`.
pub fn path(dir: &Path) -> PathBuf {
    dir.with_extension("journal")
}

/// Removes it: what it says is no longer so, or no longer needed. Doing it twice changes nothing.
pub fn discard(dir: &Path) -> io::Result<()> {
    match fs::remove_file(path(dir)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// A journal, open and ours alone.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    path: PathBuf,
    /// Where it goes on; none if it has to begin anew.
    end: Option<End>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub(crate) offset: u64,
    pub(crate) check: Check,
}

impl Journal {
    /// Opens it, and waits for whoever still has it. None if that was not waited for.
    pub(crate) fn open(dir: &Path, cancel: &CancellationToken) -> io::Result<Option<Self>> {
        let path = path(dir);
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(&path)?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(Self { file, path, end: None })),
                Err(TryLockError::WouldBlock) if cancel.is_cancelled() => return Ok(None),
                Err(TryLockError::WouldBlock) => thread::sleep(LOCK_LOOK),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    /// Goes on behind its last whole record, or begins anew, from now on about files that are written to.
    fn begin(&mut self, header: &Header, now: &Batch) -> io::Result<()> {
        if self.end.is_none() {
            self.file.set_len(0)?;
            let (bytes, check) = header.encode();
            self.file.write_all_at(&bytes, 0)?;
            self.end = Some(End { offset: bytes.len() as u64, check });
            self.path.parent().map_or(Ok(()), durable::sync_dir)?;
        }
        self.append(now)
    }

    /// Adds a record, durable when this returns. What could not be written whole is taken back.
    fn append(&mut self, batch: &Batch) -> io::Result<()> {
        let Some(end) = self.end else { return Ok(()) };
        let (bytes, check) = batch.encode(&end.check);
        self.file.set_len(end.offset)?;
        if let Err(error) = self.write(&bytes, end.offset) {
            let _ = self.file.set_len(end.offset);
            return Err(error);
        }
        self.end = Some(End { offset: end.offset + bytes.len() as u64, check });
        Ok(())
    }

    fn write(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        fail::fail_point!("transfer::journal-full", |_| {
            self.file.write_all_at(&bytes[..bytes.len() / 2], offset)?;
            Err(io::Error::from_raw_os_error(libc::ENOSPC))
        });
        fail::fail_point!("transfer::journal-torn", |_| {
            self.file.write_all_at(&bytes[..bytes.len() / 2], offset)?;
            panic!("transfer::journal-torn: half a record is written");
        });
        self.file.write_all_at(bytes, offset)?;
        self.file.sync_data()
    }
}
