//! Providers: adding one, and what is known of it.

use super::{
    ProblemView,
    damage::HeldView,
    limit::LimitedView,
    scrub::{ChangeScrub, ScrubView},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// `POST /api/v1/providers`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddProvider {
    pub name: String,
    /// `libvirt`
    #[serde(default = "libvirt")]
    pub kind: String,
    /// The hypervisor as its agent reaches it.
    #[serde(default = "qemu_system")]
    pub uri: String,
    /// The storage pool for templates and hosts.
    #[serde(default = "default_pool")]
    pub storage: String,
    /// The template's name for a network, and its name here.
    #[serde(default)]
    pub networks: BTreeMap<String, String>,
    #[serde(default)]
    pub site: Option<String>,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// What it may receive of versions, and send: `100Mbit/s`, `2Mbit/s 08:00-18:00 Europe/Madrid; 100Mbit/s`.
    #[serde(default)]
    pub limit: Option<String>,
}

fn libvirt() -> String {
    "libvirt".into()
}

fn qemu_system() -> String {
    "qemu:///system".into()
}

fn default_pool() -> String {
    "default".into()
}

/// What an agent needs to join. The token works once, until it expires.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct JoinView {
    pub name: String,
    /// The server's address for agents.
    pub server: String,
    /// SHA-256 of the CA's certificate, in hex.
    pub ca_fingerprint: String,
    pub token: String,
    pub expires_at: String,
    /// The one line that starts its agent.
    pub join: String,
}

/// `PATCH /api/v1/providers/{name}`: what is left out stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeProvider {
    #[serde(default)]
    pub uri: Option<String>,
    #[serde(default)]
    pub storage: Option<String>,
    /// Merged into what is set; an empty value takes a mapping away.
    #[serde(default)]
    pub networks: BTreeMap<String, String>,
    #[serde(default)]
    pub site: Option<String>,
    /// Merged into what is set; an empty value takes a label away.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// `off` takes it away.
    #[serde(default)]
    pub limit: Option<String>,
    /// How what it holds is read back by itself.
    #[serde(default)]
    pub scrub: Option<ChangeScrub>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProviderView {
    pub id: String,
    pub name: String,
    pub kind: String,
    pub uri: String,
    /// The storage pool in use.
    pub storage: String,
    pub networks: BTreeMap<String, String>,
    pub site: Option<String>,
    pub labels: BTreeMap<String, String>,
    /// `Available`, `Not available`, `Hypervisor silent`, `Awaiting agent`
    pub state: String,
    /// Since when it is in that state.
    pub since: String,
    pub problem: Option<ProblemView>,
    pub agent_version: Option<String>,
    /// `older`, `same` or `newer` than the server; absent until it has called.
    #[serde(default)]
    pub agent_age: Option<String>,
    /// It is of an older release than the server: upgrade it.
    #[serde(default)]
    pub agent_outdated: bool,
    /// Where its depot listens.
    pub addresses: Vec<String>,
    /// What its agent found out; absent until it has called.
    pub facts: Option<FactsView>,
    /// How busy its machine is; absent if its agent does not say.
    #[serde(default)]
    pub load: Option<LoadView>,
    /// Templates it is to hold, and hosts it runs.
    pub templates: u32,
    pub hosts: u32,
    pub certificate_expires_at: Option<String>,
    /// Versions on its disk that no template names: kept, never deleted by themselves.
    pub unassigned: Vec<String>,
    /// What it may receive of versions, and send: `2Mbit/s 08:00-18:00 Europe/Madrid; 100Mbit/s`.
    #[serde(default)]
    pub limit: Option<String>,
    /// What that means now.
    #[serde(default)]
    pub limited: Option<LimitedView>,
    /// How what it holds is read back by itself.
    #[serde(default)]
    pub scrub: Option<ScrubView>,
    /// The longest ago that any version there was read whole; absent if none is held.
    #[serde(default)]
    pub verified_at: Option<String>,
    /// What it holds, version by version.
    #[serde(default)]
    pub held: Vec<HeldView>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LoadView {
    /// Per cent of its processors, over the last minute: more than 100 if work waits for them.
    pub processors: u32,
    /// Per cent of its memory that is in use.
    pub memory: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FactsView {
    /// `QEMU 7.2.22, libvirt 9.0.0`
    pub hypervisor: String,
    pub cpu_model: String,
    pub cpu_count: u32,
    pub memory_bytes: u64,
    pub hardware_acceleration: bool,
    /// `bios`, `uefi`, `secure-boot`
    pub firmware: Vec<String>,
    pub storages: Vec<StorageView>,
    pub networks: Vec<NetworkView>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StorageView {
    pub name: String,
    pub path: String,
    pub active: bool,
    pub capacity_bytes: u64,
    pub free_bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NetworkView {
    pub name: String,
    /// `network` or `bridge`
    pub kind: String,
    pub active: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProviderList {
    pub items: Vec<ProviderView>,
    pub next: Option<String>,
}
