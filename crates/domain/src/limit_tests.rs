//! Limits as they are written, and as the clock has them.

use super::*;
use proptest::prelude::*;

fn at(text: &str) -> Timestamp {
    Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

fn limit(text: &str) -> Limit {
    text.parse().unwrap_or_else(|bad| panic!("{text}: {bad}"))
}

fn mbit(count: u64) -> Rate {
    Rate::bits_per_second(count * 1_000_000)
}

const OFFICE: &str = "2Mbit/s 08:00-18:00 Europe/Madrid; 100Mbit/s";

#[test]
fn the_first_window_that_is_open_counts_and_the_last_part_is_the_rest() {
    let office = limit(OFFICE);
    let (morning, evening) = (at("2026-01-12T07:00:00Z"), at("2026-01-12T17:00:00Z"));
    assert_eq!(office.at(morning), Holding { rate: Some(mbit(2)), until: Some(evening) });
    let next = at("2026-01-13T07:00:00Z");
    assert_eq!(office.at(evening), Holding { rate: Some(mbit(100)), until: Some(next) });
    let summer = at("2026-07-12T06:00:00Z");
    assert_eq!(office.at(summer).until, Some(at("2026-07-12T16:00:00Z")), "the zone's own clock counts");

    let night = limit("off 22:00-06:00; 10MB/s");
    assert_eq!(night.at(at("2026-01-12T23:00:00Z")).rate, None);
    assert_eq!(night.at(at("2026-01-12T12:00:00Z")).rate.unwrap().bytes_per_second().0, 10_000_000);

    let bounded = limit("1Gbit/s 22:00-06:00");
    assert_eq!(bounded.at(at("2026-01-12T12:00:00Z")).rate, None, "outside of all windows nothing holds");
    assert_eq!(limit("100Mbit/s").at(morning), Holding { rate: Some(mbit(100)), until: None });
}

#[test]
fn windows_that_follow_each_other_with_one_rate_are_one() {
    let day = limit("2Mbit/s 08:00-12:00; 2Mbit/s 12:00-18:00; off");
    let Holding { until, .. } = day.at(at("2026-01-12T09:00:00Z"));
    assert_eq!(until, Some(at("2026-01-12T18:00:00Z")));
    assert_eq!(limit("2Mbit/s 08:00-20:00; 2Mbit/s").at(at("2026-01-12T09:00:00Z")).until, None);
}

#[test]
fn bits_and_bytes_are_never_taken_for_each_other() {
    let bytes = |text: &str| text.parse::<Rate>().map(|rate| rate.bytes_per_second().0);
    assert_eq!(bytes("8Mbit/s"), Ok(1_000_000));
    assert_eq!(bytes("8mbit"), Ok(1_000_000), "of `bit` the size of the letters says nothing");
    assert_eq!(bytes("1MB/s"), Ok(1_000_000));
    assert_eq!(bytes("1 MiB/s"), Ok(1 << 20));
    assert_eq!(bytes("1.5Gbit/s"), Ok(187_500_000));
    for unclear in ["100", "100M", "100Mb/s", "100Mbps", "5g"] {
        assert!(matches!(bytes(unclear), Err(BadRate::Ambiguous { .. })), "{unclear}: {:?}", bytes(unclear));
    }
    for wrong in ["", "fast", "-5Mbit/s", "1.2345Mbit/s", "5mb it/s", "5MB/h", "1e3Mbit/s", ".5Mbit/s"] {
        assert!(matches!(bytes(wrong), Err(BadRate::Malformed { .. })), "{wrong}: {:?}", bytes(wrong));
    }
    assert!(matches!(bytes("0Mbit/s"), Err(BadRate::TooSlow { .. })));
    assert!(matches!(bytes("255kbit/s"), Err(BadRate::TooSlow { .. })));
    assert!(matches!(bytes("999999999999Gbit/s"), Err(BadRate::TooFast { .. })));
}

#[test]
fn a_rate_is_shown_in_the_unit_in_which_it_was_written() {
    let shown = |text: &str| text.parse::<Rate>().unwrap().to_string();
    for same in ["2Mbit/s", "1.5Gbit/s", "512kbit/s", "12MB/s", "1.5MiB/s", "100KiB/s", "2.5GB/s"] {
        assert_eq!(shown(same), same);
    }
    assert_eq!((shown("1000Mbit/s").as_str(), shown("1024KiB/s").as_str()), ("1Gbit/s", "1MiB/s"));
    assert_eq!(mbit(2).spoken(), "2 Mbit/s");
}

#[test]
fn what_is_no_limit_is_refused_in_a_sentence() {
    let said = |text: &str| text.parse::<Limit>().unwrap_err().to_string();
    assert!(said("10Mbit/s; 20Mbit/s").contains("never holds"));
    assert!(said("10Mbit/s 25:00-26:00").contains("no part of the day"));
    assert!(said("10Mbit/s 08:00-18:00 Atlantis").contains("no time zone"));
    assert!(said("10 08:00-18:00").contains("bits or bytes"));
    assert!(said("10Mbit/s 08:00-18:00;").contains("no limit"));
    assert!(said(&"x".repeat(5000)).len() < 400, "what was typed is not repeated at length");
    let many = vec!["1Mbit/s 08:00-09:00"; PARTS_MAX + 1].join(";");
    assert!(said(&many).contains("more than"));
}

#[test]
fn off_takes_a_limit_away() {
    for off in ["off", "OFF", "", " ", "off 08:00-18:00; off"] {
        assert_eq!(Limit::wish(off), Ok(None), "`{off}`");
    }
    assert_eq!(Limit::wish(OFFICE), Ok(Some(limit(OFFICE))));
    assert!(Limit::wish("0").is_err());
}

#[test]
fn a_limit_is_stored_as_it_is_written_and_an_agent_of_before_knows_none() {
    let stored = serde_json::to_string(&limit("2 Mbit/s 8:00-18:00; off")).unwrap();
    assert_eq!(stored, r#""2Mbit/s 08:00-18:00 UTC; off""#);
    assert_eq!(serde_json::from_str::<Limits>("{}").unwrap(), Limits::default());
    let written = serde_json::to_value(Limits::default()).unwrap();
    assert!(written.get("links").is_none(), "where no link is limited nothing more is said than before");
    assert!(serde_json::from_str::<Limit>(r#""much""#).is_err());
}

#[test]
fn of_several_the_strictest_is_named_with_its_end_on_its_own_clock() {
    let now = at("2026-01-12T09:00:00Z");
    let by = |name: &str| LimitedBy::Provider(name.parse().unwrap());
    let of_template = LimitedBy::Template("win11".parse().unwrap());
    let office = Limited::now(by("kvm-b"), &limit(OFFICE), now);
    let template = Limited::now(of_template, &limit("50Mbit/s"), now);
    let felt = Limited::strictest(office.into_iter().chain(template.clone())).unwrap();
    assert_eq!(felt.to_string(), "limited to 2 Mbit/s by provider kvm-b until 18:00 Europe/Madrid");
    assert_eq!(template.unwrap().to_string(), "limited to 50 Mbit/s by template win11");

    let evening = Limited::now(by("kvm-b"), &limit(OFFICE), at("2026-01-12T20:00:00Z")).unwrap();
    assert!(evening.to_string().ends_with("until Tue 08:00 Europe/Madrid"), "{evening}");
    assert_eq!(Limited::now(by("kvm-b"), &limit("off 08:00-18:00 Europe/Madrid; 1Gbit/s"), now), None);

    let slow = Limited::now(by("kvm-a"), &limit("1Mbit/s"), now).unwrap();
    let both = Limited::sources(vec![slow, felt]).unwrap();
    let said = "limited to 3 Mbit/s by its sources kvm-a and kvm-b until 18:00 Europe/Madrid";
    assert_eq!(both.to_string(), said);
}

#[test]
fn two_templates_of_one_content_share_the_stricter_limit() {
    let digest = crate::digest::Digest::from_bytes([7; 32]);
    let transfer = |text: &str| TransferLimit { digest, limit: limit(text) };
    let transfers = vec![transfer("off 08:00-09:00; 9Mbit/s"), transfer("5Mbit/s")];
    let limits = Limits { transfers, ..Limits::default() };
    let now = at("2026-01-12T08:30:00Z");
    assert_eq!(limits.of_transfer(&digest, now), Some(mbit(5)));
    assert_eq!(limits.of_transfer(&crate::digest::Digest::from_bytes([8; 32]), now), None);
    assert_eq!(limits.of_provider(now), None);
}

#[test]
fn in_nights_of_23_and_25_hours_it_changes_when_it_is_said_to() {
    for text in [
        "2Mbit/s 02:30-04:00 Europe/Madrid",
        "2Mbit/s 01:00-02:30 Europe/Madrid; 3Mbit/s",
        "2Mbit/s 03:30-02:30 Europe/Madrid",
    ] {
        let limit = limit(text);
        for day in ["2026-03-28T22:00:00Z", "2026-10-24T22:00:00Z"] {
            let minutes = (0..8 * 60).map(|minute| Timestamp(at(day).0 + minute * 60_000));
            let mut said = limit.at(at(day));
            for now in minutes {
                if said.until.is_some_and(|until| until <= now) {
                    said = limit.at(now);
                }
                assert_eq!(limit.at(now), said, "{text} at {now:?}");
            }
        }
    }
}

fn parts() -> impl Strategy<Value = String> {
    let zone = prop_oneof![
        Just("UTC"),
        Just("Europe/Madrid"),
        Just("America/St_Johns"),
        Just("Australia/Lord_Howe")
    ];
    let part = (1_u64..5, 0_u16..96, 1_u16..95, zone).prop_map(|(rate, from, length, zone)| {
        let (from, until) = (from * 15, (from + length) % 96 * 15);
        let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        format!("{rate}Mbit/s {}-{} {zone}", clock(from), clock(until))
    });
    (proptest::collection::vec(part, 1..4), any::<bool>()).prop_map(|(mut parts, rest)| {
        parts.extend(rest.then(|| "off".to_owned()));
        parts.join("; ")
    })
}

proptest! {
    #[test]
    fn a_rate_stays_until_it_is_said_to_change_and_then_it_does(
        text in parts(), minutes in 0_i64..(366 * 24 * 60), looks in proptest::collection::vec(0.0..1.0, 12)
    ) {
        let limit = limit(&text);
        let now = Timestamp(at("2026-01-01T00:00:00Z").0 + minutes * 60_000);
        let Holding { rate, until } = limit.at(now);
        let end = until.map_or(now.0 + 9 * 24 * 3_600_000, |until| until.0);
        prop_assert!(end > now.0);
        for look in looks {
            let then = Timestamp(now.0 + ((end - now.0 - 1) as f64 * look) as i64);
            prop_assert_eq!(limit.at(then).rate, rate, "{} at {:?}", text, then);
        }
        if let Some(until) = until {
            prop_assert_ne!(limit.at(until).rate, rate);
        }
    }

    #[test]
    fn what_is_written_reads_back(text in parts()) {
        let limit = limit(&text);
        prop_assert_eq!(limit.to_string().parse::<Limit>(), Ok(limit));
    }

    #[test]
    fn nothing_that_is_typed_makes_it_panic(text in "[0-9.a-zA-Z:;/ -]{0,60}") {
        let _ = Limit::wish(&text);
    }
}
