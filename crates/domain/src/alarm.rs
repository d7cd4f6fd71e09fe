//! Alarms: what is not well now, from when it is first seen until it is well again.
//!
//! ```text
//!   World, Facts, clock ─► conditions::found ─► settle ─► raised, cleared, reworded ─► the store
//!                      what stands already ───────┘
//! ```
//!
//! **Promise:** an alarm is raised once and cleared once, however often anybody looks and whoever is
//! restarted: what stands is kept, and compared with what is found.
//! **Promise:** what cannot be seen now, because a provider is silent or an attempt is under way, is
//! neither raised nor cleared.
//!
//! Who is told of them, when and how often, is `notification`.

mod conditions;

pub use conditions::{AgentFacts, Facts};

use crate::{code::Problem, plan::World, units::Timestamp};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident $word:literal $title:literal $severity:ident $object:literal;)+) => {
        /// What is not well.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum AlarmKind { $($(#[$doc])* $kind),+ }

        impl AlarmKind {
            pub const ALL: &[Self] = &[$(Self::$kind),+];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$kind => $word),+ }
            }
            /// For people.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$kind => $title),+ }
            }
            /// Unless the case is a worse one.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$kind => Severity::$severity),+ }
            }
            /// What it is about.
            pub const fn object(self) -> &'static str {
                match self { $(Self::$kind => $object),+ }
            }
        }
    };
}

kinds! {
    /// A provider on a list does not get the current version, or a publication failed.
    DistributionFailed "distribution-failed" "Failed to distribute" Critical "template";
    /// A provider, or its hypervisor, has stopped answering.
    ProviderLost "provider-lost" "Provider lost" Critical "provider";
    /// A verified copy is not as it was. It is being mended from another.
    ReplicaDamaged "replica-damaged" "Replica damaged" Critical "provider";
    /// As before, and nobody has what is damaged.
    LastCopyDamaged "last-copy-damaged" "Last copy damaged" Critical "provider";
    /// Less is free than should be left alone.
    StorageLow "storage-low" "Storage low" Warning "provider";
    /// Too many hosts failed, or somebody has to decide.
    RecreationStopped "recreation-stopped" "Recreation stopped" Critical "template";
    /// A certificate ends soon and was not renewed.
    CertificateExpiring "certificate-expiring" "Certificate expiring" Warning "provider";
    /// An agent is older than the server takes for granted.
    AgentOutdated "agent-outdated" "Agent outdated" Warning "provider";
    /// Messages do not arrive.
    NotificationFailed "notification-failed" "Notification failed" Warning "notification";
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// To be looked at tomorrow.
    Warning,
    /// To be looked at now.
    Critical,
}

impl Severity {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {what}: say one of {words}")]
pub struct NoSuchWord {
    what: &'static str,
    text: String,
    words: String,
}

fn no_such_word(what: &'static str, text: &str, words: &[&str]) -> NoSuchWord {
    NoSuchWord { what, text: text.chars().take(40).collect(), words: words.join(", ") }
}

impl FromStr for AlarmKind {
    type Err = NoSuchWord;
    fn from_str(text: &str) -> Result<Self, NoSuchWord> {
        let found = Self::ALL.iter().find(|kind| kind.as_str() == text);
        let words: Vec<&str> = Self::ALL.iter().map(|kind| kind.as_str()).collect();
        found.copied().ok_or_else(|| no_such_word("kind of alarm", text, &words))
    }
}

impl FromStr for Severity {
    type Err = NoSuchWord;
    fn from_str(text: &str) -> Result<Self, NoSuchWord> {
        match text {
            "warning" => Ok(Self::Warning),
            "critical" => Ok(Self::Critical),
            _ => Err(no_such_word("severity", text, &["warning", "critical"])),
        }
    }
}

impl fmt::Display for AlarmKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Something that is not well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// The kind and what it is about: the same as long as it stands.
    pub key: String,
    pub kind: AlarmKind,
    pub severity: Severity,
    /// `provider`, `template`, `notification`, `server`
    pub object: String,
    /// Its name.
    pub name: String,
    pub since: Timestamp,
    pub problem: Problem,
}

/// What differs between what stands and what is found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    pub raised: Vec<Alarm>,
    /// As they stood last.
    pub cleared: Vec<Alarm>,
    /// They stand on, and something else is said of them.
    pub reworded: Vec<Alarm>,
}

impl Settled {
    pub fn is_empty(&self) -> bool {
        self.raised.is_empty() && self.cleared.is_empty() && self.reworded.is_empty()
    }
}

/// Compares what stands with what is found. To be asked once every agent that answers was heard: what
/// was stored of the others is of yesterday.
pub fn settle(world: &World, facts: &Facts<'_>, standing: &[Alarm], now: Timestamp) -> Settled {
    let mut found = conditions::found(world, facts, standing, now);
    let mut settled = Settled::default();
    for alarm in standing {
        match found.remove(&alarm.key) {
            None => settled.cleared.push(alarm.clone()),
            Some(None) => {}
            Some(Some(there)) => {
                let there = Alarm { since: alarm.since, ..there };
                if there.differs(alarm) {
                    settled.reworded.push(there);
                }
            }
        }
    }
    settled.raised = found.into_values().flatten().collect();
    settled
}

impl Alarm {
    /// Something else is said of it. That free space goes up and down is not worth writing.
    fn differs(&self, before: &Self) -> bool {
        let cause = self.kind != AlarmKind::StorageLow && self.problem != before.problem;
        (self.severity, self.problem.code, &self.name) != (before.severity, before.problem.code, &before.name)
            || cause
    }
}

#[cfg(test)]
#[path = "alarm_tests.rs"]
mod tests;
