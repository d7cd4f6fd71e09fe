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

/// Why a profile is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadProfile {
    #[error("its disks are {}, and those of the version {}", said.join(", "), there.join(", "))]
    OtherDisks { said: Vec<String>, there: Vec<String> },
    #[error("{what} is `{text}`, which is no name")]
    NoName { what: &'static str, text: String },
}

impl HardwareProfile {
    /// Whether it can be that of a version with these disks, whoever wrote it: its names become names of
    /// files, and a part of machines' definitions.
    pub fn check<'a>(&self, disks: impl IntoIterator<Item = &'a str>) -> Result<(), BadProfile> {
        let said: Vec<&str> = self.disks.iter().map(|slot| slot.name.as_str()).collect();
        let there: Vec<&str> = disks.into_iter().collect();
        if said != there {
            let shown = |names: &[&str]| names.iter().map(|name| name.escape_debug().to_string()).collect();
            return Err(BadProfile::OtherDisks { said: shown(&said), there: shown(&there) });
        }
        let models = self.nics.iter().map(|nic| ("the model of a network card", &nic.model));
        let networks = self.nics.iter().map(|nic| ("a network", &nic.network));
        let cpu = self.cpu_model.iter().map(|model| ("the CPU model", model));
        for (what, text) in models.chain(networks).chain(cpu) {
            if text.is_empty() || text.chars().any(char::is_control) {
                let text = text.escape_debug().to_string();
                return Err(BadProfile::NoName { what, text });
            }
        }
        Ok(())
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(disk: &str, model: &str, network: &str, cpu: Option<&str>) -> HardwareProfile {
        let slot = DiskSlot { name: disk.into(), bus: DiskBus::Virtio, size: ByteCount::mib(1) };
        HardwareProfile {
            vcpus: 1,
            memory: ByteCount::mib(64),
            machine: MachineType::Q35,
            firmware: Firmware::Bios,
            cpu_model: cpu.map(str::to_owned),
            disks: vec![slot],
            nics: vec![Nic { model: model.into(), network: network.into() }],
            tpm: false,
            clock_localtime: false,
        }
    }

    #[test]
    fn a_profile_that_lies_about_its_disks_is_refused_and_leaves_no_directory() {
        let good = profile("disk0", "virtio", "corp net", Some("Skylake"));
        assert_eq!(good.check(["disk0"]), Ok(()));
        for there in [&[][..], &["disk1"], &["disk0", "disk1"]] {
            assert!(good.check(there.iter().copied()).is_err(), "{there:?}");
        }
        let climbs = profile("../../../etc/x", "virtio", "corp", None).check(["disk0"]).unwrap_err();
        assert_eq!(climbs.to_string(), "its disks are ../../../etc/x, and those of the version disk0");
    }

    #[test]
    fn what_would_spoil_a_definition_is_no_name() {
        for bad in ["", "a\0b", "a\nb"] {
            assert!(profile("disk0", bad, "corp", None).check(["disk0"]).is_err(), "{bad:?}");
            assert!(profile("disk0", "virtio", bad, None).check(["disk0"]).is_err(), "{bad:?}");
            assert!(profile("disk0", "virtio", "corp", Some(bad)).check(["disk0"]).is_err(), "{bad:?}");
        }
    }
}
