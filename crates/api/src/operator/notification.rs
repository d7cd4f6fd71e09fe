//! Notifications: by which ways people are told of alarms. Secrets go in and never come out.

use super::ProblemView;
use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// A secret on its way in. It is never shown, and not written into logs.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// `POST /api/v1/notifications`. Exactly one of `webhook`, `email` and `script`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateNotification {
    pub name: String,
    #[serde(default)]
    pub webhook: Option<WebhookBody>,
    #[serde(default)]
    pub email: Option<EmailBody>,
    #[serde(default)]
    pub script: Option<ScriptBody>,
    #[serde(default)]
    pub terms: NotificationTerms,
}

/// `PATCH /api/v1/notifications/{name}`: what is left out stays. The way itself stays too: make another
/// notification for another way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeNotification {
    #[serde(default)]
    pub webhook: Option<WebhookBody>,
    #[serde(default)]
    pub email: Option<EmailBody>,
    #[serde(default)]
    pub script: Option<ScriptBody>,
    #[serde(default)]
    pub terms: NotificationTerms,
}

/// Of what one is told, and how often. What is left out has its default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NotificationTerms {
    /// Only alarms of these kinds; empty: of all kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kinds: Option<Vec<String>>,
    /// `warning` (all of them, the default) or `critical`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// What comes up within this time goes out as one message. Left out: 30.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_seconds: Option<u32>,
    /// What comes and goes again and again is told once in this time. Left out: 900.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_seconds: Option<u32>,
    /// Left out: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// A message is sent there by POST, as JSON, signed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookBody {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The key of the signature. Left out in a new one: one is drawn, and shown once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    /// PEM: trusted in place of the system's authorities. An empty one: the system's again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
}

/// A message is sent by a mail server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailBody {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// `HOST:PORT`; without a port 587, with `tls` 465, with `none` 25.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smtp: Option<String>,
    /// `starttls` (the default), `tls` from the first byte, or `none`: then everything can be read on
    /// the way, and no password is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<String>,
    /// An empty one: without signing in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// PEM: trusted in place of the system's authorities. An empty one: the system's again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
}

/// A message is handed to a script on the server, on its stdin, as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScriptBody {
    /// The name of a file in the directory that the server's configuration names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotificationView {
    pub name: String,
    /// `webhook`, `email` or `script`
    pub way: String,
    /// Where to, in a word: the URL, the addresses, the script.
    pub target: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook: Option<WebhookView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<EmailView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub script: Option<ScriptView>,
    /// Empty: all kinds.
    pub kinds: Vec<String>,
    pub severity: String,
    pub group_seconds: u32,
    pub quiet_seconds: u32,
    pub enabled: bool,
    pub last_sent_at: Option<String>,
    /// Since when a message could not be sent.
    pub failing_since: Option<String>,
    pub problem: Option<ProblemView>,
    pub next_attempt_at: Option<String>,
    /// The key that was drawn for a new webhook. Shown only now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    pub author: String,
    pub created_at: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookView {
    pub url: String,
    /// A CA of its own is trusted.
    pub own_ca: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EmailView {
    pub to: Vec<String>,
    pub from: String,
    pub smtp: String,
    pub tls: String,
    pub user: Option<String>,
    pub has_password: bool,
    /// A CA of its own is trusted.
    pub own_ca: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScriptView {
    pub name: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NotificationList {
    pub items: Vec<NotificationView>,
    pub next: Option<String>,
}

/// What came of `POST /api/v1/notifications/{name}/test`: a message that says it is a test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotificationTest {
    /// The receiver took it.
    pub delivered: bool,
    /// What the receiver said: `HTTP 200 OK`, `250 2.0.0 Ok: queued as 4F2`
    pub detail: String,
    /// Why it was not taken.
    pub problem: Option<ProblemView>,
}
