//! Machines that a provider runs, managed or not. `GET /api/v1/providers/{name}/vms`

use super::ProblemView;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VmView {
    pub name: String,
    pub uuid: String,
    /// `Running`, `Paused`, `Off`, `Crashed`
    pub power: String,
    pub vcpus: u32,
    pub memory_bytes: u64,
    pub disks: Vec<VmDiskView>,
    /// It is a host that Diecast made.
    pub managed: bool,
    /// Why no template can be made from it as it is, if so.
    pub obstacle: Option<ProblemView>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VmDiskView {
    pub target: String,
    pub path: String,
    pub format: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct VmList {
    pub items: Vec<VmView>,
    pub next: Option<String>,
}
