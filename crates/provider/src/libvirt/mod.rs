//! libvirt with QEMU.

use crate::{
    capability::*,
    source::{Progress, SourceDisk, SourceMachine},
};
use async_trait::async_trait;
use diecast_domain::{
    code::{Code, Problem},
    ids::HostId,
    profile::HardwareProfile,
    provider::{ProviderFacts, ProviderKind, Vm},
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// One libvirt endpoint with the QEMU driver.
#[derive(Clone)]
pub struct Libvirt {}

fn not_yet() -> Problem {
    Problem::new(Code::S0004, "not built yet")
}

impl Libvirt {
    /// Connects once, to see that a QEMU driver answers: P0002 if nothing does, P0010 if another.
    pub async fn connect(uri: &str) -> Result<Self, Problem> {
        let _ = uri;
        Err(not_yet())
    }
}

#[async_trait]
impl Inspect for Libvirt {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Libvirt
    }
    async fn facts(&self) -> Result<ProviderFacts, Problem> {
        Err(not_yet())
    }
    async fn vms(&self) -> Result<Vec<Vm>, Problem> {
        Err(not_yet())
    }
}

#[async_trait]
impl ReadMachines for Libvirt {
    async fn open_machine(&self, _: &str) -> Result<SourceMachine, Problem> {
        Err(not_yet())
    }
    async fn open_image(&self, _: &Path, _: &[PathBuf]) -> Result<SourceMachine, Problem> {
        Err(not_yet())
    }
    async fn still_the_same(&self, _: &SourceMachine) -> Result<(), Problem> {
        Err(not_yet())
    }
    async fn export_disk(&self, _: &SourceDisk, _: &Path, _: &Progress) -> Result<(), Problem> {
        Err(not_yet())
    }
}

#[async_trait]
impl HoldTemplates for Libvirt {
    async fn storage_dir(&self, _: &str) -> Result<PathBuf, Problem> {
        Err(not_yet())
    }
    async fn register(&self, _: &str, _: &TemplateCopy) -> Result<(), Problem> {
        Err(not_yet())
    }
    async fn registered(&self, _: &str, _: &TemplateCopy) -> Result<bool, Problem> {
        Err(not_yet())
    }
    async fn unregister(&self, _: &str, _: &TemplateCopy) -> Result<(), Problem> {
        Err(not_yet())
    }
}

#[async_trait]
impl RunHosts for Libvirt {
    async fn create_host(
        &self,
        _: &str,
        _: &HostSpec,
        _: &HardwareProfile,
        _: &BTreeMap<String, String>,
        _: &Path,
    ) -> Result<(), Problem> {
        Err(not_yet())
    }
    async fn hosts(&self) -> Result<Vec<HostFound>, Problem> {
        Err(not_yet())
    }
    async fn start_host(&self, _: HostId) -> Result<(), Problem> {
        Err(not_yet())
    }
    async fn stop_host(&self, _: HostId, _: Stop) -> Result<(), Problem> {
        Err(not_yet())
    }
    async fn delete_host(&self, _: &str, _: HostId) -> Result<(), Problem> {
        Err(not_yet())
    }
}

#[async_trait]
impl SelfCheck for Libvirt {
    async fn check(&self, _: &str, _: &BTreeMap<String, String>) -> Vec<CheckLine> {
        vec![CheckLine::bad("libvirt", &not_yet())]
    }
}
