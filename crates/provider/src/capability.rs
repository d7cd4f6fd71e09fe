//! What a provider can do, as small traits, and the words they are spoken in.

use crate::source::{Progress, SourceDisk, SourceMachine};
use async_trait::async_trait;
use diecast_domain::{
    code::Problem,
    digest::Digest,
    host::{HostKind, MacAddress},
    ids::HostId,
    names::{HostName, TemplateName},
    profile::HardwareProfile,
    provider::{Power, ProviderFacts, ProviderKind, Vm},
    units::ByteCount,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};
use uuid::Uuid;

/// Every provider can say what it is and what it runs.
#[async_trait]
pub trait Inspect: Send + Sync {
    fn kind(&self) -> ProviderKind;
    /// Cheap enough for every report; only the first call starts a guest, to try the processor.
    async fn facts(&self) -> Result<ProviderFacts, Problem>;
    async fn vms(&self) -> Result<Vec<Vm>, Problem>;
}

/// Can read a golden machine, and leaves it as it was.
#[async_trait]
pub trait ReadMachines: Inspect {
    /// Locks every file of the machine's disks until the answer is dropped.
    async fn open_machine(&self, vm: &str) -> Result<SourceMachine, Problem>;
    /// The same for a disk image of no machine, inside one of the `allowed` directories.
    async fn open_image(&self, path: &Path, allowed: &[PathBuf]) -> Result<SourceMachine, Problem>;
    /// Nobody started the machine or touched its files since it was opened.
    async fn still_the_same(&self, machine: &SourceMachine) -> Result<(), Problem>;
    /// Writes what the guest would see into a sparse plain file, in place of what is there.
    /// Dropping the future stops it and leaves a part behind.
    async fn export_disk(&self, disk: &SourceDisk, to: &Path, progress: &Progress) -> Result<(), Problem>;
}

/// Can hold versions on its storage and show them to its hypervisor.
#[async_trait]
pub trait HoldTemplates: Inspect {
    /// Diecast's own directory in the pool, made if need be; see [`crate::layout`].
    async fn storage_dir(&self, pool: &str) -> Result<PathBuf, Problem>;
    async fn register(&self, pool: &str, copy: &TemplateCopy) -> Result<(), Problem>;
    /// Looks, rather than remembers.
    async fn registered(&self, pool: &str, copy: &TemplateCopy) -> Result<bool, Problem>;
    /// Takes the template out of the hypervisor's sight. The version's files stay.
    async fn unregister(&self, pool: &str, copy: &TemplateCopy) -> Result<(), Problem>;
}

/// Can make machines from a version it holds.
#[async_trait]
pub trait RunHosts: HoldTemplates {
    /// Finishes what an earlier call began; does nothing where the host stands. Does not start it.
    async fn create_host(
        &self,
        pool: &str,
        spec: &HostSpec,
        profile: &HardwareProfile,
        networks: &BTreeMap<String, String>,
        version_dir: &Path,
    ) -> Result<(), Problem>;
    /// Every machine that carries Diecast's mark, whoever started it.
    async fn hosts(&self) -> Result<Vec<HostFound>, Problem>;
    async fn start_host(&self, host: HostId) -> Result<(), Problem>;
    async fn stop_host(&self, host: HostId, how: Stop) -> Result<(), Problem>;
    /// Removes the machine and its own directory. A host that is not there is deleted already.
    async fn delete_host(&self, pool: &str, host: HostId) -> Result<(), Problem>;
}

/// Can try itself out.
#[async_trait]
pub trait SelfCheck: Inspect {
    /// Always answers; what is wrong is in the lines. `floor` is what must stay free, if it was set.
    async fn check(
        &self,
        pool: &str,
        networks: &BTreeMap<String, String>,
        floor: Option<ByteCount>,
    ) -> Vec<CheckLine>;
}

/// A provider with every capability.
pub trait Provider: ReadMachines + RunHosts + SelfCheck {}
impl<P: ReadMachines + RunHosts + SelfCheck> Provider for P {}

/// One version of a template, complete and verified in a directory of the pool.
#[derive(Clone, Debug)]
pub struct TemplateCopy {
    pub template: TemplateName,
    pub number: u32,
    pub digest: Digest,
    pub profile: HardwareProfile,
    /// Its disks (`disk0.raw`, ...) and perhaps `nvram`.
    pub dir: PathBuf,
    /// Where the agent keeps the definitions of templates.
    pub definitions: PathBuf,
}

/// A host to be made.
#[derive(Clone, Debug)]
pub struct HostSpec {
    /// Also the machine's UUID and cloud-init's instance-id.
    pub id: HostId,
    /// Also what the guest is told that it is called.
    pub name: HostName,
    pub template: TemplateName,
    pub number: u32,
    pub digest: Digest,
    pub kind: HostKind,
    /// One for each network card of the profile, in its order.
    pub macs: Vec<MacAddress>,
}

/// A host as the hypervisor has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostFound {
    pub id: HostId,
    /// The machine that carries the host's mark. Another than `id` is a copy that somebody made of
    /// it: not the host, but it stands on the same version.
    pub machine: Uuid,
    pub name: String,
    pub template: String,
    pub number: u32,
    pub digest: Digest,
    pub power: Power,
    pub addresses: Vec<String>,
    /// The guest agent answers now.
    pub guest_agent: bool,
    /// What the guest itself says it is called.
    pub guest_name: Option<String>,
}

impl HostFound {
    /// A copy that somebody made of the host, with its mark.
    pub fn is_copy(&self) -> bool {
        self.machine != self.id.as_uuid()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// As if its plug were pulled.
    Force,
    /// By the guest agent or the power button; a guest still up at the deadline stays up.
    Politely { deadline: Duration },
}

/// One thing that was tried, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckLine {
    pub name: String,
    pub ok: bool,
    /// What was found, or the cause with its code.
    pub detail: String,
    /// One thing to do, where it is not well.
    pub hint: Option<String>,
}

impl CheckLine {
    pub fn good(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { name: name.into(), ok: true, detail: detail.into(), hint: None }
    }

    pub fn bad(name: impl Into<String>, problem: &Problem) -> Self {
        let hint = Some(problem.hint.clone());
        Self { name: name.into(), ok: false, detail: problem.to_string(), hint }
    }
}
