//! What Linux offers for sparse files and the standard library does not: a few calls, made safe.
//!
//! Sound because every call takes an open file by reference (so its descriptor is valid for the
//! call) or a NUL-terminated path, and the only memory handed over is a struct of this function.
#![allow(unsafe_code)]

use diecast_domain::units::ByteCount;
use std::{
    ffi::CString,
    fs::File,
    io,
    mem::MaybeUninit,
    os::{
        fd::AsRawFd,
        unix::{ffi::OsStrExt, fs::OpenOptionsExt},
    },
    path::Path,
};

/// The first byte of data at or after `from`; none if only a hole follows.
pub(crate) fn next_data(file: &File, from: u64) -> io::Result<Option<u64>> {
    match seek(file, from, libc::SEEK_DATA) {
        Ok(position) => Ok(Some(position)),
        Err(error) if error.raw_os_error() == Some(libc::ENXIO) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The first byte of a hole at or after `from`; the end of the file counts as one.
pub(crate) fn next_hole(file: &File, from: u64) -> io::Result<u64> {
    seek(file, from, libc::SEEK_HOLE)
}

fn seek(file: &File, from: u64, whence: libc::c_int) -> io::Result<u64> {
    let from = i64::try_from(from).map_err(io::Error::other)?;
    // SAFETY: see the head of the file.
    let position = unsafe { libc::lseek64(file.as_raw_fd(), from, whence) };
    u64::try_from(position).map_err(|_| io::Error::last_os_error())
}

/// Forgets the cached pages of a file that is on disk, so that the next read comes from there.
pub(crate) fn drop_cache(file: &File) -> io::Result<()> {
    // SAFETY: see the head of the file.
    match unsafe { libc::posix_fadvise64(file.as_raw_fd(), 0, 0, libc::POSIX_FADV_DONTNEED) } {
        0 => Ok(()),
        code => Err(io::Error::from_raw_os_error(code)),
    }
}

/// Opens a file so that reads come from the disk itself, past what is cached of it; as usual where the
/// file system cannot.
pub(crate) fn open_direct(path: &Path) -> io::Result<File> {
    let direct = File::options().read(true).custom_flags(libc::O_DIRECT).open(path);
    direct.or_else(|_| {
        let file = File::open(path)?;
        drop_cache(&file)?;
        Ok(file)
    })
}

/// Opens a file that is there so that writes go to the disk itself, past what is cached of it.
pub(crate) fn open_direct_for_writing(path: &Path) -> io::Result<File> {
    File::options().write(true).custom_flags(libc::O_DIRECT).open(path)
}

/// Lets the calling thread's reads wait for everybody else's, where the scheduler of the disk knows how.
pub(crate) fn lowest_io_priority() {
    const IOPRIO_WHO_PROCESS: libc::c_int = 1;
    const IOPRIO_CLASS_IDLE: libc::c_int = 3;
    const IOPRIO_CLASS_SHIFT: libc::c_int = 13;
    // SAFETY: the call takes three numbers; 0 names the calling thread. A refusal changes nothing.
    unsafe {
        libc::syscall(libc::SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_CLASS_IDLE << IOPRIO_CLASS_SHIFT)
    };
}

/// Makes a range of a file a hole; the size stays.
pub(crate) fn punch_hole(file: &File, offset: u64, length: u64) -> io::Result<()> {
    let mode = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
    let offset = i64::try_from(offset).map_err(io::Error::other)?;
    let length = i64::try_from(length).map_err(io::Error::other)?;
    // SAFETY: see the head of the file.
    match unsafe { libc::fallocate64(file.as_raw_fd(), mode, offset, length) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Lets `to` share the blocks of a range of `from`, where the file system can (reflink).
pub(crate) fn share_blocks(from: &File, to: &File, range: SharedRange) -> io::Result<()> {
    let request = libc::file_clone_range {
        src_fd: from.as_raw_fd().into(),
        src_offset: range.from,
        src_length: range.length,
        dest_offset: range.to,
    };
    // SAFETY: see the head of the file; the kernel only reads `request`.
    match unsafe { libc::ioctl(to.as_raw_fd(), libc::FICLONERANGE, &raw const request) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Lets `to`, an empty file, share all blocks of `from`, where the file system can (reflink).
pub(crate) fn share_all_blocks(from: &File, to: &File) -> io::Result<()> {
    // SAFETY: see the head of the file; the request takes a descriptor, which `from` keeps open.
    match unsafe { libc::ioctl(to.as_raw_fd(), libc::FICLONE, from.as_raw_fd()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

pub(crate) struct SharedRange {
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) length: u64,
}

/// Free space of the file system that holds `path`, as an ordinary user may use it.
pub fn free_space(path: &Path) -> io::Result<ByteCount> {
    let path = CString::new(path.as_os_str().as_bytes()).map_err(io::Error::other)?;
    let mut found = MaybeUninit::<libc::statvfs64>::uninit();
    // SAFETY: `path` ends with NUL; `found` is large enough and read only when the call filled it.
    let found = unsafe {
        if libc::statvfs64(path.as_ptr(), found.as_mut_ptr()) != 0 {
            return Err(io::Error::last_os_error());
        }
        found.assume_init()
    };
    Ok(ByteCount(found.f_bavail.saturating_mul(found.f_frsize)))
}
