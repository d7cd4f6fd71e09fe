//! When a schedule is due: cron expressions in the time of a zone. The zones are compiled in, so that
//! every machine knows the same.

use super::When;
use crate::{
    code::{Code, Problem},
    units::Timestamp,
};
use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};
use jiff::tz::{TimeZone, TimeZoneDatabase};

/// The longest expression that is looked at.
const EXPRESSION_LENGTH_MAX: usize = 200;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadWhen {
    #[error("the time {at} is over")]
    Past { at: String },
    #[error("the time is beyond what a calendar knows")]
    BeyondCalendar,
    #[error("`{zone}` is no time zone: use a name of the IANA's list, as `Europe/Madrid` or `UTC`")]
    NoSuchZone { zone: String },
    #[error(
        "`{expression}` is no cron expression: use five fields, minute, hour, day of month, month and day of week, as in `0 3 * * SAT` ({reason})"
    )]
    NoExpression { expression: String, reason: String },
    #[error("`{expression}` never comes to pass")]
    Never { expression: String },
}

impl BadWhen {
    /// As an administrator reads it.
    pub fn problem(&self) -> Problem {
        Problem::new(Code::L0006, self.to_string())
    }
}

/// The first time after `now`, checked at the door: a wish for a time that is over is refused.
pub fn check(when: &When, now: Timestamp) -> Result<Timestamp, BadWhen> {
    match (next_after(when, now)?, when) {
        (Some(at), _) => Ok(at),
        (None, When::Once { at }) => Err(BadWhen::Past { at: instant(*at)?.to_string() }),
        (None, When::Cron { expression, .. }) => Err(BadWhen::Never { expression: expression.clone() }),
    }
}

/// The first time strictly after `now`; None if there is none.
pub fn next_after(when: &When, now: Timestamp) -> Result<Option<Timestamp>, BadWhen> {
    let (expression, zone) = match when {
        When::Once { at } => return Ok((*at > now).then_some(*at)),
        When::Cron { expression, zone } => (expression, zone),
    };
    let now = instant(now)?.to_zoned(time_zone(zone)?);
    match cron(expression)?.find_next_occurrence(&now, false) {
        Ok(next) => Ok(Some(Timestamp(next.timestamp().as_millisecond()))),
        Err(_) => Ok(None),
    }
}

fn cron(expression: &str) -> Result<Cron, BadWhen> {
    let bad =
        |reason: String| BadWhen::NoExpression { expression: expression.chars().take(80).collect(), reason };
    if expression.len() > EXPRESSION_LENGTH_MAX {
        return Err(bad("it is too long".into()));
    }
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    parser.parse(expression).map_err(|error| bad(error.to_string()))
}

fn time_zone(zone: &str) -> Result<TimeZone, BadWhen> {
    let no_such = || BadWhen::NoSuchZone { zone: zone.chars().take(80).collect() };
    TimeZoneDatabase::bundled().get(zone).map_err(|_| no_such())
}

fn instant(at: Timestamp) -> Result<jiff::Timestamp, BadWhen> {
    jiff::Timestamp::from_millisecond(at.0).map_err(|_| BadWhen::BeyondCalendar)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    fn madrid(expression: &str) -> When {
        When::Cron { expression: expression.into(), zone: "Europe/Madrid".into() }
    }

    fn times(expression: &str, from: &str, count: usize) -> Vec<String> {
        let mut now = at(from);
        let mut all = Vec::new();
        for _ in 0..count {
            now = next_after(&madrid(expression), now).unwrap().unwrap();
            all.push(instant(now).unwrap().to_string());
        }
        all
    }

    #[test]
    fn saturday_at_three_is_at_three_there_in_summer_and_in_winter() {
        assert_eq!(times("0 3 * * SAT", "2026-07-01T00:00:00Z", 1), ["2026-07-04T01:00:00Z"]);
        assert_eq!(times("0 3 * * SAT", "2026-12-01T00:00:00Z", 1), ["2026-12-05T02:00:00Z"]);
    }

    #[test]
    fn an_hour_that_is_there_twice_counts_once_and_one_that_is_lacking_is_made_up_for() {
        // 2026-10-25: at 03:00 summer time it is 02:00 again. 2026-03-29: after 01:59 comes 03:00.
        let autumn = times("30 2 * * *", "2026-10-24T12:00:00Z", 2);
        assert_eq!(autumn, ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
        let spring = times("30 2 * * *", "2026-03-28T12:00:00Z", 2);
        assert_eq!(spring, ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]);
    }

    #[test]
    fn times_go_on_through_both_changes_without_standing_still() {
        for from in ["2026-10-24T22:00:00Z", "2026-03-28T22:00:00Z"] {
            let mut now = at(from);
            for _ in 0..40 {
                let next = next_after(&madrid("*/15 * * * *"), now).unwrap().unwrap();
                assert!(next > now && next.since(now).as_secs() <= 3600, "{now:?} {next:?}");
                now = next;
            }
        }
    }

    #[test]
    fn what_can_never_be_is_refused_in_a_sentence() {
        let now = at("2026-07-01T00:00:00Z");
        let said = |when: When| check(&when, now).unwrap_err().to_string();
        assert_eq!(
            said(When::Once { at: at("2026-06-30T23:00:00Z") }),
            "the time 2026-06-30T23:00:00Z is over"
        );
        assert!(said(madrid("0 0 30 2 *")).ends_with("never comes to pass"));
        assert!(said(madrid("0 3 * *")).contains("five fields"));
        assert!(said(madrid("61 3 * * *")).contains("five fields"));
        assert!(said(madrid("0 0 3 * * SAT")).contains("five fields"));
        assert!(said(madrid("")).contains("five fields"));
        assert!(said(madrid(&"1,".repeat(500))).contains("too long"));
        let nowhere = When::Cron { expression: "0 3 * * *".into(), zone: "Atlantis".into() };
        assert!(said(nowhere).contains("`Atlantis` is no time zone"));
        assert_eq!(check(&When::Once { at: Timestamp(i64::MIN) }, now), Err(BadWhen::BeyondCalendar));
    }
}
