//! Times as people say them: how long ago, how long until.

use super::NOTHING;
use jiff::Timestamp;

/// `12 s`, `3 min`, `2 h 5 min`, `4 d`: two units at most.
pub(crate) fn span(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let joined = |large: String, rest: u64, unit: &str| {
        if rest == 0 { large } else { format!("{large} {rest} {unit}") }
    };
    match seconds {
        0..60 => format!("{seconds} s"),
        60..600 => joined(format!("{minutes} min"), seconds % 60, "s"),
        600..3600 => format!("{minutes} min"),
        3600..86_400 => joined(format!("{hours} h"), minutes % 60, "min"),
        _ => joined(format!("{days} d"), hours % 24, "h"),
    }
}

/// Seconds from `now` until the instant written; negative if it is past. None if it is no instant.
pub(crate) fn seconds_until(now: Timestamp, at: &str) -> Option<i64> {
    let at: Timestamp = at.parse().ok()?;
    Some(at.as_second() - now.as_second())
}

/// `3 min ago`; as it is written if it is no instant.
pub(crate) fn ago(now: Timestamp, at: &str) -> String {
    match seconds_until(now, at) {
        Some(seconds) if seconds >= 0 => "now".to_owned(),
        Some(seconds) => format!("{} ago", span(seconds.unsigned_abs())),
        None => at.to_owned(),
    }
}

/// `in 40 s`, or `now` when it is due.
pub(crate) fn until(now: Timestamp, at: &str) -> String {
    match seconds_until(now, at) {
        Some(seconds) if seconds > 0 => format!("in {}", span(seconds.unsigned_abs())),
        Some(_) => "now".to_owned(),
        None => at.to_owned(),
    }
}

/// How long it has been so: [`span`] without a word.
pub(crate) fn lasting(now: Timestamp, since: &str) -> String {
    match seconds_until(now, since) {
        Some(seconds) => span(seconds.min(0).unsigned_abs()),
        None => NOTHING.to_owned(),
    }
}

/// `2026-01-31 08:00:00Z`
pub(crate) fn instant(at: &str) -> String {
    at.replacen('T', " ", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_two_units_at_most() {
        let spans = [0, 59, 60, 61, 599, 601, 3599, 3600, 7500, 86_400, 100_000].map(span);
        let said = [
            "0 s",
            "59 s",
            "1 min",
            "1 min 1 s",
            "9 min 59 s",
            "10 min",
            "59 min",
            "1 h",
            "2 h 5 min",
            "1 d",
            "1 d 3 h",
        ];
        assert_eq!(spans, said);
    }

    #[test]
    fn the_past_and_the_future_are_told_apart() {
        let now: Timestamp = "2026-01-01T00:10:00Z".parse().unwrap();
        assert_eq!(ago(now, "2026-01-01T00:00:00Z"), "10 min ago");
        assert_eq!(until(now, "2026-01-01T00:10:40Z"), "in 40 s");
        assert_eq!(until(now, "2026-01-01T00:09:00Z"), "now");
        assert_eq!(lasting(now, "2026-01-01T00:09:15Z"), "45 s");
        assert_eq!(ago(now, "whenever"), "whenever");
    }
}
