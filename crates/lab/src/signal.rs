//! Sending a signal, the one thing here that the standard library cannot do.
//!
//! Sound: `kill(2)` takes two integers and touches no memory of this process.
#![allow(unsafe_code)]

/// Sends `signal` to `pid`. A process that is gone already is no error.
pub(crate) fn send(pid: u32, signal: i32) {
    // 0 and negative numbers would mean whole groups of processes.
    if let Ok(pid @ 1..) = i32::try_from(pid) {
        unsafe { libc::kill(pid, signal) };
    }
}

/// True for the superuser, which namespaces and mounts need.
pub(crate) fn is_root() -> bool {
    unsafe { libc::geteuid() == 0 }
}
