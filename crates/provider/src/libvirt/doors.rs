//! The doors behind which libvirt and its guests stand.

use super::{
    capabilities, golden,
    hosts::{find, guest, mark, origin::Origin, screen},
    inspect::{self, MachineState},
};
use crate::{image::command::Answer, xml::Element};
use diecast_domain::{
    doors::{Door, texts},
    provider::Power,
};

/// A machine's definition.
pub const MACHINE: Door = Door {
    name: "machine",
    seeds: || {
        texts(&[
            "<domain type='kvm'><name>golden</name><uuid>11111111-2222-3333-4444-555555555555</uuid>
               <memory unit='MiB'>2048</memory><vcpu>2</vcpu><os firmware='efi'>
               <type arch='x86_64' machine='pc-q35-7.2'>hvm</type><firmware><feature enabled='yes'
               name='secure-boot'/></firmware><loader secure='yes' type='pflash'>/x.fd</loader>
               <nvram>/v.fd</nvram></os><cpu mode='custom'><model>Skylake-Client</model></cpu>
               <clock offset='localtime'/><devices><disk type='file' device='disk'><driver type='qcow2'/>
               <source file='/c.qcow2'/><target dev='vda' bus='virtio'/><boot order='1'/></disk>
               <interface type='network'><source network='corp'/><model type='e1000e'/></interface>
               <tpm model='tpm-crb'/></devices></domain>",
            "<domain><metadata><diecast:host xmlns:diecast='urn:diecast:host:1' name='desk-001'
               id='0195fa00-0000-7000-8000-000000000001' template='win11' version='2' incarnation='3'
               digest='blake3:4e04ebca44ff7b08b41f3be0794a57b53ae4c9e8b96e95683c40316b86e1c330'/></metadata>
               <devices><channel><target name='org.qemu.guest_agent.0' state='connected'/></channel>
               <graphics type='vnc' socket='/run/vnc.sock'/></devices></domain>",
        ])
    },
    knock: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        let Ok(tree) = Element::parse(text) else { return };
        if let Ok(golden) = golden::read(&tree) {
            assert_eq!(golden.disks.len(), golden.profile.disks.len());
            assert!(!golden.disks.is_empty());
        }
        let _ = (find::agent_connected(&tree), screen::socket(&tree));
        let marked = mark::read(&tree);
        let counted = mark::count_as(tree, 9);
        if let Some(marked) = marked {
            let again = counted.as_ref().and_then(mark::read);
            assert_eq!(again, Some(mark::Mark { incarnation: 9, ..marked }));
        }
        let off = MachineState { power: Power::Off, saved: false };
        if let Some(vm) = inspect::vm(off, text) {
            assert!(vm.obstacle.is_some() || vm.content.is_some(), "{vm:?}");
        }
    },
};

/// What the hypervisor says it can do.
pub const CAPABILITIES: Door = Door {
    name: "capabilities",
    seeds: || {
        texts(&["<domainCapabilities><path>/usr/bin/qemu</path><os><enum name='firmware'><value>efi</value></enum>
            <loader><enum name='secure'><value>yes</value></enum></loader></os><cpu><mode name='custom'>
            <model usable='yes'>qemu64</model></mode></cpu></domainCapabilities>"])
    },
    knock: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        let Ok(tree) = Element::parse(text) else { return };
        let firmware = capabilities::firmware(&tree);
        assert!(firmware.uefi || !firmware.secure_boot);
        let _ = (capabilities::cpu_models(&tree), capabilities::emulator(&tree));
    },
};

/// What a guest's own agent says.
pub const GUEST: Door = Door {
    name: "guest",
    seeds: || {
        texts(&[
            r#"{"return":{"host-name":"desk-001"}}"#,
            r#"{"return":[{"name":"eth0","ip-addresses":[{"ip-address":"fe80::1"},{"ip-address":"10.0.0.7"}]}]}"#,
            r#"{"return":[{"user":"ann"},{"domain":"CORP","user":"b\nob"},{"user":""}]}"#,
        ])
    },
    knock: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        let said = guest::name(text).into_iter().chain(guest::users(text).unwrap_or_default());
        for shown in said {
            assert!(!shown.is_empty() && !shown.chars().any(char::is_control), "{shown:?}");
        }
        for address in guest::addresses(text).unwrap_or_default() {
            assert!(address.parse::<std::net::IpAddr>().is_ok(), "{address}");
        }
    },
};

/// What `ip` says of bridges.
pub const BRIDGES: Door = Door {
    name: "bridges",
    seeds: || texts(&[r#"[{"ifindex":4,"ifname":"br0","mtu":1500},{"ifname":"br1"}]"#, "\n"]),
    knock: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        let stdout = text.to_owned();
        let _ = inspect::bridges(&Answer { ok: true, status: Some(0), stdout, complaint: String::new() });
    },
};

/// What a host's directory was begun for.
pub const ORIGIN: Door = Door {
    name: "origin",
    seeds: || {
        texts(&[
            "blake3:4e04ebca44ff7b08b41f3be0794a57b53ae4c9e8b96e95683c40316b86e1c330 linked\n",
            "blake3:4e04ebca44ff7b08b41f3be0794a57b53ae4c9e8b96e95683c40316b86e1c330 full 12\n",
        ])
    },
    knock: |bytes| {
        let Some(origin) = std::str::from_utf8(bytes).ok().and_then(Origin::parse) else { return };
        assert_eq!(Origin::parse(&origin.to_string()), Some(origin));
    },
};
