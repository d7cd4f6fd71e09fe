//! Every obstacle, each found before a byte moves.

use super::*;
use crate::{profile::*, provider::*};
use std::collections::BTreeMap;

fn facts() -> ProviderFacts {
    ProviderFacts {
        hypervisor: "QEMU 7.2, libvirt 9.0".into(),
        cpu: CpuFacts { model: "EPYC".into(), count: 2, guest_models: vec!["qemu64".into()] },
        memory: ByteCount::gib(8),
        storages: vec![StorageFacts {
            name: "default".into(),
            path: "/var/lib/libvirt/images".into(),
            active: true,
            capacity: ByteCount::gib(100),
            free: ByteCount::gib(20),
        }],
        networks: vec![NetworkFacts { name: "corp".into(), kind: NetworkKind::Network, active: true }],
        firmware: FirmwareFacts { bios: true, uefi: true, secure_boot: false },
        machine_types: vec![MachineType::Q35],
        hardware_acceleration: false,
    }
}

fn profile() -> HardwareProfile {
    HardwareProfile {
        vcpus: 2,
        memory: ByteCount::gib(2),
        machine: MachineType::Q35,
        firmware: Firmware::Bios,
        cpu_model: None,
        disks: vec![DiskSlot { name: "disk0".into(), bus: DiskBus::Virtio, size: ByteCount::gib(20) }],
        nics: vec![Nic { model: "virtio".into(), network: "corp".into() }],
        tpm: false,
        clock_localtime: false,
    }
}

fn causes(
    facts: &ProviderFacts,
    networks: &[(&str, &str)],
    profile: &HardwareProfile,
    gib: u64,
) -> Vec<String> {
    let networks = networks.iter().map(|(from, to)| (from.to_string(), to.to_string()));
    let settings = ProviderSettings {
        uri: "qemu:///system".into(),
        storage: "default".into(),
        networks: BTreeMap::from_iter(networks),
    };
    let needs = Needs { profile, bytes: ByteCount::gib(gib), floor: floor(ByteCount::gib(100), None) };
    obstacles("kvm-b", facts, &settings, &needs).iter().map(Problem::to_string).collect()
}

#[test]
fn a_provider_that_offers_everything_has_no_obstacle() {
    assert_eq!(causes(&facts(), &[], &profile(), 10), [""; 0]);
}

#[test]
fn each_obstacle_is_named_with_its_provider() {
    let mut poor = facts();
    poor.firmware.bios = false;
    poor.machine_types.clear();
    poor.networks[0].active = false;
    let mut demanding = profile();
    demanding.cpu_model = Some("Skylake-Client".into());
    insta::assert_snapshot!(causes(&poor, &[], &demanding, 11).join("\n"));
}

#[test]
fn a_network_may_have_another_name_here() {
    let mut elsewhere = facts();
    elsewhere.networks[0].name = "br20".into();
    assert_eq!(causes(&elsewhere, &[], &profile(), 1), ["P0005: kvm-b has no network `corp`"]);
    assert_eq!(causes(&elsewhere, &[("corp", "br20")], &profile(), 1), [""; 0]);
    assert_eq!(
        causes(&elsewhere, &[("corp", "br99")], &profile(), 1),
        ["P0005: kvm-b has no network `br99`, which `corp` is mapped to"]
    );
}

#[test]
fn a_storage_that_is_off_or_missing_is_told_apart() {
    let mut off = facts();
    off.storages[0].active = false;
    assert_eq!(causes(&off, &[], &profile(), 1), ["P0003: storage pool `default` on kvm-b is not active"]);
    off.storages.clear();
    assert_eq!(causes(&off, &[], &profile(), 1), ["P0003: kvm-b has no storage pool `default`"]);
}

#[test]
fn the_floor_is_a_share_or_an_amount_or_what_was_set() {
    assert_eq!(floor(ByteCount::gib(100), None), ByteCount::gib(10));
    assert_eq!(floor(ByteCount::gib(1000), None), ByteCount(ByteCount::gib(1000).0 / 100 * 5));
    assert_eq!(floor(ByteCount::gib(1000), Some(ByteCount::mib(64))), ByteCount::mib(64));
}
