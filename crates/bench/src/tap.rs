//! Opening a tap device, a network device whose cable is a file: the one thing here that the standard library
//! cannot do.
//!
//! Sound: both calls get pointers to values that live until they return, of the sizes that they are told.
#![allow(unsafe_code)]

use std::{
    fs::{File, OpenOptions},
    io,
    os::{fd::AsRawFd, unix::fs::OpenOptionsExt},
    time::Duration,
};

/// The device of that name, made if there is none; it goes with the file. Reading and writing never wait.
pub(crate) fn open(name: &str) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC)
        .open("/dev/net/tun")?;
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    if name.len() >= request.ifr_name.len() {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from.cast_signed();
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_TAP | libc::IFF_NO_PI) as libc::c_short;
    if unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF, &raw mut request) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(file)
}

/// Waits until there is something to read, or so long.
pub(crate) fn wait(device: &File, most: Duration) -> io::Result<()> {
    let mut polled = libc::pollfd { fd: device.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let most = i32::try_from(most.as_micros().div_ceil(1000)).unwrap_or(i32::MAX);
    match unsafe { libc::poll(&raw mut polled, 1, most) } {
        0.. => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
