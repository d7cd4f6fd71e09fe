//! The words of the stories about maintenance: a golden template on several providers, its working copy,
//! its hosts, and what may not be left of them.
#![allow(dead_code, reason = "each story takes what it needs")]

use crate::steps::*;
use diecast_lab::{GoldenVm, Lab};
use serde_json::Value;
use std::{fs, path::Path};

/// The machine of the working copy of the template `golden`.
pub const COPY: &str = "diecast-golden-maintenance";
/// Boots that a whole distribution or recreation gets.
pub const LONG: u32 = 60;
/// What `/etc/release-note` says before anybody changed it.
pub const FIRST_NOTE: &str = "as it was made";

/// A template `golden` of the small golden machine, made on the first provider, `Ready` on all.
pub fn golden_everywhere(lab: &Lab) {
    let disk = tiny(lab);
    lab.define("kvm-a", &GoldenVm::new("golden", &disk)).unwrap();
    let create =
        ["template", "create", "golden", "--provider", "kvm-a", "--vm", "golden", "--to-all", "--wait"];
    let made = says(lab, &create);
    assert_eq!(made["distribution"]["word"], "OK", "{made:#}");
}

pub fn template(lab: &Lab) -> Value {
    lab.diecast_json(&["template", "show", "golden"]).unwrap_or_default()
}

pub fn maintenance(lab: &Lab) -> Value {
    lab.diecast_json(&["maintenance", "show", "golden"]).unwrap_or_default()
}

/// The versions, newest first.
pub fn versions(lab: &Lab) -> Vec<Value> {
    items(&says(lab, &["version", "list", "golden"])).to_vec()
}

pub fn version(lab: &Lab, number: u32) -> Value {
    versions(lab).into_iter().find(|it| it["number"] == number).unwrap_or_default()
}

/// Opens the working copy and waits until its guest answers; gives the provider that it is on.
pub fn enter(lab: &Lab, more: &[&str]) -> String {
    says(lab, &[&["maintenance", "enter", "golden", "--wait"], more].concat());
    let opened = maintenance(lab);
    assert_eq!(opened["status"], "Maintenance", "{opened:#}");
    let provider = opened["provider"].as_str().unwrap().to_owned();
    copy_answers(lab, &provider);
    provider
}

pub fn copy_answers(lab: &Lab, provider: &str) {
    let answers = || lab.ask_guest(provider, COPY, "guest-ping").is_some();
    lab.wait_until("the guest of the working copy answers", BOOTS, answers)
        .unwrap_or_else(|error| panic!("{error}\n{:#}", maintenance(lab)));
}

pub fn write_note(lab: &Lab, provider: &str, note: &str) {
    lab.in_guest(provider, COPY, &format!("note '{note}'")).unwrap();
}

/// Changes the note in a working copy, and publishes that.
pub fn new_version(lab: &Lab, note: &str) -> Value {
    let provider = enter(lab, &[]);
    write_note(lab, &provider, note);
    leave(lab, &["--note", note])
}

/// Leaves maintenance without recreating hosts; gives the newest version.
pub fn leave(lab: &Lab, more: &[&str]) -> Value {
    says(lab, &[&["maintenance", "leave", "golden", "--recreate", "later", "--wait"], more].concat());
    is_left(lab)
}

/// What holds once maintenance was left; gives the newest version.
pub fn is_left(lab: &Lab) -> Value {
    let shown = template(lab);
    assert_eq!(shown["status"], "Ready", "{shown:#}");
    assert!(shown["maintenance"].is_null(), "{shown:#}");
    versions(lab).remove(0)
}

pub fn wait_ready(lab: &Lab, provider: &str) {
    let is_ready = || row(&distribution(lab, "golden"), provider)["state"] == "Ready";
    lab.wait_until(&format!("{provider} is Ready"), LONG, is_ready)
        .unwrap_or_else(|error| panic!("{error}\n{:#}", distribution(lab, "golden")));
}

pub fn deploy(lab: &Lab, provider: &str, name: &str, more: &[&str]) {
    let create = ["host", "create", "--template", "golden", "--provider", provider, "--name", name];
    says(lab, &[&create[..], more].concat());
}

/// What identifies a host to others, which recreation leaves alone.
pub fn identity(host: &Value) -> (Value, Value, Value) {
    (host["id"].clone(), host["name"].clone(), host["macs"].clone())
}

/// Waits until all these hosts run this version, are well, and read this note on their own disk.
pub fn all_read(lab: &Lab, names: &[&str], number: u32, note: &str) {
    let well = |name: &&str| {
        let host = host(lab, name);
        let provider = host["provider"].as_str().unwrap_or_default();
        host["status"] == "Ready"
            && host["version"] == number
            && lab.release_note(provider, name).is_some_and(|it| it.trim() == note)
    };
    lab.wait_until(&format!("{} read `{note}`", names.join(", ")), LONG, || names.iter().all(well))
        .unwrap_or_else(|error| {
            panic!("{error}\n{:#}\n{:#}", says(lab, &["host", "list"]), says(lab, &["recreation", "list"]))
        });
}

/// The newest recreation of the template's hosts.
pub fn recreation(lab: &Lab) -> Value {
    let list = says(lab, &["recreation", "list", "--template", "golden"]);
    items(&list).first().cloned().unwrap_or_default()
}

pub fn recreation_is(lab: &Lab, stage: &str) -> Value {
    lab.wait_until(&format!("the recreation is {stage}"), LONG, || recreation(lab)["stage"] == stage)
        .unwrap_or_else(|error| panic!("{error}\n{:#}", recreation(lab)));
    recreation(lab)
}

/// One host of a recreation.
pub fn part_of<'a>(recreation: &'a Value, host: &str) -> &'a Value {
    let hosts = recreation["hosts"].as_array().unwrap();
    hosts.iter().find(|it| it["host"] == host).unwrap_or_else(|| panic!("{host} is not in {recreation:#}"))
}

pub fn domains(lab: &Lab, provider: &str) -> Vec<String> {
    let said = lab.virsh(provider).unwrap().run(&["list", "--all", "--name"]).unwrap();
    said.lines().map(|line| line.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

fn entries(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Of working copies, half publications and former disks, on one provider.
pub fn leftovers(lab: &Lab, provider: &str) -> Vec<String> {
    let own = own_folder(lab, provider);
    let mut left = Vec::new();
    for folder in ["working", "publishing", "incoming"] {
        left.extend(entries(&own.join(folder)).iter().map(|name| format!("{folder}/{name}")));
    }
    left.extend(entries(&own.join("hosts")).into_iter().filter(|name| name.contains("aside")));
    left.extend(domains(lab, provider).into_iter().filter(|name| name == COPY));
    left
}

pub fn nothing_left(lab: &Lab, providers: &[&str]) {
    for provider in providers {
        let clean = || leftovers(lab, provider).is_empty();
        lab.wait_until(&format!("nothing is left over on {provider}"), BOOTS, clean)
            .unwrap_or_else(|error| panic!("{error}: {:?}", leftovers(lab, provider)));
    }
}
