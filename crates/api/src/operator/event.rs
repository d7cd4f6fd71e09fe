//! What happened: `GET /api/v1/events` streams it, `GET /api/v1/events/history` lists it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One thing that happened, numbered. The stream resumes after `Last-Event-ID`; if what is missing
/// is no longer kept, it sends an event named `reset` first: read everything again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventView {
    pub id: i64,
    pub at: String,
    /// A dotted name: `replica.ready`, `provider.lost`
    pub kind: String,
    /// `provider`, `template`, `host`, `server`
    pub object: String,
    /// Its name.
    pub name: String,
    /// Who did it: a user, or `diecast`.
    pub actor: String,
    /// A sentence.
    pub message: String,
    pub code: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EventList {
    pub items: Vec<EventView>,
    pub next: Option<String>,
}

/// What is not as it was, by name; `*` stands for all of a kind. The stream sends it as an event named
/// `changed`, without a number: progress is not kept, so there is nothing to resume.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangedView {
    pub templates: Vec<String>,
    pub providers: Vec<String>,
    pub hosts: Vec<String>,
    pub pools: Vec<String>,
    /// By id.
    pub recreations: Vec<String>,
}
