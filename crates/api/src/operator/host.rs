//! Hosts: machines deployed from templates.

use super::{ProblemView, damage::DamageView};
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
    /// `desk-{nnn}`. Left out: the template's own pattern.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// With disks of its own instead of overlays. Left out: as the template says, else overlays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full: Option<bool>,
    /// Of which version: a number or a tag. Left out: the current one.
    #[serde(default)]
    pub version: Option<String>,
    /// What is left out is as the template says; an empty text is none.
    #[serde(default)]
    pub setup: SetupBody,
}

/// What hosts of a template are like where `POST /api/v1/hosts` does not say. Changing it, what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HostDefaultsBody {
    /// `linked` or `full`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// `desk-{nnn}`; empty: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setup: Option<SetupBody>,
}

/// What a host is like beside its version; what is left out has its default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetupBody {
    /// `cloud-init`, `sysprep` or `none`. Left out: `cloud-init`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preparation: Option<String>,
    /// For cloud-init: user data of one's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_data: Option<String>,
    /// For sysprep: an unattend.xml in which `{name}` stands for the host's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unattend: Option<String>,
    /// A second disk of this size in bytes, which recreation leaves alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_disk_bytes: Option<u64>,
    /// `running`, `address` or `guest-agent`. Left out: `guest-agent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_when: Option<String>,
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
    /// It should run another version: the template's current one, or the one its pool follows.
    pub outdated: bool,
    /// `yes`, `no`, `unknown`
    pub in_use: String,
    /// Who is signed in, as far as its guest agent tells.
    pub users: Vec<String>,
    pub pool: Option<String>,
    /// Which making of its disks this is, from 1 on.
    pub incarnation: u32,
    /// In lists without its long texts.
    pub setup: SetupBody,
    /// `Creating`, `Preparing`, `Ready`, `Off`, `Recreating`, `Failed to create`, `Deleting`, `Missing`, `Unknown`
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
    /// When the version that its disks stand on was last read whole on its provider; absent of full hosts.
    #[serde(default)]
    pub base_verified_at: Option<String>,
    /// What is wrong with the version that its disks stand on, if it was found damaged there.
    #[serde(default)]
    pub base_damage: Option<DamageView>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct HostList {
    pub items: Vec<HostView>,
    pub next: Option<String>,
    /// How many there are in all that were asked for, on this page and on others.
    #[serde(default)]
    pub total: u32,
}
