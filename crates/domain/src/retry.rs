//! When a failed attempt is tried again: pauses that grow, with a spread, up to a ceiling.

use crate::code::Retry;
use std::time::Duration;

/// Before the second attempt.
pub const PAUSE_FIRST: Duration = Duration::from_secs(5);
/// The longest pause: short enough that nobody clicks, long enough not to be noise.
pub const PAUSE_MAX: Duration = Duration::from_secs(300);
/// The longest pause where somebody has to change something: looking again costs a preflight, and
/// who has just freed a disk should not have to click.
pub const PAUSE_OPERATOR_MAX: Duration = Duration::from_secs(30);
/// Each pause is drawn from the upper part of its span, so that many providers do not march in step.
const SPREAD_PARTS: u64 = 4;

/// The pause after failed attempt number `attempt` (1 for the first). `draw` is any number; it
/// spreads the pause over its last quarter. Never is for requests that cannot succeed as they are.
///
/// Doubling with a spread is the usual exponential backoff with jitter.
pub fn pause(attempt: u32, class: Retry, draw: u64) -> Option<Duration> {
    let longest = match class {
        Retry::Never => return None,
        Retry::Later => PAUSE_MAX,
        Retry::AfterOperator => PAUSE_OPERATOR_MAX,
    };
    let doublings = attempt.saturating_sub(1).min(16);
    let whole = PAUSE_FIRST.saturating_mul(1 << doublings).min(longest);
    let quarter = whole.as_millis() as u64 / SPREAD_PARTS;
    Some(whole - Duration::from_millis(draw % (quarter + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_ceiling() {
        let pauses: Vec<_> =
            (1..10).map(|attempt| pause(attempt, Retry::Later, 0).unwrap().as_secs()).collect();
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 300, 300, 300]);
        assert_eq!(pause(9, Retry::AfterOperator, 0), Some(PAUSE_OPERATOR_MAX));
        assert_eq!(pause(1, Retry::Never, 0), None);
    }

    #[test]
    fn the_spread_never_lengthens_and_never_halves() {
        for draw in 0..20_000 {
            let drawn = pause(3, Retry::Later, draw).unwrap();
            assert!(drawn <= Duration::from_secs(20) && drawn >= Duration::from_secs(15));
        }
    }
}
