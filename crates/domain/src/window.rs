//! A part of the day in the time of a zone: `22:00-06:00 Europe/Berlin`. Scrubs keep to one.

use crate::units::Timestamp;
use jiff::{
    civil,
    tz::{TimeZone, TimeZoneDatabase},
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The zone of a window that names none.
const ZONE_DEFAULT: &str = "UTC";
const MINUTES_A_DAY: u16 = 24 * 60;

/// From one minute of the day until another, which may be that of the next day. Written and stored as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DailyWindow {
    from: u16,
    until: u16,
    zone: String,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadWindow {
    #[error("`{text}` is no part of the day: write it like `22:00-06:00` or `22:00-06:00 Europe/Berlin`")]
    Malformed { text: String },
    #[error("`{zone}` is no time zone: use a name of the IANA's list, as `Europe/Madrid` or `UTC`")]
    NoSuchZone { zone: String },
}

impl FromStr for DailyWindow {
    type Err = BadWindow;
    fn from_str(text: &str) -> Result<Self, BadWindow> {
        let malformed = || BadWindow::Malformed { text: text.chars().take(80).collect() };
        let (times, zone) =
            text.trim().split_once(char::is_whitespace).unwrap_or((text.trim(), ZONE_DEFAULT));
        let zone = zone.trim();
        let (from, until) = times.split_once('-').ok_or_else(malformed)?;
        let from = minute_of_day(from).filter(|from| *from < MINUTES_A_DAY).ok_or_else(malformed)?;
        let until = minute_of_day(until).ok_or_else(malformed)? % MINUTES_A_DAY;
        if from == until {
            return Err(malformed());
        }
        if time_zone(zone).is_none() {
            return Err(BadWindow::NoSuchZone { zone: zone.chars().take(80).collect() });
        }
        Ok(Self { from, until, zone: zone.to_owned() })
    }
}

/// `HH:MM`, as minutes since midnight; `24:00` is the end of the day.
fn minute_of_day(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |digits: &str| {
        let well = (1..=2).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        well.then(|| digits.parse::<u16>().ok()).flatten()
    };
    let (hours, minutes) = (number(hours)?, number(minutes).filter(|minutes| *minutes < 60)?);
    let all = hours * 60 + minutes;
    (all <= MINUTES_A_DAY).then_some(all)
}

fn time_zone(zone: &str) -> Option<TimeZone> {
    TimeZoneDatabase::bundled().get(zone).ok()
}

impl fmt::Display for DailyWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, until) = (self.from, self.until);
        let zone = &self.zone;
        write!(f, "{:02}:{:02}-{:02}:{:02} {zone}", from / 60, from % 60, until / 60, until % 60)
    }
}

impl TryFrom<String> for DailyWindow {
    type Error = BadWindow;
    fn try_from(text: String) -> Result<Self, BadWindow> {
        text.parse()
    }
}

impl From<DailyWindow> for String {
    fn from(window: DailyWindow) -> Self {
        window.to_string()
    }
}

impl DailyWindow {
    /// Whether `now` lies in it: from when it opens until it closes, also in the night that lacks an hour
    /// or has one twice.
    pub fn is_open(&self, now: Timestamp) -> bool {
        let Some(local) = self.local(now) else { return false };
        let closes_after = i64::from(self.until <= self.from);
        (-2..=0).any(|days| {
            let at = |minute, days| on_day(&local, days, minute);
            let (opens, closes) = (at(self.from, days), at(self.until, days + closes_after));
            opens.zip(closes).is_some_and(|(opens, closes)| (opens..closes).contains(&now))
        })
    }

    /// When it opens next, strictly after `now`.
    pub fn opens(&self, now: Timestamp) -> Option<Timestamp> {
        self.next(self.from, now)
    }

    /// When it closes next, strictly after `now`.
    pub fn closes(&self, now: Timestamp) -> Option<Timestamp> {
        self.next(self.until, now)
    }

    /// `at` on the clock of its zone: `18:00 Europe/Madrid`, `Mon 08:00 Europe/Madrid` if that is another
    /// day there than `now`.
    pub fn moment(&self, at: Timestamp, now: Timestamp) -> Option<String> {
        let (at, now) = (self.local(at)?, self.local(now)?);
        let form = if at.date() == now.date() { "%H:%M" } else { "%a %H:%M" };
        Some(format!("{} {}", at.strftime(form), self.zone))
    }

    fn next(&self, minute: u16, now: Timestamp) -> Option<Timestamp> {
        let local = self.local(now)?;
        // Days may lack an hour or have one twice; the third day is further than any change reaches.
        (0..3).find_map(|days| on_day(&local, days, minute).filter(|at| *at > now))
    }

    fn local(&self, now: Timestamp) -> Option<jiff::Zoned> {
        let now = jiff::Timestamp::from_millisecond(now.0).ok()?;
        Some(now.to_zoned(time_zone(&self.zone)?))
    }
}

/// When the clocks of a zone show a minute of the day, so many days after `local`. One that is lacking comes
/// just after; of one that comes twice it is the first.
fn on_day(local: &jiff::Zoned, days: i64, minute: u16) -> Option<Timestamp> {
    let time = civil::time((minute / 60) as i8, (minute % 60) as i8, 0, 0);
    let date = local.date().checked_add(jiff::Span::new().days(days)).ok()?;
    let at = local.time_zone().to_zoned(date.to_datetime(time)).ok()?.timestamp();
    Some(Timestamp(at.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    fn window(text: &str) -> DailyWindow {
        text.parse().unwrap()
    }

    #[test]
    fn a_night_reaches_over_midnight_in_its_own_zone() {
        let night = window("22:00-06:00 Europe/Berlin");
        assert!(!night.is_open(at("2026-01-10T20:59:59Z")));
        assert!(night.is_open(at("2026-01-10T21:00:00Z")), "in winter");
        assert!(night.is_open(at("2026-07-10T20:00:00Z")), "in summer");
        assert!(night.is_open(at("2026-01-11T04:59:59Z")));
        assert!(!night.is_open(at("2026-01-11T05:00:00Z")));
        assert_eq!(night.opens(at("2026-01-11T05:00:00Z")), Some(at("2026-01-11T21:00:00Z")));
        assert_eq!(night.closes(at("2026-01-10T21:00:00Z")), Some(at("2026-01-11T05:00:00Z")));
    }

    #[test]
    fn a_night_that_lacks_an_hour_or_has_one_twice_opens_and_closes_once() {
        let night = window("02:30-04:00 Europe/Berlin");
        let spring = at("2026-03-29T00:00:00Z");
        assert!(
            night.opens(spring) > Some(spring) && night.closes(spring) == Some(at("2026-03-29T02:00:00Z"))
        );
        let autumn = at("2026-10-25T00:00:00Z");
        assert_eq!(night.closes(autumn), Some(at("2026-10-25T03:00:00Z")));
    }

    #[test]
    fn what_is_written_reads_back_and_what_is_no_window_is_refused() {
        assert_eq!(window("8:00-18:30").to_string(), "08:00-18:30 UTC");
        assert_eq!(window("18:00-24:00 UTC").to_string(), "18:00-00:00 UTC");
        let written = serde_json::to_string(&window("22:00-06:00 Europe/Madrid")).unwrap();
        assert_eq!(
            serde_json::from_str::<DailyWindow>(&written).unwrap(),
            window("22:00-06:00 Europe/Madrid")
        );
        for bad in
            ["", "22:00", "22-06", "25:00-06:00", "22:60-06:00", "06:00-06:00", "-1:00-2:00", "+1:00-2:00"]
        {
            assert!(matches!(bad.parse::<DailyWindow>(), Err(BadWindow::Malformed { .. })), "{bad}");
        }
        let nowhere = "22:00-06:00 Atlantis".parse::<DailyWindow>();
        assert!(matches!(nowhere, Err(BadWindow::NoSuchZone { .. })));
    }
}
