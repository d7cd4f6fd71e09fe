//! What a provider can do, as small traits. [`crate::words`] are what they are spoken in.

use crate::source::{Progress, SourceDisk, SourceMachine};
pub use crate::words::*;
use async_trait::async_trait;
use diecast_domain::{
    code::Problem,
    ids::{HostId, MaintenanceId},
    profile::HardwareProfile,
    provider::{ProviderFacts, ProviderKind, Vm},
    units::ByteCount,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
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
///
/// A host's disks are made again and again: each making is an incarnation, counted from 1. The
/// former one can be set aside and brought back, machine and all.
#[async_trait]
pub trait RunHosts: HoldTemplates {
    /// Finishes what an earlier call began; does nothing where this incarnation stands, and refuses
    /// where another does. Does not start it. Several may be made at once.
    async fn create_host(
        &self,
        pool: &str,
        spec: &HostSpec,
        profile: &HardwareProfile,
        networks: &BTreeMap<String, String>,
        version_dir: &Path,
    ) -> Result<(), Problem>;
    /// Every host's machine, known by Diecast's mark, whoever started it. A machine that cannot be
    /// looked at is told as it was last seen, or nothing is told: what is not in the answer is gone.
    async fn hosts(&self) -> Result<Vec<HostFound>, Problem>;
    async fn start_host(&self, host: HostId) -> Result<(), Problem>;
    async fn stop_host(&self, host: HostId, how: Stop) -> Result<(), Problem>;
    /// Takes this incarnation, which must be off, out of the hypervisor, and puts its directory
    /// aside, the machine's definition with it. Its data disk stays where it is. Finishes what an
    /// earlier call began; where the incarnation does not stand, there is nothing to do.
    async fn set_host_aside(&self, pool: &str, host: HostId, incarnation: u32) -> Result<(), Problem>;
    /// Removes what stands, running or not, and brings an incarnation that was set aside back: as it
    /// was, but counted as `as_incarnation` from now on. Finishes what an earlier call began. Does
    /// not start it.
    async fn bring_host_back(
        &self,
        pool: &str,
        host: HostId,
        incarnation: u32,
        as_incarnation: u32,
    ) -> Result<(), Problem>;
    /// What is set aside, by host.
    async fn hosts_set_aside(&self, pool: &str) -> Result<BTreeMap<HostId, BTreeSet<u32>>, Problem>;
    async fn delete_set_aside(&self, pool: &str, host: HostId, incarnation: u32) -> Result<(), Problem>;
    /// Removes the machine, its own directory and all that was set aside of it; its data disk only if
    /// `data`. A host that is not there is deleted already.
    async fn delete_host(&self, pool: &str, host: HostId, data: bool) -> Result<(), Problem>;
    /// The Unix socket at which a running host's or working copy's screen speaks RFB, VNC's protocol.
    async fn screen(&self, machine: Uuid) -> Result<PathBuf, Problem>;
}

/// Can keep a working copy of a version, and tell what was changed in it.
#[async_trait]
pub trait MaintainTemplates: RunHosts {
    /// Overlays on the version's own files, and a machine on them. Finishes what an earlier call
    /// began, and defines the machine again if only that is gone; disks that are gone are never made
    /// again, since empty ones would look as if the work were still there. Does not start it.
    async fn create_working_copy(
        &self,
        pool: &str,
        spec: &WorkingCopySpec,
        profile: &HardwareProfile,
        networks: &BTreeMap<String, String>,
        version_dir: &Path,
    ) -> Result<(), Problem>;
    /// Every working copy of which files or a machine are there.
    async fn working_copies(&self, pool: &str) -> Result<Vec<WorkingCopyFound>, Problem>;
    async fn start_working_copy(&self, id: MaintenanceId) -> Result<(), Problem>;
    /// One that is off, or whose machine is gone, is stopped already.
    async fn stop_working_copy(&self, id: MaintenanceId, how: Stop) -> Result<(), Problem>;
    /// Locks the disks of a working copy that is off until the answer is dropped, and tells where
    /// they differ from the version's: that alone is read.
    async fn open_changes(
        &self,
        pool: &str,
        id: MaintenanceId,
        profile: &HardwareProfile,
        version_dir: &Path,
    ) -> Result<WorkingChanges, Problem>;
    /// Removes the machine, running or not, and the files. One that is not there is deleted already.
    async fn delete_working_copy(&self, pool: &str, id: MaintenanceId) -> Result<(), Problem>;
}

/// Can give back what a guest's file systems do not use, before it is read. What is open for reading
/// stays as it is: an overlay in `place` stands for it from then on.
#[async_trait]
pub trait TrimDisks: MaintainTemplates {
    /// Its disks are then those overlays, with their chain below them. Dropping the future ends it.
    async fn trim_machine(&self, machine: &mut SourceMachine, place: &TrimPlace) -> Result<Trimmed, Problem>;
    /// What it gave back is among the changes then, as zeroes.
    async fn trim_changes(&self, changes: &mut WorkingChanges, place: &TrimPlace)
    -> Result<Trimmed, Problem>;
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
pub trait Provider: ReadMachines + MaintainTemplates + SelfCheck {}
impl<P: ReadMachines + MaintainTemplates + SelfCheck> Provider for P {}
