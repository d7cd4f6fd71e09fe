//! QEMU's own kind of lock on an image file.
//!
//! QEMU puts a lock of the open file description on one byte for each permission: byte 100 + n says
//! "I use permission n", byte 200 + n "I let nobody else use it". Before it writes, it looks whether
//! anybody holds 200 + write. So whoever holds read locks there keeps QEMU from writing, while
//! readers pass; and whoever finds a lock at 100 + write knows of a writer. (`locking=off` and
//! programs other than QEMU ignore all this: [`super::users`] looks for those.)
#![allow(unsafe_code)]

use std::{
    fs::File,
    io,
    os::fd::AsRawFd,
    path::{Path, PathBuf},
};

const USED: i64 = 100;
const NOT_SHARED: i64 = 200;
/// QEMU's permissions, by their bit (`include/block/block-common.h`).
const CONSISTENT_READ: i64 = 0;
const WRITE: i64 = 1;
const RESIZE: i64 = 3;

/// What is held: reading, while nobody may write or resize.
const HELD: [i64; 3] = [USED + CONSISTENT_READ, NOT_SHARED + WRITE, NOT_SHARED + RESIZE];
/// What nobody else may hold: writing, resizing, or keeping readers out.
const CONFLICTS: [i64; 3] = [USED + WRITE, USED + RESIZE, NOT_SHARED + CONSISTENT_READ];

#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("could not open {path}")]
    Open {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("could not lock {path}")]
    Lock {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{path} is being written by a QEMU process")]
    Writer { path: PathBuf },
}

/// Keeps QEMU from writing a file until dropped.
#[derive(Debug)]
pub struct ImageLock {
    file: File,
}

impl ImageLock {
    /// Locks first and looks second, so that a writer is seen by one of the two in any case.
    pub fn take(path: &Path) -> Result<Self, LockError> {
        let path_buf = || path.to_owned();
        let file = File::open(path).map_err(|source| LockError::Open { path: path_buf(), source })?;
        for byte in HELD {
            let lock = |source| LockError::Lock { path: path_buf(), source };
            if !fcntl(&file, libc::F_OFD_SETLK, libc::F_RDLCK, byte).map_err(lock)? {
                return Err(LockError::Writer { path: path_buf() });
            }
        }
        for byte in CONFLICTS {
            let lock = |source| LockError::Lock { path: path_buf(), source };
            if !fcntl(&file, libc::F_OFD_GETLK, libc::F_WRLCK, byte).map_err(lock)? {
                return Err(LockError::Writer { path: path_buf() });
            }
        }
        Ok(Self { file })
    }

    /// The file as it was locked, for reading.
    pub fn file(&self) -> &File {
        &self.file
    }
}

/// True if the lock was had (or could be); false if somebody else's is in the way.
fn fcntl(file: &File, command: libc::c_int, kind: libc::c_int, byte: i64) -> io::Result<bool> {
    // SAFETY: `flock` is plain data for which all zeroes is a valid value.
    let mut request: libc::flock = unsafe { std::mem::zeroed() };
    request.l_type = kind as libc::c_short;
    request.l_whence = libc::SEEK_SET as libc::c_short;
    request.l_start = byte;
    request.l_len = 1;
    // SAFETY: the descriptor is open for as long as `file` is borrowed, and the kernel reads and
    // writes only the `flock` that is passed, which outlives the call.
    let result = unsafe { libc::fcntl(file.as_raw_fd(), command, &raw mut request) };
    if result == 0 {
        return Ok(command != libc::F_OFD_GETLK || request.l_type == libc::F_UNLCK as libc::c_short);
    }
    match io::Error::last_os_error() {
        error if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EACCES)) => Ok(false),
        error => Err(error),
    }
}
