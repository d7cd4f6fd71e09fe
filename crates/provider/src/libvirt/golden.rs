//! What a machine's XML says of it as a golden machine. Pure; elements nobody here knows are passed
//! over, because libvirt learns new ones every month.

use crate::{source::ImageFormat, xml::Element};
use diecast_domain::{
    code::{Code, Problem},
    profile::{DiskBus, DiskSlot, Firmware, HardwareProfile, MachineType, Nic},
    units::ByteCount,
};
use std::path::PathBuf;

/// The most disks a template may have: names by one letter must do, with the seed's beside them.
const DISKS_MAX: usize = 16;

/// A machine read, before anything of it was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Golden {
    /// Sizes of its disks are zero until they are opened.
    pub profile: HardwareProfile,
    /// In the order of the profile's slots.
    pub disks: Vec<GoldenDisk>,
    pub nvram: Option<PathBuf>,
    pub warnings: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoldenDisk {
    pub target: String,
    pub path: PathBuf,
    pub format: ImageFormat,
}

/// Reads a persistent definition, or says what in it cannot travel.
pub fn read(domain: &Element) -> Result<Golden, Problem> {
    let name = domain.text_at("name").unwrap_or("?");
    if let Some(problem) = cannot_travel(name, domain) {
        return Err(problem);
    }
    let mut warnings = Vec::new();
    let disks = disks(name, domain)?;
    let machine = machine(name, domain)?;
    let firmware = firmware(domain);
    let tpm = domain.has("devices/tpm");
    if tpm {
        warnings.push("the machine's TPM state does not travel; each host gets a fresh TPM".into());
    }
    let profile = HardwareProfile {
        vcpus: domain.text_at("vcpu").and_then(|n| n.parse().ok()).unwrap_or(1),
        memory: memory(domain),
        machine,
        firmware,
        cpu_model: cpu_model(domain),
        disks: disks
            .iter()
            .enumerate()
            .map(|(index, (_, bus))| DiskSlot {
                name: format!("disk{index}"),
                bus: *bus,
                size: ByteCount::ZERO,
            })
            .collect(),
        nics: nics(domain, &mut warnings),
        tpm,
        clock_localtime: domain.attr_at("clock", "offset") == Some("localtime"),
    };
    let nvram = match firmware {
        Firmware::Bios => None,
        Firmware::Uefi { .. } => nvram(domain),
    };
    let disks = disks.into_iter().map(|(disk, _)| disk).collect();
    Ok(Golden { profile, disks, nvram, warnings })
}

fn refuse(code: Code, name: &str, what: &str) -> Problem {
    Problem::new(code, format!("the machine {name} {what}"))
}

fn cannot_travel(name: &str, domain: &Element) -> Option<Problem> {
    let present = [
        ("devices/hostdev", "has a device of the provider passed through"),
        ("devices/filesystem", "has a folder shared with the provider"),
        ("devices/shmem", "shares memory with the provider"),
        ("devices/redirfilter", "has redirected USB devices"),
        ("devices/nvram", "has device NVRAM"),
        ("launchSecurity", "has memory encryption that is bound to the provider's processor"),
        ("os/kernel", "starts a kernel that lies outside its disks"),
    ];
    let (_, what) = present.iter().find(|(path, _)| domain.has(path))?;
    Some(refuse(Code::V0008, name, what))
}

/// Hard disks in the order in which the machine sees them: the boot order if one is given.
fn disks(name: &str, domain: &Element) -> Result<Vec<(GoldenDisk, DiskBus)>, Problem> {
    let mut found = Vec::new();
    for disk in domain.all("devices/disk") {
        if matches!(disk.get("device"), Some("cdrom" | "floppy")) {
            continue;
        }
        let target = disk.attr_at("target", "dev").unwrap_or("?").to_owned();
        let no = |code, what: &str| Err(refuse(code, name, &format!("has a disk {target} {what}")));
        if disk.get("type") != Some("file") || disk.get("device").is_some_and(|d| d != "disk") {
            return no(Code::V0008, "that is not a file");
        }
        if disk.has("encryption") || disk.has("source/encryption") {
            return no(Code::V0005, "that is encrypted");
        }
        if disk.has("source/slices") || disk.has("source/dataStore") {
            return no(Code::V0009, "whose data are in a part of a file or in another");
        }
        let Some(path) = disk.attr_at("source", "file") else {
            return no(Code::V0002, "without a file");
        };
        let word = disk.attr_at("driver", "type").unwrap_or("raw");
        let Some(format) = ImageFormat::from_qemu(word) else {
            return no(Code::V0009, &format!("in the format `{word}`"));
        };
        let Some(bus) = bus(disk.attr_at("target", "bus"), &target) else {
            return no(Code::V0008, "on a bus that not every provider has");
        };
        let order = disk.attr_at("boot", "order").and_then(|n| n.parse().ok()).unwrap_or(u32::MAX);
        let disk = GoldenDisk { target: target.clone(), path: path.into(), format };
        found.push((order, (disk, bus)));
    }
    if found.is_empty() {
        return Err(refuse(Code::V0002, name, "has no disk"));
    }
    if found.len() > DISKS_MAX {
        return Err(refuse(Code::V0008, name, &format!("has more than {DISKS_MAX} disks")));
    }
    found.sort_by_key(|(order, _)| *order);
    Ok(found.into_iter().map(|(_, disk)| disk).collect())
}

/// libvirt always writes the bus; a hand-written definition may leave it to the target's name.
fn bus(word: Option<&str>, target: &str) -> Option<DiskBus> {
    match word {
        Some("ide") => Some(DiskBus::Ide),
        Some("sata") => Some(DiskBus::Sata),
        Some("scsi") => Some(DiskBus::Scsi),
        Some("usb") => Some(DiskBus::Usb),
        Some("virtio") => Some(DiskBus::Virtio),
        Some(_) => None,
        None if target.starts_with("vd") => Some(DiskBus::Virtio),
        None if target.starts_with("hd") => Some(DiskBus::Ide),
        None => Some(DiskBus::Sata),
    }
}

fn machine(name: &str, domain: &Element) -> Result<MachineType, Problem> {
    let arch = domain.attr_at("os/type", "arch").unwrap_or("x86_64");
    let word = domain.attr_at("os/type", "machine").unwrap_or("pc");
    let found = if word.contains("q35") {
        Some(MachineType::Q35)
    } else if word == "pc" || word.contains("i440fx") {
        Some(MachineType::I440fx)
    } else {
        None
    };
    found.filter(|_| matches!(arch, "x86_64" | "i686")).ok_or_else(|| {
        let what = format!("is of the type `{word}` for `{arch}`, which hosts cannot have");
        refuse(Code::V0008, name, &what)
    })
}

fn firmware(domain: &Element) -> Firmware {
    let automatic = domain.attr_at("os", "firmware") == Some("efi");
    let flash = domain.attr_at("os/loader", "type") == Some("pflash");
    if !automatic && !flash {
        return Firmware::Bios;
    }
    let feature = domain
        .all("os/firmware/feature")
        .into_iter()
        .any(|feature| feature.get("name") == Some("secure-boot") && feature.get("enabled") == Some("yes"));
    let loader = domain.attr_at("os/loader", "secure") == Some("yes");
    Firmware::Uefi { secure_boot: feature || loader }
}

fn nvram(domain: &Element) -> Option<PathBuf> {
    let nvram = domain.first("os/nvram")?;
    let path = nvram.attr_at("source", "file").unwrap_or_else(|| nvram.text.trim());
    (!path.is_empty()).then(|| path.into())
}

/// A custom model is part of what the guest was installed on; `host-model` and the like are not.
fn cpu_model(domain: &Element) -> Option<String> {
    let cpu = domain.first("cpu")?;
    if !matches!(cpu.get("mode"), None | Some("custom")) {
        return None;
    }
    cpu.text_at("model").filter(|model| !model.is_empty()).map(str::to_owned)
}

pub fn memory(domain: &Element) -> ByteCount {
    let Some(memory) = domain.first("memory") else { return ByteCount::ZERO };
    let count: u64 = memory.text.trim().parse().unwrap_or(0);
    let factor: u64 = match memory.get("unit").unwrap_or("KiB") {
        "b" | "bytes" => 1,
        "KB" => 1000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "M" | "MiB" => 1 << 20,
        "G" | "GiB" => 1 << 30,
        "T" | "TiB" => 1 << 40,
        _ => 1 << 10,
    };
    ByteCount(count.saturating_mul(factor))
}

fn nics(domain: &Element, warnings: &mut Vec<String>) -> Vec<Nic> {
    let mut nics = Vec::new();
    for nic in domain.all("devices/interface") {
        let kind = nic.get("type").unwrap_or("");
        let source = |attribute| nic.attr_at("source", attribute).map(str::to_owned);
        let network = match kind {
            "network" => source("network"),
            "bridge" => source("bridge"),
            "direct" => source("dev"),
            _ => None,
        };
        match network {
            Some(network) => {
                let model = nic.attr_at("model", "type").unwrap_or("virtio").to_owned();
                nics.push(Nic { model, network });
            }
            None => warnings.push(format!(
                "a network card of the kind `{kind}` is on no named network; hosts do not get it"
            )),
        }
    }
    nics
}

#[cfg(test)]
#[path = "golden_tests.rs"]
mod tests;
