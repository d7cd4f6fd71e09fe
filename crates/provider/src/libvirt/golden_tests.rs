//! Golden machines as libvirt writes them, with what it may yet learn to write.

use super::*;

fn golden(inside: &str, devices: &str) -> Result<Golden, Problem> {
    let text = format!(
        "<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
           <name>golden</name><uuid>11111111-2222-3333-4444-555555555555</uuid>
           <memory unit='KiB'>2097152</memory><vcpu placement='static'>2</vcpu>{inside}
           <brand-new-element x='1'><deeper/></brand-new-element>
           <devices>{devices}<future-device/></devices></domain>"
    );
    read(&Element::parse(&text).unwrap())
}

const OS: &str = "<os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type><boot dev='hd'/></os>";
const DISK: &str = "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/>
    <source file='/images/golden.qcow2'/><target dev='vda' bus='virtio'/></disk>";

#[test]
fn a_windows_machine_with_two_disks_is_read_whole() {
    let inside = "<os firmware='efi'><type arch='x86_64' machine='pc-q35-7.2'>hvm</type>
        <firmware><feature enabled='yes' name='secure-boot'/></firmware>
        <loader readonly='yes' secure='yes' type='pflash'>/usr/share/OVMF/x.fd</loader>
        <nvram>/var/lib/libvirt/qemu/nvram/golden_VARS.fd</nvram></os>
        <cpu mode='custom' match='exact'><model fallback='forbid'>Skylake-Client</model></cpu>
        <clock offset='localtime'/>";
    let devices = "<disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk>
        <disk type='file' device='disk'><driver name='qemu' type='raw'/>
          <source file='/images/data &amp; more.raw'/><target dev='sdb' bus='sata'/>
          <boot order='2'/></disk>
        <disk type='file' device='disk'><driver name='qemu' type='qcow2'/>
          <source file='/images/c.qcow2'/><target dev='vda' bus='virtio'/><boot order='1'/></disk>
        <interface type='network'><source network='corp'/><model type='e1000e'/></interface>
        <interface type='user'/>
        <tpm model='tpm-crb'><backend type='emulator'/></tpm>";
    insta::assert_debug_snapshot!(golden(inside, devices).unwrap());
}

#[test]
fn a_plain_machine_gets_no_more_than_it_has() {
    let inside = "<os><type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type></os>
        <cpu mode='host-passthrough'/>";
    let plain = golden(inside, &DISK.replace("virtio", "ide")).unwrap();
    assert_eq!(plain.profile.machine, MachineType::I440fx);
    assert_eq!(plain.profile.firmware, Firmware::Bios);
    assert_eq!(plain.profile.cpu_model, None);
    assert_eq!(plain.profile.disks[0].bus, DiskBus::Ide);
    assert!(plain.warnings.is_empty() && plain.nvram.is_none());
}

#[test]
fn what_cannot_travel_is_refused_by_its_code() {
    let cases = [
        ("<hostdev mode='subsystem' type='pci'/>", Code::V0008),
        ("<filesystem type='mount'/>", Code::V0008),
        ("<disk type='block' device='disk'><source dev='/dev/sda'/></disk>", Code::V0008),
        ("<disk type='network' device='disk'><source protocol='rbd'/></disk>", Code::V0008),
        (
            "<disk type='file' device='disk'><source file='/a'><encryption format='luks'/></source>
             <target dev='vdb' bus='virtio'/></disk>",
            Code::V0005,
        ),
        (
            "<disk type='file' device='disk'><driver type='vdi'/><source file='/a'/>
             <target dev='vdb' bus='virtio'/></disk>",
            Code::V0009,
        ),
    ];
    for (device, code) in cases {
        let problem = golden(OS, &format!("{DISK}{device}")).unwrap_err();
        assert_eq!(problem.code, code, "{device}: {problem}");
        assert!(problem.cause.contains("golden"), "{problem}");
    }
    assert_eq!(golden(OS, "").unwrap_err().code, Code::V0002, "no disk at all");
    assert_eq!(golden(OS, &DISK.repeat(17)).unwrap_err().code, Code::V0008);
    let arm = "<os><type arch='aarch64' machine='virt'>hvm</type></os>";
    assert_eq!(golden(arm, DISK).unwrap_err().code, Code::V0008);
}

#[test]
fn memory_is_read_in_any_unit() {
    for (text, bytes) in [("unit='GiB'>2", 2 << 30), (">1024", 1 << 20), ("unit='MB'>5", 5_000_000)] {
        let xml = format!("<domain><memory {text}</memory></domain>");
        assert_eq!(memory(&Element::parse(&xml).unwrap()), ByteCount(bytes), "{text}");
    }
}
