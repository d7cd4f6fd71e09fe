//! How slow a source may be, and how much less it may where another one can give the same.

use crate::limits::{ANSWER_TIMEOUT, HURRIED, NO_SOURCE_TIMEOUT, STALL_BYTES_MIN, STALL_WINDOW};
use std::time::Duration;

/// How long a source may be slow before it is left.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Until an address answers at all.
    pub answer: Duration,
    pub stall_window: Duration,
    pub stall_bytes_min: u64,
    /// Without any good frame for so long, the whole transfer ends.
    pub no_source: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            answer: ANSWER_TIMEOUT,
            stall_window: STALL_WINDOW,
            stall_bytes_min: STALL_BYTES_MIN,
            no_source: NO_SOURCE_TIMEOUT,
        }
    }
}

impl Patience {
    /// With a source beside which another could give the same: it is left within two seconds.
    #[must_use]
    pub(crate) fn hurried(self) -> Self {
        // It may fall silent at the beginning of a window in which it had sent enough.
        let window = self.stall_window.min(HURRIED / 2);
        let part = window.as_secs_f64() / self.stall_window.as_secs_f64().max(f64::MIN_POSITIVE);
        Self {
            answer: self.answer.min(HURRIED),
            stall_window: window,
            stall_bytes_min: (self.stall_bytes_min as f64 * part) as u64,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_another_can_give_the_same_silence_is_noticed_within_two_seconds_of_the_last_byte() {
        let hurried = Patience::default().hurried();
        // A window in which enough came is followed by one in which nothing does.
        assert!(2 * hurried.stall_window <= HURRIED && hurried.answer <= HURRIED);
        assert!(hurried.stall_bytes_min > 0, "or silence would be enough");
    }
}
