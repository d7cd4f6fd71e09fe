//! Templates and their versions.

use super::{
    ProblemView, damage::HeldView, distribution::DistributionSummary, host::HostDefaultsBody,
    limit::LimitedView, maintenance::MaintenanceView,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// `POST /api/v1/templates`, `?dry_run=true` for the plan alone.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateTemplate {
    pub name: String,
    /// Where the golden machine is. It joins the distribution list.
    pub provider: String,
    /// The machine, by name. Either this or `image`.
    #[serde(default)]
    pub vm: Option<String>,
    /// A disk image, by its path on the provider's machine.
    #[serde(default)]
    pub image: Option<String>,
    /// Give back what the guest's file systems do not use before it is read. The machine is left as it is.
    #[serde(default)]
    pub trim: bool,
    /// Providers that shall hold it.
    #[serde(default)]
    pub to: Vec<String>,
    /// All providers that there are now.
    #[serde(default)]
    pub to_all: bool,
    /// Providers that carry all these labels now.
    #[serde(default)]
    pub selector: BTreeMap<String, String>,
    /// Providers that may receive it at a time.
    #[serde(default)]
    pub concurrency: Option<u32>,
    /// The newest versions that are kept; 0: all. Five if nothing is said.
    #[serde(default)]
    pub keep: Option<u32>,
    /// How fast each transfer of it may go: `100Mbit/s`, `2Mbit/s 08:00-18:00 Europe/Madrid; 100Mbit/s`.
    #[serde(default)]
    pub limit: Option<String>,
    /// What hosts made of it are like where nobody says otherwise.
    #[serde(default)]
    pub host_defaults: HostDefaultsBody,
    #[serde(default)]
    pub note: Option<String>,
}

/// `PATCH /api/v1/templates/{name}`: what is left out stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeTemplate {
    #[serde(default)]
    pub concurrency: Option<u32>,
    /// The newest versions that are kept; 0: all. Those in use or with a tag are kept in any case.
    #[serde(default)]
    pub keep: Option<u32>,
    /// How fast each transfer of it may go; `off` takes it away.
    #[serde(default)]
    pub limit: Option<String>,
    /// What hosts made of it are like where nobody says otherwise.
    #[serde(default)]
    pub host_defaults: HostDefaultsBody,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TemplateView {
    pub id: String,
    pub name: String,
    /// `Creating`, `Ready`, `Entering maintenance`, `Maintenance`, `Leaving maintenance`, `Failed`, `Deleting`
    pub status: String,
    pub maintenance: Option<MaintenanceView>,
    /// The newest versions that are kept; 0: all.
    pub keep: u32,
    /// Hosts that should run another version.
    pub outdated: u32,
    pub problem: Option<ProblemView>,
    /// The current version; absent while the first is being published.
    pub version: Option<u32>,
    pub digest: Option<String>,
    pub distribution: DistributionSummary,
    pub concurrency: u32,
    /// How fast each transfer of it may go: `2Mbit/s 08:00-18:00 Europe/Madrid; 100Mbit/s`.
    #[serde(default)]
    pub limit: Option<String>,
    /// What that means now.
    #[serde(default)]
    pub limited: Option<LimitedView>,
    /// What hosts made of it are like where nobody says otherwise.
    #[serde(default)]
    pub host_defaults: HostDefaultsBody,
    pub hosts: u32,
    pub created_at: String,
    /// When its content last changed: when its newest version was made.
    #[serde(default)]
    pub changed_at: String,
    pub size: Option<SizeView>,
    pub hardware: Option<HardwareView>,
    /// The publication under way or failed, if there is one.
    pub publication: Option<PublicationView>,
    pub warnings: Vec<String>,
    /// Of the current version; absent if its agent did not say.
    #[serde(default)]
    pub trimming: Option<TrimmingView>,
}

/// What became of the free space of the guest's file systems.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TrimmingView {
    /// It was given back before the disks were read.
    pub trimmed: bool,
    /// Data that no file held: what was spared, or what trimming would have spared at least.
    pub bytes: u64,
    /// `disk0 partition 1 (ext4): trimmed`, one for each place that was looked at.
    pub places: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SizeView {
    /// What guests see.
    pub virtual_bytes: u64,
    /// What it occupies on each provider.
    pub data_bytes: u64,
    /// What crosses the network to a provider that has nothing.
    pub packed_bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HardwareView {
    pub vcpus: u32,
    pub memory_bytes: u64,
    /// `q35` or `i440fx`
    pub machine: String,
    /// `bios`, `uefi`, `uefi-secure-boot`
    pub firmware: String,
    /// `virtio 20.0 GiB`, one a disk
    pub disks: Vec<String>,
    /// `virtio on corp`, one a network card
    pub nics: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PublicationView {
    pub provider: String,
    /// ``VM `golden` ``
    pub source: String,
    /// `queued`, `preflight`, `shutting down`, `trimming`, `reading`, `hashing`, `uploading`, `verifying`, `done`, `failed`
    pub phase: String,
    pub percent: f64,
    pub bytes_done: u64,
    pub bytes_total: u64,
    pub attempts: u32,
    pub next_attempt_at: Option<String>,
    pub code: Option<String>,
    pub cause: Option<String>,
    pub hint: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TemplateList {
    pub items: Vec<TemplateView>,
    pub next: Option<String>,
}

/// What would be done: the text of every dry run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlanView {
    /// One step a line, in the order in which they would begin.
    pub steps: Vec<String>,
    /// What stands in the way now.
    pub obstacles: Vec<ProblemView>,
    /// The same by provider, where it is one provider's.
    #[serde(default)]
    pub blockers: Vec<BlockerView>,
    /// Bytes over the network, at most: what versions that are there share does not cross. None: unknown.
    #[serde(default)]
    pub bytes_network: Option<u64>,
    /// About what would be written on each provider that has nothing of it, where that can be told.
    #[serde(default)]
    pub bytes_each: Option<u64>,
    /// Hosts that would be touched, or outdated.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// Who is signed in on them, as `user on host`.
    #[serde(default)]
    pub users: Vec<String>,
}

/// What stands in the way on one provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BlockerView {
    pub provider: String,
    pub problem: ProblemView,
}

/// `GET /api/v1/templates/{name}/versions`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VersionView {
    pub number: u32,
    pub digest: String,
    pub current: bool,
    pub note: Option<String>,
    pub author: String,
    pub created_at: String,
    pub size: SizeView,
    /// Providers that hold it, verified.
    pub held_by: Vec<String>,
    pub tags: Vec<String>,
    /// The version it was derived from.
    pub parent: Option<u32>,
    /// Data that its parent has nowhere, and what part of its data that is.
    pub new_bytes: Option<u64>,
    pub new_percent: Option<f64>,
    /// What was trimmed before it was read, or would have been.
    #[serde(default)]
    pub trimming: Option<TrimmingView>,
    /// Hosts that stand on it.
    pub hosts: u32,
    /// `current`, `held`, `deleting`
    pub status: String,
    /// Why it is kept, or that retention will delete it: `tag production`, `2 hosts`, `one of the 5 newest`.
    pub kept_because: Vec<String>,
    /// The longest ago that any provider that holds it read every byte of it.
    #[serde(default)]
    pub verified_at: Option<String>,
    /// Who has it, and when it was verified there; damaged copies too.
    #[serde(default)]
    pub held: Vec<HeldView>,
}

/// `POST /api/v1/templates/{name}/versions/{number}/tags`; `DELETE .../tags/{tag}` takes it away. A tag that
/// another version of the template has moves here.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TagVersion {
    pub tag: String,
}

/// `POST /api/v1/templates/{name}/versions/{number}/activate`, `?dry_run=true` for the plan alone: makes it
/// the current one.
/// `DELETE /api/v1/templates/{name}/versions/{number}`, `?dry_run=true`: deletes it everywhere.
/// `{number}` may be a tag.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActivateVersion {
    /// As when leaving maintenance: `now`, `later` or a time.
    #[serde(default)]
    pub recreate: Option<String>,
    #[serde(default)]
    pub if_unavailable: Option<String>,
    #[serde(default)]
    pub terms: super::recreation::TermsBody,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct VersionList {
    pub items: Vec<VersionView>,
    pub next: Option<String>,
}
