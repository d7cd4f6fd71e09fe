//! Hosts' machines as they are handed to libvirt; libvirt's own schema judges them too.

use super::*;
use crate::libvirt::hosts::mark;
use diecast_domain::{
    host::{HostKind, MacAddress},
    profile::{DiskSlot, Nic},
    units::ByteCount,
};
use proptest::prelude::*;
use std::io::Write;

fn spec() -> HostSpec {
    HostSpec {
        id: "0195fa00-0000-7000-8000-000000000001".parse().unwrap(),
        name: "desk-001".parse().unwrap(),
        template: "win11".parse().unwrap(),
        number: 2,
        digest: Digest::from_bytes([0xab; 32]),
        kind: HostKind::Linked,
        macs: vec![MacAddress::from_draw([1, 2, 3])],
        incarnation: 1,
        preparation: Default::default(),
        data_disk: None,
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
    let disks: Vec<_> = profile
        .disks
        .iter()
        .map(|slot| HostDisk {
            file: dir.join(format!("{}.qcow2", slot.name)),
            base: Some(Path::new("/pool/diecast/versions/ab").join(layout::disk_file(&slot.name))),
        })
        .collect();
    let spec = spec();
    let plugs = [plug];
    let machine = HostMachine { spec: &spec, profile, disks: &disks, plugs: &plugs, dir, acceleration };
    host(&machine).render()
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
        let spec = spec();
        prop_assert_eq!(found.id, spec.id);
        prop_assert_eq!(found.digest, spec.digest);
        prop_assert_eq!(found.number, spec.number);
    }
}
