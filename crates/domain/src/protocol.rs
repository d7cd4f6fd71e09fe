//! What the server and agents of different releases can say to each other.
//!
//! A server takes agents of the release before its own and of the one after it. Whoever is older leaves
//! out what it does not know, and ignores what it does not know either: every new field has a default. A
//! word that only a newer release has, a phase or a code, is read as the most careful word that is known,
//! see [`careful_words`]: it never makes a whole report unreadable, and never says more than is true.

/// What this release speaks. Raised by each release that says something new.
pub const PROTOCOL: u32 = 2;

/// What an agent speaks that does not say it.
pub const fn first() -> u32 {
    1
}

/// What an agent of the release before does not do, in words.
pub const NOT_IN_THE_LAST: &str =
    "it knows no limits, trims nothing, reads nothing back by itself, and hands nothing over after a restore";

/// An agent's release, compared with the server's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    Older,
    Same,
    Newer,
}

impl Age {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Older => "older",
            Self::Same => "same",
            Self::Newer => "newer",
        }
    }
}

/// How old an agent is that speaks `protocol` and calls itself `release`, for a server of release `own`.
pub fn age(protocol: u32, release: &str, own: &str) -> Age {
    let order = protocol.cmp(&PROTOCOL).then_with(|| numbers(release).cmp(&numbers(own)));
    match order {
        std::cmp::Ordering::Less => Age::Older,
        std::cmp::Ordering::Equal => Age::Same,
        std::cmp::Ordering::Greater => Age::Newer,
    }
}

fn numbers(release: &str) -> Vec<u64> {
    let plain = release.split(['-', '+']).next().unwrap_or_default();
    plain.split('.').map_while(|part| part.parse().ok()).collect()
}

/// Reads a list, and leaves out what only another release understands: for lists in which an entry that
/// is missing asks for nothing and says nothing.
pub fn what_is_known<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: serde::Deserialize<'de>,
{
    let entries: Vec<Perhaps<T>> = serde::Deserialize::deserialize(deserializer)?;
    Ok(entries.into_iter().filter_map(|it| it.0).collect())
}

/// Reads what may be there, as absent if only another release understands it.
pub fn if_known<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: serde::Deserialize<'de>,
{
    let entry: Option<Perhaps<T>> = serde::Deserialize::deserialize(deserializer)?;
    Ok(entry.and_then(|it| it.0))
}

/// Something, or what could not be read as it.
struct Perhaps<T>(Option<T>);

impl<'de, T: serde::Deserialize<'de>> serde::Deserialize<'de> for Perhaps<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Either<T> {
            Known(T),
            Unknown(serde::de::IgnoredAny),
        }
        Ok(Self(match Either::deserialize(deserializer)? {
            Either::Known(known) => Some(known),
            Either::Unknown(_) => None,
        }))
    }
}

/// Makes an enum of plain words read any word that it does not know as `$careful`. The enum derives its
/// own reading and writing with `#[serde(remote = "Self")]`.
#[macro_export]
macro_rules! careful_words {
    ($type:ty, $careful:expr) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                <$type>::serialize(self, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                use serde::de::{IntoDeserializer, value};
                let word = <String as serde::Deserialize>::deserialize(deserializer)?;
                let known: Result<Self, value::Error> = <$type>::deserialize(word.into_deserializer());
                Ok(known.unwrap_or($careful))
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        assignment::Assignment,
        code::Code,
        host::HostPhase,
        provider::Power,
        replica::Phase,
        report::{PublicationPhase, Report},
    };

    /// What an agent of the last release said, and what its server told it, as they were on the wire.
    const REPORT_BEFORE: &str = include_str!("../tests/wire/report-0.1.json");
    const ASSIGNMENT_BEFORE: &str = include_str!("../tests/wire/assignment-0.1.json");

    #[test]
    fn an_agent_of_the_last_release_is_understood_to_the_last_field() {
        let report: Report = serde_json::from_str(REPORT_BEFORE).unwrap();
        assert_eq!((report.protocol, report.agent_version.as_str()), (1, "0.1.0"));
        assert_eq!(age(report.protocol, &report.agent_version, "0.1.0"), Age::Older);
        assert!(report.replicas.iter().any(crate::replica::ReplicaReport::is_ready));
        assert!(!report.hosts.is_empty() && report.former.is_none());
        let told: Assignment = serde_json::from_str(ASSIGNMENT_BEFORE).unwrap();
        assert!(told.orders.recovery.is_none() && !told.orders.replicas.is_empty());
        // What it is told by this release has everything that it reads.
        let before: serde_json::Value = serde_json::from_str(ASSIGNMENT_BEFORE).unwrap();
        let now = serde_json::to_value(&told).unwrap();
        contains(&now, &before, "");
    }

    /// Every field of `old` is in `new`, and says the same.
    fn contains(new: &serde_json::Value, old: &serde_json::Value, place: &str) {
        match (new, old) {
            (serde_json::Value::Object(new), serde_json::Value::Object(old)) => {
                for (key, value) in old {
                    let there = new.get(key).unwrap_or_else(|| panic!("{place}.{key} is gone"));
                    contains(there, value, &format!("{place}.{key}"));
                }
            }
            (serde_json::Value::Array(new), serde_json::Value::Array(old)) => {
                assert_eq!(new.len(), old.len(), "{place}");
                new.iter().zip(old).for_each(|(new, old)| contains(new, old, &format!("{place}[]")));
            }
            (new, old) => assert_eq!(new, old, "{place}"),
        }
    }

    #[test]
    fn a_newer_agents_words_and_fields_are_read_as_the_most_careful_ones_known() {
        let newer = REPORT_BEFORE
            .replacen("\"phase\":\"ready\"", "\"phase\":\"polishing\",\"shine\":7", 1)
            .replacen("\"phase\":\"made\"", "\"phase\":\"hibernating\"", 1)
            .replacen("\"power\":\"running\"", "\"power\":\"dreaming\"", 1)
            .replacen("{\"provider\"", "{\"protocol\":3,\"weather\":{\"sun\":true},\"provider\"", 1);
        assert_ne!(newer, REPORT_BEFORE);
        let report: Report = serde_json::from_str(&newer).unwrap();
        assert_eq!(age(report.protocol, "0.1.0", "0.1.0"), Age::Newer);
        assert!(!report.replicas[0].is_ready(), "a word that is not known never means ready");
        assert_eq!(serde_json::from_str::<Code>("\"Z9999\"").unwrap(), Code::S0004);
        assert_eq!(serde_json::from_str::<Phase>("\"polishing\"").unwrap(), Phase::Queued);
        assert_eq!(serde_json::from_str::<HostPhase>("\"hibernating\"").unwrap(), HostPhase::Creating);
        assert_eq!(serde_json::from_str::<Power>("\"dreaming\"").unwrap(), Power::Running);
        let phase: PublicationPhase = serde_json::from_str("\"dreaming\"").unwrap();
        assert_eq!(phase, PublicationPhase::Queued);
        for phase in Phase::ALL {
            let word = serde_json::to_string(&phase).unwrap();
            assert_eq!(serde_json::from_str::<Phase>(&word).unwrap(), phase);
        }
        for code in Code::ALL {
            let word = serde_json::to_string(code).unwrap();
            assert_eq!(serde_json::from_str::<Code>(&word).unwrap(), *code);
        }
    }

    #[test]
    fn a_newer_agents_kinds_of_things_leave_the_rest_of_its_report_readable() {
        let newer = REPORT_BEFORE
            .replacen("\"machine_types\":[\"q35\"]", "\"machine_types\":[\"q35\",\"q36\",{\"arm\":8}]", 1)
            .replacen("\"operations\":[]", &format!("\"operations\":[{ENDED_STRANGELY}]"), 1)
            .replacen("\"publications\":[]", &format!("\"publications\":[{PUBLISHED_STRANGELY}]"), 1)
            .replacen("{\"provider\"", "{\"former\":{\"orders\":\"of another shape\"},\"provider\"", 1);
        let report: Report = serde_json::from_str(&newer).unwrap();
        assert_eq!(report.facts.unwrap().machine_types, [crate::profile::MachineType::Q35]);
        assert_eq!(report.operations[0].outcome, crate::report::Outcome::Running);
        let publication = &report.publications[0];
        assert_eq!((publication.phase, &publication.published), (PublicationPhase::Done, &None));
        assert!(report.former.is_none() && !report.replicas.is_empty());
    }

    const ENDED_STRANGELY: &str =
        r#"{"id":"01a2062a-b929-7477-9f3c-bf33e8aced19","outcome":{"outcome":"postponed","until":7}}"#;
    const PUBLISHED_STRANGELY: &str = r#"{"id":"01a2062a-b929-7477-9f3c-bf33e8aced19","phase":"done",
        "attempt":1,"progress":{"done":0,"total":0,"network":0,"rate":0,"seconds_left":null},"problem":null,
        "published":{"digest":"blake3:4c68ae94c793a6aae35fb76dc7a59eb0046aae6b78203c6fc215a71885dea4d6",
        "size":{"virtual_bytes":1,"data_bytes":1,"packed_bytes":1},"warnings":[],"profile":{"vcpus":1,
        "memory":1,"machine":"q36","firmware":"coreboot","cpu_model":null,"disks":[],"nics":[],"tpm":false,
        "clock_localtime":false}}}"#;

    #[test]
    fn a_newer_servers_kinds_of_orders_are_passed_over() {
        let newer = ASSIGNMENT_BEFORE
            .replacen("\"deletions\":[", "\"deletions\":[{\"kind\":\"everything\",\"of\":1},", 1)
            .replacen(",]", "]", 1);
        assert_ne!(newer, ASSIGNMENT_BEFORE);
        let (newer, before): (Assignment, Assignment) =
            (serde_json::from_str(&newer).unwrap(), serde_json::from_str(ASSIGNMENT_BEFORE).unwrap());
        assert_eq!(newer, before, "no order to delete is made of a word that is not known");
    }

    #[test]
    fn who_lags_is_told_by_protocol_first_and_by_release_then() {
        assert_eq!(age(PROTOCOL, "0.1.0", "0.1.0"), Age::Same);
        assert_eq!(age(PROTOCOL, "0.9.0", "0.10.0"), Age::Older);
        assert_eq!(age(PROTOCOL, "1.0.0-rc1", "0.10.0"), Age::Newer);
        assert_eq!(age(PROTOCOL - 1, "9.0.0", "0.10.0"), Age::Older);
        assert_eq!(age(PROTOCOL + 1, "", "0.10.0"), Age::Newer);
    }
}
