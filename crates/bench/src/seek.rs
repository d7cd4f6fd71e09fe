//! Finding data in a sparse file, the one thing here that the standard library cannot do.
//!
//! Sound: `lseek(2)` takes an open descriptor and two integers and touches no memory of this process.
#![allow(unsafe_code)]

use std::{fs::File, io, os::fd::AsRawFd};

/// Where data begins at or behind a place; none if there is none.
pub(crate) fn data(file: &File, at: u64) -> io::Result<Option<u64>> {
    let at = i64::try_from(at).map_err(io::Error::other)?;
    let found = unsafe { libc::lseek(file.as_raw_fd(), at, libc::SEEK_DATA) };
    if let Ok(found) = u64::try_from(found) {
        return Ok(Some(found));
    }
    match io::Error::last_os_error() {
        error if error.raw_os_error() == Some(libc::ENXIO) => Ok(None),
        error => Err(error),
    }
}
