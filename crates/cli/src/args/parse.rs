//! Small values that are typed: times to wait, pairs of a name and a value.

use diecast_domain::pattern::NamePattern;
use std::time::Duration;

/// `90s`, `10m`, `1h 30m`, or plain seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let refuse = || format!("`{text}` is not a time: write 90s, 10m, 2h or plain seconds");
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    let span: jiff::SignedDuration = text.parse().map_err(|_| refuse())?;
    Duration::try_from(span).map_err(|_| refuse())
}

/// `corp=br20`. The value may be empty: in a change that takes the name away.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("`{text}` is not NAME=VALUE")),
    }
}

/// As [`pair`], and the value is not empty.
pub(super) fn full_pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = pair(text)?;
    if value.is_empty() { Err(format!("`{text}` lacks a value after the =")) } else { Ok((key, value)) }
}

/// `desk-{nnn}`, kept as it was typed.
pub(super) fn name_pattern(text: &str) -> Result<String, String> {
    text.parse::<NamePattern>().map(|_| text.to_owned()).map_err(|bad| bad.to_string())
}

/// A path on a provider's machine. Nothing there is relative to anything here.
pub(super) fn remote_path(text: &str) -> Result<String, String> {
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
    fn times_are_read_as_people_write_them() {
        let read = |text| duration(text).map(|time| time.as_secs()).ok();
        let times = ["90", "90s", "10m", "1h 30m", "1h30m", "", "soon", "-5s"].map(read);
        assert_eq!(times, [Some(90), Some(90), Some(600), Some(5400), Some(5400), None, None, None]);
    }

    #[test]
    fn pairs_need_a_name_and_sometimes_a_value() {
        assert_eq!(pair("corp=br20"), Ok(("corp".into(), "br20".into())));
        assert_eq!(pair("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert!(pair("corp").is_err() && pair("=x").is_err());
        assert!(pair("corp=").is_ok() && full_pair("corp=").is_err());
    }
}
