//! The words in which a provider is told what to make, and tells what it found.

use crate::image::lock::ImageLock;
use diecast_domain::{
    code::Problem,
    digest::Digest,
    host::{HostKind, MacAddress},
    ids::{HostId, MaintenanceId},
    names::{HostName, TemplateName},
    preparation::Preparation,
    profile::HardwareProfile,
    provider::Power,
    trim::Place,
    units::ByteCount,
};
use serde::{Deserialize, Serialize};
use std::{path::PathBuf, time::Duration};
use uuid::Uuid;

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
    /// Which making of its disks this is, from 1 on.
    pub incarnation: u32,
    /// What the guest is told at its first boot.
    pub preparation: Preparation,
    /// A last disk of this size that outlives its incarnations. One that is there keeps its size.
    pub data_disk: Option<ByteCount>,
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
    pub incarnation: u32,
    pub power: Power,
    pub addresses: Vec<String>,
    /// The guest agent answers now.
    pub guest_agent: bool,
    /// What the guest itself says it is called.
    pub guest_name: Option<String>,
    /// Who is logged in, as the guest says. None is not nobody: it did not say.
    pub users: Option<Vec<String>>,
}

impl HostFound {
    /// A copy that somebody made of the host, with its mark.
    pub fn is_copy(&self) -> bool {
        self.machine != self.id.as_uuid()
    }
}

/// A working copy to be made.
#[derive(Clone, Debug)]
pub struct WorkingCopySpec {
    /// Also the machine's UUID.
    pub id: MaintenanceId,
    pub template: TemplateName,
    /// The version that it stands on.
    pub number: u32,
    pub digest: Digest,
    /// One for each network card of the profile, in its order.
    pub macs: Vec<MacAddress>,
}

/// A working copy of which anything is here: its files, its machine, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkingCopyFound {
    pub id: MaintenanceId,
    /// All its disks are there.
    pub disks: bool,
    /// None: the hypervisor does not know its machine.
    pub power: Option<Power>,
    pub addresses: Vec<String>,
    /// The guest agent answers now.
    pub guest_agent: bool,
}

/// What a working copy says differs from its version, held still for as long as this lives.
#[derive(Debug)]
pub struct WorkingChanges {
    /// In the order of the profile's slots.
    pub disks: Vec<OverlayDisk>,
    /// The variables of its UEFI firmware as they are now, changed or not.
    pub nvram: Option<Vec<u8>>,
    pub(crate) locks: Vec<ImageLock>,
}

/// One disk of a working copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverlayDisk {
    /// `disk0`, `disk1`, ...
    pub slot: String,
    /// The qcow2 files in which the bytes of `extents` are: what the guest wrote, and then perhaps what
    /// was given back of that.
    pub overlays: Vec<PathBuf>,
    /// The version's own file, which says what the guest sees everywhere else.
    pub base: PathBuf,
    /// What the guest sees; perhaps larger than the base, where it is zeroes beyond that.
    pub virtual_size: ByteCount,
    /// In their order, apart from each other.
    pub extents: Vec<Extent>,
}

/// A stretch of a disk that is not as in the base, or at least was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// In bytes of what the guest sees, as is `length`.
    pub start: u64,
    pub length: u64,
    /// Where its bytes are. None: they are zeroes.
    pub at: Option<At>,
}

/// A place in one of a disk's overlays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// Which of them.
    pub overlay: usize,
    pub offset: u64,
}

/// Where and with what to trim.
#[derive(Clone, Debug)]
pub struct TrimPlace {
    /// Of this one trimming alone: what is there is removed first, and whoever asked removes it afterwards.
    pub dir: PathBuf,
    /// Below it is a Linux kernel with its modules, as an installed system has them: `/`.
    pub kernel_root: PathBuf,
}

/// What a trimming did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trimmed {
    /// Data that is not read because of it, about.
    pub bytes: ByteCount,
    pub places: Vec<Place>,
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
