//! Hosts' machines as they are handed to libvirt; libvirt's own schema judges them too.

use super::*;
use crate::libvirt::{
    hosts::mark::{self, Mark},
    managed::Role,
};
use diecast_domain::{
    host::{HostKind, MacAddress},
    profile::{DiskSlot, Nic},
    units::ByteCount,
};
use proptest::prelude::*;
use std::io::Write;

const ID: Uuid = Uuid::from_u128(0x0195_fa00_0000_7000_8000_0000_0000_0001);

fn mark(role: Role) -> Mark {
    Mark {
        role,
        id: ID,
        name: "desk-001".into(),
        template: "win11".into(),
        number: 2,
        digest: Digest::from_bytes([0xab; 32]),
        incarnation: 3,
    }
}

fn profile(buses: &[DiskBus], machine: MachineType, firmware: Firmware) -> HardwareProfile {
    HardwareProfile {
        vcpus: 2,
        memory: ByteCount::gib(2),
        machine,
        firmware,
        cpu_model: None,
        disks: buses
            .iter()
            .enumerate()
            .map(|(n, bus)| DiskSlot { name: format!("disk{n}"), bus: *bus, size: ByteCount::gib(8) })
            .collect(),
        nics: vec![Nic { model: "virtio".into(), network: "corp".into() }],
        tpm: false,
        clock_localtime: false,
    }
}

fn render(profile: &HardwareProfile, acceleration: Acceleration, plug: Plug) -> String {
    let dir = Path::new("/pool/diecast/hosts/x");
    let seed = dir.join(layout::SEED_FILE);
    written(profile, acceleration, plug, Role::Host, Some(&seed), None)
}

fn written(
    profile: &HardwareProfile,
    acceleration: Acceleration,
    plug: Plug,
    role: Role,
    seed: Option<&Path>,
    data: Option<&MachineDisk>,
) -> String {
    let dir = Path::new("/pool/diecast/hosts/x");
    let versions = Path::new("/pool/diecast/versions/ab");
    let disk = |slot: &DiskSlot| MachineDisk {
        file: dir.join(layout::overlay_file(&slot.name)),
        content: Content::Overlay { base: versions.join(layout::disk_file(&slot.name)) },
    };
    let disks: Vec<_> = profile.disks.iter().map(disk).collect();
    let macs = [MacAddress::from_draw([1, 2, 3])];
    machine(&Machine {
        id: ID,
        name: "desk-001",
        mark: mark(role).element(HostKind::Linked),
        profile,
        disks: &disks,
        seed,
        data,
        plugs: &[plug],
        macs: &macs,
        dir,
        acceleration,
    })
    .render()
}

fn data_disk() -> MachineDisk {
    MachineDisk { file: "/pool/diecast/data/x.qcow2".into(), content: Content::Grown }
}

fn assert_valid(xml: &str) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(xml.as_bytes()).unwrap();
    let judged = std::process::Command::new("virt-xml-validate")
        .arg(file.path())
        .arg("domain")
        .output()
        .expect("virt-xml-validate is installed");
    assert!(judged.status.success(), "{}\n{xml}", String::from_utf8_lossy(&judged.stderr));
}

#[test]
fn a_windows_host_is_complete() {
    let mut profile =
        profile(&[DiskBus::Virtio, DiskBus::Sata], MachineType::Q35, Firmware::Uefi { secure_boot: true });
    profile.cpu_model = Some("Skylake-Client".into());
    profile.tpm = true;
    profile.clock_localtime = true;
    let xml = render(&profile, Acceleration::Kvm, Plug::Bridge("br20".into()));
    assert_valid(&xml);
    insta::assert_snapshot!(xml);
}

#[test]
fn every_firmware_machine_and_bus_is_valid_to_libvirts_schema() {
    use DiskBus::{Ide, Sata, Scsi, Usb, Virtio};
    for firmware in [Firmware::Bios, Firmware::Uefi { secure_boot: false }] {
        for (machine, buses) in
            [(MachineType::Q35, vec![Virtio, Scsi, Sata, Usb]), (MachineType::I440fx, vec![Ide])]
        {
            let profile = profile(&buses, machine, firmware);
            let plug = Plug::Network("a & <b>".into());
            assert_valid(&render(&profile, Acceleration::Emulated, plug));
            let dir = Path::new("/pool/diecast/versions/ab");
            let digest = Digest::from_bytes([7; 32]);
            assert_valid(&template("diecast-win11-v2", &digest, &profile, dir).render());
        }
    }
}

#[test]
fn a_working_copy_is_the_golden_machine_and_is_told_nothing() {
    let profile = profile(&[DiskBus::Virtio], MachineType::Q35, Firmware::Uefi { secure_boot: false });
    let plug = Plug::Network("corp".into());
    let xml = written(&profile, Acceleration::Emulated, plug, Role::WorkingCopy, None, None);
    assert_valid(&xml);
    insta::assert_snapshot!(xml);
}

#[test]
fn a_data_disk_comes_last_and_says_what_it_is() {
    let buses = [DiskBus::Virtio, DiskBus::Sata];
    let profile = profile(&buses, MachineType::Q35, Firmware::Bios);
    let (plug, seed) = (Plug::Network("corp".into()), Path::new("/pool/diecast/hosts/x/seed.iso"));
    let xml = written(&profile, Acceleration::Emulated, plug, Role::Host, Some(seed), Some(&data_disk()));
    assert_valid(&xml);
    let tree = Element::parse(&xml).unwrap();
    let disks: Vec<_> = tree.all("devices/disk").iter().map(|disk| disk.attr_at("target", "dev")).collect();
    assert_eq!(disks, [Some("vda"), Some("sda"), Some("sdb"), Some("vdb")]);
    insta::assert_snapshot!(tree.all("devices/disk").last().unwrap().render());
}

#[test]
fn a_data_disk_is_valid_on_every_bus() {
    use DiskBus::{Ide, Sata, Scsi, Usb, Virtio};
    for bus in [Ide, Sata, Scsi, Usb, Virtio] {
        let machine = if bus == Ide { MachineType::I440fx } else { MachineType::Q35 };
        let profile = profile(&[bus], machine, Firmware::Bios);
        let plug = Plug::Bridge("b".into());
        assert_valid(&written(&profile, Acceleration::Kvm, plug, Role::Host, None, Some(&data_disk())));
    }
}

#[test]
fn no_two_disks_share_a_name() {
    let buses = [DiskBus::Sata, DiskBus::Usb, DiskBus::Scsi];
    let profile = profile(&buses, MachineType::Q35, Firmware::Bios);
    let xml = render(&profile, Acceleration::Emulated, Plug::Bridge("b".into()));
    let tree = Element::parse(&xml).unwrap();
    let names: std::collections::BTreeSet<_> =
        tree.all("devices/disk/target").iter().filter_map(|t| t.get("dev")).collect();
    assert_eq!(names.len(), buses.len() + 1, "with the seed: {names:?}");
}

proptest! {
    #[test]
    fn a_host_is_found_again_by_its_mark_whatever_its_network_is_called(network in "[ -~]{0,30}") {
        let profile = profile(&[DiskBus::Virtio], MachineType::Q35, Firmware::Bios);
        let xml = render(&profile, Acceleration::Emulated, Plug::Bridge(network));
        let found = mark::read(&Element::parse(&xml).unwrap()).unwrap();
        prop_assert_eq!(found, super::tests::mark(Role::Host));
    }
}
