//! Golden machines and images of every kind that is taken: what arrives is what their guest would see,
//! and the sources are as they were.
#![allow(clippy::unwrap_used, reason = "a test ends at the first thing that fails")]

mod steps;

use diecast_lab::{
    Firmware, GoldenVm, Lab,
    golden::{self, Kind, Recipe},
    run::run,
};
use serde_json::Value;
use std::path::{Path, PathBuf};
use steps::*;

/// The golden machine's variables, as its provider sees the file, and what a new machine has.
const NVRAM: &str = "/var/lib/libvirt/qemu/nvram/uefi_VARS.fd";
const NVRAM_FRESH: &str = "/usr/share/OVMF/OVMF_VARS_4M.fd";
const BOTH: [&str; 2] = ["kvm-a", "kvm-b"];

#[test]
fn every_kind_of_golden_machine_arrives_as_its_guest_would_see_it() {
    let lab = lab(2);
    two_disks_of_two_formats(&lab);
    a_chain_three_deep_on_a_raw_base(&lab);
    compressed_clusters_and_a_snapshot_inside(&lab);
    uefi_with_its_variables(&lab);
    lone_images_of_four_formats(&lab);
}

fn storage(lab: &Lab) -> PathBuf {
    lab.item("kvm-a").unwrap().storage
}

fn boot_only(lab: &Lab) -> PathBuf {
    golden::cached_boot_only(lab.paths()).unwrap()
}

fn qemu_img(args: &[&str]) {
    run(&[&["qemu-img"], args].concat()).unwrap();
}

/// Commands for `qemu-io`, one after the other.
fn qemu_io(disk: &Path, commands: &[&str]) {
    let mut argv = vec!["qemu-io", "-f", format_of(disk)];
    commands.iter().for_each(|command| argv.extend(["-c", *command]));
    run(&[&argv[..], &[disk.to_str().unwrap()]].concat()).unwrap();
}

/// Defines a machine and publishes it.
fn published(lab: &Lab, template: &str, vm: &GoldenVm, below: &[PathBuf]) -> Value {
    let disks = lab.define("kvm-a", vm).unwrap();
    distributed(lab, template, &vm.name, &disks, below)
}

/// Publishes a machine to both providers; what it is made of must be the same before and after.
fn distributed(lab: &Lab, template: &str, vm: &str, disks: &[PathBuf], below: &[PathBuf]) -> Value {
    chapter(&format!("the template {template}"));
    let virsh = lab.virsh("kvm-a").unwrap();
    let seen = || -> (Vec<Mark>, String) {
        let files = disks.iter().chain(below);
        (files.map(|file| mark(file)).collect(), virsh.run(&["dumpxml", vm]).unwrap())
    };
    let before = seen();
    let create = ["template", "create", template, "--provider", "kvm-a", "--vm", vm, "--to", "kvm-b"];
    let made = says(lab, &[&create[..], &["--wait"]].concat());
    assert_eq!(made["status"], "Ready", "{made:#}");
    assert_eq!(before, seen(), "the source is as it was");
    for provider in BOTH {
        holds(lab, provider, template, &made["digest"], disks);
    }
    let slots = made["hardware"]["disks"].as_array().unwrap();
    assert_eq!(slots.len(), disks.len(), "{made:#}");
    made
}

fn two_disks_of_two_formats(lab: &Lab) {
    let data = storage(lab).join("data.qcow2");
    qemu_img(&["create", "-q", "-f", "qcow2", data.to_str().unwrap(), "40M"]);
    qemu_io(&data, &["write -P 0x5a 3M 1M", "write -P 0xa5 39M 1M"]);
    let vm = GoldenVm { disks: vec![boot_only(lab), data], ..GoldenVm::new("two-disks", Path::new("-")) };
    let made = published(lab, "two", &vm, &[]);
    // A host has an overlay for each of its disks.
    says(lab, &["host", "create", "--template", "two", "--provider", "kvm-b", "--name", "two-{n}"]);
    lab.wait_until("the host runs", BOOTS, || runs(lab, "two-1")).unwrap();
    let disks = lab.virsh("kvm-b").unwrap().run(&["domblklist", "two-1"]).unwrap();
    for file in ["disk0.qcow2", "disk1.qcow2", "seed.iso"] {
        assert!(disks.contains(file), "{disks}");
    }
    says(lab, &["host", "stop", "two-1", "--force", "--wait"]);
    let folder = host_dir(lab, &host(lab, "two-1"));
    for number in 0..2 {
        let overlay = folder.join(format!("disk{number}.qcow2"));
        run(&["qemu-img", "check", "-f", "qcow2", overlay.to_str().unwrap()]).unwrap();
        let base = version_dir(lab, "kvm-b", &made["digest"]).join(format!("disk{number}.raw"));
        let said = run(&["qemu-img", "info", overlay.to_str().unwrap()]).unwrap();
        assert!(said.contains(base.to_str().unwrap()), "{said}");
    }
}

fn a_chain_three_deep_on_a_raw_base(lab: &Lab) {
    let folder = storage(lab);
    let base = folder.join("deep-base.raw");
    run(&["cp", boot_only(lab).to_str().unwrap(), base.to_str().unwrap()]).unwrap();
    let overlay = |name: &str, on: &Path, bytes: &[&str]| -> PathBuf {
        let made = folder.join(name);
        let (made_text, on_text) = (made.to_str().unwrap(), on.to_str().unwrap());
        let create = ["create", "-q", "-f", "qcow2", "-F", format_of(on), "-b", on_text, made_text];
        qemu_img(&[&create[..], bytes].concat());
        made
    };
    let one = overlay("deep-1.qcow2", &base, &[]);
    qemu_io(&one, &["write -P 0x11 40M 2M", "write -P 0x12 50M 1M"]);
    // Larger than what it stands on, with zeroes over data of both below.
    let two = overlay("deep-2.qcow2", &one, &["96M"]);
    qemu_io(&two, &["write -z 40M 1M", "write -z 1M 64k", "write -P 0x22 80M 1M"]);
    let three = overlay("deep-3.qcow2", &two, &[]);
    qemu_io(&three, &["write -P 0x33 95M 1M", "write -z 80M 512k", "discard 50M 64k"]);
    let vm = GoldenVm::new("deep", &three);
    published(lab, "deep", &vm, &[base, one, two]);
}

fn compressed_clusters_and_a_snapshot_inside(lab: &Lab) {
    let packed = storage(lab).join("packed.qcow2");
    let text = packed.to_str().unwrap();
    qemu_img(&["convert", "-c", "-f", "raw", "-O", "qcow2", boot_only(lab).to_str().unwrap(), text]);
    qemu_img(&["snapshot", "-c", "before", text]);
    // What the snapshot keeps is not what the guest sees.
    qemu_io(&packed, &["write -P 0x44 20M 1M", "write -c -P 0x45 30M 64k"]);
    published(lab, "packed", &GoldenVm::new("packed", &packed), &[]);
}

fn uefi_with_its_variables(lab: &Lab) {
    let recipe = Recipe { payload_bytes: 4 << 20, ..Recipe::new(Kind::Uefi) };
    let disk = golden::cached(lab.paths(), &recipe).unwrap();
    let vm = GoldenVm { firmware: Firmware::Uefi, ..GoldenVm::new("uefi", &disk) };
    let disks = lab.define("kvm-a", &vm).unwrap();
    // It has run before, so its firmware has variables of its own.
    let virsh = lab.virsh("kvm-a").unwrap();
    virsh.run(&["start", "uefi"]).unwrap();
    lab.wait_until("the golden machine is up", BOOTS, || {
        lab.ask_guest("kvm-a", "uefi", "guest-get-host-name").is_some()
    })
    .unwrap();
    virsh.run(&["shutdown", "uefi", "--mode", "agent"]).unwrap();
    lab.wait_until("the golden machine is off", BOOTS, || {
        virsh.run(&["domstate", "uefi"]).is_ok_and(|state| state.trim() == "shut off")
    })
    .unwrap();
    let look = || lab.exec_text("kvm-a", &["sha256sum", NVRAM, NVRAM_FRESH]).unwrap();
    let before = look();
    let sums: Vec<&str> = before.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_ne!(sums[0], sums[1], "the firmware wrote its variables");
    let made = distributed(lab, "uefi", "uefi", &disks, &[]);
    assert_eq!(made["hardware"]["firmware"], "uefi", "{made:#}");
    assert_eq!(before, look(), "the variables are as they were");
    for provider in BOTH {
        let copy = version_dir(lab, provider, &made["digest"]).join("nvram.fd");
        let said = run(&["sha256sum", copy.to_str().unwrap()]).unwrap();
        assert_eq!(said.split(' ').next(), Some(sums[0]), "{provider} has the golden machine's variables");
    }
    says(lab, &["host", "create", "--template", "uefi", "--provider", "kvm-b", "--name", "uefi-{nn}"]);
    let told = all_told(lab, &["uefi-01"]);
    let xml = lab.virsh("kvm-b").unwrap().run(&["dumpxml", "uefi-01"]).unwrap();
    let own = host_dir(lab, &told[0]).join("nvram.fd");
    assert!(xml.contains("OVMF_CODE") && xml.contains(own.to_str().unwrap()), "{xml}");
    says(lab, &["host", "delete", "uefi-01", "--yes", "--wait"]);
}

fn lone_images_of_four_formats(lab: &Lab) {
    let import = lab.paths().import();
    for (number, format) in ["raw", "qcow2", "vmdk", "vhdx"].into_iter().enumerate() {
        let template = format!("image-{format}");
        chapter(&format!("the template {template}"));
        let image = import.join(format!("golden.{format}"));
        let text = image.to_str().unwrap();
        qemu_img(&["convert", "-f", "raw", "-O", format, boot_only(lab).to_str().unwrap(), text]);
        // Each has something of its own, so that none is there already because of another.
        qemu_io(&image, &[&format!("write -P {} 45M 1M", number + 1)]);
        let before = mark(&image);
        let create =
            ["template", "create", &template, "--provider", "kvm-a", "--image", text, "--to", "kvm-b"];
        let made = says(lab, &[&create[..], &["--wait"]].concat());
        assert_eq!(before, mark(&image), "the image is as it was");
        assert_eq!(made["hardware"]["firmware"], "bios", "{made:#}");
        assert!(!made["warnings"].as_array().unwrap().is_empty(), "its hardware was chosen: {made:#}");
        for provider in BOTH {
            holds(lab, provider, &template, &made["digest"], std::slice::from_ref(&image));
        }
    }
    // What was read of it is a machine that runs.
    says(lab, &["host", "create", "--template", "image-vhdx", "--provider", "kvm-b", "--name", "vhdx-{n}"]);
    lab.wait_until("the host says on its console that it is up", BOOTS, || {
        let host = host(lab, "vhdx-1");
        host["id"].is_string()
            && std::fs::read_to_string(host_dir(lab, &host).join("console.log"))
                .is_ok_and(|said| said.contains("vhdx-1 is up"))
    })
    .unwrap();
}
