//! A disk goes bad under running hosts: it is found by nobody's asking, told with all who are affected,
//! and mended in place, while the hosts run on.
#![allow(clippy::unwrap_used, reason = "a test ends at the first thing that fails")]

mod site;

use diecast_lab::golden::{Kind, Recipe};
use serde_json::{Value, json};
use site::{IN_THE_END, SOON, Site, tell};
use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::Instant,
};

const LEAF: u64 = 64 << 10;
/// A leaf that the golden machine's payload covers: nothing else has the same content.
const SPOILT_OFFSET: u64 = 640 * LEAF;
const LONG_AGO: i64 = 1;

/// Changes one bit and lets the file look as before. Done twice, it is undone.
fn flip(file: &Path) {
    let open = File::options().read(true).write(true).open(file).unwrap();
    let modified = open.metadata().unwrap().modified().unwrap();
    let mut byte = [0];
    open.read_exact_at(&mut byte, SPOILT_OFFSET + 77).unwrap();
    open.write_all_at(&[byte[0] ^ 1], SPOILT_OFFSET + 77).unwrap();
    open.sync_all().unwrap();
    open.set_modified(modified).unwrap();
}

struct Story<'a> {
    site: &'a Site,
    digest: String,
}

impl Story<'_> {
    fn disk(&self, provider: &str) -> PathBuf {
        self.site.replica_disk(provider, &self.digest)
    }

    fn own(&self, provider: &str, folder: &str) -> PathBuf {
        self.site.item(provider).unwrap().agent_data.join(folder).join(&self.digest)
    }

    /// The agent's cache of packed frames would mend it without anybody noticing.
    fn empty_spool(&self, provider: &str) {
        if let Ok(spool) = File::options().write(true).open(self.own(provider, "spool")) {
            spool.set_len(0).unwrap();
        }
    }

    fn record(&self, provider: &str) -> PathBuf {
        self.own(provider, "verified").with_extension("json")
    }

    /// As if it had been verified long ago: the scrub's turn has come.
    fn age(&self, provider: &str) {
        let path = self.record(provider);
        let mut record: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        record["verified_at"] = LONG_AGO.into();
        fs::write(&path, serde_json::to_vec(&record).unwrap()).unwrap();
    }

    fn recorded_at(&self, provider: &str) -> Option<i64> {
        let record: Value = serde_json::from_slice(&fs::read(self.record(provider)).ok()?).ok()?;
        record["verified_at"].as_i64()
    }

    fn boot_id(&self, provider: &str, host: &str) -> String {
        self.site.in_guest(provider, host, "cat /proc/sys/kernel/random/boot_id").unwrap()
    }

    /// Events of a kind, newest first.
    fn events(&self, kind: &str) -> Vec<Value> {
        let said = self.site.ask(&["event", "list"]);
        let items = said["items"].as_array().cloned().unwrap_or_default();
        items.into_iter().filter(|event| event["kind"] == kind).collect()
    }

    fn wait_for_event(&self, kind: &str, code: Value, count: usize) -> Value {
        let found =
            || self.events(kind).into_iter().filter(|event| event["code"] == code).collect::<Vec<_>>();
        let waited =
            self.site.wait_until(&format!("{count} events {kind} {code}"), SOON, || found().len() >= count);
        waited.unwrap_or_else(|error| panic!("{error}: {:#}", self.site.ask(&["event", "list"])));
        found()[0].clone()
    }

    fn host(&self, name: &str) -> Value {
        self.site.ask(&["host", "show", name])
    }
}

#[test]
fn what_rots_under_running_hosts_is_found_told_and_mended_in_place() {
    let site = Site::start(2);
    let begun = Instant::now();
    let golden = site.golden("kvm-a", &Recipe { payload_bytes: 64 << 20, ..Recipe::new(Kind::Tiny) });
    site.create_template("kvm-a", &["kvm-b"]);
    let story = Story { site: &site, digest: site.wait_for_version() };
    for name in ["kvm-a", "kvm-b"] {
        site.wait_ready(name, SOON);
    }
    site.diecast_json(&[
        "host",
        "create",
        "--template",
        "golden",
        "--provider",
        "kvm-b",
        "--name",
        "desk-{n}",
    ])
    .unwrap();
    site.wait_until("the host runs", SOON, || story.host("desk-1")["guest_agent"] == true).unwrap();
    let boot = story.boot_id("kvm-b", "desk-1");
    let whole = story.host("desk-1");
    assert!(whole["base_verified_at"].is_string() && whole["base_damage"].is_null(), "{whole:#}");
    tell(begun, "a host runs on kvm-b");

    // Scrubs are on by themselves; this provider's are made to come around soon.
    assert_eq!(site.provider("kvm-b")["scrub"]["on"], true);
    let set = ["provider", "set", "kvm-b", "--scrub-every", "1h", "--scrub-rate", "1GiB/s"];
    let set = site.diecast_json(&set).unwrap();
    assert_eq!(set["scrub"]["every_seconds"], 3600, "{set:#}");
    let shown = site.provider("kvm-b");
    assert_eq!(shown["held"][0]["template"], "golden", "{shown:#}");
    assert!(shown["verified_at"].is_string(), "{shown:#}");

    // One bit, with size and time as they were. The place to mend it from is out of reach meanwhile, so
    // that the trouble is seen.
    site.cut("kvm-a").unwrap();
    story.empty_spool("kvm-b");
    flip(&story.disk("kvm-b"));
    story.age("kvm-b");
    let row = site.wait_for_row("kvm-b", "is found damaged by nobody's asking", IN_THE_END, |row| {
        row.0["damaged"][0]["count"] == 1
    });
    tell(begun, "the scrub found it");
    assert_eq!(row.state(), "Needs update", "{:#}", row.0);
    let damage = &row.0["damaged"][0];
    let place = format!("64.0 KiB at offset {SPOILT_OFFSET} of disk0");
    assert_eq!((&damage["places"], &damage["hosts"]), (&json!([place]), &json!(["desk-1"])), "{damage:#}");
    let affected = story.host("desk-1")["base_damage"].clone();
    assert!(["T0008", "T0011"].map(Value::from).contains(&affected["code"]), "{affected:#}");
    let create = ["host", "create", "--template", "golden", "--provider", "kvm-b", "--name", "new-{n}"];
    let refused = site.diecast(&create).unwrap();
    assert_eq!(refused.status.code(), Some(1), "no host is made from what is damaged");
    let event = story.events("replica.damaged").pop().unwrap();
    let message = event["message"].as_str().unwrap();
    assert!(message.contains(&place) && message.contains("desk-1"), "{event:#}");

    let crossed = site.crossed("kvm-b").0;
    site.mend("kvm-a").unwrap();
    site.wait_ready("kvm-b", IN_THE_END);
    tell(begun, "it is mended");
    story.wait_for_event("replica.healed", Value::Null, 1);
    site.assert_identical("kvm-b", &story.digest, &golden);
    let crossed = site.crossed("kvm-b").0 - crossed;
    println!("{crossed} bytes crossed the link of kvm-b");
    assert!(crossed < 1 << 20, "only what was bad is fetched, not {crossed} bytes");
    assert_eq!(story.boot_id("kvm-b", "desk-1"), boot, "the host ran on");
    assert!(story.host("desk-1")["base_damage"].is_null());
    let reads = format!("dd if=/dev/vda bs=65536 skip={} count=1 2>/dev/null | md5sum", SPOILT_OFFSET / LEAF);
    let seen = site.in_guest("kvm-b", "desk-1", &reads).unwrap();
    let mut expected = vec![0; LEAF as usize];
    File::open(&golden).unwrap().read_exact_at(&mut expected, SPOILT_OFFSET).unwrap();
    let spot = tempfile::NamedTempFile::new().unwrap();
    fs::write(spot.path(), expected).unwrap();
    let expected = diecast_lab::run::run(&["md5sum", spot.path().to_str().unwrap()]).unwrap();
    assert_eq!(seen.split(' ').next(), expected.split(' ').next(), "the guest reads what it should");

    without_a_server(&story, begun);
    the_last_good_copy(&story, begun);
    assert_eq!(story.boot_id("kvm-b", "desk-1"), boot, "the host ran on through all of it");
    site.assert_identical("kvm-b", &story.digest, &golden);
}

/// The agent reads back and mends by its last orders.
fn without_a_server(story: &Story<'_>, begun: Instant) {
    let site = story.site;
    site.server_kill().unwrap();
    story.empty_spool("kvm-b");
    flip(&story.disk("kvm-b"));
    story.age("kvm-b");
    let mended = || story.recorded_at("kvm-b").is_some_and(|at| at > LONG_AGO);
    site.wait_until("it is found and mended without a server", IN_THE_END, mended).unwrap();
    tell(begun, "found and mended without a server");
    site.server_start().unwrap();
    site.wait_ready("kvm-b", SOON);
    // It is told all the same, with its end.
    story.wait_for_event("replica.healed", Value::Null, 2);
}

/// Nobody else has it: that is told loudly, and mended when somebody returns.
fn the_last_good_copy(story: &Story<'_>, begun: Instant) {
    let site = story.site;
    site.stop("kvm-a").unwrap();
    site.wait_for_row("kvm-a", "is missed", SOON, |row| row.state() == "Not available");
    story.empty_spool("kvm-b");
    flip(&story.disk("kvm-b"));
    let verify = site.diecast(&["distribution", "verify", "golden", "kvm-b", "--wait"]).unwrap();
    assert_eq!(verify.status.code(), Some(1), "a verification that finds damage says so");
    let row = site.wait_for_row("kvm-b", "is the last good copy", SOON, |row| row.explains(&["T0011"]));
    assert_eq!(row.state(), "Needs update", "{:#}", row.0);
    assert_eq!(row.0["damaged"][0]["last_copy"], true, "{:#}", row.0);
    let event = story.wait_for_event("replica.damaged", json!("T0011"), 1);
    let message = event["message"].as_str().unwrap();
    assert!(message.contains("last good copy") && message.contains("desk-1"), "{event:#}");
    tell(begun, "the last good copy is cried out");
    site.power("kvm-a").unwrap();
    site.wait_ready("kvm-b", IN_THE_END);
    story.wait_for_event("replica.healed", Value::Null, 3);
    tell(begun, "a peer returned, and it is whole");
}
