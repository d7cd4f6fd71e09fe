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
