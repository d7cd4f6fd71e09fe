//! Notifications: the ways by which people are told of alarms, and of which, when and how often.
//!
//! ```text
//!   alarms ─► Memory::see ─► Memory::due ─► Message ─► an outbox ─► webhook, e-mail, script
//!                 └── what was said last, by alarm
//! ```
//!
//! **Promise:** what comes up together goes out as one message; what comes and goes again and again is
//! told once, and then once in each quiet time with how often it did; that it is well again is told.
//! **Promise:** nothing is told twice because something was restarted: what was said is remembered, and
//! only what differs from it is said.
//!
//! It sends nothing: see the server's `notify`. Start at `telling`.

mod telling;

pub use telling::{Cleared, Flapped, Memory, Message, Telling};

use crate::{
    alarm::{Alarm, AlarmKind, Severity},
    code::Problem,
    names::NotificationName,
    units::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt, time::Duration};

/// What comes up within this time goes out as one message.
pub const GROUP_SECONDS_DEFAULT: u32 = 30;
/// What comes and goes is told once in this time.
pub const QUIET_SECONDS_DEFAULT: u32 = 15 * 60;
/// Longer would be a message that nobody connects with what happened.
pub const GROUP_SECONDS_MAX: u32 = 3600;
pub const QUIET_SECONDS_MAX: u32 = 24 * 3600;
/// How long a message is tried. Then it is given up, said so, and what still stands is told anew.
pub const MESSAGE_LIFE: Duration = Duration::from_secs(24 * 3600);
/// Attempts of a message after which the notification itself is an alarm.
pub const FAILING_ATTEMPTS: u32 = 3;

/// Something that is never written where it can be read.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// How a message goes out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "way")]
pub enum Way {
    Webhook {
        /// Often a secret itself.
        #[serde(rename = "webhook_url")]
        url: String,
        secret: Secret,
        /// PEM. None: the system's authorities.
        ca: Option<String>,
    },
    Email {
        to: Vec<String>,
        from: String,
        host: String,
        port: u16,
        tls: MailTls,
        user: Option<String>,
        password: Option<Secret>,
        /// PEM. None: the system's authorities.
        ca: Option<String>,
    },
    Script {
        name: String,
    },
}

impl Way {
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Webhook { .. } => "webhook",
            Self::Email { .. } => "email",
            Self::Script { .. } => "script",
        }
    }

    /// Where to, in a word.
    pub fn target(&self) -> String {
        match self {
            Self::Webhook { url, .. } => url.clone(),
            Self::Email { to, .. } => to.join(", "),
            Self::Script { name } => name.clone(),
        }
    }
}

/// Whether what is mailed can be read on the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MailTls {
    /// Begun in the clear, and refused if the server does not go on with TLS.
    #[default]
    Starttls,
    /// From the first byte.
    Tls,
    /// Everything can be read.
    None,
}

impl MailTls {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starttls => "starttls",
            Self::Tls => "tls",
            Self::None => "none",
        }
    }

    pub const fn port(self) -> u16 {
        match self {
            Self::Starttls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

/// Of what is told, and how often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Empty: of all kinds.
    pub kinds: BTreeSet<AlarmKind>,
    pub severity: Severity,
    pub group_seconds: u32,
    pub quiet_seconds: u32,
    pub enabled: bool,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            kinds: BTreeSet::new(),
            severity: Severity::Warning,
            group_seconds: GROUP_SECONDS_DEFAULT,
            quiet_seconds: QUIET_SECONDS_DEFAULT,
            enabled: true,
        }
    }
}

/// One way by which people are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    pub name: NotificationName,
    pub way: Way,
    pub terms: Terms,
    pub author: String,
    pub created_at: Timestamp,
}

impl Notification {
    /// Whether it tells of this alarm. Of its own failure it cannot.
    pub fn tells(&self, alarm: &Alarm) -> bool {
        let its_own = alarm.kind == AlarmKind::NotificationFailed && alarm.name == self.name.as_str();
        let kind = self.terms.kinds.is_empty() || self.terms.kinds.contains(&alarm.kind);
        self.terms.enabled && kind && alarm.severity >= self.terms.severity && !its_own
    }
}

/// How the sending stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sending {
    pub last_sent_at: Option<Timestamp>,
    /// Of the message that is tried again.
    pub failing_since: Option<Timestamp>,
    pub problem: Option<Problem>,
    pub next_attempt_at: Option<Timestamp>,
    pub attempts: u32,
}

#[cfg(test)]
#[path = "notification_tests.rs"]
mod tests;
