//! Instants on the wire: RFC 3339 in UTC, to the second.

use diecast_domain::units::Timestamp;

/// `2026-01-31T08:00:00Z`. Instants outside the calendar are written as its nearest end.
pub fn rfc3339(at: Timestamp) -> String {
    let instant = jiff::Timestamp::from_millisecond(at.0).unwrap_or(if at.0 < 0 {
        jiff::Timestamp::MIN
    } else {
        jiff::Timestamp::MAX
    });
    format!("{:.0}", instant)
}

/// Reads an RFC 3339 time, of any offset. None if it is none.
pub fn instant(text: &str) -> Option<Timestamp> {
    text.parse::<jiff::Timestamp>().ok().map(|instant| Timestamp(instant.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_written_in_utc_to_the_second() {
        assert_eq!(rfc3339(Timestamp(1_769_846_400_999)), "2026-01-31T08:00:00Z");
        assert!(rfc3339(Timestamp(i64::MAX)).starts_with("9999"));
    }

    #[test]
    fn a_time_is_read_with_its_offset_or_not_at_all() {
        assert_eq!(instant("2026-01-31T09:00:00+01:00"), Some(Timestamp(1_769_846_400_000)));
        for bad in ["", "tomorrow", "2026-01-31", "2026-01-31T09:00:00", "2026-02-31T09:00:00Z"] {
            assert_eq!(instant(bad), None, "{bad}");
        }
    }
}
