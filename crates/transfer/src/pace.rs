//! Pace: bytes that may come or go are taken from buckets that fill at the rate of a limit.
//!
//! ```text
//!   transfer 1 ─ Pace ─┬─► Pacer of its template ─┐
//!   transfer 2 ─ Pace ─┴──────────────────────────┴─► Pacer of the provider ─► the network
//! ```
//!
//! **Promise:** in any time T no more than `rate × T` is taken, beside one slice and a burst.
//! **Promise:** whoever shares a bucket has an equal share of it: of each transfer one slice stands in the
//! line at a time, and the line is first come, first served.
//! **Promise:** a new rate counts from the moment that it is set, for those that wait too.
//!
//! What is asked for under a limit is asked in slices that are taken before they are asked: what never
//! leaves the sender cannot crowd a link on the way. Rates are set from outside; nothing here reads a clock
//! of the day.

mod bucket;

use crate::limits::{
    FRAME_SIZE_MAX, FRAMES_IN_FLIGHT_MAX, PACE_FRAME_TIME, PACE_FRAMES_MIN, PACE_SLICE_MIN, PACE_SLICE_TIME,
};
use bucket::Bucket;
use diecast_domain::units::BytesPerSecond;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};

/// One limit, shared by all whom it holds back.
#[derive(Debug)]
pub struct Pacer {
    bucket: Mutex<Bucket>,
    began: Instant,
    /// Whoever is next.
    turn: tokio::sync::Mutex<()>,
    changed: Notify,
}

impl Default for Pacer {
    fn default() -> Self {
        Self {
            bucket: Mutex::default(),
            began: Instant::now(),
            turn: tokio::sync::Mutex::default(),
            changed: Notify::new(),
        }
    }
}

impl Pacer {
    /// From now on so fast; None: as fast as it goes. The same again changes nothing.
    pub fn set(&self, rate: Option<BytesPerSecond>) {
        if self.bucket().set(rate, self.began.elapsed()) {
            self.changed.notify_waiters();
        }
    }

    pub fn rate(&self) -> Option<BytesPerSecond> {
        self.bucket().rate()
    }

    /// Waits until so many bytes may pass.
    async fn take(&self, bytes: u64) {
        if self.rate().is_none() {
            return;
        }
        let _turn = self.turn.lock().await;
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            let Err(wait) = self.bucket().take(bytes, self.began.elapsed()) else { return };
            tokio::select! {
                () = sleep(wait) => {}
                () = changed => {}
            }
        }
    }

    fn bucket(&self) -> MutexGuard<'_, Bucket> {
        // Each change of it is made whole, so a panic elsewhere spoils nothing here.
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What holds one transfer back: all of its limits. The default is none.
#[derive(Debug, Default)]
pub struct Pace {
    turn: tokio::sync::Mutex<()>,
    by: Vec<Arc<Pacer>>,
}

impl Pace {
    /// Begin with those that fewer share.
    pub fn new(by: Vec<Arc<Pacer>>) -> Self {
        Self { turn: tokio::sync::Mutex::default(), by }
    }

    /// The strictest rate.
    pub fn rate(&self) -> Option<BytesPerSecond> {
        self.by.iter().filter_map(|pacer| pacer.rate()).min()
    }

    pub fn is_limited(&self) -> bool {
        self.rate().is_some()
    }

    /// Waits until so many bytes may pass.
    pub async fn take(&self, bytes: u64) {
        if !self.is_limited() {
            return;
        }
        let _turn = self.turn.lock().await;
        for pacer in &self.by {
            pacer.take(bytes).await;
        }
    }

    /// How much passes at once; None: as much as there is.
    pub fn slice(&self) -> Option<usize> {
        let bytes = self.rate()?.0.saturating_mul(PACE_SLICE_TIME.as_millis() as u64) / 1000;
        Some(usize::try_from(bytes).unwrap_or(usize::MAX).clamp(PACE_SLICE_MIN, FRAME_SIZE_MAX))
    }

    /// Frames that may be on their way at once: each is to arrive before it is given up.
    pub(crate) fn frames_max(&self) -> usize {
        let Some(rate) = self.rate() else { return FRAMES_IN_FLIGHT_MAX };
        let frames = rate.0.saturating_mul(PACE_FRAME_TIME.as_secs()) / FRAME_SIZE_MAX as u64;
        usize::try_from(frames).unwrap_or(usize::MAX).clamp(PACE_FRAMES_MIN, FRAMES_IN_FLIGHT_MAX)
    }
}

#[cfg(test)]
#[path = "pace_tests.rs"]
mod tests;
