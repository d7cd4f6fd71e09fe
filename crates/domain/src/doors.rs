//! The doors of this crate: every reading of what somebody outside wrote, to be tried with anything.
//!
//! `fuzz/` tries them for as long as one likes, and the tests of each crate with a few thousand inputs. A
//! door takes any bytes, never panics, and what it lets in reads the same when it is written again.

use crate::{
    alarm::{AlarmKind, Severity},
    assignment::Assignment,
    code::Code,
    digest::Digest,
    generation::Generation,
    host::MacAddress,
    ids::ProviderId,
    limit::{Limit, Rate},
    names::{HostName, ProviderName, TemplateName},
    pattern::NamePattern,
    profile::HardwareProfile,
    report::Report,
    role::Role,
    schedule::{When, next_after},
    template::Tag,
    units::Timestamp,
    window::DailyWindow,
};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    fmt::{Debug, Display},
    str::FromStr,
};

/// One reading.
#[derive(Clone, Copy, Debug)]
pub struct Door {
    pub name: &'static str,
    /// What it lets in, to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Hands it anything. Panics where it does not keep its word.
    pub knock: fn(&[u8]),
}

/// What is done to one byte, or behind it.
#[derive(Clone, Copy, Debug)]
pub enum Spoiling {
    Flip(u8),
    Insert(u8),
    Cut,
    /// Goes on with what stands at another place.
    Repeat,
}

/// An input that was well and is not any more; `at` is taken as a part of its length.
pub fn spoiled(seed: &[u8], how: &[(u16, Spoiling)]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for (at, spoiling) in how {
        let at = usize::from(*at) * bytes.len() / (usize::from(u16::MAX) + 1);
        match spoiling {
            Spoiling::Flip(bits) => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= bits),
            Spoiling::Insert(byte) => bytes.insert(at, *byte),
            Spoiling::Cut => bytes.truncate(at),
            Spoiling::Repeat => bytes.extend_from_within(at..bytes.len().min(at + 64)),
        }
    }
    bytes
}

pub const DOORS: &[Door] = &[LIMIT, NAMES, SCHEDULE, PROFILE, ASSIGNMENT, REPORT];

/// How fast versions may travel, and when.
pub const LIMIT: Door = Door {
    name: "limit",
    seeds: || {
        texts(&[
            "2Mbit/s 08:00-18:00 Europe/Madrid; 100 Mbit/s",
            "off 22:00-06:00",
            "20MB/s 08:00-18:00 UTC",
            "1.5 Gbit/s",
            "10MB/s",
        ])
    },
    knock: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        same_text_again::<Limit>(text);
        same_text_again::<Rate>(text);
        same_text_again::<DailyWindow>(text);
        if let Ok(limit) = text.parse::<Limit>() {
            limit.at(Timestamp(1_760_000_000_000));
        }
    },
};

/// Names, and all else that is one word.
pub const NAMES: Door = Door {
    name: "names",
    seeds: || {
        texts(&[
            "win11",
            "desk-{nnn}",
            "T0001",
            "operator",
            "52:54:00:12:34:56",
            "00000000-0000-0000-0000-000000000001",
            "blake3:4e04ebca44ff7b08b41f3be0794a57b53ae4c9e8b96e95683c40316b86e1c330",
            "1.7",
        ])
    },
    knock: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        same_text_again::<TemplateName>(text);
        same_text_again::<ProviderName>(text);
        same_text_again::<HostName>(text);
        same_text_again::<Tag>(text);
        same_text_again::<NamePattern>(text);
        same_text_again::<Code>(text);
        same_text_again::<MacAddress>(text);
        same_text_again::<ProviderId>(text);
        same_text_again::<Digest>(text);
        same_text_again::<Generation>(text);
        let _ = (text.parse::<Role>(), text.parse::<AlarmKind>(), text.parse::<Severity>());
    },
};

/// A cron expression, a line end, and its time zone.
pub const SCHEDULE: Door = Door {
    name: "schedule",
    seeds: || texts(&["0 3 * * SAT\nEurope/Madrid", "*/5 0-6,22 L * 1#2\nUTC", "0 0 29 2 *\nAsia/Tokyo"]),
    knock: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        let (expression, zone) = text.split_once('\n').unwrap_or((text, "UTC"));
        let when = When::Cron { expression: expression.into(), zone: zone.into() };
        let now = Timestamp(1_760_000_000_000);
        if let Ok(Some(next)) = next_after(&when, now) {
            assert!(next > now, "{when:?}: {next:?} is not after {now:?}");
        }
    },
};

/// The hardware profile that a manifest carries.
pub const PROFILE: Door = Door {
    name: "profile",
    seeds: || {
        texts(&[r#"{"vcpus":2,"memory":2147483648,"machine":"q35","firmware":{"uefi":{"secure_boot":true}},
            "cpu_model":"Skylake-Client","disks":[{"name":"disk0","bus":"virtio","size":10737418240}],
            "nics":[{"model":"virtio","network":"corp"}],"tpm":true,"clock_localtime":false}"#])
    },
    knock: same_json_again::<HardwareProfile>,
};

/// What the server sends to an agent.
pub const ASSIGNMENT: Door = Door {
    name: "assignment",
    seeds: || texts(&[include_str!("../tests/wire/assignment-0.1.json")]),
    knock: same_json_again::<Assignment>,
};

/// What an agent sends to the server.
pub const REPORT: Door = Door {
    name: "report",
    seeds: || texts(&[include_str!("../tests/wire/report-0.1.json")]),
    knock: same_json_again::<Report>,
};

/// Seeds that are text.
pub fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// What is let in is written in a way that is let in, and means the same.
pub fn same_text_again<T: FromStr + Display + PartialEq + Debug>(text: &str) {
    let Ok(first) = text.parse::<T>() else { return };
    let written = first.to_string();
    match written.parse::<T>() {
        Ok(again) => assert_eq!(again, first, "`{text}` is written as `{written}`"),
        Err(_) => panic!("`{text}` is written as `{written}`, which is refused"),
    }
}

/// The same of a document.
pub fn same_json_again<T: DeserializeOwned + Serialize + PartialEq + Debug>(bytes: &[u8]) {
    let Ok(first) = serde_json::from_slice::<T>(bytes) else { return };
    let written = serde_json::to_vec(&first).expect("what was read can be written");
    let again: T = serde_json::from_slice(&written).expect("what was written can be read");
    assert_eq!(again, first);
}

/// The same of a document that cannot be compared: what is written of it can.
pub fn same_when_written<T: DeserializeOwned + Serialize>(bytes: &[u8]) {
    let Ok(first) = serde_json::from_slice::<T>(bytes) else { return };
    let written = serde_json::to_string(&first).expect("what was read can be written");
    let again: T = serde_json::from_str(&written).expect("what was written can be read");
    assert_eq!(serde_json::to_string(&again).expect("what was read can be written"), written);
}

/// The test that tries some doors: with their seeds, with those spoiled, and with noise.
#[macro_export]
macro_rules! no_door_gives_way {
    ($doors:expr, $cases:literal) => {
        fn spoilings() -> impl proptest::strategy::Strategy<Value = Vec<(u16, $crate::doors::Spoiling)>> {
            use proptest::prelude::*;
            use $crate::doors::Spoiling;
            let one = prop_oneof![
                any::<u8>().prop_map(Spoiling::Flip),
                any::<u8>().prop_map(Spoiling::Insert),
                Just(Spoiling::Cut),
                Just(Spoiling::Repeat),
            ];
            prop::collection::vec((any::<u16>(), one), 1..6)
        }

        #[test]
        fn every_door_keeps_its_word_about_its_seeds() {
            for door in $doors {
                (door.seeds)().iter().for_each(|seed| (door.knock)(seed));
            }
        }

        proptest::proptest! {
            #![proptest_config(proptest::prelude::ProptestConfig::with_cases($cases))]
            #[test]
            fn no_door_gives_way(
                door in 0..$doors.len(),
                seed: proptest::sample::Index,
                how in spoilings(),
                noise: Vec<u8>,
            ) {
                // Some take their time to make.
                static SEEDS: std::sync::OnceLock<Vec<Vec<Vec<u8>>>> = std::sync::OnceLock::new();
                let seeds = SEEDS.get_or_init(|| $doors.iter().map(|door| (door.seeds)()).collect());
                let (door, seeds) = ($doors[door], &seeds[door]);
                (door.knock)(&$crate::doors::spoiled(seed.get::<Vec<u8>>(seeds), &how));
                (door.knock)(&noise);
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_every_door_is_begun_with_is_let_in() {
        assert!(
            (LIMIT.seeds)().iter().all(|seed| std::str::from_utf8(seed).unwrap().parse::<Limit>().is_ok())
        );
        serde_json::from_slice::<Assignment>(&(ASSIGNMENT.seeds)()[0]).unwrap();
        serde_json::from_slice::<Report>(&(REPORT.seeds)()[0]).unwrap();
    }

    crate::no_door_gives_way!(DOORS, 4000);
}
