//! Maintenance of a template: its working copy.

use super::{ProblemView, recreation::TermsBody};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST /api/v1/templates/{name}/maintenance`, `?dry_run=true` for the plan alone.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnterMaintenance {
    /// Where to open the working copy; left out: where the template was made, else wherever it is `Ready`.
    #[serde(default)]
    pub provider: Option<String>,
}

/// `POST /api/v1/templates/{name}/maintenance/leave`, `?dry_run=true` for the plan alone. Again with
/// `force` if the guest did not shut down.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeaveMaintenance {
    #[serde(default)]
    pub note: Option<String>,
    /// `now`, `later` or an RFC 3339 time. Left out: `later`.
    #[serde(default)]
    pub recreate: Option<String>,
    /// `ask`, `proceed` or `later`, when a provider does not answer as the hosts are to be recreated.
    #[serde(default)]
    pub if_unavailable: Option<String>,
    #[serde(default)]
    pub terms: TermsBody,
    /// How long the guest has to shut down. Left out: 180, with `force` 20.
    #[serde(default)]
    pub shutdown_seconds: Option<u32>,
    /// Switch off a guest that has not shut down by then.
    #[serde(default)]
    pub force: bool,
    /// Give back what the guest's file systems do not use before the changes are read.
    #[serde(default)]
    pub trim: bool,
}

/// `DELETE /api/v1/templates/{name}/maintenance`: the working copy is thrown away. `?forget=true` if its
/// provider is dead.
/// `GET /api/v1/templates/{name}/maintenance`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MaintenanceView {
    pub id: String,
    pub template: String,
    /// `Entering maintenance`, `Maintenance`, `Leaving maintenance`
    pub status: String,
    pub provider: String,
    /// The version that the working copy stands on.
    pub base: u32,
    pub author: String,
    pub since: String,
    /// `Running`, `Paused`, `Off`, `Crashed`; absent while its machine is not known.
    pub power: Option<String>,
    pub addresses: Vec<String>,
    pub guest_agent: bool,
    /// Its screen can be reached at `/api/v1/templates/{name}/maintenance/console`.
    pub console: bool,
    pub attempts: u32,
    pub next_attempt_at: Option<String>,
    pub problem: Option<ProblemView>,
}
