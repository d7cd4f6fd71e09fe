//! Small values that are typed: times to wait, pairs of a name and a value.

use diecast_domain::{limit::Limit, pattern::NamePattern, template::Tag, window::DailyWindow};
use std::{net::SocketAddr, time::Duration};

/// Nobody waits for longer than ten years, and no clock goes on for ever.
const TIME_MAX: Duration = Duration::from_secs(10 * 366 * 24 * 3600);

/// `90s`, `10m`, `1h 30m`, or plain seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let refuse = || format!("`{text}` is not a time: write 90s, 10m, 2h or plain seconds");
    let time = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let span: jiff::SignedDuration = text.parse().map_err(|_| refuse())?;
            Duration::try_from(span).map_err(|_| refuse())?
        }
    };
    not_too_long(text, time)
}

/// As [`duration`], and in days too: `7d`.
pub(crate) fn days(text: &str) -> Result<Duration, String> {
    let days = text.strip_suffix('d').and_then(|days| days.parse::<u64>().ok());
    match days.map(|days| days.checked_mul(24 * 3600)) {
        Some(seconds) => not_too_long(text, Duration::from_secs(seconds.unwrap_or(u64::MAX))),
        None => duration(text).map_err(|_| format!("`{text}` is not a time: write 7d, 36h or plain seconds")),
    }
}

fn not_too_long(text: &str, time: Duration) -> Result<Duration, String> {
    if time <= TIME_MAX { Ok(time) } else { Err(format!("`{text}` is too long")) }
}

/// `50MiB/s`: bytes, as disks are measured in.
pub(crate) fn byte_rate(text: &str) -> Result<u64, String> {
    let refuse = || format!("`{text}` is not a rate: write it like 50MiB/s");
    size(text.strip_suffix("/s").unwrap_or(text)).map_err(|_| refuse())
}

pub(crate) fn on_or_off(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(format!("`{text}` is neither on nor off")),
    }
}

/// A part of the day as the server takes it; empty for any time.
pub(crate) fn window(text: &str) -> Result<String, String> {
    if text == "any" {
        return Ok(String::new());
    }
    text.parse::<DailyWindow>().map(|window| window.to_string()).map_err(|bad| bad.to_string())
}

/// As [`duration`], in whole seconds that the API can take.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let time = duration(text)?;
    match u32::try_from(time.as_secs()) {
        Ok(_) => Ok(time),
        Err(_) => Err(format!("`{text}` is too long")),
    }
}

/// `20GiB`, `500M`, or plain bytes: powers of 1024, as everywhere here.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let refuse = || format!("`{text}` is not a size: write 20GiB, 500MiB or plain bytes");
    let (number, unit) = text.split_at(text.find(|it: char| !it.is_ascii_digit()).unwrap_or(text.len()));
    let number: u64 = number.parse().map_err(|_| refuse())?;
    let unit = unit.trim().to_ascii_lowercase();
    let power = match unit.as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 1,
        "m" | "mb" | "mib" => 2,
        "g" | "gb" | "gib" => 3,
        "t" | "tb" | "tib" => 4,
        _ => return Err(refuse()),
    };
    number.checked_mul(1 << (10 * power)).filter(|bytes| *bytes > 0).ok_or_else(refuse)
}

/// `100Mbit/s`, `2Mbit/s 08:00-18:00 Europe/Madrid; 100Mbit/s`, `off`: as it is stored.
pub(crate) fn limit(text: &str) -> Result<String, String> {
    let limit = Limit::wish(text).map_err(|bad| bad.to_string())?;
    Ok(limit.map_or_else(|| "off".to_owned(), |limit| limit.to_string()))
}

/// `1,10%,100%` or `5`, as it was typed: what it means is the server's.
pub(crate) fn waves(text: &str) -> Result<String, String> {
    let well = |reach: &str| match reach.trim().strip_suffix('%') {
        Some(percent) => percent.parse().is_ok_and(|percent: u32| (1..=100).contains(&percent)),
        None => reach.trim().parse().is_ok_and(|hosts: u32| hosts > 0),
    };
    if text.split(',').all(well) {
        Ok(text.split(',').map(str::trim).collect::<Vec<_>>().join(","))
    } else {
        Err(format!("`{text}` are not waves: write 1,10%,50%,100%, or a number of hosts at a time"))
    }
}

/// `2`, `v2`, `newest` or a tag.
pub(crate) fn version(text: &str) -> Result<String, String> {
    let number = text.strip_prefix('v').unwrap_or(text);
    if number.parse().is_ok_and(|number: u32| number > 0) {
        return Ok(number.to_owned());
    }
    // Not a tag: what a pool follows if it follows none.
    if text == "newest" {
        return Ok(text.to_owned());
    }
    text.parse::<Tag>()
        .map(|tag| tag.to_string())
        .map_err(|_| format!("`{text}` is no version: write its number, as in 2 or v2, or a tag"))
}

/// `kvm-a=3`
pub(crate) fn weight(text: &str) -> Result<(String, u32), String> {
    let (provider, weight) = full_pair(text)?;
    weight.parse().map(|weight| (provider, weight)).map_err(|_| format!("`{text}` is not PROVIDER=N"))
}

/// An address that only this machine can reach.
pub(crate) fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr =
        text.parse().map_err(|_| format!("`{text}` is not an address such as 127.0.0.1:5901"))?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err(format!("`{text}` can be reached from other machines; a screen is for this one alone: 127.0.0.1"))
    }
}

/// `corp=br20`. The value may be empty: in a change that takes the name away.
pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("`{text}` is not NAME=VALUE")),
    }
}

/// As [`pair`], and the value is not empty.
pub(crate) fn full_pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = pair(text)?;
    if value.is_empty() { Err(format!("`{text}` lacks a value after the =")) } else { Ok((key, value)) }
}

/// `desk-{nnn}`, kept as it was typed.
pub(crate) fn name_pattern(text: &str) -> Result<String, String> {
    text.parse::<NamePattern>().map(|_| text.to_owned()).map_err(|bad| bad.to_string())
}

pub(crate) fn name_pattern_or_none(text: &str) -> Result<String, String> {
    if text.is_empty() { Ok(String::new()) } else { name_pattern(text) }
}

/// A path on a provider's machine. Nothing there is relative to anything here.
pub(crate) fn remote_path(text: &str) -> Result<String, String> {
    if text.starts_with('/') {
        Ok(text.to_owned())
    } else {
        Err(format!("`{text}` is not an absolute path; it is looked up on the provider's machine"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scrubs_are_wished_for_in_the_units_of_disks_and_weeks() {
        assert_eq!(days("7d"), Ok(Duration::from_secs(7 * 24 * 3600)));
        assert_eq!(days("36h"), Ok(Duration::from_secs(36 * 3600)));
        assert!(days("d").is_err() && days("1w").is_err() && days("999999999999999999d").is_err());
        assert_eq!(byte_rate("50MiB/s"), Ok(50 << 20));
        assert!(byte_rate("50Mbit/s").is_err() && byte_rate("fast").is_err());
        assert_eq!(window("22:00-06:00"), Ok("22:00-06:00 UTC".into()));
        assert_eq!(window("any"), Ok(String::new()));
        assert!(window("at night").unwrap_err().contains("22:00-06:00"));
        assert_eq!((on_or_off("on"), on_or_off("off")), (Ok(true), Ok(false)));
        assert!(on_or_off("maybe").is_err());
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        let read = |text| duration(text).map(|time| time.as_secs()).ok();
        assert!(duration("18446744073709551615").unwrap_err().contains("too long"), "no clock goes so far");
        let times = ["90", "90s", "10m", "1h 30m", "1h30m", "", "soon", "-5s"].map(read);
        assert_eq!(times, [Some(90), Some(90), Some(600), Some(5400), Some(5400), None, None, None]);
    }

    #[test]
    fn sizes_are_read_as_people_write_them() {
        let read = ["20GiB", "20g", "1 KiB", "512", "0", "", "GiB", "20x", "99999999999T", "20gibib"]
            .map(|it| size(it).ok());
        let gib20 = Some(20 << 30);
        assert_eq!(read, [gib20, gib20, Some(1024), Some(512), None, None, None, None, None, None]);
    }

    #[test]
    fn a_limit_says_bits_or_bytes_and_may_have_windows() {
        assert_eq!(limit("2 mbit 8:00-18:00; off").as_deref(), Ok("2Mbit/s 08:00-18:00 UTC; off"));
        assert_eq!(limit("off").as_deref(), Ok("off"));
        assert!(limit("100M").unwrap_err().contains("bits or bytes"));
    }

    #[test]
    fn waves_are_numbers_and_per_cents() {
        assert_eq!(waves("1, 10%,100%").as_deref(), Ok("1,10%,100%"));
        assert_eq!(waves("5").as_deref(), Ok("5"));
        for bad in ["", "0", "0%", "101%", "1,,2", "all", "-1"] {
            assert!(waves(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_version_is_a_number_or_a_tag() {
        let read =
            ["2", "v2", "newest", "pre-production", "0", "v0", "", "Prod", "a b"].map(|it| version(it).ok());
        let words = read.each_ref().map(Option::as_deref);
        let two = Some("2");
        assert_eq!(words, [two, two, Some("newest"), Some("pre-production"), None, None, None, None, None]);
    }

    #[test]
    fn a_screen_is_for_this_machine_alone() {
        assert!(loopback("127.0.0.1:5901").is_ok() && loopback("[::1]:0").is_ok());
        assert!(
            loopback("0.0.0.0:5901").is_err() && loopback("10.0.0.1:5901").is_err() && loopback("x").is_err()
        );
    }

    #[test]
    fn pairs_need_a_name_and_sometimes_a_value() {
        assert_eq!(pair("corp=br20"), Ok(("corp".into(), "br20".into())));
        assert_eq!(pair("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert!(pair("corp").is_err() && pair("=x").is_err());
        assert!(pair("corp=").is_ok() && full_pair("corp=").is_err());
    }
}
