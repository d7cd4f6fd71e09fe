//! Limits of bandwidth on real links: by the counters of the links themselves, and changed while a version
//! is on its way.
#![allow(clippy::unwrap_used, reason = "a test ends at the first thing that fails")]

mod site;

use diecast_lab::golden::{Kind, Recipe};
use site::{IN_THE_END, SOON, Site, tell};
use std::{
    thread::sleep,
    time::{Duration, Instant},
};

/// Enough to be on its way for minutes under these limits.
const PAYLOAD_BYTES: u64 = 160 << 20;
/// How long a link is watched.
const WATCHED: Duration = Duration::from_secs(5);
/// How soon a new limit must count.
const SETTLED: Duration = Duration::from_secs(2);
const MBIT: f64 = 1e6 / 8.0;

/// Bytes a second toward a provider, for a while.
fn watch(site: &Site, provider: &str) -> f64 {
    let (begun, before) = (Instant::now(), site.crossed(provider).0);
    sleep(WATCHED);
    (site.crossed(provider).0 - before) as f64 / begun.elapsed().as_secs_f64()
}

/// The limit is kept from two seconds after it was set, always; and it is reached, once the machine has the
/// time to.
fn is_kept(site: &Site, since: Instant, limit: f64, said: &str) {
    let set = Instant::now();
    let row =
        site.wait_for_row("kvm-b", &format!("says `{said}`"), SOON, |row| row.0["limited"]["text"] == said);
    assert_eq!(row.0["limited"]["bytes_per_second"], limit as u64, "{:#}", row.0);
    sleep(SETTLED.saturating_sub(set.elapsed()));
    let mut rate = 0.0;
    site.wait_until(&format!("{said}: reached"), IN_THE_END, || {
        rate = watch(site, "kvm-b");
        assert!(rate <= limit * 1.1, "{said}, and {rate:.0} bytes a second crossed its link");
        rate >= limit * 0.9
    })
    .unwrap_or_else(|error| panic!("{error}: {rate:.0} bytes a second; {:#}", site.row("kvm-b").0));
    tell(since, &format!("{said}: {rate:.0} bytes a second on its link"));
}

#[test]
fn a_limit_is_kept_on_the_link_and_changes_while_a_version_is_on_its_way() {
    let site = Site::start(2);
    let begun = Instant::now();
    let recipe = Recipe { payload_bytes: PAYLOAD_BYTES, ..Recipe::new(Kind::Tiny) };
    let golden = site.golden("kvm-a", &recipe);
    site.diecast_json(&["provider", "set", "kvm-b", "--limit", "8Mbit/s"]).unwrap();
    site.create_template("kvm-a", &["kvm-b"]);
    let digest = site.wait_for_version();
    site.wait_for_row("kvm-b", "receives", IN_THE_END, |row| {
        row.0["bytes_network"].as_u64().is_some_and(|bytes| bytes > 0)
    });
    is_kept(&site, begun, 8.0 * MBIT, "limited to 8 Mbit/s by provider kvm-b");

    // The strictest of several counts.
    site.diecast_json(&["template", "set", "golden", "--limit", "4Mbit/s"]).unwrap();
    is_kept(&site, begun, 4.0 * MBIT, "limited to 4 Mbit/s by template golden");

    // What holds back is the one who sends.
    site.diecast_json(&["provider", "set", "kvm-a", "--limit", "2MB/s"]).unwrap();
    site.diecast_json(&["template", "set", "golden", "--limit", "off"]).unwrap();
    site.diecast_json(&["provider", "set", "kvm-b", "--limit", "off"]).unwrap();
    is_kept(&site, begun, 2e6, "limited to 2 MB/s by its source kvm-a");

    site.diecast_json(&["provider", "set", "kvm-a", "--limit", "off"]).unwrap();
    let row = site.wait_ready("kvm-b", IN_THE_END);
    assert!(row.0["limited"].is_null(), "{:#}", row.0);
    site.assert_identical("kvm-b", &digest, &golden);
    tell(begun, "without a limit the rest came at once, and is what it should be");
}

/// Bytes a second from a provider, for a while.
fn watch_from(site: &Site, provider: &str) -> f64 {
    let (begun, before) = (Instant::now(), site.crossed(provider).1);
    sleep(WATCHED);
    (site.crossed(provider).1 - before) as f64 / begun.elapsed().as_secs_f64()
}

#[test]
fn what_crosses_a_site_link_keeps_to_its_limit_whoever_of_the_site_brings_it() {
    let site = Site::start(3);
    let begun = Instant::now();
    let recipe = Recipe { payload_bytes: PAYLOAD_BYTES, ..Recipe::new(Kind::Tiny) };
    let golden = site.golden("kvm-a", &recipe);
    for (provider, name) in [("kvm-a", "madrid"), ("kvm-b", "berlin"), ("kvm-c", "berlin")] {
        site.diecast_json(&["provider", "set", provider, "--site", name]).unwrap();
    }
    site.diecast_json(&["site", "limit", "madrid", "berlin", "4Mbit/s"]).unwrap();
    site.create_template("kvm-a", &["kvm-b", "kvm-c"]);
    let digest = site.wait_for_version();
    let is_held_back = |limit: f64, said: &str| {
        for provider in ["kvm-b", "kvm-c"] {
            site.wait_for_row(provider, said, SOON, |row| row.0["limited"]["text"] == said);
        }
        sleep(SETTLED);
        let mut rate = 0.0;
        // All that leaves kvm-a crosses the link, but for some reports.
        site.wait_until(&format!("{said}: reached"), IN_THE_END, || {
            rate = watch_from(&site, "kvm-a");
            assert!(rate <= limit * 1.1, "{said}, and {rate:.0} bytes a second crossed it");
            rate >= limit * 0.9
        })
        .unwrap_or_else(|error| panic!("{error}: {rate:.0} bytes a second"));
        tell(begun, &format!("{said}: {rate:.0} bytes a second"));
    };
    is_held_back(4.0 * MBIT, "limited to 4 Mbit/s by site link berlin-madrid");
    site.diecast_json(&["site", "limit", "berlin", "madrid", "8Mbit/s"]).unwrap();
    is_held_back(8.0 * MBIT, "limited to 8 Mbit/s by site link berlin-madrid");

    // Who brings it is gone: another one does, and no faster.
    let gateway = ["kvm-b", "kvm-c"].into_iter().find(|provider| {
        let row = site.row(provider);
        let sources = row.0["sources"].as_array().cloned().unwrap_or_default();
        sources.iter().any(|source| source["provider"] == "kvm-a")
    });
    let gateway = gateway.expect("one of them has it from kvm-a");
    let other = if gateway == "kvm-b" { "kvm-c" } else { "kvm-b" };
    site.agent_kill(gateway).unwrap();
    site.wait_for_row(other, "has it from kvm-a now", IN_THE_END, |row| {
        let sources = row.0["sources"].as_array().cloned().unwrap_or_default();
        sources.iter().any(|source| source["provider"] == "kvm-a" && source["bytes"].as_u64() > Some(0))
    });
    let rate = watch_from(&site, "kvm-a");
    assert!(rate <= 8.0 * MBIT * 1.1, "{rate:.0} bytes a second");
    tell(begun, &format!("{other} took over from {gateway}: {rate:.0} bytes a second"));

    site.diecast_json(&["site", "limit", "madrid", "berlin", "--none"]).unwrap();
    site.agent_start(gateway).unwrap();
    for provider in ["kvm-b", "kvm-c"] {
        site.wait_ready(provider, IN_THE_END);
        site.assert_identical(provider, &digest, &golden);
    }
    tell(begun, "without a limit the rest came at once, and is what it should be");
}
