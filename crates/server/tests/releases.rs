//! Agents of other releases: what an upgraded one is told.

#![allow(clippy::unwrap_used)]

mod world;

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
