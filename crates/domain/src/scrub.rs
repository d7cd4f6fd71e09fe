//! Scrubbing: replicas that are well are read back again and again, slowly, the longest unread first.
//! Pure decisions; the agent that reads needs no server for them, only its last orders.
//!
//! ```text
//!   verified ──(every N days)──► due ──(window open)──► read at the rate ──► verified, anew
//!                                                            └─► a byte differs ─► damaged: healed
//! ```

use crate::{
    digest::Digest,
    units::{ByteCount, BytesPerSecond, Timestamp},
    window::DailyWindow,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Every byte is read once in so many seconds, unless the operator says otherwise: often enough that a
/// second copy does not rot before the first is noticed.
pub const EVERY_DEFAULT_SECONDS: u64 = 7 * 24 * 3600;
/// A tenth of what one plain disk reads: hosts do not notice it.
pub const RATE_DEFAULT: BytesPerSecond = BytesPerSecond(32 << 20);
/// More often than this only wears disks.
pub const EVERY_MIN_SECONDS: u64 = 3600;
/// A year: what is read less often is not looked after.
pub const EVERY_MAX_SECONDS: u64 = 366 * 24 * 3600;
/// Slower than this no disk is read through in its life.
pub const RATE_MIN: BytesPerSecond = BytesPerSecond(64 << 10);
/// Faster than any storage of today.
pub const RATE_MAX: BytesPerSecond = BytesPerSecond(1 << 40);

/// What the operator set for the scrubs of one provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScrubPolicy {
    pub on: bool,
    pub every_seconds: u64,
    pub rate: BytesPerSecond,
    /// The part of the day in which it reads; any time if there is none.
    pub window: Option<DailyWindow>,
}

impl Default for ScrubPolicy {
    fn default() -> Self {
        Self { on: true, every_seconds: EVERY_DEFAULT_SECONDS, rate: RATE_DEFAULT, window: None }
    }
}

impl ScrubPolicy {
    /// It may read now.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.on && self.window.as_ref().is_none_or(|window| window.is_open(now))
    }

    /// When it may read again; None if it may now, or never.
    pub fn opens(&self, now: Timestamp) -> Option<Timestamp> {
        let window = self.window.as_ref().filter(|window| self.on && !window.is_open(now))?;
        window.opens(now)
    }

    /// When a replica that was verified then is due.
    pub fn due(&self, verified_at: Timestamp) -> Timestamp {
        verified_at + Duration::from_secs(self.every_seconds)
    }
}

/// A replica that is whole, as a scrub sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whole {
    pub digest: Digest,
    pub verified_at: Timestamp,
}

/// The replica to read now: one that was begun, else the longest unread of those that are due.
pub fn next(policy: &ScrubPolicy, whole: &[Whole], begun: Option<Digest>, now: Timestamp) -> Option<Digest> {
    if !policy.is_open(now) {
        return None;
    }
    let due = || whole.iter().filter(|it| policy.due(it.verified_at) <= now);
    let begun = due().find(|it| Some(it.digest) == begun);
    begun.or_else(|| due().min_by_key(|it| (it.verified_at, it.digest))).map(|it| it.digest)
}

/// When the next replica falls due, if any is held.
pub fn next_due(policy: &ScrubPolicy, whole: &[Whole]) -> Option<Timestamp> {
    whole.iter().map(|it| policy.due(it.verified_at)).min().filter(|_| policy.on)
}

/// How far a scrub is, as its agent says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScrubReport {
    pub digest: Digest,
    pub done: ByteCount,
    pub total: ByteCount,
    /// It reads now; else it waits for its window.
    pub reading: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn digest(number: u8) -> Digest {
        Digest::from_bytes([number; 32])
    }

    fn whole(number: u8, verified_at: i64) -> Whole {
        Whole { digest: digest(number), verified_at: Timestamp(verified_at) }
    }

    fn night() -> ScrubPolicy {
        ScrubPolicy { window: Some("22:00-06:00".parse().unwrap()), ..ScrubPolicy::default() }
    }

    const DAY: i64 = 24 * 3_600_000;

    #[test]
    fn the_longest_unread_comes_first_and_what_is_fresh_waits() {
        let policy = ScrubPolicy::default();
        let now = Timestamp(100 * DAY);
        let held = [whole(1, 99 * DAY), whole(2, 80 * DAY), whole(3, 70 * DAY)];
        assert_eq!(next(&policy, &held, None, now), Some(digest(3)));
        assert_eq!(next(&policy, &held, Some(digest(2)), now), Some(digest(2)), "what was begun is ended");
        assert_eq!(next(&policy, &held, Some(digest(1)), now), Some(digest(3)), "it was verified meanwhile");
        assert_eq!(next(&policy, &held[..1], None, now), None);
        assert_eq!(next_due(&policy, &held[..1]), Some(Timestamp(106 * DAY)));
    }

    #[test]
    fn nothing_is_read_outside_the_window_or_when_it_is_off() {
        let held = [whole(1, 0)];
        let noon = Timestamp(100 * DAY + DAY / 2);
        assert_eq!(next(&night(), &held, Some(digest(1)), noon), None);
        assert_eq!(night().opens(noon), Some(Timestamp(100 * DAY + 22 * 3_600_000)));
        assert_eq!(next(&night(), &held, None, Timestamp(100 * DAY)), Some(digest(1)));
        let off = ScrubPolicy { on: false, ..ScrubPolicy::default() };
        assert_eq!((next(&off, &held, None, noon), next_due(&off, &held)), (None, None));
    }

    proptest! {
        #[test]
        fn whoever_follows_it_reads_each_replica_once_in_a_round(
            ages in proptest::collection::vec(0_i64..50, 1..12)
        ) {
            let policy = ScrubPolicy::default();
            let now = Timestamp(100 * DAY);
            let mut held: Vec<_> = ages.iter().zip(0..).map(|(age, n)| whole(n, (100 - age) * DAY)).collect();
            let due = held.iter().filter(|it| policy.due(it.verified_at) <= now).count();
            let mut read = Vec::new();
            while let Some(chosen) = next(&policy, &held, None, now) {
                prop_assert!(!read.contains(&chosen));
                read.push(chosen);
                held.iter_mut().filter(|it| it.digest == chosen).for_each(|it| it.verified_at = now);
            }
            prop_assert_eq!(read.len(), due);
        }
    }
}
