//! How often a wrong password may be tried from one address.

use diecast_domain::units::Timestamp;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

/// Wrong passwords from one address within [`WINDOW`]: a person who mistypes needs fewer.
const FAILURES_MAX: usize = 5;
/// How long a failure counts. At this pace a million guesses take four months.
const WINDOW: Duration = Duration::from_secs(60);
/// Addresses remembered: beyond it the oldest failures are forgotten.
const ADDRESSES_MAX: usize = 10_000;

#[derive(Debug, Default)]
pub(crate) struct Attempts {
    failures: Mutex<HashMap<IpAddr, Vec<Timestamp>>>,
}

impl Attempts {
    fn failures(&self) -> MutexGuard<'_, HashMap<IpAddr, Vec<Timestamp>>> {
        self.failures.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Counts an attempt before it is looked at, so that many at once gain nothing. `Err` is how long
    /// to wait.
    pub(crate) fn begin(&self, from: IpAddr, now: Timestamp) -> Result<(), Duration> {
        let mut all = self.failures();
        if all.len() >= ADDRESSES_MAX {
            all.retain(|_, failures| failures.last().is_some_and(|at| now.since(*at) < WINDOW));
        }
        let failures = all.entry(from).or_default();
        failures.retain(|at| now.since(*at) < WINDOW);
        if failures.len() >= FAILURES_MAX {
            let oldest = failures.first().map_or(Duration::ZERO, |at| now.since(*at));
            return Err(WINDOW.saturating_sub(oldest));
        }
        failures.push(now);
        Ok(())
    }

    pub(crate) fn succeeded(&self, from: IpAddr) {
        self.failures().remove(&from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_five_wrong_passwords_one_waits() {
        let attempts = Attempts::default();
        let from = IpAddr::from([10, 0, 0, 1]);
        for second in 0..5 {
            assert_eq!(attempts.begin(from, Timestamp(second * 1000)), Ok(()));
        }
        assert_eq!(attempts.begin(from, Timestamp(5000)), Err(Duration::from_secs(55)));
        assert_eq!(attempts.begin(IpAddr::from([10, 0, 0, 2]), Timestamp(5000)), Ok(()));
        assert_eq!(attempts.begin(from, Timestamp(60_000)), Ok(()), "the first is forgotten");
        attempts.succeeded(from);
        assert_eq!(attempts.begin(from, Timestamp(60_000)), Ok(()));
    }
}
