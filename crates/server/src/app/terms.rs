//! How a recreation is to go, as operators write it, and back.

use crate::app::{refused::Refused, setup::unknown};
use diecast_api::{
    operator::recreation::TermsBody,
    time::{instant, rfc3339},
};
use diecast_domain::{
    maintenance::IfUnavailable,
    recreation::{HEALTH_SECONDS_DEFAULT, Reach, Terms, Waves},
    units::Timestamp,
};
use std::time::Duration;

/// Waves of one recreation: nobody oversees more.
const WAVES_MAX: usize = 20;
/// Hosts that a wave may name: more than one server looks after.
const WAVE_HOSTS_MAX: u32 = 1_000_000;
/// Clocks differ, and a request takes its time: what was due so little ago is due now.
const PAST_BORNE: Duration = Duration::from_secs(60);
/// A host that boots takes seconds.
const HEALTH_SECONDS_MIN: u32 = 5;
/// After a day nobody waits for a host any more.
const HEALTH_SECONDS_MAX: u32 = 24 * 3600;

pub(crate) fn parse(asked: &TermsBody, now: Timestamp) -> Result<Terms, Refused> {
    let health_seconds = asked.health_seconds.unwrap_or(HEALTH_SECONDS_DEFAULT);
    if !(HEALTH_SECONDS_MIN..=HEALTH_SECONDS_MAX).contains(&health_seconds) {
        return Err(Refused::malformed(format!(
            "`health_seconds` is {health_seconds}; it may be {HEALTH_SECONDS_MIN} to {HEALTH_SECONDS_MAX}"
        )));
    }
    Ok(Terms {
        waves: asked.waves.as_deref().map_or(Ok(Waves::default()), waves)?,
        deadline: asked.deadline.as_deref().map(|text| to_come("deadline", text, now)).transpose()?,
        failures_max: asked.failures_max,
        health_seconds,
    })
}

/// What `asked` changes of `before`; what it leaves out stays.
pub(crate) fn merged(before: &Terms, asked: &TermsBody, now: Timestamp) -> Result<Terms, Refused> {
    let all = body(before);
    let changed = TermsBody {
        waves: asked.waves.clone().or(all.waves),
        deadline: asked.deadline.clone(),
        failures_max: asked.failures_max.or(all.failures_max),
        health_seconds: asked.health_seconds.or(all.health_seconds),
    };
    let terms = parse(&changed, now)?;
    Ok(Terms { deadline: terms.deadline.or(before.deadline), ..terms })
}

/// Terms that hold again and again name no instant.
pub(crate) fn without_deadline(asked: &TermsBody, of: &str) -> Result<(), Refused> {
    match &asked.deadline {
        None => Ok(()),
        Some(_) => Err(Refused::malformed(format!(
            "`terms.deadline` is one instant, and {of} holds for every recreation: say it when you recreate"
        ))),
    }
}

pub(crate) fn body(terms: &Terms) -> TermsBody {
    TermsBody {
        waves: Some(written(&terms.waves)),
        deadline: terms.deadline.map(rfc3339),
        failures_max: terms.failures_max,
        health_seconds: Some(terms.health_seconds),
    }
}

/// A time that is still to come. One that has just passed is now.
pub(crate) fn to_come(field: &str, text: &str, now: Timestamp) -> Result<Timestamp, Refused> {
    let at = time(field, text)?;
    if now.since(at) > PAST_BORNE {
        return Err(Refused::malformed(format!("`{field}` is {}, which has passed", rfc3339(at))));
    }
    Ok(at.max(now))
}

/// Any time.
pub(crate) fn time(field: &str, text: &str) -> Result<Timestamp, Refused> {
    instant(text).ok_or_else(|| unknown(field, text, "a time like `2030-01-31T22:00:00Z` (RFC 3339)"))
}

pub(crate) fn if_unavailable(asked: Option<&str>) -> Result<IfUnavailable, Refused> {
    match asked {
        None => Ok(IfUnavailable::default()),
        Some("ask") => Ok(IfUnavailable::Ask),
        Some("proceed") => Ok(IfUnavailable::Proceed),
        Some("later") => Ok(IfUnavailable::Later),
        Some(other) => Err(unknown("if_unavailable", other, "`ask`, `proceed` or `later`")),
    }
}

/// `1,10%,50%,100%`, or one number: so many at a time.
fn waves(text: &str) -> Result<Waves, Refused> {
    let bad = || unknown("waves", text, "like `1,10%,50%,100%`, each further than the one before, or `5`");
    let reaches = text.split(',').map(|part| reach(part.trim())).collect::<Option<Vec<Reach>>>();
    let mut reaches = reaches.filter(|reaches| reaches.len() <= WAVES_MAX).ok_or_else(bad)?;
    if let [Reach::Hosts(count)] = reaches[..] {
        return Ok(Waves::AtATime(count));
    }
    let numbers = |of: fn(&Reach) -> Option<u32>| reaches.iter().filter_map(of).collect::<Vec<_>>();
    let hosts = numbers(|reach| if let Reach::Hosts(count) = reach { Some(*count) } else { None });
    let parts = numbers(|reach| if let Reach::Percent(part) = reach { Some(*part) } else { None });
    if !hosts.is_sorted_by(|a, b| a < b) || !parts.is_sorted_by(|a, b| a < b) {
        return Err(bad());
    }
    // The last wave takes whoever is left; it is written down so that everybody reads the same.
    if reaches.last() != Some(&Reach::Percent(100)) {
        reaches.push(Reach::Percent(100));
    }
    Ok(Waves::Reaching(reaches))
}

fn reach(text: &str) -> Option<Reach> {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok());
    match text.strip_suffix('%') {
        Some(part) => digits(part)?.filter(|part| (1..=100).contains(part)).map(Reach::Percent),
        None => digits(text)?.filter(|count| (1..=WAVE_HOSTS_MAX).contains(count)).map(Reach::Hosts),
    }
}

fn written(waves: &Waves) -> String {
    let one = |reach: &Reach| match reach {
        Reach::Hosts(count) => count.to_string(),
        Reach::Percent(part) => format!("{part}%"),
    };
    match waves {
        Waves::AtATime(count) => count.to_string(),
        Waves::Reaching(reaches) => reaches.iter().map(one).collect::<Vec<_>>().join(","),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn with_waves(text: &str) -> TermsBody {
        TermsBody { waves: Some(text.to_owned()), ..TermsBody::default() }
    }

    #[test]
    fn terms_read_back_as_they_were_written() {
        assert_eq!(parse(&TermsBody::default(), NOW).unwrap(), Terms::default());
        for (said, written) in [
            ("1,10%,50%,100%", "1,10%,50%,100%"),
            ("5", "5"),
            (" 1 , 3, 50% ", "1,3,50%,100%"),
            ("25%", "25%,100%"),
            ("100%", "100%"),
        ] {
            let terms = parse(&with_waves(said), NOW).unwrap();
            let again = body(&terms);
            assert_eq!(again.waves.as_deref(), Some(written), "{said}");
            assert_eq!(parse(&again, NOW).unwrap(), terms);
        }
    }

    #[test]
    fn waves_that_make_no_sense_are_refused() {
        for bad in ["", "0", "0%", "101%", "-1", "+1", "1,,2", "50%,10%", "3,3", "2,1", "all", "1.5", "%"] {
            let cause = parse(&with_waves(bad), NOW).expect_err(bad).problem.cause;
            assert!(cause.starts_with("`waves` is"), "{cause}");
        }
        assert!(parse(&with_waves(&vec!["1"; 1000].join(",")), NOW).is_err());
        assert!(parse(&with_waves("99999999999"), NOW).is_err());
    }

    #[test]
    fn a_time_that_has_passed_is_refused_and_one_just_passed_is_now() {
        let at = |text: &str| TermsBody { deadline: Some(text.to_owned()), ..TermsBody::default() };
        let deadline = |text: &str| parse(&at(text), NOW).map(|terms| terms.deadline);
        assert_eq!(deadline(&rfc3339(NOW)).unwrap(), Some(NOW));
        assert_eq!(deadline(&rfc3339(Timestamp(NOW.0 - 30_000))).unwrap(), Some(NOW));
        let later = Timestamp(NOW.0 + 3_600_000);
        assert_eq!(deadline(&rfc3339(later)).unwrap(), Some(later));
        let passed = deadline("2001-01-01T00:00:00Z").expect_err("it has passed").problem.cause;
        assert_eq!(passed, "`deadline` is 2001-01-01T00:00:00Z, which has passed");
        assert!(deadline("soon").is_err());
    }

    #[test]
    fn what_a_change_leaves_out_stays() {
        let before = Terms { failures_max: Some(3), deadline: Some(Timestamp(1)), ..Terms::default() };
        let after = merged(&before, &with_waves("5"), NOW).unwrap();
        assert_eq!(after, Terms { waves: Waves::AtATime(5), ..before });
    }

    #[test]
    fn health_is_waited_for_neither_too_short_nor_for_ever() {
        for bad in [0, 4, 86_401] {
            let asked = TermsBody { health_seconds: Some(bad), ..TermsBody::default() };
            assert!(parse(&asked, NOW).is_err(), "{bad}");
        }
    }
}
