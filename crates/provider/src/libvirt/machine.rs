//! The XML of a machine that Diecast makes, and of a template's definition, from the portable
//! profile. Pure.

use crate::{layout, xml::Element};
use diecast_domain::{
    digest::Digest,
    host::MacAddress,
    profile::{DiskBus, Firmware, HardwareProfile, MachineType},
};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// How guests know a data disk again, whatever its letter: `/dev/disk/by-id/virtio-data`.
const DATA_SERIAL: &str = "data";

/// How guests run on this provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceleration {
    Kvm,
    Emulated,
}

/// What a network card is plugged into here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plug {
    Network(String),
    Bridge(String),
}

/// A disk of the machine to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineDisk {
    pub file: PathBuf,
    pub content: Content,
}

/// What is in a disk's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// What differs from this version's file.
    Overlay { base: PathBuf },
    /// All of the disk, as it is.
    Plain,
    /// All of the disk, grown as it is written.
    Grown,
}

/// Everything that a host's or a working copy's machine is made of.
pub struct Machine<'a> {
    pub id: Uuid,
    pub name: &'a str,
    pub mark: Element,
    pub profile: &'a HardwareProfile,
    /// In the order of the profile's slots.
    pub disks: &'a [MachineDisk],
    /// What prepares the guest.
    pub seed: Option<&'a Path>,
    /// Outlives the others.
    pub data: Option<&'a MachineDisk>,
    /// One for each network card of the profile, as are `macs`.
    pub plugs: &'a [Plug],
    pub macs: &'a [MacAddress],
    pub dir: &'a Path,
    pub acceleration: Acceleration,
}

pub fn machine(machine: &Machine<'_>) -> Element {
    let Machine { profile, dir, .. } = machine;
    let mut names = TargetNames::default();
    let mut devices = Element::new("devices");
    for (index, (slot, disk)) in profile.disks.iter().zip(machine.disks).enumerate() {
        let boot = Element::new("boot").attr("order", index + 1);
        let disk = disk_element(disk, slot.bus, &names.next(slot.bus));
        devices.children.push(disk.child(boot));
    }
    if profile.disks.iter().any(|slot| slot.bus == DiskBus::Scsi) {
        devices.children.push(
            Element::new("controller").attr("type", "scsi").attr("index", 0).attr("model", "virtio-scsi"),
        );
    }
    devices.children.extend(machine.seed.map(|file| seed(file, profile.machine, &mut names)));
    if let Some(disk) = machine.data {
        // Where the guest's first disk is, it surely has a driver.
        let bus = profile.disks.first().map_or(DiskBus::Virtio, |slot| slot.bus);
        let serial = Element::new("serial").text(DATA_SERIAL);
        devices.children.push(disk_element(disk, bus, &names.next(bus)).child(serial));
    }
    for ((nic, plug), mac) in profile.nics.iter().zip(machine.plugs).zip(machine.macs) {
        let (kind, name) = match plug {
            Plug::Network(name) => ("network", name),
            Plug::Bridge(name) => ("bridge", name),
        };
        devices.children.push(
            Element::new("interface")
                .attr("type", kind)
                .child(Element::new("mac").attr("address", mac))
                .child(Element::new("source").attr(kind, name))
                .child(Element::new("model").attr("type", &nic.model)),
        );
    }
    devices.children.extend(comforts(&dir.join(layout::CONSOLE_FILE)));
    if profile.tpm {
        devices.children.push(tpm());
    }
    let nvram = dir.join(layout::NVRAM_FILE);
    Element::new("domain")
        .attr("type", if machine.acceleration == Acceleration::Kvm { "kvm" } else { "qemu" })
        .child(Element::new("name").text(machine.name))
        .child(Element::new("uuid").text(machine.id))
        .child(Element::new("metadata").child(machine.mark.clone()))
        .children(body(profile, Some(&nvram), machine.acceleration))
        .child(devices)
}

/// The definition of a template: complete and valid, with its disks read-only, and never defined.
pub fn template(name: &str, digest: &Digest, profile: &HardwareProfile, dir: &Path) -> Element {
    let mut names = TargetNames::default();
    let disks = profile.disks.iter().enumerate().map(|(index, slot)| {
        let file = dir.join(layout::disk_file(&slot.name));
        let mut disk = Element::new("disk")
            .attr("type", "file")
            .attr("device", "disk")
            .child(Element::new("driver").attr("name", "qemu").attr("type", "raw"))
            .child(Element::new("source").attr("file", file.display()).child(unowned()))
            .child(target(&names.next(slot.bus), slot.bus));
        if !matches!(slot.bus, DiskBus::Ide | DiskBus::Sata) {
            disk = disk.child(Element::new("readonly"));
        }
        disk.child(Element::new("boot").attr("order", index + 1))
    });
    let devices = Element::new("devices").children(disks);
    Element::new("domain")
        .attr("type", "qemu")
        .child(Element::new("name").text(name))
        .child(Element::new("description").text(format!("Diecast template, {digest}")))
        .children(body(profile, None, Acceleration::Emulated))
        .child(devices)
}

/// What hosts and templates have alike.
fn body(profile: &HardwareProfile, nvram: Option<&Path>, with: Acceleration) -> Vec<Element> {
    let kib = profile.memory.0.div_ceil(1024);
    let mut features = Element::new("features").child(Element::new("acpi")).child(Element::new("apic"));
    if profile.firmware == (Firmware::Uefi { secure_boot: true }) {
        features = features.child(Element::new("smm").attr("state", "on"));
    }
    let mut body = vec![
        Element::new("memory").attr("unit", "KiB").text(kib),
        Element::new("vcpu").text(profile.vcpus),
        os(profile, nvram),
        features,
    ];
    body.extend(cpu(profile, with));
    let offset = if profile.clock_localtime { "localtime" } else { "utc" };
    body.push(Element::new("clock").attr("offset", offset));
    for (event, action) in [("on_poweroff", "destroy"), ("on_reboot", "restart"), ("on_crash", "destroy")] {
        body.push(Element::new(event).text(action));
    }
    body
}

fn os(profile: &HardwareProfile, nvram: Option<&Path>) -> Element {
    let machine = match profile.machine {
        MachineType::I440fx => "pc",
        MachineType::Q35 => "q35",
    };
    let kind = Element::new("type").attr("arch", "x86_64").attr("machine", machine).text("hvm");
    let Firmware::Uefi { secure_boot } = profile.firmware else {
        return Element::new("os").child(kind);
    };
    let enabled = if secure_boot { "yes" } else { "no" };
    let feature = |name| Element::new("feature").attr("enabled", enabled).attr("name", name);
    let firmware = Element::new("firmware").child(feature("enrolled-keys")).child(feature("secure-boot"));
    let os = Element::new("os").attr("firmware", "efi").child(kind).child(firmware);
    match nvram {
        Some(path) => os.child(Element::new("nvram").text(path.display())),
        None => os,
    }
}

/// A named model where the profile has one. Without, the processor itself under KVM (hosts do not
/// move while they run), and QEMU's plain default where it is emulated.
fn cpu(profile: &HardwareProfile, with: Acceleration) -> Option<Element> {
    match (&profile.cpu_model, with) {
        (Some(model), _) => {
            let check = if with == Acceleration::Kvm { "partial" } else { "none" };
            let model = Element::new("model").attr("fallback", "forbid").text(model);
            let cpu = Element::new("cpu").attr("mode", "custom").attr("match", "exact");
            Some(cpu.attr("check", check).child(model))
        }
        (None, Acceleration::Kvm) => Some(Element::new("cpu").attr("mode", "host-passthrough")),
        (None, Acceleration::Emulated) => None,
    }
}

/// libvirt gives every file of a machine to QEMU's user, and takes it back for root: fatal for a
/// file that many machines read. This keeps it off.
fn unowned() -> Element {
    Element::new("seclabel").attr("model", "dac").attr("relabel", "no")
}

/// An overlay as a machine's only disk.
pub fn overlay_disk(overlay: &Path, base: &Path) -> Element {
    let content = Content::Overlay { base: base.to_owned() };
    let disk = MachineDisk { file: overlay.to_owned(), content };
    disk_element(&disk, DiskBus::Virtio, "vda")
}

fn disk_element(disk: &MachineDisk, bus: DiskBus, name: &str) -> Element {
    let format = match disk.content {
        Content::Overlay { .. } | Content::Grown => "qcow2",
        Content::Plain => "raw",
    };
    let mut element = Element::new("disk")
        .attr("type", "file")
        .attr("device", "disk")
        .child(Element::new("driver").attr("name", "qemu").attr("type", format).attr("discard", "unmap"))
        .child(Element::new("source").attr("file", disk.file.display()));
    match &disk.content {
        Content::Overlay { base } => {
            element = element.child(
                Element::new("backingStore")
                    .attr("type", "file")
                    .child(Element::new("format").attr("type", "raw"))
                    .child(Element::new("source").attr("file", base.display()).child(unowned()))
                    .child(Element::new("backingStore")),
            );
        }
        // Said, so that nobody looks into the file for one.
        Content::Grown => element = element.child(Element::new("backingStore")),
        Content::Plain => (),
    }
    element.child(target(name, bus))
}

fn seed(file: &Path, machine: MachineType, names: &mut TargetNames) -> Element {
    let bus = match machine {
        MachineType::I440fx => DiskBus::Ide,
        MachineType::Q35 => DiskBus::Sata,
    };
    Element::new("disk")
        .attr("type", "file")
        .attr("device", "cdrom")
        .child(Element::new("driver").attr("name", "qemu").attr("type", "raw"))
        .child(Element::new("source").attr("file", file.display()))
        .child(target(&names.next(bus), bus))
        .child(Element::new("readonly"))
}

/// What every host gets whatever its golden machine had: a console that is kept, a screen on a
/// socket of libvirt's own, the guest agent's channel, and randomness, without which a first boot waits for it.
fn comforts(console: &Path) -> Vec<Element> {
    let serial = Element::new("serial")
        .attr("type", "pty")
        .child(Element::new("log").attr("file", console.display()).attr("append", "on"))
        .child(Element::new("target").attr("port", 0));
    let channel = Element::new("channel")
        .attr("type", "unix")
        .child(Element::new("target").attr("type", "virtio").attr("name", "org.qemu.guest_agent.0"));
    let rng = Element::new("rng")
        .attr("model", "virtio")
        .child(Element::new("backend").attr("model", "random").text("/dev/urandom"));
    // Not on a port: whoever may log in there could sit down at any host.
    let screen =
        Element::new("graphics").attr("type", "vnc").child(Element::new("listen").attr("type", "socket"));
    let video = Element::new("video").child(Element::new("model").attr("type", "vga"));
    let tablet = Element::new("input").attr("type", "tablet").attr("bus", "usb");
    vec![serial, channel, tablet, screen, video, rng]
}

fn tpm() -> Element {
    Element::new("tpm")
        .attr("model", "tpm-tis")
        .child(Element::new("backend").attr("type", "emulator").attr("version", "2.0"))
}

fn target(name: &str, bus: DiskBus) -> Element {
    let bus = match bus {
        DiskBus::Ide => "ide",
        DiskBus::Sata => "sata",
        DiskBus::Scsi => "scsi",
        DiskBus::Usb => "usb",
        DiskBus::Virtio => "virtio",
    };
    Element::new("target").attr("dev", name).attr("bus", bus)
}

/// Gives out `vda`, `sda`, `sdb`, `hda`: buses share a prefix, so they share its letters.
#[derive(Default)]
struct TargetNames {
    used: std::collections::BTreeMap<&'static str, u8>,
}

impl TargetNames {
    fn next(&mut self, bus: DiskBus) -> String {
        let prefix = match bus {
            DiskBus::Virtio => "vd",
            DiskBus::Ide => "hd",
            DiskBus::Sata | DiskBus::Scsi | DiskBus::Usb => "sd",
        };
        let used = self.used.entry(prefix).or_default();
        let letter = char::from(b'a' + (*used % 26));
        *used += 1;
        format!("{prefix}{letter}")
    }
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
