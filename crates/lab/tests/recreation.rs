//! Hosts moved to another version and pools kept at their size, while guests fail, users work, machines
//! vanish and providers are lost.
#![allow(clippy::unwrap_used, reason = "a test ends at the first thing that fails")]

mod rolling;
mod steps;

use diecast_lab::{Lab, USER, run::run};
use rolling::*;
use serde_json::Value;
use steps::*;

const BOTH: [&str; 2] = ["kvm-a", "kvm-b"];
const THIRD_NOTE: &str = "version three";

#[test]
fn a_version_that_does_not_come_up_is_rolled_back_and_users_are_waited_for() {
    let lab = lab(2);
    golden_everywhere(&lab);
    deploy(&lab, "kvm-a", "desk-a{n}", &["--count", "2"]);
    deploy(&lab, "kvm-b", "desk-b{n}", &[]);
    let hosts = ["desk-a1", "desk-a2", "desk-b1"];
    let before = all_told(&lab, &hosts);
    let all = ["host", "recreate", "--template", "golden", "--outdated", "--yes"];

    chapter("a change after which no guest comes up stops in its first wave, and that is rolled back");
    let provider = enter(&lab, &[]);
    let breaks = "mount -o remount,rw /disk; echo 'while :; do sleep 60; done' > /disk/rc.local; \
                  sync; mount -o remount,ro /disk";
    lab.in_guest(&provider, COPY, breaks).unwrap();
    assert_eq!(leave(&lab, &[])["number"], 2);
    BOTH.iter().for_each(|provider| wait_ready(&lab, provider));
    let health = format!("{}s", (lab.boot().unwrap() * 5).as_secs());
    says(&lab, &[&all[..], &["--wave", "1,100%", "--health-timeout", &health]].concat());
    let stopped = recreation_is(&lab, "Stopped");
    assert!(stopped["note"].as_str().is_some_and(|note| note.len() > 10), "it says why: {stopped:#}");
    let rolled_back = |it: &&Value| it["state"] == "rolled back";
    assert_eq!(stopped["hosts"].as_array().unwrap().iter().filter(rolled_back).count(), 1, "{stopped:#}");
    all_read(&lab, &hosts, 1, FIRST_NOTE);
    for (before, name) in before.iter().zip(hosts) {
        assert_eq!(identity(before), identity(&host(&lab, name)));
    }
    nothing_left(&lab, &BOTH);

    chapter("a better change is made from the version that worked");
    says(&lab, &["version", "activate", "golden", "v1", "--recreate", "later"]);
    let new = new_version(&lab, THIRD_NOTE);
    assert_eq!((&new["number"], &new["parent"]), (&3.into(), &1.into()), "{new:#}");
    BOTH.iter().for_each(|provider| wait_ready(&lab, provider));

    chapter("who works is not disturbed");
    lab.sign_in("kvm-a", "desk-a1").unwrap();
    lab.wait_until("the user is seen", BOOTS, || host(&lab, "desk-a1")["users"][0] == USER)
        .unwrap_or_else(|error| panic!("{error}\n{:#}", host(&lab, "desk-a1")));
    assert_eq!(host(&lab, "desk-a1")["in_use"], "yes");
    let plan = says(&lab, &[&all[..4], &["--outdated", "--dry-run"]].concat());
    assert!(plan["users"].to_string().contains(USER), "{plan:#}");
    says(&lab, &[&all[..], &["--wave", "100%"]].concat());
    all_read(&lab, &["desk-a2", "desk-b1"], 3, THIRD_NOTE);
    let waits = recreation(&lab);
    assert_eq!(
        (&waits["stage"], &part_of(&waits, "desk-a1")["state"]),
        (&"Running".into(), &"waiting".into())
    );
    assert_eq!(lab.release_note("kvm-a", "desk-a1").unwrap().trim(), FIRST_NOTE);
    lab.sign_out("kvm-a", "desk-a1").unwrap();
    all_read(&lab, &["desk-a1"], 3, THIRD_NOTE);
    recreation_is(&lab, "Done");

    chapter("until the deadline");
    lab.sign_in("kvm-a", "desk-a1").unwrap();
    lab.wait_until("the user is seen", BOOTS, || host(&lab, "desk-a1")["in_use"] == "yes").unwrap();
    let back = ["version", "activate", "golden", "v1", "--recreate", "now", "--wave", "100%"];
    let deadline = format!("{}s", (lab.boot().unwrap() * 3).as_secs());
    says(&lab, &[&back[..], &["--deadline", &deadline]].concat());
    all_read(&lab, &hosts, 1, FIRST_NOTE);
    nothing_left(&lab, &BOTH);

    versions_that_are_needed_stay(&lab);
    times_are_kept(&lab);
}

/// A version is deleted only when nobody stands on it, is being made from it, or will be.
fn versions_that_are_needed_stay(lab: &Lab) {
    chapter("a version that a host is being made from is not deleted, another one is");
    let late = ["host", "create", "--template", "golden", "--provider", "kvm-b", "--name", "late-{n}"];
    says(lab, &[&late[..], &["--version", "v3"]].concat());
    let refusal = refused(lab, &["version", "delete", "golden", "v3", "--yes"], "A0007");
    assert!(refusal["cause"].as_str().unwrap().contains("late-1"), "it names what depends on it: {refusal}");
    refused(lab, &["version", "delete", "golden", "v1", "--yes"], "A0007");
    let second = version(lab, 2);
    says(lab, &["version", "delete", "golden", "v2", "--yes", "--wait"]);
    for provider in BOTH {
        assert!(!version_dir(lab, provider, &second["digest"]).exists(), "{provider} holds v2 still");
    }
    assert_eq!(versions(lab).iter().map(|it| it["number"].as_u64().unwrap()).collect::<Vec<_>>(), [3, 1]);
    all_read(lab, &["late-1"], 3, THIRD_NOTE);
}

fn times_are_kept(lab: &Lab) {
    chapter("what is scheduled is done at its time, and the past is refused");
    let stop = ["schedule", "create", "tonight", "--stop", "--host", "late-1", "--at"];
    refused(lab, &[&stop[..], &["2020-01-01T00:00:00Z"]].concat(), "L0006");
    let soon = run(&["date", "--utc", "--date", "+3 seconds", "+%Y-%m-%dT%H:%M:%SZ"]).unwrap();
    says(lab, &[&stop[..], &[&soon]].concat());
    lab.wait_until("the host is off", BOOTS, || host(lab, "late-1")["status"] == "Off")
        .unwrap_or_else(|error| panic!("{error}\n{:#}", says(lab, &["schedule", "show", "tonight"])));
    let done = says(lab, &["schedule", "show", "tonight"]);
    assert_eq!((&done["last_ok"], &done["next_at"]), (&true.into(), &Value::Null), "{done:#}");
    let weekly = ["schedule", "create", "patches", "--recreate", "--template", "golden"];
    let weekly = says(lab, &[&weekly[..], &["--cron", "0 3 * * SAT", "--zone", "Europe/Madrid"]].concat());
    assert!(weekly["next_at"].is_string(), "what runs next is shown: {weekly:#}");
}

fn pool(lab: &Lab) -> Value {
    lab.diecast_json(&["pool", "show", "desks"]).unwrap_or_default()
}

fn of_pool(lab: &Lab) -> Vec<Value> {
    let said = lab.diecast_json(&["host", "list", "--pool", "desks"]).unwrap_or_default();
    items(&said).to_vec()
}

/// Waits until the pool has so many hosts that are well, on these providers, and no others.
fn pool_is(lab: &Lab, count: usize, providers: &[&str]) {
    let placed =
        |hosts: &[Value]| hosts.iter().all(|it| providers.iter().any(|name| it["provider"] == *name));
    let whole = || {
        let hosts = of_pool(lab);
        hosts.len() == count && placed(&hosts) && hosts.iter().all(|it| it["status"] == "Ready")
    };
    lab.wait_until(&format!("the pool has {count} hosts on {providers:?}"), LONG, whole)
        .unwrap_or_else(|error| panic!("{error}\n{:#}\n{:#?}", pool(lab), of_pool(lab)));
}

fn forget_machine(lab: &Lab, host: &Value) {
    let virsh = lab.virsh(host["provider"].as_str().unwrap()).unwrap();
    let machine = host["id"].as_str().unwrap();
    virsh.run(&["destroy", machine]).unwrap();
    virsh.run(&["undefine", machine]).unwrap();
}

#[test]
fn a_pool_keeps_its_size_whatever_happens_to_its_hosts() {
    let lab = lab(2);
    golden_everywhere(&lab);
    deploy(&lab, "kvm-a", "lone-{n}", &[]);
    let create = ["pool", "create", "desks", "--template", "golden", "--size", "2", "--name", "desk-{n}"];
    says(&lab, &[&create[..], &["--replace-elsewhere", "10s"]].concat());
    pool_is(&lab, 2, &BOTH);
    all_told(&lab, &["lone-1"]);
    let spread: Vec<Value> = of_pool(&lab).into_iter().map(|it| it["provider"].clone()).collect();
    assert_ne!(spread[0], spread[1], "one on each");

    chapter("a pool larger than all providers together says why it cannot be filled");
    let refusal = refused(&lab, &["pool", "set", "desks", "--size", "5", "--cap", "1"], "L0001");
    assert!(refusal["cause"].as_str().unwrap().contains("2 providers"), "{refusal}");
    says(&lab, &["pool", "set", "desks", "--cap", "1"]);

    chapter("a machine removed by hand is made again by its pool, and by nobody else");
    let lost = of_pool(&lab).into_iter().find(|it| it["provider"] == "kvm-b").unwrap();
    forget_machine(&lab, &lost);
    forget_machine(&lab, &host(&lab, "lone-1"));
    lab.wait_until("the lone one is missed", BOOTS, || host(&lab, "lone-1")["status"] == "Missing").unwrap();
    let again = || lab.virsh("kvm-b").unwrap().run(&["dominfo", lost["id"].as_str().unwrap()]).is_ok();
    lab.wait_until("the pool's one is made again", LONG, again).unwrap();
    pool_is(&lab, 2, &BOTH);
    assert_eq!(host(&lab, "lone-1")["status"], "Missing", "nobody asked for it to be made again");

    chapter("a provider is lost: the pool makes up for its hosts elsewhere");
    lab.stop("kvm-b").unwrap();
    lab.wait_until("it says why it cannot", LONG, || pool(&lab)["status"] == "Cannot fill")
        .unwrap_or_else(|error| panic!("{error}\n{:#}\n{:#?}", pool(&lab), of_pool(&lab)));
    let stuck = pool(&lab);
    assert_eq!(stuck["problem"]["code"], "L0001", "{stuck:#}");
    says(&lab, &["pool", "set", "desks", "--cap", "0"]);
    let made_up = || {
        let well = |it: &&Value| it["provider"] == "kvm-a" && it["status"] == "Ready";
        of_pool(&lab).iter().filter(well).count() == 2
    };
    lab.wait_until("two are well on the provider that is left", LONG, made_up)
        .unwrap_or_else(|error| panic!("{error}\n{:#}\n{:#?}", pool(&lab), of_pool(&lab)));

    chapter("it returns: there are too many now, and nobody who works loses a host");
    let used = of_pool(&lab).into_iter().find(|it| it["provider"] == "kvm-a").unwrap();
    let used = used["name"].as_str().unwrap();
    lab.sign_in("kvm-a", used).unwrap();
    lab.wait_until("the user is seen", BOOTS, || host(&lab, used)["in_use"] == "yes").unwrap();
    lab.power("kvm-b").unwrap();
    let shrunk = || of_pool(&lab).len() == 2;
    lab.wait_until("the surplus is removed", LONG, shrunk)
        .unwrap_or_else(|error| panic!("{error}\n{:#}\n{:#?}", pool(&lab), of_pool(&lab)));
    says(&lab, &["pool", "set", "desks", "--min", "0", "--max", "1", "--spare", "0"]);
    lab.wait_until("only the used one stays", LONG, || of_pool(&lab).len() == 1)
        .unwrap_or_else(|error| panic!("{error}\n{:#}\n{:#?}", pool(&lab), of_pool(&lab)));
    assert_eq!(of_pool(&lab)[0]["name"], used);
    assert_eq!(lab.release_note("kvm-a", used).unwrap().trim(), FIRST_NOTE, "it runs on");
    lab.sign_out("kvm-a", used).unwrap();
    lab.wait_until("it goes when it is free", LONG, || of_pool(&lab).is_empty())
        .unwrap_or_else(|error| panic!("{error}\n{:#}\n{:#?}", pool(&lab), of_pool(&lab)));
    says(&lab, &["pool", "delete", "desks", "--yes", "--wait"]);
}
