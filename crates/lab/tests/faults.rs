//! A hostile world on real hypervisors: what fails says so, nobody else waits, and all heals by itself.
#![allow(clippy::unwrap_used, reason = "a test ends at the first thing that fails")]

mod site;

use diecast_lab::{
    Process,
    golden::{Kind, Recipe},
    programs,
    run::run,
};
use site::{IN_THE_END, SOON, Site, tell};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    os::unix::fs::FileExt,
    path::Path,
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};

/// Long enough in transfer for all that happens to it, at the rate of the links.
const PAYLOAD_BYTES: u64 = 512 << 20;
const RATE: &str = "80mbit";
/// Longer than the silence after which a provider counts as not available.
const CUT: Duration = Duration::from_secs(20);
/// What may be fetched again, of what was there when the trouble came.
const FETCHED_AGAIN_PERCENT_MAX: f64 = 2.0;
/// A byte that the golden machine's payload covers.
const SPOILT_OFFSET: u64 = 40 << 20;

fn tiny(payload_bytes: u64) -> Recipe {
    Recipe { payload_bytes, ..Recipe::new(Kind::Tiny) }
}

/// What somebody does to a file.
type Spoil = fn(&str);

#[test]
fn each_trouble_stays_its_own_is_named_and_heals_by_itself() {
    let site = Site::start(5);
    let others = ["kvm-b", "kvm-c", "kvm-d", "kvm-e"];
    let disk = site.golden("kvm-a", &tiny(PAYLOAD_BYTES));
    for name in others {
        site.slow(name, Some(RATE)).unwrap();
    }
    let before: BTreeMap<&str, u64> = others.iter().map(|name| (*name, site.crossed(name).0)).collect();
    let got = |name: &str| site.crossed(name).0 - before[name];
    site.create_template("kvm-a", &others);
    let digest = site.wait_for_version();
    let begun = Instant::now();
    tell(begun, "published");

    // The network of one, the disk of another, the process of a third.
    let reaches = |name: &str, percent: f64| {
        site.wait_for_row(name, &format!("has {percent} %"), SOON, |row| row.percent() >= percent);
        let had = got(name);
        tell(begun, &format!("{name} has {:.1} %, {had} bytes crossed its link", site.row(name).percent()));
        had
    };
    let mut had = BTreeMap::new();
    had.insert("kvm-b", reaches("kvm-b", 45.0));
    site.cut("kvm-b").unwrap();
    let cut = Instant::now();
    had.insert("kvm-d", reaches("kvm-d", 50.0));
    site.fill("kvm-d", 32 << 20).unwrap();
    had.insert("kvm-c", reaches("kvm-c", 60.0));
    site.agent_kill("kvm-c").unwrap();

    // That little is free is told first, and that it does not fit when it is written.
    let full = site.wait_for_row("kvm-d", "says that its disk is full", SOON, |row| {
        row.explains(&["T0003", "P0004"]) && row.0["progress"] == "Failed to distribute"
    });
    assert_eq!(full.state(), "Needs update");
    for name in ["kvm-b", "kvm-c"] {
        let silent = site.wait_for_row(name, "is missed", SOON, |row| row.explains(&["P0001"]));
        assert_eq!(silent.state(), "Not available", "{:#}", silent.0);
        assert_eq!(silent.0["progress"], "Failed to distribute");
        assert!(silent.0["cause"].as_str().unwrap().contains(name), "{:#}", silent.0);
    }
    tell(begun, "all three troubles are named");
    site.wait_ready("kvm-e", SOON);
    tell(begun, "kvm-e is Ready while the others are in trouble");
    for name in ["kvm-b", "kvm-c", "kvm-d"] {
        assert!(!site.row(name).ready(), "{name}");
    }
    let full = site
        .wait_for_row("kvm-d", "says that its disk is full", SOON, |row| row.explains(&["T0003", "P0004"]));
    assert_eq!(full.state(), "Needs update");
    sleep(CUT.saturating_sub(cut.elapsed()));

    // The troubles end, and nobody clicks.
    site.mend("kvm-b").unwrap();
    tell(begun, &format!("kvm-b was cut off for {} s", cut.elapsed().as_secs()));
    site.agent_start("kvm-c").unwrap();
    site.unfill("kvm-d").unwrap();
    for name in ["kvm-c", "kvm-b", "kvm-d"] {
        site.wait_ready(name, IN_THE_END);
        tell(begun, &format!("{name} is Ready"));
    }
    site.wait_for_word("OK", SOON);
    for name in ["kvm-a", "kvm-b", "kvm-c", "kvm-d", "kvm-e"] {
        site.assert_identical(name, &digest, &disk);
    }

    // What a provider without trouble receives is the measure: the frames and their envelopes.
    let packed = site.ask(&["template", "show", "golden"])["size"]["packed_bytes"].as_u64().unwrap();
    let whole = got("kvm-e");
    println!("packed {packed} bytes, {whole} crossed the link of kvm-e");
    assert!(whole < packed + packed / 20, "an untroubled provider fetches each frame once");
    for name in ["kvm-b", "kvm-c", "kvm-d"] {
        let again = got(name).saturating_sub(whole);
        let percent = again as f64 * 100.0 / had[name] as f64;
        println!("{name}: {again} bytes again, {percent:.2} % of the {} it had", had[name]);
        assert!(percent <= FETCHED_AGAIN_PERCENT_MAX, "{name} fetched {percent:.2} % again");
    }
}

#[test]
fn source_and_server_may_die_and_the_rest_go_on_from_a_peer() {
    let site = Site::start(4);
    let disk = site.golden("kvm-a", &tiny(256 << 20));
    for name in ["kvm-c", "kvm-d"] {
        site.slow(name, Some("40mbit")).unwrap();
    }
    site.create_template("kvm-a", &["kvm-b", "kvm-c", "kvm-d"]);
    let digest = site.wait_for_version();
    let begun = Instant::now();
    site.wait_ready("kvm-b", SOON);
    tell(begun, "kvm-b holds it too");
    for name in ["kvm-c", "kvm-d"] {
        assert!(!site.row(name).ready(), "the links are slow enough for this story");
    }
    let given = site.crossed("kvm-b").1;
    site.stop("kvm-a").unwrap();
    tell(begun, "the source is dead");
    site.wait_until("kvm-b gives to the others", SOON, || site.crossed("kvm-b").1 > given + (4 << 20))
        .unwrap();

    site.server_kill().unwrap();
    let then = ["kvm-c", "kvm-d"].map(|name| site.crossed(name).0);
    tell(begun, "the server is dead");
    let arrived = |name: &str| site.replica_disk(name, &digest).exists();
    site.wait_until("both hold it, without a server", IN_THE_END, || arrived("kvm-c") && arrived("kvm-d"))
        .unwrap();
    tell(begun, "both hold it");
    for (name, then) in ["kvm-c", "kvm-d"].into_iter().zip(then) {
        let since = site.crossed(name).0 - then;
        println!("{name}: {since} bytes came from a peer while there was no server");
        assert!(since > 1 << 20, "{name} got {since} bytes without a server");
    }

    site.server_start().unwrap();
    for name in ["kvm-b", "kvm-c", "kvm-d"] {
        site.wait_ready(name, SOON);
        site.assert_identical(name, &digest, &disk);
    }
    let gone = site.wait_for_row("kvm-a", "is missed", SOON, |row| row.state() == "Not available");
    assert!(gone.explains(&["P0001"]), "{:#}", gone.0);
    site.wait_for_word("OK", SOON);
    site.power("kvm-a").unwrap();
    site.wait_ready("kvm-a", IN_THE_END);
    tell(begun, "the source is back, and Ready");
}

/// Changes one bit and lets the file look as before. Done twice, it is undone.
fn flip(file: &Path) {
    let open = File::options().read(true).write(true).open(file).unwrap();
    let modified = open.metadata().unwrap().modified().unwrap();
    let mut byte = [0];
    open.read_exact_at(&mut byte, SPOILT_OFFSET).unwrap();
    open.write_all_at(&[byte[0] ^ 1], SPOILT_OFFSET).unwrap();
    open.sync_all().unwrap();
    open.set_modified(modified).unwrap();
}

#[test]
fn a_copy_that_changed_is_found_named_and_mended_and_never_ready_unread() {
    let site = Site::start(3);
    let disk = site.golden("kvm-a", &tiny(64 << 20));
    site.create_template("kvm-a", &["kvm-b", "kvm-c"]);
    let digest = site.wait_for_version();
    for name in ["kvm-b", "kvm-c"] {
        site.wait_ready(name, SOON);
    }

    // A bit flips under an unchanged time; reading finds it. It may be mended before anybody looks.
    let before = site.crossed("kvm-b").0;
    flip(&site.replica_disk("kvm-b", &digest));
    assert!(site.diecast(&["distribution", "verify", "golden", "kvm-b"]).unwrap().status.success());
    let is_damage =
        |event: &serde_json::Value| event["kind"] == "replica.damaged" && event["code"] == "T0008";
    site.wait_until("kvm-b is found damaged", SOON, || {
        site.ask(&["event", "list"])["items"].as_array().is_some_and(|all| all.iter().any(is_damage))
    })
    .unwrap();
    let mended = site.wait_ready("kvm-b", SOON);
    assert_eq!(mended.code(), "");
    site.assert_identical("kvm-b", &digest, &disk);
    let fetched = site.crossed("kvm-b").0 - before;
    assert!(fetched < 8 << 20, "only what was damaged is fetched, not {fetched} bytes");

    // Whatever was done to the file while nobody watched: read first, then Ready.
    let spoil: [(&str, Spoil); 3] = [
        ("cut short", |file| drop(run(&["truncate", "-s", "-131072", file]).unwrap())),
        ("touched", |file| drop(run(&["touch", file]).unwrap())),
        ("removed", |file| fs::remove_file(file).unwrap()),
    ];
    for (how, spoil) in spoil {
        let verified = site.wait_ready("kvm-c", SOON).verified_at().to_owned();
        site.agent_stop("kvm-c").unwrap();
        spoil(site.replica_disk("kvm-c", &digest).to_str().unwrap());
        site.wait_for_row("kvm-c", "is missed", SOON, |row| row.state() == "Not available");
        site.agent_start("kvm-c").unwrap();
        let ready = site.wait_ready("kvm-c", SOON);
        assert_ne!(ready.verified_at(), verified, "{how}: Ready again only after it was read again");
        site.assert_identical("kvm-c", &digest, &disk);
    }
}

#[test]
fn damaged_bytes_of_the_only_source_are_never_ready_anywhere() {
    let site = Site::start(2);
    let disk = site.golden("kvm-a", &tiny(64 << 20));
    site.create_template("kvm-a", &[]);
    let digest = site.wait_for_version();
    site.wait_ready("kvm-a", SOON);
    // The packed frames in the cache would hide it.
    let spool = site.item("kvm-a").unwrap().agent_data.join("spool").join(&digest);
    File::options().write(true).open(spool).unwrap().set_len(0).unwrap();
    flip(&site.replica_disk("kvm-a", &digest));
    site.slow("kvm-b", Some("40mbit")).unwrap();
    site.diecast_json(&["distribution", "add", "golden", "kvm-b"]).unwrap();

    let lying = site.wait_for_row("kvm-a", "is found damaged", SOON, |row| row.explains(&["T0008", "T0011"]));
    assert_eq!(lying.state(), "Needs update", "{:#}", lying.0);
    let lacking = site.wait_for_row("kvm-b", "says what it lacks", SOON, |row| {
        row.explains(&["T0002", "T0008", "T0009", "T0010"])
    });
    assert_eq!(lacking.state(), "Needs update", "{:#}", lacking.0);
    println!("kvm-b says: {}: {}", lacking.code(), lacking.0["cause"]);
    let patience = site.boot().unwrap();
    let watched = Instant::now();
    while watched.elapsed() < patience {
        for name in ["kvm-a", "kvm-b"] {
            assert!(!site.row(name).ready(), "{name} holds a wrong byte");
        }
    }
    assert!(!site.replica_disk("kvm-b", &digest).exists(), "nothing half has a final name");

    flip(&site.replica_disk("kvm-a", &digest));
    for name in ["kvm-a", "kvm-b"] {
        site.wait_ready(name, IN_THE_END);
        site.assert_identical(name, &digest, &disk);
    }
    site.wait_for_word("OK", SOON);
}

#[test]
fn two_agents_with_one_identity_are_refused_and_named() {
    let site = Site::start(2);
    let copy = site.data().join("twin");
    let own = site.item("kvm-a").unwrap().agent_data;
    // As root's own: root runs no agent in the folder of another user.
    run(&["cp", "-r", "--preserve=mode", own.to_str().unwrap(), copy.to_str().unwrap()]).unwrap();
    let agent = programs().unwrap().join("diecast-agent");
    let log = site.data().join("twin.log");
    let argv = [agent.to_str().unwrap(), "run", "--data", copy.to_str().unwrap(), "--listen", "0.0.0.0:7555"];
    let mut twin: Command = site.exec_command("kvm-b", &argv).unwrap();
    let mut twin = twin.stderr(File::create(&log).unwrap()).spawn().unwrap();

    let named = |row: &serde_json::Value| row["problem"]["code"] == "P0009";
    let waited = site.wait_until("the second agent is named", SOON, || named(&site.provider("kvm-a")));
    // `nsenter` waits for its child, which is the agent.
    Process::of(twin.id()).and_then(Process::child).unwrap().kill();
    twin.wait().unwrap();
    waited.unwrap();
    let logs = [&log, &site.paths().provider("kvm-a").agent_log()];
    let refused = logs.iter().any(|log| fs::read_to_string(log).unwrap().contains("P0009"));
    assert!(refused, "the refused agent says so itself");

    site.wait_until("the one that is left is believed again", IN_THE_END, || {
        let said = site.provider("kvm-a");
        said["state"] == "Available" && !named(&said)
    })
    .unwrap();
}
