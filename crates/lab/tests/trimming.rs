//! What a guest deleted is said, and with `--trim` not published: of a machine that is made a template, and
//! of a working copy.
#![allow(clippy::unwrap_used, reason = "a test ends at the first thing that fails")]

mod rolling;
mod steps;

use diecast_lab::{GoldenVm, Lab, run::run};
use rolling::*;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};
use steps::*;

const MIB: u64 = 1 << 20;
/// What the data disk lost and what it kept.
const GONE: u64 = 24 * MIB;
const KEPT: u64 = 3 * MIB;
const BOTH: [&str; 2] = ["kvm-a", "kvm-b"];

#[test]
fn what_was_deleted_is_neither_published_nor_sent_and_the_machine_is_as_it_was() {
    let lab = lab(2);
    let data = data_disk(&lab);
    let vm = GoldenVm { disks: vec![tiny(&lab), data], ..GoldenVm::new("golden", Path::new("-")) };
    let sources = lab.define("kvm-a", &vm).unwrap();
    let seen = || -> Vec<Mark> { sources.iter().map(|file| mark(file)).collect() };
    let before = seen();

    chapter("as it is: it is said what trimming would have spared");
    let plain = created(&lab, "plain", &[]);
    let hint = &plain["trimming"];
    assert_eq!(hint["trimmed"], false, "{plain:#}");
    let spared = hint["bytes"].as_u64().unwrap();
    assert!((GONE - 2 * MIB..=GONE).contains(&spared), "{hint:#}");
    assert!(places(hint).contains(&"disk1 partition 1 (ext4): counted".to_owned()), "{hint:#}");
    assert!(places(hint).contains(&"disk0 partition 1 (vfat): left alone".to_owned()), "{hint:#}");
    let shown = String::from_utf8(lab.diecast(&["template", "show", "plain"]).unwrap().stdout).unwrap();
    assert!(shown.contains("it would have spared"), "{shown}");

    chapter("trimmed");
    let golden = created(&lab, "golden", &["--trim"]);
    let given = &golden["trimming"];
    assert_eq!(given["trimmed"], true, "{golden:#}");
    for place in ["disk0 partition 1 (vfat): trimmed", "disk1 partition 1 (ext4): trimmed"] {
        assert!(places(given).contains(&place.to_owned()), "{given:#}");
    }
    assert!(given["bytes"].as_u64().unwrap() + MIB >= spared, "{given:#}");
    let size = |template: &Value| template["size"]["data_bytes"].as_u64().unwrap();
    let less = size(&plain) - size(&golden);
    assert!((spared..spared + 2 * MIB).contains(&less), "what was said is what it is: {spared}, {less}");
    assert_eq!(seen(), before, "the machine is as it was");
    for provider in BOTH {
        let folder = version_dir(&lab, provider, &golden["digest"]);
        same_disk(&sources[0], &folder.join("disk0.raw"));
        keeps_its_file(&folder.join("disk1.raw"), &lab.data().join("partition"));
    }
    nothing_trimmed_is_left(&lab);

    chapter("a change that was deleted again is none");
    let provider = enter(&lab, &[]);
    write_note(&lab, &provider, "a change that stays");
    let deleted = "mount -o remount,rw /disk; head -c 12m /dev/urandom > /disk/new; sync; rm /disk/new; sync; \
                   mount -o remount,ro /disk";
    lab.in_guest(&provider, COPY, deleted).unwrap();
    let new = leave(&lab, &["--trim"]);
    let (bytes, given) = (new["new_bytes"].as_u64().unwrap(), &new["trimming"]);
    assert!(bytes < MIB, "{bytes} bytes are new of a note: {new:#}");
    assert!(given["trimmed"] == true && given["bytes"].as_u64().unwrap() >= 11 * MIB, "{new:#}");
    for provider in BOTH {
        wait_ready(&lab, provider);
    }
    nothing_trimmed_is_left(&lab);
    deploy(&lab, "kvm-b", "desk-{n}", &[]);
    all_told(&lab, &["desk-1"]);
    assert_eq!(lab.release_note("kvm-b", "desk-1").unwrap().trim(), "a change that stays");
}

/// A disk with one partition, an ext4 with a file and what another one left.
fn data_disk(lab: &Lab) -> PathBuf {
    let dir = lab.data().join("data-disk");
    fs::create_dir_all(dir.join("files")).unwrap();
    let script = format!(
        "cd {}; head -c {GONE} /dev/urandom > files/gone; yes kept | head -c {KEPT} > files/kept
         truncate -s 64M ext4; mkfs.ext4 -q -d files ext4; debugfs -w -R 'rm gone' ext4 2> told
         truncate -s 80M data.raw; printf 'label: gpt\\nstart=2048,size=64M\\n' | sfdisk -q data.raw
         dd if=ext4 of=data.raw bs=1M seek=1 conv=notrunc,sparse status=none",
        dir.display()
    );
    run(&["sh", "-ec", &script]).unwrap();
    dir.join("data.raw")
}

/// The file system is whole, and so is its file.
fn keeps_its_file(disk: &Path, partition: &Path) {
    let (disk, partition) = (disk.display(), partition.display());
    let script = format!(
        "dd if={disk} of={partition} bs=1M skip=1 count=64 status=none; e2fsck -fn {partition}
         debugfs -R 'cat kept' {partition} | sort | uniq -c"
    );
    let said = run(&["sh", "-ec", &script]).unwrap();
    assert!(said.contains(&format!("{} kept", KEPT / 5)), "{said}");
}

fn created(lab: &Lab, template: &str, more: &[&str]) -> Value {
    let create =
        ["template", "create", template, "--provider", "kvm-a", "--vm", "golden", "--to-all", "--wait"];
    let made = says(lab, &[&create[..], more].concat());
    assert_eq!(made["distribution"]["word"], "OK", "{made:#}");
    made
}

fn places(trimming: &Value) -> Vec<String> {
    let places = trimming["places"].as_array().unwrap().iter();
    places.map(|place| place.as_str().unwrap().to_owned()).collect()
}

fn nothing_trimmed_is_left(lab: &Lab) {
    for provider in BOTH {
        let folder = own_folder(lab, provider).join("trimming");
        assert!(empty(&folder), "{}", folder.display());
    }
}
