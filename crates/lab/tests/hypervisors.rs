//! The lab's own promises: golden machines boot, faults are faults, nothing is left behind.
#![allow(clippy::unwrap_used, reason = "a test ends at the first thing that fails")]

use diecast_lab::{
    Firmware, GoldenVm, Lab, Options,
    golden::{self, Kind, Recipe},
    run::run,
};
use std::{fs, path::Path};

/// Boots that one guest may take, two of them at a time on a busy machine.
const BOOTS: u32 = 15;

fn bare(providers: usize) -> Lab {
    Lab::start_with(&Options { providers, bare: true, ..Options::default() }).unwrap()
}

fn seed(folder: &Path, name: &str) -> String {
    let files = folder.join(format!("{name}.seed"));
    fs::create_dir_all(&files).unwrap();
    fs::write(files.join("meta-data"), format!("instance-id: {name}\nlocal-hostname: {name}\n")).unwrap();
    fs::write(files.join("user-data"), "#cloud-config\n").unwrap();
    let iso = folder.join(format!("{name}.iso")).display().to_string();
    run(&["genisoimage", "-quiet", "-V", "cidata", "-r", "-J", "-o", &iso, files.to_str().unwrap()]).unwrap();
    iso
}

/// Boots a machine from a golden disk with a seed, until it tells the seed's name.
fn boots_and_tells_its_name(lab: &Lab, vm: &GoldenVm) {
    let (provider, name) = ("kvm-a", vm.name.as_str());
    lab.define(provider, vm).unwrap();
    let iso = seed(&lab.item(provider).unwrap().storage, name);
    let virsh = lab.virsh(provider).unwrap();
    let drive = if vm.machine == "pc" { ("hdc", "ide") } else { ("sdc", "sata") };
    let attach = [
        "attach-disk",
        name,
        &iso,
        drive.0,
        "--targetbus",
        drive.1,
        "--type",
        "cdrom",
        "--mode",
        "readonly",
        "--config",
    ];
    virsh.run(&attach).unwrap();
    virsh.run(&["start", name]).unwrap();
    lab.wait_until(&format!("{name} tells its name"), BOOTS, || {
        lab.ask_guest(provider, name, "guest-get-host-name").is_some_and(|said| said["host-name"] == name)
    })
    .unwrap();
}

fn goes_off(lab: &Lab, vm: &GoldenVm, mode: &str) {
    let virsh = lab.virsh("kvm-a").unwrap();
    virsh.run(&["shutdown", &vm.name, "--mode", mode]).unwrap();
    lab.wait_until(&format!("{} goes off", vm.name), BOOTS, || {
        virsh.run(&["domstate", &vm.name]).is_ok_and(|state| state.trim() == "shut off")
    })
    .unwrap();
}

#[test]
fn golden_machines_boot_tell_their_names_and_go_off_when_asked() {
    let lab = bare(1);
    let disk = |kind| golden::cached(lab.paths(), &Recipe::new(kind)).unwrap();
    let (tiny, uefi) = (disk(Kind::Tiny), disk(Kind::Uefi));
    let machines = [
        (GoldenVm::new("q35-virtio", &tiny), "agent"),
        (GoldenVm { machine: "pc".into(), ..GoldenVm::new("pc-virtio", &tiny) }, "acpi"),
        (GoldenVm { bus: "sata".into(), ..GoldenVm::new("q35-sata", &tiny) }, "acpi"),
        (GoldenVm { bus: "scsi".into(), ..GoldenVm::new("q35-scsi", &tiny) }, "agent"),
        (GoldenVm { firmware: Firmware::Uefi, ..GoldenVm::new("q35-uefi", &uefi) }, "acpi"),
    ];
    for (machine, mode) in &machines {
        boots_and_tells_its_name(&lab, machine);
        goes_off(&lab, machine, mode);
    }
}

#[test]
fn a_provider_that_lost_its_power_comes_back_with_its_machines_shut_off() {
    let lab = bare(2);
    let tiny = golden::cached(lab.paths(), &Recipe::new(Kind::Tiny)).unwrap();
    let vm = GoldenVm::new("golden", &tiny);
    boots_and_tells_its_name(&lab, &vm);
    lab.stop("kvm-a").unwrap();
    assert!(lab.exec("kvm-a", &["true"]).is_err(), "what is off runs nothing");
    assert!(lab.exec("kvm-b", &["true"]).unwrap().status.success(), "the others go on");
    lab.power("kvm-a").unwrap();
    let virsh = lab.virsh("kvm-a").unwrap();
    assert_eq!(virsh.run(&["domstate", "golden"]).unwrap(), "shut off");
    assert!(virsh.run(&["net-list", "--name"]).unwrap().contains("default"));
}

#[test]
fn links_are_cut_and_mended_and_disks_filled_and_emptied() {
    let lab = bare(2);
    // Whoever connects to a port where nobody listens is refused at once, unless nothing gets there.
    let reaches = || {
        let connect = "exec 3<>/dev/tcp/$1/9";
        let address = lab
            .exec_text("kvm-b", &["sh", "-c", "ip -4 -o addr show eth0 | awk '{print $4}' | cut -d/ -f1"])
            .unwrap();
        let output =
            lab.exec("kvm-a", &["timeout", "2", "bash", "-c", connect, "connect", &address]).unwrap();
        String::from_utf8_lossy(&output.stderr).contains("refused")
    };
    assert!(reaches());
    lab.cut("kvm-b").unwrap();
    assert!(!reaches());
    lab.mend("kvm-b").unwrap();
    assert!(reaches());

    let storage = lab.item("kvm-a").unwrap().storage.display().to_string();
    let free = || run(&["stat", "-f", "-c", "%a", &storage]).unwrap().parse::<u64>().unwrap() * 4096;
    lab.fill("kvm-a", 10 << 20).unwrap();
    assert!((9 << 20..=11 << 20).contains(&free()), "{}", free());
    lab.unfill("kvm-a").unwrap();
    assert!(free() > 1 << 30);

    lab.slow("kvm-a", Some("10mbit")).unwrap();
    let link = lab.item("kvm-a").unwrap().link;
    assert!(run(&["tc", "qdisc", "show", "dev", &link]).unwrap().contains("10Mbit"));
    lab.slow("kvm-a", None).unwrap();
    assert!(!run(&["tc", "qdisc", "show", "dev", &link]).unwrap().contains("tbf"));
}

#[test]
fn two_labs_live_side_by_side_and_leave_nothing_behind() {
    let (one, two) = (bare(1), bare(1));
    let item = |lab: &Lab| lab.item("kvm-a").unwrap();
    let (gone, stays) = (item(&one), item(&two));
    assert_ne!(gone.netns, stays.netns);
    let folder = one.data().to_owned();
    drop(one);
    let namespaces = run(&["ip", "netns", "list"]).unwrap();
    assert!(!namespaces.contains(&gone.netns) && namespaces.contains(&stays.netns), "{namespaces}");
    assert!(!Path::new(&format!("/sys/class/net/{}", gone.link)).exists());
    let left = |table: &str| table.contains(folder.to_str().unwrap());
    assert!(!left(&fs::read_to_string("/proc/mounts").unwrap()));
    assert!(!left(&run(&["losetup", "--all"]).unwrap()));
    assert!(!folder.exists());
    assert!(two.exec("kvm-a", &["true"]).unwrap().status.success(), "the other lab goes on");
}

#[test]
fn a_data_folder_where_nobody_may_pass_still_lets_qemu_in() {
    use std::os::unix::fs::PermissionsExt;
    let closed = tempfile::tempdir().unwrap();
    fs::set_permissions(closed.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let options = Options { providers: 1, bare: true, ..Options::default() };
    let lab = Lab::start_in(&closed.path().join("lab"), &options).unwrap();
    let boot_only = golden::cached_boot_only(lab.paths()).unwrap();
    lab.define("kvm-a", &GoldenVm::new("golden", &boot_only)).unwrap();
    lab.virsh("kvm-a").unwrap().run(&["start", "golden"]).unwrap();
}
