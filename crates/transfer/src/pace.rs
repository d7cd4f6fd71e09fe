//! Pace: bytes that may come or go are taken from buckets that fill at the rate of a limit.
//!
//! ```text
//!   transfer 1 ─ Pace ─┬─► Pacer of its template ─┐
//!   transfer 2 ─ Pace ─┴──────────────────────────┴─► Pacer of the provider ─► the network
//!                └ from beyond a site link ─► Pacer of our share of it ─┘
//! ```
//!
//! **Promise:** in any time T no more than `rate × T` is taken, beside one slice and a burst.
//! **Promise:** whoever shares a bucket has an equal share of it: each transfer stands in its line once, for the
//! same few bytes as everybody, and then again behind the others.
//! **Promise:** a new rate counts from the moment that it is set, for those that wait too.
//! **Promise:** at a rate of zero nothing passes until it is another one.
//!
//! What is asked for under a limit is asked in slices that are taken before they are asked: what never
//! leaves the sender cannot crowd a link on the way. Rates are set from outside; nothing here reads a clock
//! of the day.

mod bucket;
mod links;

pub use links::LinkPaces;

use crate::limits::{
    FRAME_SIZE_MAX, FRAMES_IN_FLIGHT_MAX, PACE_FRAME_TIME, PACE_FRAMES_MIN, PACE_SLICE_MIN, PACE_SLICE_TIME,
    PACE_STEP_MIN, PACE_STEP_TIME,
};
use bucket::Bucket;
use diecast_domain::units::BytesPerSecond;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
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

    /// Nothing may pass now.
    pub fn is_closed(&self) -> bool {
        self.rate() == Some(BytesPerSecond(0))
    }

    /// Waits until so many bytes may pass.
    pub async fn take(&self, bytes: usize) {
        let _turn = self.turn.lock().await;
        let mut left = bytes;
        while left > 0 && self.is_limited() {
            let step = self.step().min(left);
            self.step_on(step).await;
            left -= step;
        }
    }

    /// Waits until something may pass, `most` at the most, and says how much; None: all that there is.
    pub async fn slice(&self, most: usize) -> Option<usize> {
        let _turn = self.turn.lock().await;
        let mut taken = 0;
        // The rate may change meanwhile: what is a slice is asked again.
        while let Some(slice) = self.slice_now().map(|slice| slice.min(most)) {
            if taken >= slice {
                return Some(taken.max(1).min(most));
            }
            let step = self.step().min(slice - taken);
            self.step_on(step).await;
            taken += step;
        }
        None
    }

    async fn step_on(&self, bytes: usize) {
        for pacer in &self.by {
            pacer.take(bytes as u64).await;
        }
    }

    /// How much passes at once.
    fn slice_now(&self) -> Option<usize> {
        Some(in_time(self.rate()?, PACE_SLICE_TIME).clamp(PACE_SLICE_MIN, FRAME_SIZE_MAX))
    }

    /// What is taken from a bucket before it is the next one's turn: the same for all who share it, however
    /// much each asks for. It is the last bucket that many share.
    fn step(&self) -> usize {
        let shared = self.by.iter().rev().find_map(|pacer| pacer.rate());
        shared.map_or(usize::MAX, |rate| in_time(rate, PACE_STEP_TIME).clamp(PACE_STEP_MIN, FRAME_SIZE_MAX))
    }

    /// Frames that may be on their way at once: each is to arrive before it is given up.
    pub(crate) fn frames_max(&self) -> usize {
        let Some(rate) = self.rate() else { return FRAMES_IN_FLIGHT_MAX };
        let frames = in_time(rate, PACE_FRAME_TIME) / FRAME_SIZE_MAX;
        frames.clamp(PACE_FRAMES_MIN, FRAMES_IN_FLIGHT_MAX)
    }
}

fn in_time(rate: BytesPerSecond, time: Duration) -> usize {
    let bytes = u128::from(rate.0) * time.as_millis() / 1000;
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

#[cfg(test)]
#[path = "pace_tests.rs"]
mod tests;
