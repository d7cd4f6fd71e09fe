//! How far a piece of work is: counters that cost nothing to raise, read by whoever reports.

use crate::verify::Damage;
use diecast_domain::{
    code::Problem,
    digest::Digest,
    generation::Generation,
    ids::ProviderId,
    replica::SourceReport,
    units::{ByteCount, BytesPerSecond},
};
use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// What is being done to the bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    #[default]
    Waiting,
    /// A golden machine's disks are read, hashed and compressed.
    Publishing,
    /// A version is read to be written into a bundle.
    Reading,
    /// What an interrupted transfer left is compared with the manifest.
    Checking,
    /// Leaves are taken from other versions on this provider.
    Copying,
    /// Frames are fetched from sources.
    Fetching,
    /// What was written is forced to the disk.
    Flushing,
    /// Everything is read back and compared.
    Verifying,
}

/// Shared between the one that works and those that look.
#[derive(Debug)]
pub struct Progress {
    /// By which assignment it is done: peers are told, so that their logs and ours can be read together.
    assignment: Option<Generation>,
    done: AtomicU64,
    network: AtomicU64,
    local: AtomicU64,
    reread: AtomicU64,
    by_difference: AtomicU64,
    started: Instant,
    shown: Mutex<Shown>,
}

#[derive(Debug, Default)]
struct Shown {
    stage: Stage,
    total: u64,
    meter: Meter,
    notices: Vec<Problem>,
    damaged_seeds: Vec<(Digest, Damage)>,
    given: BTreeMap<ProviderId, Given>,
}

/// What one source sent.
#[derive(Debug)]
struct Given {
    bytes: u64,
    meter: Meter,
    held_up: bool,
}

/// One look at a `Progress`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgressView {
    pub stage: Stage,
    /// Data of the disks that is in place, wherever it came from; holes do not count.
    pub bytes_done: ByteCount,
    pub bytes_total: ByteCount,
    /// What came over the network, compressed, wrong answers included.
    pub bytes_network: ByteCount,
    /// What was taken from other versions on this provider, and from an interrupted transfer.
    pub bytes_local: ByteCount,
    /// What an interrupted transfer had left and no journal spoke for: it was read and hashed again.
    pub bytes_reread: ByteCount,
    /// What frames would have taken more on the network than their differences did.
    pub bytes_by_difference: ByteCount,
    pub rate: BytesPerSecond,
    pub time_left: Option<Duration>,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            assignment: None,
            done: AtomicU64::default(),
            network: AtomicU64::default(),
            local: AtomicU64::default(),
            reread: AtomicU64::default(),
            by_difference: AtomicU64::default(),
            started: Instant::now(),
            shown: Mutex::default(),
        }
    }
}

impl Progress {
    /// Of a piece of work that an assignment asked for.
    pub fn of(assignment: Generation) -> Self {
        Self { assignment: Some(assignment), ..Self::default() }
    }

    pub(crate) const fn assignment(&self) -> Option<Generation> {
        self.assignment
    }

    /// Looks, and lets the rate follow what was done since the last look.
    pub fn view(&self) -> ProgressView {
        let mut shown = self.shown();
        let (done, total) = (self.done.load(Ordering::Relaxed).min(shown.total), shown.total);
        shown.meter.observe(self.started.elapsed(), done, total);
        ProgressView {
            stage: shown.stage,
            bytes_done: ByteCount(done),
            bytes_total: ByteCount(total),
            bytes_network: ByteCount(self.network.load(Ordering::Relaxed)),
            bytes_local: ByteCount(self.local.load(Ordering::Relaxed)),
            bytes_reread: ByteCount(self.reread.load(Ordering::Relaxed)),
            bytes_by_difference: ByteCount(self.by_difference.load(Ordering::Relaxed)),
            rate: BytesPerSecond(shown.meter.rate as u64),
            time_left: shown.meter.left.map(|left| Duration::from_secs(left.ceil() as u64)),
        }
    }

    /// Who sent how much, wrong answers included; each look lets the rates follow.
    pub fn sources(&self) -> Vec<SourceReport> {
        let now = self.started.elapsed();
        let told = |(provider, given): (&ProviderId, &mut Given)| {
            given.meter.observe(now, given.bytes, given.bytes);
            let rate = BytesPerSecond(given.meter.rate as u64);
            let (received, held_up) = (ByteCount(given.bytes), given.held_up);
            SourceReport { provider: *provider, received, rate, held_up }
        };
        self.shown().given.iter_mut().map(told).collect()
    }

    /// What an administrator should know although the work goes on: a source that sent wrong bytes.
    pub fn notices(&self) -> Vec<Problem> {
        self.shown().notices.clone()
    }

    /// Other versions on this provider that were found damaged on the way. They are not to be called
    /// intact until they are verified again.
    pub fn damaged_seeds(&self) -> Vec<(Digest, Damage)> {
        self.shown().damaged_seeds.clone()
    }

    pub(crate) fn damaged_seed(&self, version: Digest, damage: Damage) {
        self.notice(damage.changed_problem(&version));
        self.shown().damaged_seeds.push((version, damage));
    }

    pub(crate) fn notice(&self, problem: Problem) {
        tracing::warn!(code = %problem.code, "{}", problem.cause);
        self.shown().notices.push(problem);
    }

    /// Begins counting anew, toward `total`.
    pub(crate) fn begin(&self, stage: Stage, total: u64) {
        let mut shown = self.shown();
        self.done.store(0, Ordering::Relaxed);
        shown.total = total;
        shown.meter = Meter::default();
        shown.stage = stage;
    }

    /// The next stage of the same count.
    pub(crate) fn enter(&self, stage: Stage) {
        self.shown().stage = stage;
    }

    pub(crate) fn add_done(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
    }

    /// So much came over the network.
    pub fn received(&self, source: ProviderId, bytes: u64) {
        self.network.fetch_add(bytes, Ordering::Relaxed);
        self.given(source, |given| given.bytes += bytes);
        crate::totals::add_received(bytes);
    }

    /// The gateway of this site brings less than the link carries, and is not waited for.
    pub(crate) fn held_up_by(&self, gateway: ProviderId) {
        self.given(gateway, |given| given.held_up = true);
    }

    fn given(&self, source: ProviderId, change: impl FnOnce(&mut Given)) {
        let meter = || Meter::beginning(self.started.elapsed());
        let begins = || Given { bytes: 0, meter: meter(), held_up: false };
        change(self.shown().given.entry(source).or_insert_with(begins));
    }

    pub(crate) fn add_local(&self, bytes: u64) {
        self.local.fetch_add(bytes, Ordering::Relaxed);
        crate::totals::add_copied(bytes);
    }

    pub(crate) fn add_by_difference(&self, bytes: u64) {
        self.by_difference.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn add_reread(&self, bytes: u64) {
        self.reread.fetch_add(bytes, Ordering::Relaxed);
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        // Each field is whole at any time, so a panic elsewhere spoils nothing here.
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A rate over about ten seconds, and a time left that counts down steadily.
#[derive(Debug, Default)]
struct Meter {
    last: Option<(Duration, u64)>,
    rate: f64,
    left: Option<f64>,
}

/// Looks closer together than this would see noise.
const LOOK_MIN: Duration = Duration::from_millis(500);
/// Seconds over which the rate is averaged.
const AVERAGE_SECONDS: f64 = 10.0;
/// How far the time left moves toward a new estimate, per second.
const LEFT_GAIN: f64 = 0.1;

impl Meter {
    /// Of what has begun just now, with nothing done.
    fn beginning(now: Duration) -> Self {
        Self { last: Some((now, 0)), ..Self::default() }
    }

    fn observe(&mut self, now: Duration, done: u64, total: u64) {
        let Some((then, before)) = self.last else {
            self.last = Some((now, done));
            return;
        };
        if now < then + LOOK_MIN {
            return;
        }
        let seconds = (now - then).as_secs_f64();
        let current = done.saturating_sub(before) as f64 / seconds;
        let weight = if self.rate == 0.0 { 1.0 } else { 1.0 - (-seconds / AVERAGE_SECONDS).exp() };
        self.rate += (current - self.rate) * weight;
        self.last = Some((now, done));
        let estimate = (total - done) as f64 / self.rate;
        self.left = match self.left {
            _ if !estimate.is_finite() => None,
            None => Some(estimate),
            Some(left) => {
                let expected = (left - seconds).max(0.0);
                Some(expected + (estimate - expected) * (LEFT_GAIN * seconds).min(1.0))
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_does_not_jump_when_the_rate_does() {
        let mut meter = Meter::default();
        let (mut done, total) = (0, 1000 << 20);
        let mut last = None;
        for second in 0..60 {
            meter.observe(Duration::from_secs(second), done, total);
            if let (Some(left), Some(before)) = (meter.left, last) {
                let change: f64 = left - before;
                assert!(change.abs() < 25.0, "{before} to {left} in a second");
            }
            last = meter.left.or(last);
            done += if second % 2 == 0 { 15 << 20 } else { 5 << 20 };
        }
        assert!((6.0..14.0).contains(&(meter.rate / f64::from(1 << 20))), "{}", meter.rate);
        assert!((20.0..80.0).contains(&meter.left.unwrap()), "{:?}", meter.left);
    }

    #[test]
    fn what_each_source_sent_is_told_apart() {
        let progress = Progress::default();
        let [a, b] = [1, 2].map(|number| ProviderId::from_uuid(uuid::Uuid::from_u128(number)));
        assert_eq!(progress.sources(), []);
        for (source, bytes) in [(a, 7), (b, 5), (a, 30)] {
            progress.received(source, bytes);
        }
        let told: Vec<_> = progress.sources().iter().map(|it| (it.provider, it.received.0)).collect();
        assert_eq!(told, [(a, 37), (b, 5)]);
        assert_eq!(progress.view().bytes_network, ByteCount(42));
    }

    #[test]
    fn a_source_that_falls_silent_is_seen_to_slow_down() {
        let mut meter = Meter::beginning(Duration::from_secs(3));
        meter.observe(Duration::from_secs(4), 1000, 1000);
        assert_eq!(meter.rate as u64, 1000);
        meter.observe(Duration::from_secs(34), 1000, 1000);
        assert!((10.0..100.0).contains(&meter.rate), "{}", meter.rate);
    }

    #[test]
    fn a_view_never_shows_more_than_all() {
        let progress = Progress::default();
        progress.begin(Stage::Fetching, 10);
        progress.add_done(25);
        assert_eq!(progress.view().bytes_done, ByteCount(10));
    }
}
