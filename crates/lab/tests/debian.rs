//! A real Debian with GRUB, cloud-init and the guest agent: distributed, and a host of it on each provider.
#![allow(clippy::unwrap_used, reason = "a test ends at the first thing that fails")]

mod steps;

use diecast_lab::{
    GoldenVm,
    golden::{self, Kind, Recipe},
    run::run,
};
use std::collections::BTreeSet;
use steps::*;

/// A real system does far more at a start than the small machine that boots are counted by.
const DEBIAN_BOOTS: u32 = 150;

#[test]
fn a_real_debian_takes_its_names_by_cloud_init_on_every_provider() {
    let lab = lab(2);
    let disk = golden::cached(lab.paths(), &Recipe::new(Kind::Debian)).unwrap();
    let vm = GoldenVm { memory_mib: 768, ..GoldenVm::new("debian-golden", &disk) };
    let disks = lab.define("kvm-a", &vm).unwrap();
    chapter("it is distributed");
    let create = [
        "template",
        "create",
        "debian",
        "--provider",
        "kvm-a",
        "--vm",
        "debian-golden",
        "--to-all",
        "--wait",
    ];
    let made = says(&lab, &create);
    assert_eq!(made["distribution"]["word"], "OK", "{made:#}");
    assert_eq!(made["warnings"].as_array().unwrap().len(), 0, "{made:#}");
    for provider in ["kvm-a", "kvm-b"] {
        holds(&lab, provider, "debian", &made["digest"], &disks);
    }

    chapter("a host on each tells its own name");
    let names = ["deb-01", "deb-02"];
    says(&lab, &["host", "create", "--template", "debian", "--count", "2", "--name", "deb-{nn}"]);
    lab.wait_until("both have told their names", DEBIAN_BOOTS, || {
        names.iter().all(|name| {
            let host = host(&lab, name);
            host["status"] == "Ready" && host["guest_name"] == *name && host["addresses"][0].is_string()
        })
    })
    .unwrap_or_else(|error| panic!("{error}\n{:#}", says(&lab, &["host", "list"])));
    let hosts = names.map(|name| host(&lab, name));
    let places: BTreeSet<&str> = hosts.iter().map(|it| it["provider"].as_str().unwrap()).collect();
    assert_eq!(places, BTreeSet::from(["kvm-a", "kvm-b"]));
    for host in &hosts {
        let (name, provider) = (host["name"].as_str().unwrap(), host["provider"].as_str().unwrap());
        let told = lab.ask_guest(provider, name, "guest-get-host-name").unwrap();
        assert_eq!(told["host-name"], name, "the guest's own word");
        let system = lab.ask_guest(provider, name, "guest-get-osinfo").unwrap();
        assert_eq!(system["id"], "debian", "{system}");
        let overlay = host_dir(&lab, host).join("disk0.qcow2");
        run(&["qemu-img", "check", "-U", "-f", "qcow2", overlay.to_str().unwrap()]).unwrap();
    }

    chapter("who is signed in is seen");
    let login = "setsid sh -c 'exec login -f root < /dev/tty5 > /dev/tty5 2>&1' &";
    lab.in_guest(hosts[0]["provider"].as_str().unwrap(), names[0], login).unwrap();
    lab.wait_until("one host is in use", BOOTS, || host(&lab, names[0])["users"][0] == "root")
        .unwrap_or_else(|error| panic!("{error}\n{:#}", host(&lab, names[0])));
    assert_eq!(
        (&host(&lab, names[0])["in_use"], &host(&lab, names[1])["in_use"]),
        (&"yes".into(), &"no".into())
    );
}
