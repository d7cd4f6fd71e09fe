//! libvirt with QEMU, over `qemu:///system` or any URI of that driver on the agent's own machine.
//!
//! Files are read and written beside libvirt, not through it: the agent runs where the pool's
//! directory is. libvirt is asked for what only it knows, and told what only it can do.

mod acceleration;
mod capabilities;
mod check;
#[cfg(any(test, feature = "doors"))]
pub(crate) mod doors;
pub(crate) mod files;
mod golden;
mod hosts;
mod inspect;
mod machine;
mod managed;
mod session;
mod source;
mod templates;
mod trim;
mod working;

use crate::{
    capability::*,
    image::export,
    source::{Progress, SourceDisk, SourceMachine},
};
use async_trait::async_trait;
use diecast_domain::{
    code::{Code, Problem},
    ids::{HostId, MaintenanceId},
    profile::HardwareProfile,
    provider::{ProviderFacts, ProviderKind, Vm},
    units::ByteCount,
};
use hosts::{Guests, find::LastLook};
use inspect::Capabilities;
use managed::Managed;
use session::{ASK_DEADLINE, Session};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::sync::{Mutex, OnceCell};
use uuid::Uuid;

/// What libvirt calls the driver that Diecast knows.
const DRIVER: &str = "QEMU";

/// One libvirt endpoint with the QEMU driver. Cheap to clone.
#[derive(Clone)]
pub struct Libvirt {
    session: Session,
    /// For what guests are asked: one that hangs keeps nobody else waiting.
    questions: Session,
    guests: Guests,
    last_look: Arc<std::sync::Mutex<LastLook>>,
    accelerated: Arc<OnceCell<bool>>,
    capabilities: Arc<Mutex<Option<Capabilities>>>,
}

impl Libvirt {
    /// Asks nothing yet: what is wrong with the address shows at the first call.
    pub fn new(uri: &str) -> Self {
        Self {
            session: Session::new(uri),
            questions: Session::new(uri),
            guests: Guests::default(),
            last_look: Arc::default(),
            accelerated: Arc::default(),
            capabilities: Arc::default(),
        }
    }

    /// Connects once, to see that a QEMU driver answers: P0002 if nothing does, P0010 if another.
    pub async fn connect(uri: &str) -> Result<Self, Problem> {
        let provider = Self::new(uri);
        provider.answers().await?;
        Ok(provider)
    }

    /// libvirt answers now, and drives QEMU.
    pub async fn answers(&self) -> Result<(), Problem> {
        let uri = self.session.uri();
        if uri.contains('\0') {
            return Err(Problem::new(Code::P0010, "the URI has a zero byte"));
        }
        let asked = self.session.call("connecting", ASK_DEADLINE, |connection| connection.get_type());
        let driver = asked.await.map_err(|error| error.problem(Code::P0002, "the provider"))?;
        if driver == DRIVER {
            return Ok(());
        }
        let cause = format!("at {uri} libvirt drives {driver}, not {DRIVER}");
        Err(Problem::new(Code::P0010, cause))
    }
}

#[async_trait]
impl Inspect for Libvirt {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Libvirt
    }
    async fn facts(&self) -> Result<ProviderFacts, Problem> {
        self.ask_facts().await
    }
    async fn vms(&self) -> Result<Vec<Vm>, Problem> {
        self.ask_vms().await
    }
}

#[async_trait]
impl ReadMachines for Libvirt {
    async fn open_machine(&self, vm: &str) -> Result<SourceMachine, Problem> {
        self.read_machine(vm).await
    }
    async fn open_image(&self, path: &Path, allowed: &[PathBuf]) -> Result<SourceMachine, Problem> {
        let mut machine = source::read_image(path, allowed).await?;
        machine.profile.nics = self.a_network_for_an_image().await?;
        Ok(machine)
    }
    async fn still_the_same(&self, machine: &SourceMachine) -> Result<(), Problem> {
        self.still_as_it_was(machine).await
    }
    async fn export_disk(&self, disk: &SourceDisk, to: &Path, progress: &Progress) -> Result<(), Problem> {
        export::export(disk, to, progress).await
    }
}

#[async_trait]
impl HoldTemplates for Libvirt {
    async fn storage_dir(&self, pool: &str) -> Result<PathBuf, Problem> {
        self.prepare_storage(pool).await
    }
    async fn register(&self, pool: &str, copy: &TemplateCopy) -> Result<(), Problem> {
        self.show(pool, copy).await
    }
    async fn registered(&self, pool: &str, copy: &TemplateCopy) -> Result<bool, Problem> {
        self.shown(pool, copy).await
    }
    async fn unregister(&self, pool: &str, copy: &TemplateCopy) -> Result<(), Problem> {
        self.hide(pool, copy).await
    }
}

#[async_trait]
impl RunHosts for Libvirt {
    async fn create_host(
        &self,
        pool: &str,
        spec: &HostSpec,
        profile: &HardwareProfile,
        networks: &BTreeMap<String, String>,
        version_dir: &Path,
    ) -> Result<(), Problem> {
        self.make_host(pool, spec, profile, networks, version_dir).await
    }
    async fn hosts(&self) -> Result<Vec<HostFound>, Problem> {
        self.find_hosts().await
    }
    async fn start_host(&self, host: HostId) -> Result<(), Problem> {
        self.power_on(Managed::Host(host)).await
    }
    async fn stop_host(&self, host: HostId, how: Stop) -> Result<(), Problem> {
        self.power_off(Managed::Host(host), how).await
    }
    async fn set_host_aside(&self, pool: &str, host: HostId, incarnation: u32) -> Result<(), Problem> {
        self.set_aside(pool, host, incarnation).await
    }
    async fn bring_host_back(
        &self,
        pool: &str,
        host: HostId,
        incarnation: u32,
        as_incarnation: u32,
    ) -> Result<(), Problem> {
        self.bring_back(pool, host, incarnation, as_incarnation).await
    }
    async fn hosts_set_aside(&self, pool: &str) -> Result<BTreeMap<HostId, BTreeSet<u32>>, Problem> {
        self.find_set_aside(pool).await
    }
    async fn delete_set_aside(&self, pool: &str, host: HostId, incarnation: u32) -> Result<(), Problem> {
        self.remove_set_aside(pool, host, incarnation).await
    }
    async fn delete_host(&self, pool: &str, host: HostId, data: bool) -> Result<(), Problem> {
        self.remove_host(pool, host, data).await
    }
    async fn screen(&self, machine: Uuid) -> Result<PathBuf, Problem> {
        self.screen_of(machine).await
    }
}

#[async_trait]
impl MaintainTemplates for Libvirt {
    async fn create_working_copy(
        &self,
        pool: &str,
        spec: &WorkingCopySpec,
        profile: &HardwareProfile,
        networks: &BTreeMap<String, String>,
        version_dir: &Path,
    ) -> Result<(), Problem> {
        self.make_working_copy(pool, spec, profile, networks, version_dir).await
    }
    async fn working_copies(&self, pool: &str) -> Result<Vec<WorkingCopyFound>, Problem> {
        self.find_working_copies(pool).await
    }
    async fn start_working_copy(&self, id: MaintenanceId) -> Result<(), Problem> {
        self.power_on(Managed::WorkingCopy(id)).await
    }
    async fn stop_working_copy(&self, id: MaintenanceId, how: Stop) -> Result<(), Problem> {
        self.stop_work(id, how).await
    }
    async fn open_changes(
        &self,
        pool: &str,
        id: MaintenanceId,
        profile: &HardwareProfile,
        version_dir: &Path,
    ) -> Result<WorkingChanges, Problem> {
        self.read_changes(pool, id, profile, version_dir).await
    }
    async fn delete_working_copy(&self, pool: &str, id: MaintenanceId) -> Result<(), Problem> {
        self.remove_working_copy(pool, id).await
    }
}

#[async_trait]
impl TrimDisks for Libvirt {
    async fn trim_machine(&self, machine: &mut SourceMachine, place: &TrimPlace) -> Result<Trimmed, Problem> {
        self.trim_source(machine, place).await
    }
    async fn trim_changes(
        &self,
        changes: &mut WorkingChanges,
        place: &TrimPlace,
    ) -> Result<Trimmed, Problem> {
        self.trim_working_copy(changes, place).await
    }
}

#[async_trait]
impl SelfCheck for Libvirt {
    async fn check(
        &self,
        pool: &str,
        networks: &BTreeMap<String, String>,
        floor: Option<ByteCount>,
    ) -> Vec<CheckLine> {
        self.run_check(pool, networks, floor).await
    }
}
