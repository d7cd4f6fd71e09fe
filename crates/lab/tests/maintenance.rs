//! The golden image is changed and rolled out: maintenance mode, the difference over the network, hosts
//! recreated in waves, a provider that was switched off throughout, and the way back.
#![allow(clippy::unwrap_used, reason = "a test ends at the first thing that fails")]

mod rolling;
mod steps;

use diecast_lab::{Lab, packed_difference};
use rolling::*;
use serde_json::Value;
use std::{
    io::Read,
    net::{TcpListener, TcpStream},
    process::{Child, Stdio},
    time::Duration,
};
use steps::*;

/// What a new version may cost on the wire, measured by its changed blocks as they are compressed.
const WIRE_TO_CHANGE_MAX: f64 = 1.1;
/// The manifest, and what an agent asks and tells meanwhile, TLS included.
const TALK_BYTES_MAX: u64 = 768 << 10;
const SECOND_NOTE: &str = "version two";

#[test]
fn a_change_to_the_golden_image_reaches_every_host() {
    let lab = lab(3);
    golden_everywhere(&lab);
    deploy(&lab, "kvm-a", "desk-a{n}", &[]);
    deploy(&lab, "kvm-b", "desk-b{n}", &["--data-disk", "64MiB"]);
    deploy(&lab, "kvm-c", "desk-c{n}", &[]);
    let hosts = ["desk-a1", "desk-b1", "desk-c1"];
    let before: Vec<Value> = all_told(&lab, &hosts);
    for (host, provider) in [("desk-a1", "kvm-a"), ("desk-b1", "kvm-b")] {
        assert_eq!(lab.release_note(provider, host).unwrap().trim(), FIRST_NOTE);
    }
    lab.in_guest("kvm-b", "desk-b1", "echo kept > /dev/vdb; sync").unwrap();

    chapter("one provider is switched off");
    lab.stop("kvm-c").unwrap();
    let first = version(&lab, 1);
    let base = version_dir(&lab, "kvm-a", &first["digest"]);
    let base_disk = mark(&base.join("disk0.raw"));

    chapter("the working copy is opened and changed");
    enter(&lab, &[]);
    assert_eq!(template(&lab)["status"], "Maintenance");
    let second = refused(&lab, &["maintenance", "enter", "golden"], "M0001");
    assert!(second["cause"].as_str().unwrap().contains("admin"), "it names who: {second}");
    deploy(&lab, "kvm-b", "late-{n}", &[]);
    no_open_port(&lab, "kvm-a");
    screen_is_reached(&lab);
    write_note(&lab, "kvm-a", SECOND_NOTE);
    let more =
        "mount -o remount,rw /disk; head -c 6m /dev/urandom > /disk/new; sync; mount -o remount,ro /disk";
    lab.in_guest("kvm-a", COPY, more).unwrap();
    all_told(&lab, &["late-1"]);

    chapter("it is left, and only the difference crosses the network");
    let plan = says(&lab, &["maintenance", "leave", "golden", "--dry-run"]);
    assert!(!plan["steps"].as_array().unwrap().is_empty(), "{plan:#}");
    let crossed = lab.item("kvm-b").unwrap().crossed().unwrap().0;
    let leave = ["maintenance", "leave", "golden", "--note", "a note on it", "--recreate", "later", "--wait"];
    let left = lab.diecast(&leave).unwrap();
    assert_eq!(left.status.code(), Some(1), "it is published, and one provider cannot have it now");
    let new = is_left(&lab);
    assert_eq!(
        (&new["number"], &new["parent"], &new["current"]),
        (&2.into(), &1.into(), &true.into()),
        "{new:#}"
    );
    assert_eq!((&new["note"], &new["author"]), (&"a note on it".into(), &"admin".into()), "{new:#}");
    wait_ready(&lab, "kvm-b");
    let crossed = lab.item("kvm-b").unwrap().crossed().unwrap().0 - crossed;
    wait_ready(&lab, "kvm-a");
    let second_dir = version_dir(&lab, "kvm-b", &new["digest"]);
    let change = packed_difference(&base, &second_dir, &lab.data().join("blocks")).unwrap();
    println!("{crossed} bytes crossed the link, the changed blocks are {change} bytes");
    assert!(
        crossed as f64 <= change as f64 * WIRE_TO_CHANGE_MAX + TALK_BYTES_MAX as f64,
        "{crossed} {change}"
    );
    let size = new["size"]["data_bytes"].as_u64().unwrap();
    let new_bytes = new["new_bytes"].as_u64().unwrap();
    assert!((6 << 20..12 << 20).contains(&new_bytes) && new_bytes < size, "{new:#}");
    assert!(new["new_percent"].as_f64().is_some_and(|it| it > 0.0 && it < 50.0), "{new:#}");
    same_disk(&version_dir(&lab, "kvm-a", &new["digest"]).join("disk0.raw"), &second_dir.join("disk0.raw"));
    assert_eq!(mark(&base.join("disk0.raw")), base_disk, "the old version is as it was");
    nothing_left(&lab, &["kvm-a", "kvm-b"]);

    chapter("hosts run the old version until they are recreated");
    let outdated = says(&lab, &["host", "list", "--outdated"]);
    assert_eq!(items(&outdated).len(), 4, "{outdated:#}");
    assert_eq!(lab.release_note("kvm-a", "desk-a1").unwrap().trim(), FIRST_NOTE);
    let all = ["host", "recreate", "--template", "golden", "--outdated", "--yes"];
    let undecided = lab.diecast(&[&all[..], &["--json"]].concat()).unwrap();
    assert_eq!(undecided.status.code(), Some(1), "a provider is silent and nobody decided");
    let said = [undecided.stdout, undecided.stderr].concat();
    assert!(String::from_utf8_lossy(&said).contains("kvm-c"), "{}", String::from_utf8_lossy(&said));
    assert_eq!(items(&says(&lab, &["host", "list", "--outdated"])).len(), 4, "nothing was recreated");

    chapter("they are recreated in waves, without the silent provider");
    says(&lab, &[&all[..], &["--wave", "1,100%", "--if-unavailable", "proceed"]].concat());
    let there = ["desk-a1", "desk-b1", "late-1"];
    all_read(&lab, &there, 2, SECOND_NOTE);
    let told = String::from_utf8(lab.diecast(&["event", "list"]).unwrap().stdout).unwrap();
    let (first, rest) = told.split_once("wave 1 of the recreation").unwrap_or_else(|| panic!("{told}"));
    let begun = |text: &str| text.matches("is recreated on v2").count();
    assert_eq!((begun(first), begun(rest)), (1, 2), "one host first, the others once it was well: {told}");
    assert_eq!(lab.in_guest("kvm-b", "desk-b1", "head -n 1 /dev/vdb").unwrap().trim(), "kept");

    chapter("the provider returns: no host is made there from the old version, and its host follows");
    lab.slow("kvm-c", Some("1mbit")).unwrap();
    lab.power("kvm-c").unwrap();
    lab.wait_until("kvm-c answers", BOOTS, || {
        says(&lab, &["provider", "show", "kvm-c"])["state"] == "Available"
    })
    .unwrap();
    let too_soon = ["host", "create", "--template", "golden", "--provider", "kvm-c", "--name", "soon-{n}"];
    refused(&lab, &too_soon, "H0006");
    lab.slow("kvm-c", None).unwrap();
    all_read(&lab, &["desk-c1"], 2, SECOND_NOTE);
    recreation_is(&lab, "Done");
    let after: Vec<Value> = hosts.iter().map(|name| host(&lab, name)).collect();
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(identity(before), identity(after), "name, UUID and MAC stay");
        assert_eq!(after["incarnation"], 2, "{after:#}");
    }
    nothing_left(&lab, &["kvm-a", "kvm-b", "kvm-c"]);
    assert_eq!(distribution(&lab, "golden")["distribution"], "OK");

    chapter("and back again");
    says(&lab, &["version", "activate", "golden", "v1", "--recreate", "now", "--wave", "100%"]);
    all_read(&lab, &["desk-a1", "desk-b1", "desk-c1", "late-1"], 1, FIRST_NOTE);
    assert_eq!(lab.in_guest("kvm-b", "desk-b1", "head -n 1 /dev/vdb").unwrap().trim(), "kept");
    assert_eq!(version(&lab, 1)["current"], true);
    nothing_left(&lab, &["kvm-a", "kvm-b", "kvm-c"]);
    let data_disk = ["host", "delete", "desk-b1", "--yes"];
    refused(&lab, &data_disk, "H0007");
}

/// No QEMU of this provider listens on anything but sockets of its own file system.
fn no_open_port(lab: &Lab, provider: &str) {
    let listening = lab.exec_text(provider, &["ss", "-H", "-l", "-t", "-u", "-n", "-p"]).unwrap();
    assert!(listening.contains("diecast-agent") && !listening.contains("qemu"), "{listening}");
}

/// The command that brings a screen here, ended when dropped.
struct Console(Child);

impl Drop for Console {
    fn drop(&mut self) {
        let _ = (self.0.kill(), self.0.wait());
    }
}

/// A viewer would be greeted by the machine's own VNC server.
fn screen_is_reached(lab: &Lab) {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut command =
        lab.diecast_command(&["maintenance", "console", "golden", "--listen", &address]).unwrap();
    let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let _console = Console(command.spawn().unwrap());
    let greeting = || -> Option<[u8; 4]> {
        let mut screen = TcpStream::connect(&address).ok()?;
        screen.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
        let mut greeting = [0; 4];
        screen.read_exact(&mut greeting).ok()?;
        Some(greeting)
    };
    lab.wait_until("the screen greets", BOOTS, || greeting().as_ref() == Some(b"RFB ")).unwrap();
}

#[test]
fn maintenance_can_be_given_up_at_any_point_and_nothing_is_left() {
    let lab = lab(2);
    golden_everywhere(&lab);
    let both = ["kvm-a", "kvm-b"];

    chapter("nothing changed: no version");
    enter(&lab, &[]);
    leave(&lab, &[]);
    assert_eq!(versions(&lab).len(), 1);
    nothing_left(&lab, &both);

    chapter("cancelled: what was changed is gone");
    let provider = enter(&lab, &[]);
    write_note(&lab, &provider, "never to be read");
    says(&lab, &["maintenance", "cancel", "golden", "--yes"]);
    assert_eq!(template(&lab)["status"], "Ready");
    nothing_left(&lab, &both);

    chapter("its machine is destroyed, then taken out of the hypervisor, behind our back");
    let provider = enter(&lab, &[]);
    write_note(&lab, &provider, SECOND_NOTE);
    let virsh = lab.virsh(&provider).unwrap();
    virsh.run(&["destroy", COPY]).unwrap();
    lab.wait_until("it is seen to be off", BOOTS, || maintenance(&lab)["power"] == "Off").unwrap();
    says(&lab, &["maintenance", "start", "golden", "--wait"]);
    copy_answers(&lab, &provider);
    virsh.run(&["destroy", COPY]).unwrap();
    virsh.run(&["undefine", COPY]).unwrap();
    lab.wait_until("it is seen to be gone", BOOTS, || maintenance(&lab)["problem"]["code"] == "M0004")
        .unwrap_or_else(|error| panic!("{error}\n{:#}", maintenance(&lab)));
    says(&lab, &["maintenance", "start", "golden", "--wait"]);
    copy_answers(&lab, &provider);
    let note = lab.release_note(&provider, COPY).unwrap();
    assert_eq!(note.trim(), SECOND_NOTE, "what was changed is still there");

    chapter("its guest does not shut down");
    lab.in_guest(&provider, COPY, "touch /run/stubborn").unwrap();
    let polite = ["maintenance", "leave", "golden", "--recreate", "later", "--shutdown-timeout", "5s"];
    lab.diecast(&polite).unwrap();
    let asks = || {
        let (copy, template) = (maintenance(&lab), template(&lab));
        copy["problem"]["code"] == "M0002" || template["publication"]["code"] == "M0002"
    };
    lab.wait_until("it is said that the guest does not shut down", BOOTS, asks)
        .unwrap_or_else(|error| panic!("{error}\n{:#}", template(&lab)));
    assert_eq!(template(&lab)["status"], "Leaving maintenance");
    let new = leave(&lab, &["--force"]);
    assert_eq!((&new["number"], &new["parent"]), (&2.into(), &1.into()), "{new:#}");
    for provider in both {
        wait_ready(&lab, provider);
    }
    nothing_left(&lab, &both);

    chapter("the source is dead: another provider opens it; that one dies too, for good");
    lab.stop("kvm-a").unwrap();
    lab.wait_until("kvm-a is missed", BOOTS, || {
        says(&lab, &["provider", "show", "kvm-a"])["state"] == "Not available"
    })
    .unwrap();
    assert_eq!(enter(&lab, &["--provider", "kvm-b"]), "kvm-b");
    lab.stop("kvm-b").unwrap();
    lab.wait_until("kvm-b is missed", BOOTS, || {
        says(&lab, &["provider", "show", "kvm-b"])["state"] == "Not available"
    })
    .unwrap();
    says(&lab, &["maintenance", "cancel", "golden", "--forget", "--yes"]);
    assert_eq!(template(&lab)["status"], "Ready");
    for provider in both {
        lab.power(provider).unwrap();
    }
    all_available(&lab);
    nothing_left(&lab, &both);
}
