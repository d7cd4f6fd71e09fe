//! Times as they are typed: an instant, a time of day, or how long from now. Read once, at the door.

use jiff::{SignedDuration, Timestamp, ToSpan, Zoned, civil};
use std::fmt;

/// An instant that somebody named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub Timestamp);

/// As the API takes it: RFC 3339, to the second.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0}", self.0)
    }
}

/// Longer than this is a slip: nobody plans hosts ten years ahead.
const AHEAD_MAX: SignedDuration = SignedDuration::from_hours(10 * 366 * 24);

/// Read with the clock and the time zone of this machine.
pub(crate) fn moment(text: &str) -> Result<Moment, String> {
    read(text, &Zoned::now())
}

/// The same of what is over: `2h` is two hours ago, `22:00` the last time that it was so.
pub(crate) fn past(text: &str) -> Result<Moment, String> {
    read_past(text, &Zoned::now())
}

pub(crate) fn read_past(text: &str, now: &Zoned) -> Result<Moment, String> {
    let Moment(ahead) = read(text, now)?;
    let span = text.trim().parse::<SignedDuration>().ok();
    let at = match span {
        Some(span) => now.timestamp().checked_sub(span),
        None if time_of_day(text.trim()).is_some() => {
            let yesterday = ahead.to_zoned(now.time_zone().clone()).checked_sub(1.day());
            yesterday.map(|at| at.timestamp())
        }
        None => Ok(ahead),
    };
    at.map(Moment).map_err(|_| format!("`{}` is too long ago", text.trim()))
}

/// `2026-01-31T22:00:00Z`; `2026-01-31T22:00` and `22:00` in the zone of `now`, the next time that it is so;
/// `2h` from now.
pub(crate) fn read(text: &str, now: &Zoned) -> Result<Moment, String> {
    let text = text.trim();
    let refuse = || format!("`{text}` is not a time: write 22:00, 2h or 2026-01-31T22:00:00Z");
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(Moment(instant));
    }
    if let Some(time) = time_of_day(text) {
        let today = now.date().to_datetime(time).to_zoned(now.time_zone().clone());
        let at = today.map_err(|_| refuse())?;
        let tomorrow =
            || now.date().tomorrow().ok()?.to_datetime(time).to_zoned(now.time_zone().clone()).ok();
        let at = if at > *now { at } else { tomorrow().ok_or_else(refuse)? };
        return Ok(Moment(at.timestamp()));
    }
    if let Ok(local) = text.parse::<civil::DateTime>()
        && text.contains(':')
    {
        return local
            .to_zoned(now.time_zone().clone())
            .map(|at| Moment(at.timestamp()))
            .map_err(|_| refuse());
    }
    let ahead = text.parse::<SignedDuration>().map_err(|_| refuse())?;
    if ahead.is_negative() || ahead > AHEAD_MAX {
        return Err(refuse());
    }
    now.timestamp().checked_add(ahead).map(Moment).map_err(|_| refuse())
}

/// `22:00`, `7:30`
fn time_of_day(text: &str) -> Option<civil::Time> {
    let (hour, minute) = text.split_once(':')?;
    let digits =
        |text: &str| !text.is_empty() && text.len() <= 2 && text.bytes().all(|it| it.is_ascii_digit());
    if !digits(hour) || !digits(minute) || minute.len() != 2 {
        return None;
    }
    civil::Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<String> {
        let now: Zoned = "2026-01-31T21:30:00+01:00[Europe/Madrid]".parse().unwrap();
        read(text, &now).ok().map(|moment| moment.to_string())
    }

    #[test]
    fn a_time_of_day_is_the_next_one_here() {
        assert_eq!(at("22:00").as_deref(), Some("2026-01-31T21:00:00Z"), "tonight");
        assert_eq!(at("7:30").as_deref(), Some("2026-02-01T06:30:00Z"), "tomorrow");
        assert_eq!(at("21:30").as_deref(), Some("2026-02-01T20:30:00Z"), "now is over");
    }

    #[test]
    fn instants_and_spans_are_taken_too() {
        assert_eq!(at("2026-03-01T10:00:00Z").as_deref(), Some("2026-03-01T10:00:00Z"));
        assert_eq!(at("2026-03-01T10:00:00+02:00").as_deref(), Some("2026-03-01T08:00:00Z"));
        assert_eq!(at("2026-03-01T10:00").as_deref(), Some("2026-03-01T09:00:00Z"));
        assert_eq!(at("2h").as_deref(), Some("2026-01-31T22:30:00Z"));
        assert_eq!(at("1h 30m").as_deref(), Some("2026-01-31T22:00:00Z"));
    }

    #[test]
    fn of_what_is_over_a_span_is_that_long_ago() {
        let now: Zoned = "2026-01-31T21:30:00+01:00[Europe/Madrid]".parse().unwrap();
        let past = |text: &str| read_past(text, &now).ok().map(|moment| moment.to_string());
        assert_eq!(past("2h").as_deref(), Some("2026-01-31T18:30:00Z"));
        assert_eq!(past("22:00").as_deref(), Some("2026-01-30T21:00:00Z"), "last night");
        assert_eq!(past("7:30").as_deref(), Some("2026-01-31T06:30:00Z"), "this morning");
        assert_eq!(past("2026-01-01T10:00:00Z").as_deref(), Some("2026-01-01T10:00:00Z"));
        assert_eq!(past("yesterday"), None);
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in
            ["", "soon", "25:00", "22:60", "22:0", "-2h", "7", "2026-13-01T10:00:00Z", "900000h", "10-11"]
        {
            assert_eq!(at(text), None, "{text}");
        }
    }
}
