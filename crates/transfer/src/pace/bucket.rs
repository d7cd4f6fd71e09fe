//! A token bucket, in whatever time it is told: pure.

use crate::limits::{PACE_BURST_TIME, PACE_DEBT_TIME, PACE_HEADERS_PERCENT};
use diecast_domain::units::BytesPerSecond;
use std::time::Duration;

/// When one that does not fill is to be asked again, if nothing changes before.
const CLOSED_LOOK: Duration = Duration::from_secs(60);

/// It fills with its rate. Whoever takes needs it to be no less than empty, and may leave it in debt:
/// whoever comes next waits for that.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bucket {
    rate: Option<BytesPerSecond>,
    /// Bytes, headers included; below zero is debt.
    level: f64,
    at: Duration,
}

impl Bucket {
    pub(super) const fn rate(&self) -> Option<BytesPerSecond> {
        self.rate
    }

    /// Whether that changed anything. What was in it or owed is kept, as far as the new rate can bear it.
    pub(super) fn set(&mut self, rate: Option<BytesPerSecond>, now: Duration) -> bool {
        if rate == self.rate {
            return false;
        }
        self.fill(now);
        if self.rate.is_none() {
            self.level = 0.0;
        }
        self.rate = rate;
        if let Some(BytesPerSecond(rate)) = rate {
            let longest = -(rate as f64) * PACE_DEBT_TIME.as_secs_f64();
            self.level = self.level.max(longest).min(burst(rate));
        }
        true
    }

    /// Takes so many bytes of content, or says how long to wait before asking again.
    pub(super) fn take(&mut self, bytes: u64, now: Duration) -> Result<(), Duration> {
        self.fill(now);
        let Some(BytesPerSecond(rate)) = self.rate else { return Ok(()) };
        if rate == 0 {
            return Err(CLOSED_LOOK);
        }
        if self.level < 0.0 {
            let wait = Duration::from_secs_f64(-self.level / rate.max(1) as f64);
            return Err(wait.max(Duration::from_millis(1)));
        }
        self.level -= bytes as f64 * (1.0 + f64::from(PACE_HEADERS_PERCENT) / 100.0);
        Ok(())
    }

    fn fill(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.at).as_secs_f64();
        self.at = self.at.max(now);
        if let Some(BytesPerSecond(rate)) = self.rate {
            self.level = (self.level + passed * rate as f64).min(burst(rate));
        }
    }
}

fn burst(rate: u64) -> f64 {
    rate as f64 * PACE_BURST_TIME.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEADERS: f64 = 1.0 + PACE_HEADERS_PERCENT as f64 / 100.0;

    fn rate(bytes: u64) -> Option<BytesPerSecond> {
        Some(BytesPerSecond(bytes))
    }

    proptest! {
        #[test]
        fn in_any_time_no_more_passes_than_the_rate_a_burst_and_one_slice(
            rate in 32_000_u64..1_000_000_000,
            takes in proptest::collection::vec((1_u64..2_000_000, 0_u64..3_000), 1..60)
        ) {
            let mut bucket = Bucket::default();
            bucket.set(Some(BytesPerSecond(rate)), Duration::ZERO);
            let (mut now, mut passed) = (Duration::ZERO, Vec::new());
            for (bytes, idle) in takes {
                now += Duration::from_millis(idle);
                while let Err(wait) = bucket.take(bytes, now) {
                    now += wait;
                }
                passed.push((now, bytes as f64 * HEADERS));
            }
            for from in 0..passed.len() {
                let mut sum = 0.0;
                for (at, bytes) in &passed[from..] {
                    // What is taken last is one slice beyond what has flowed in.
                    let flowed = rate as f64 * (*at - passed[from].0).as_secs_f64() + burst(rate);
                    prop_assert!(sum <= flowed + 1.0, "{sum} by {at:?} from {:?}", passed[from].0);
                    sum += bytes;
                }
            }
        }

        #[test]
        fn whoever_always_asks_gets_the_rate(rate in 32_000_u64..1_000_000_000, part in 0.01..1.0) {
            let slice = (rate as f64 * part) as u64;
            let mut bucket = Bucket::default();
            bucket.set(Some(BytesPerSecond(rate)), Duration::ZERO);
            let end = Duration::from_secs_f64(200.0 * slice as f64 / rate as f64);
            let (mut now, mut got) = (Duration::ZERO, 0.0);
            while now < end {
                match bucket.take(slice, now) {
                    Ok(()) => got += slice as f64 * HEADERS,
                    Err(wait) => now += wait,
                }
            }
            let fair = rate as f64 * now.as_secs_f64();
            // Waits end on whole milliseconds at the least: what is too much by then is kept as a burst.
            prop_assert!((fair * 0.95..=fair * 1.05 + 2.0 * slice as f64).contains(&got), "{got} of {fair}");
        }

        #[test]
        fn a_new_rate_counts_at_once_whatever_was_owed(
            before in 32_000_u64..1_000_000_000, after in 32_000_u64..1_000_000_000, owed in 0_u64..2_000_000
        ) {
            let mut bucket = Bucket::default();
            bucket.set(Some(BytesPerSecond(before)), Duration::ZERO);
            let _ = bucket.take(owed, Duration::ZERO);
            prop_assert!(bucket.set(Some(BytesPerSecond(after)), Duration::ZERO) || before == after);
            if let Err(wait) = bucket.take(1, Duration::ZERO) && before != after {
                prop_assert!(wait <= PACE_DEBT_TIME + Duration::from_millis(1), "{wait:?}");
            }
            bucket.set(None, Duration::ZERO);
            prop_assert!(bucket.take(u64::MAX, Duration::ZERO).is_ok(), "without a limit nobody waits");
        }
    }

    #[test]
    fn at_a_rate_of_zero_not_a_byte_passes_and_what_was_saved_up_is_gone() {
        let mut bucket = Bucket::default();
        bucket.set(rate(1_000_000), Duration::ZERO);
        bucket.set(rate(0), Duration::from_secs(10));
        assert!(bucket.take(1, Duration::from_secs(10)).is_err());
        assert!(bucket.take(1, Duration::from_secs(3600)).is_err());
        bucket.set(rate(1_000_000), Duration::from_secs(3600));
        assert!(bucket.take(100_000, Duration::from_secs(3600)).is_ok());
        assert!(bucket.take(1, Duration::from_secs(3600)).is_err());
    }

    #[test]
    fn an_idle_hour_saves_up_no_more_than_a_burst() {
        let mut bucket = Bucket::default();
        bucket.set(rate(1_000_000), Duration::ZERO);
        let hour = Duration::from_secs(3600);
        assert!(bucket.take(100_000, hour).is_ok());
        let wait = bucket.take(1, hour).unwrap_err();
        assert!((Duration::from_millis(50)..Duration::from_millis(60)).contains(&wait), "{wait:?}");
    }

    #[test]
    fn a_clock_that_stands_still_or_goes_back_gives_nothing() {
        let mut bucket = Bucket::default();
        bucket.set(rate(1_000_000), Duration::from_secs(10));
        assert!(bucket.take(1_000_000, Duration::from_secs(10)).is_ok());
        let wait = bucket.take(1, Duration::from_secs(10)).unwrap_err();
        assert_eq!(bucket.take(1, Duration::from_secs(5)), Err(wait));
    }
}
