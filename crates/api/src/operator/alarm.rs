//! Alarms: what is not well now.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Something that is not well, from when it was first seen until it is well again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AlarmView {
    /// The same while it stands: `provider-lost/0190a5b2-...`
    pub id: String,
    /// `distribution-failed`, `provider-lost`, `replica-damaged`, `last-copy-damaged`, `storage-low`,
    /// `recreation-stopped`, `certificate-expiring`, `agent-outdated`, `notification-failed`
    pub kind: String,
    /// The kind for eyes: `Provider lost`
    pub title: String,
    /// `critical` or `warning`
    pub severity: String,
    /// `provider`, `template`, `recreation`, `notification` or `server`
    pub object: String,
    /// Its name.
    pub name: String,
    pub since: String,
    pub code: String,
    /// In a sentence.
    pub cause: String,
    /// What to do about it.
    pub hint: String,
}

/// The worst first, and of those the oldest.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AlarmList {
    pub items: Vec<AlarmView>,
    pub next: Option<String>,
}
