//! Hosts: machines deployed from templates.

use super::ProblemView;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST /api/v1/hosts`, `?dry_run=true` for the plan alone.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateHosts {
    pub template: String,
    /// Where; empty means wherever the template is `Ready`, spread by hosts and free space.
    #[serde(default)]
    pub providers: Vec<String>,
    pub count: u32,
    /// `desk-{nnn}`
    pub name: String,
    /// With disks of its own instead of overlays.
    #[serde(default)]
    pub full: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HostView {
    pub id: String,
    pub name: String,
    pub template: String,
    pub provider: String,
    /// `linked` or `full`
    pub kind: String,
    /// The version it runs.
    pub version: u32,
    /// The template has a newer current version.
    pub outdated: bool,
    /// `Creating`, `Preparing`, `Ready`, `Off`, `Failed to create`, `Deleting`, `Missing`, `Unknown`
    pub status: String,
    /// `Running`, `Paused`, `Off`, `Crashed`; absent while it is not known.
    pub power: Option<String>,
    pub addresses: Vec<String>,
    pub macs: Vec<String>,
    /// The guest agent answers now.
    pub guest_agent: bool,
    /// What the guest itself says it is called.
    pub guest_name: Option<String>,
    pub created_at: String,
    pub attempts: u32,
    pub next_attempt_at: Option<String>,
    pub problem: Option<ProblemView>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct HostList {
    pub items: Vec<HostView>,
    pub next: Option<String>,
}
