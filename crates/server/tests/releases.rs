//! Agents of other releases: what an upgraded one is told.

#![allow(clippy::unwrap_used)]

mod world;

use diecast_api::agent::{MANIFEST_HEADER, MANIFESTS, READS_DIFFERENCES};
use diecast_domain::report::Published;
use diecast_transfer::manifest::Manifest;
use reqwest::Method;
use serde_json::json;
use world::World;

#[tokio::test(flavor = "multi_thread")]
async fn an_upgraded_agent_is_told_what_the_former_one_did_not_understand() {
    let world = World::start().await;
    let mut agent = world.join("kvm-a").await;
    agent.said.protocol = 1;
    agent.report().await;
    world.until("/providers/kvm-a", "it is older", |it| it["agent_outdated"] == true).await;
    let read = world.ask(Method::GET, "/providers/kvm-a").send().await.unwrap();
    let etag = read.headers()["etag"].to_str().unwrap().to_owned();
    let change = world.ask(Method::PATCH, "/providers/kvm-a").header("If-Match", etag);
    let changed = change.json(&json!({"limit": "100Mbit/s"})).send().await.unwrap();
    assert!(changed.status().is_success(), "{}", changed.text().await.unwrap());
    // It keeps this generation, without what it has no word for.
    let held = agent.told("a limit", |told| told.orders.limits != Default::default()).await.generation;
    agent.report().await;
    agent.said.protocol = diecast_domain::protocol::PROTOCOL;
    agent.report().await;
    let again = agent.told("it again, under a higher number", |told| told.generation > held).await;
    assert_ne!(again.orders.limits, Default::default());
    // Once: the same agent, started again, is told nothing new.
    agent.report().await;
    agent.said.sequence += 100;
    agent.report().await;
    world.until("/providers/kvm-a", "it is of this release", |it| it["agent_outdated"] == false).await;
    assert_eq!(agent.assignment(None).await.map(|told| told.generation), Some(again.generation));
}

/// The documented manifest of a version with a difference.
fn differing() -> Manifest {
    let document = include_str!("../../../docs/format.md");
    let (_, vector) = document.split_once("```vector differing-manifest\n").unwrap();
    let (digits, _) = vector.split_once("```").unwrap();
    let digits: String = digits.split_whitespace().collect();
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    Manifest::decode(&(0..digits.len()).step_by(2).map(byte).collect::<Vec<_>>()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_knows_no_differences_is_given_the_manifest_without_them() {
    let world = World::start().await;
    let mut agent = world.join("kvm-a").await;
    let manifest = differing();
    assert!(!manifest.differences().is_empty());
    let template = json!({"name": "win11", "provider": "kvm-a", "vm": "golden", "to": ["kvm-a"]});
    world.post("/templates", template).await;
    let (_, published) = world::golden("of no concern");
    agent.work_off_publication(&manifest, Published { digest: manifest.digest(), ..published }).await;
    world.until("/templates/win11", "the template is ready", |it| it["status"] == "Ready").await;

    let plain = manifest.clone().without_differences().encode();
    let given = agent.get_manifest(manifest.digest()).await.bytes().await.unwrap();
    assert_eq!(given, plain, "it says nothing of what it can read");
    let path = format!("{MANIFESTS}/{}", manifest.digest().hex());
    let asked = agent.request(Method::GET, &path).header(MANIFEST_HEADER, READS_DIFFERENCES);
    assert_eq!(asked.send().await.unwrap().bytes().await.unwrap(), manifest.encode());

    // The same content, published by an agent of the release before: it takes on what it can read.
    world.post("/templates", json!({"name": "other", "provider": "kvm-a", "vm": "golden"})).await;
    let kept = agent.put_manifest(&manifest.without_differences()).await;
    assert_eq!(kept.bytes().await.unwrap(), plain);
}
