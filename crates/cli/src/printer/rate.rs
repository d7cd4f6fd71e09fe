//! How fast bytes go, from looks at a count of them.

use std::time::Instant;

/// The newest look weighs this much: steady enough to read, quick enough to believe.
const WEIGHT: f64 = 0.3;

/// Bytes in a second, smoothed.
#[derive(Default)]
pub(super) struct Rate {
    last: Option<(Instant, u64)>,
    rate: f64,
}

impl Rate {
    /// The rate after a look that saw so many bytes. A count that goes back begins anew.
    pub(super) fn seen(&mut self, at: Instant, bytes: u64) -> u64 {
        match self.last {
            Some((before, was)) if bytes >= was => {
                let seconds = at.saturating_duration_since(before).as_secs_f64();
                if seconds <= 0.0 {
                    return self.rate as u64;
                }
                let now = (bytes - was) as f64 / seconds;
                self.rate = if self.rate > 0.0 { self.rate + WEIGHT * (now - self.rate) } else { now };
            }
            _ => self.rate = 0.0,
        }
        self.last = Some((at, bytes));
        self.rate as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_steady_flow_has_its_rate_and_a_new_count_begins_anew() {
        let (mut rate, begun) = (Rate::default(), Instant::now());
        let at = |seconds| begun + Duration::from_secs(seconds);
        assert_eq!(rate.seen(at(0), 0), 0);
        assert_eq!(rate.seen(at(1), 1000), 1000);
        assert_eq!(rate.seen(at(3), 3000), 1000);
        assert_eq!(rate.seen(at(3), 3000), 1000, "no time has passed");
        assert_eq!(rate.seen(at(4), 10), 0, "another phase");
    }
}
