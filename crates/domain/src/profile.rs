//! The portable hardware of a machine: what must be alike wherever it runs, and no paths.

use crate::units::ByteCount;
use serde::{Deserialize, Serialize};

/// What a golden machine's hardware is. Part of a version's content, so its digest counts it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HardwareProfile {
    pub vcpus: u32,
    pub memory: ByteCount,
    pub machine: MachineType,
    pub firmware: Firmware,
    /// A named CPU model that every provider must offer, or none for the hypervisor's default.
    pub cpu_model: Option<String>,
    /// In the order in which the machine sees them; the first is booted from.
    pub disks: Vec<DiskSlot>,
    pub nics: Vec<Nic>,
    /// The machine had a TPM. Hosts get a fresh one; its state never travels.
    pub tpm: bool,
    /// The guest's clock runs in local time, as Windows expects.
    pub clock_localtime: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MachineType {
    /// The PC of 1996, with PCI.
    I440fx,
    /// The PC of 2009, with PCI Express.
    Q35,
}

/// Firmware by its features; each provider finds its own files for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Firmware {
    Bios,
    Uefi { secure_boot: bool },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskSlot {
    /// The name of its file in a version, without extension: `disk0`, `disk1`, ...
    pub name: String,
    pub bus: DiskBus,
    /// What the guest sees.
    pub size: ByteCount,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiskBus {
    Ide,
    Sata,
    Scsi,
    Usb,
    Virtio,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nic {
    /// The emulated card, in the hypervisor's word: `virtio`, `e1000e`.
    pub model: String,
    /// The network it was on, by the source provider's name for it; others may map it.
    pub network: String,
}
