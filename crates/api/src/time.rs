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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_written_in_utc_to_the_second() {
        assert_eq!(rfc3339(Timestamp(1_769_846_400_999)), "2026-01-31T08:00:00Z");
        assert!(rfc3339(Timestamp(i64::MAX)).starts_with("9999"));
    }
}
