//! How many bytes went which way since this process began: counters for who watches from outside.
//!
//! They belong to the process, as its processor time does, and are raised beside the counters of
//! each piece of work ([`crate::progress::Progress`]). Nothing is decided by them.

use diecast_domain::{report::Traffic, units::ByteCount};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

static RECEIVED: AtomicU64 = AtomicU64::new(0);
static SENT: AtomicU64 = AtomicU64::new(0);
static COPIED: AtomicU64 = AtomicU64::new(0);
static HOLES: AtomicU64 = AtomicU64::new(0);
static VERIFIED: AtomicU64 = AtomicU64::new(0);

pub(crate) fn add_received(bytes: u64) {
    RECEIVED.fetch_add(bytes, Relaxed);
}

/// Bytes of a depot's answer.
pub fn add_sent(bytes: u64) {
    SENT.fetch_add(bytes, Relaxed);
}

pub(crate) fn add_copied(bytes: u64) {
    COPIED.fetch_add(bytes, Relaxed);
}

/// What a version that is whole now has of nothing.
pub fn add_holes(bytes: u64) {
    HOLES.fetch_add(bytes, Relaxed);
}

pub(crate) fn add_verified(bytes: u64) {
    VERIFIED.fetch_add(bytes, Relaxed);
}

/// All of them, as a report says them.
pub fn traffic() -> Traffic {
    let read = |counter: &AtomicU64| ByteCount(counter.load(Relaxed));
    Traffic {
        received: read(&RECEIVED),
        sent: read(&SENT),
        copied: read(&COPIED),
        holes: read(&HOLES),
        verified: read(&VERIFIED),
    }
}
