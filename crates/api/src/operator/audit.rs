//! The audit trail: who changed what.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditEntryView {
    /// Rises; a number is never given twice.
    pub id: i64,
    pub at: String,
    /// An administrator's name, `token:NAME`, or `console` for who was at the server's own.
    pub who: String,
    /// The address of the caller, or `console`.
    pub from: String,
    /// The id of the request, as the server's log has it.
    pub request: Option<String>,
    /// What was called: `PATCH /api/v1/providers/kvm-a`
    pub call: String,
    /// A dotted name: `provider.changed`
    pub action: String,
    /// What kind of thing: `provider`, `template`, `member`, `version`, `host`, `token`, `server` ...
    pub object: String,
    pub name: String,
    /// A sentence.
    pub message: String,
    /// The record as it was; absent if there was none, or if what was done changes none.
    pub before: Option<serde_json::Value>,
    /// The record as it is now; absent if it is gone, or if what was done changes none.
    pub after: Option<serde_json::Value>,
    /// Why it was not done: the code of the refusal. Absent: it was done.
    pub refused: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AuditList {
    pub items: Vec<AuditEntryView>,
    pub next: Option<String>,
}

/// `GET` and `PATCH /api/v1/audit/settings`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditSettings {
    /// For how many days entries are kept.
    pub days: u32,
}
