//! One-time acts on a provider: check, verify, start, stop. `GET /api/v1/operations/{id}`

use super::ProblemView;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OperationView {
    pub id: String,
    /// `check`, `verify`, `start`, `stop`
    pub kind: String,
    pub provider: String,
    /// What it is about: a host's or a template's name.
    pub object: Option<String>,
    /// `queued`, `running`, `done`, `failed`
    pub state: String,
    pub created_at: String,
    pub lines: Vec<CheckLineView>,
    pub problem: Option<ProblemView>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CheckLineView {
    pub name: String,
    pub ok: bool,
    pub detail: String,
    pub hint: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OperationList {
    pub items: Vec<OperationView>,
    pub next: Option<String>,
}
