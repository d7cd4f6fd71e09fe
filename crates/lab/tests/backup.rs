//! The server's disk is lost and an old backup restored: nothing on the providers is deleted, what differs
//! is shown, it is adopted without a byte of disk data over the network, and the server moves on from there.
#![allow(clippy::unwrap_used, reason = "a test ends at the first thing that fails")]

mod rolling;
mod steps;

use diecast_lab::Lab;
use rolling::*;
use serde_json::Value;
use std::{fs, path::Path};
use steps::*;

const PASSPHRASE: &str = "five words nobody would guess";
/// What agents and the server say to each other meanwhile: reports, orders, one manifest.
const TALK_BYTES_MAX: u64 = 6 << 20;
/// Where the server moves to.
const OTHER_PORT: u16 = 7543;

fn finding<'a>(view: &'a Value, kind: &str, name: &str) -> &'a Value {
    let items = view["items"].as_array().unwrap();
    let found = items.iter().find(|it| it["kind"] == kind && it["name"] == name);
    found.unwrap_or_else(|| panic!("no {kind} {name}: {view:#}"))
}

fn recovery(lab: &Lab) -> Value {
    lab.diecast_json(&["recovery", "show"]).unwrap_or_default()
}

fn everything_below(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = files_named(folder, "").iter().map(|it| it.display().to_string()).collect();
    names.sort();
    names
}

#[test]
fn an_old_backup_restored_after_the_server_is_lost_destroys_nothing_and_finds_everything() {
    let lab = lab(2);
    golden_everywhere(&lab);
    deploy(&lab, "kvm-a", "kept-{n}", &[]);
    deploy(&lab, "kvm-b", "doomed-{n}", &[]);
    all_told(&lab, &["kept-1", "doomed-1"]);

    chapter("it is backed up while it runs");
    let (passphrase, wrong) = (lab.data().join("passphrase"), lab.data().join("wrong"));
    fs::write(&passphrase, format!("{PASSPHRASE}\n")).unwrap();
    fs::write(&wrong, "not the passphrase at all").unwrap();
    let (backup, server) = (lab.data().join("one.backup"), lab.paths().server());
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let (file, data, words) = (text(&backup), text(&server), text(&passphrase));
    let make = ["server", "backup", &file, "--data", &data, "--passphrase-file", &words];
    let made = says(&lab, &make);
    assert!(made["bytes"].as_u64().is_some_and(|bytes| bytes > 1000), "{made:#}");
    refused(&lab, &make, "B0005");
    let bytes = fs::read(&backup).unwrap();
    assert!(bytes.starts_with(b"diecast-backup 1\nage-encryption.org/v1\n"));
    assert!(!bytes.windows(11).any(|it| it == b"PRIVATE KEY"), "nothing can be read of it");
    let check = ["server", "restore", "--check", &file, "--passphrase-file"];
    assert_eq!(says(&lab, &[&check[..], &[&words]].concat())["restored"], false);

    chapter("what cannot be restored is refused, and nothing is left");
    refused(&lab, &[&check[..], &[&text(&wrong)]].concat(), "B0003");
    let cut = lab.data().join("cut.backup");
    fs::write(&cut, &bytes[..bytes.len() - 100]).unwrap();
    let (short, elsewhere) = (text(&cut), text(&lab.data().join("elsewhere")));
    let restore = |file: &str, data: &str| {
        ["server", "restore", file, "--data", data, "--passphrase-file", &words].map(str::to_owned)
    };
    let refuse = |file: &str, data: &str, code: &str| {
        let args = restore(file, data);
        refused(&lab, &args.each_ref().map(String::as_str), code);
    };
    refuse(&short, &elsewhere, "B0002");
    assert!(!Path::new(&elsewhere).exists(), "nothing is left of it");
    fs::write(&cut, [b"diecast-backup 2\n", &bytes[17..]].concat()).unwrap();
    refuse(&short, &elsewhere, "B0001");
    refuse(&file, &data, "B0004");

    chapter("much happens after the backup");
    let second = new_version(&lab, "version two");
    wait_ready(&lab, "kvm-a");
    wait_ready(&lab, "kvm-b");
    deploy(&lab, "kvm-b", "late-{n}", &[]);
    lab.add("kvm-c", "elsewhere").unwrap();
    all_available(&lab);
    says(&lab, &["distribution", "add", "golden", "kvm-c"]);
    wait_ready(&lab, "kvm-c");
    says(&lab, &["host", "delete", "doomed-1", "--yes", "--wait"]);
    all_told(&lab, &["kept-1", "late-1"]);
    nothing_left(&lab, &["kvm-a", "kvm-b"]);
    let before: Vec<(Value, Value)> = ["kept-1", "late-1"]
        .map(|name| host(&lab, name))
        .map(|it| (it["id"].clone(), it["version"].clone()))
        .into();
    let folders = ["kvm-a", "kvm-b", "kvm-c"].map(|name| own_folder(&lab, name));
    let lay_there = folders.each_ref().map(|it| everything_below(it));

    chapter("the server and its folder are lost; the old backup is restored");
    lab.server_kill().unwrap();
    fs::remove_dir_all(&server).unwrap();
    let args = restore(&file, &data);
    assert_eq!(says(&lab, &args.each_ref().map(String::as_str))["restored"], true);
    lab.server_start().unwrap();
    lab.server_sign_in().unwrap();
    let crossed = |name: &str| lab.item(name).unwrap().crossed().unwrap();
    let crossed_before = ["kvm-a", "kvm-b", "kvm-c"].map(crossed);

    chapter("what differs is shown");
    let all_said = || {
        let view = recovery(&lab);
        let told = |name: &str| {
            let all = view["providers"].as_array().cloned().unwrap_or_default();
            let it = all.into_iter().find(|it| it["name"] == name).unwrap_or_default();
            (it["known"] == true && it["told"] == true && it["answers"] == true) || it["known"] == false
        };
        view["open"] == true
            && ["kvm-a", "kvm-b", "kvm-c"].iter().all(|name| told(name))
            && view["items"].as_array().is_some_and(|items| items.iter().any(|it| it["kind"] == "host gone"))
    };
    lab.wait_until("everybody has said what it was told", LONG, all_said)
        .unwrap_or_else(|error| panic!("{error}\n{:#}", recovery(&lab)));
    let view = recovery(&lab);
    assert_eq!(finding(&view, "version", "golden v2")["adoptable"], true, "{view:#}");
    assert_eq!(finding(&view, "host", "late-1")["adoptable"], true, "{view:#}");
    assert_eq!(finding(&view, "host gone", "doomed-1")["adoptable"], false, "{view:#}");
    let unsure = lab.diecast(&["recovery", "finish"]).unwrap();
    assert!(!unsure.status.success(), "something is not adopted, and nobody said yes");

    chapter("it is adopted, with the provider that came after the backup");
    let adopted = says(&lab, &["recovery", "adopt", "--all", "--wait"]);
    assert!(adopted["refused"].as_array().unwrap().is_empty(), "{adopted:#}");
    let view = recovery(&lab);
    assert!(view["items"].as_array().unwrap().iter().all(|it| it["adoptable"] == false), "{view:#}");
    let (shown, current) = (version(&lab, 2), version(&lab, 2));
    assert_eq!((&shown["digest"], &current["current"]), (&second["digest"], &Value::Bool(true)), "{shown:#}");
    assert_eq!(lay_there, folders.each_ref().map(|it| everything_below(it)), "nothing was touched");

    chapter("it goes on, and all is well without a byte of disk data");
    says(&lab, &["recovery", "finish", "--yes"]);
    for provider in ["kvm-a", "kvm-b", "kvm-c"] {
        wait_ready(&lab, provider);
    }
    lab.wait_until("the distribution is OK", LONG, || distribution(&lab, "golden")["distribution"] == "OK")
        .unwrap_or_else(|error| panic!("{error}\n{:#}", distribution(&lab, "golden")));
    let hosts = all_told(&lab, &["kept-1", "late-1"]);
    let after: Vec<(Value, Value)> =
        hosts.iter().map(|it| (it["id"].clone(), it["version"].clone())).collect();
    assert_eq!(before, after);
    assert_eq!(host(&lab, "doomed-1")["status"], "Missing", "it is not made again unasked");
    for (name, before) in ["kvm-a", "kvm-b", "kvm-c"].iter().zip(crossed_before) {
        let after = crossed(name);
        let bytes = (after.0 - before.0) + (after.1 - before.1);
        println!("{name}: {bytes} bytes crossed its link");
        assert!(bytes < TALK_BYTES_MAX, "{name}: {bytes}");
    }
    says(&lab, &["host", "delete", "doomed-1", "--yes", "--wait"]);
    deploy(&lab, "kvm-c", "new-{n}", &[]);
    all_told(&lab, &["new-1"]);

    chapter("the server moves to another address");
    lab.server_stop().unwrap();
    let url = lab.server_moves(OTHER_PORT).unwrap();
    lab.server_start().unwrap();
    let agent = diecast_lab::programs().unwrap().join("diecast-agent");
    for provider in ["kvm-a", "kvm-b", "kvm-c"] {
        let own = text(&lab.paths().provider(provider).agent_data());
        let set = |url: &str| {
            let argv = [agent.to_str().unwrap(), "set-server", url, "--data", &own];
            lab.exec_command(provider, &argv).unwrap().output().unwrap()
        };
        let nobody = set(&url.replace(&OTHER_PORT.to_string(), "7999"));
        assert!(String::from_utf8_lossy(&nobody.stderr).contains("A0012"), "{nobody:?}");
        let moved = set(&url);
        assert!(moved.status.success(), "{moved:?}");
        lab.agent_stop(provider).unwrap();
        lab.agent_start(provider).unwrap();
    }
    all_available(&lab);
    assert_eq!(distribution(&lab, "golden")["distribution"], "OK");
}
