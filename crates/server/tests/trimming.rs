//! Trimming over real connections: it is asked for, ordered of the agent alone that can, and told.
#![allow(clippy::unwrap_used)]

mod world;

use diecast_domain::{
    code::Code,
    replica::Phase,
    trim::{Content, Outcome, Place, Trimming},
    units::ByteCount,
};
use reqwest::Method;
use serde_json::{Value, json};
use world::{Agent, World, golden};

fn trimming(trimmed: bool) -> Option<Trimming> {
    let outcome = if trimmed { Outcome::Trimmed } else { Outcome::Counted };
    let place = Place { disk: "disk0".into(), partition: 1, content: Content::Ext4, outcome };
    Some(Trimming { trimmed, bytes: ByteCount::mib(3), places: vec![place] })
}

async fn created(world: &World, agent: &mut Agent, trim: Value) -> Value {
    let wish = json!({"name": "win11", "provider": "kvm-a", "vm": "golden", "trim": trim});
    let plan = world.post("/templates?dry_run=true", wish.clone()).await;
    let first = plan["steps"][0].as_str().unwrap();
    assert_eq!(first.contains("trim (on an overlay)"), trim == true, "{plan:#}");
    world.post("/templates", wish).await;
    let told = agent.told("a publication", |it| !it.orders.publications.is_empty()).await;
    assert_eq!(told.orders.publications[0].trim, trim == true, "what is asked for is ordered");
    let (manifest, mut published) = golden("first");
    published.trimming = trimming(trim == true);
    agent.work_off_publication(&manifest, published).await;
    world.until("/templates/win11", "it is published", |it| it["status"] == "Ready").await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_trimmed_is_told_of_the_template_and_of_its_version() {
    let world = World::start().await;
    let mut agent = world.join("kvm-a").await;
    let template = created(&world, &mut agent, json!(true)).await;
    let expected =
        json!({"trimmed": true, "bytes": 3 << 20, "places": ["disk0 partition 1 (ext4): trimmed"]});
    assert_eq!(template["trimming"], expected, "{template:#}");
    let versions = world.get("/templates/win11/versions").await;
    assert_eq!(versions["items"][0]["trimming"], expected, "{versions:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_it_the_publication_says_what_it_would_have_spared_and_leaving_may_ask_for_it() {
    let world = World::start().await;
    let mut agent = world.join("kvm-a").await;
    let template = created(&world, &mut agent, json!(false)).await;
    assert_eq!(
        (&template["trimming"]["trimmed"], &template["trimming"]["bytes"]),
        (&json!(false), &json!(3 << 20))
    );
    agent.said.publications.clear();
    agent.hold(golden("first").0.digest(), Phase::Ready);
    agent.report().await;
    world.until("/templates/win11/distribution", "it is held", |it| it["distribution"] == "OK").await;
    world.post("/templates/win11/maintenance", json!({})).await;
    agent.make_working_copy().await;
    world.until("/templates/win11", "it is in maintenance", |it| it["status"] == "Maintenance").await;
    let leave = "/templates/win11/maintenance/leave";
    let plan = world.post(&format!("{leave}?dry_run=true"), json!({"trim": true})).await;
    assert!(plan["steps"][1].as_str().unwrap().contains("do not use"), "{plan:#}");
    world.post(leave, json!({"trim": true})).await;
    let told = agent.told("a publication", |it| !it.orders.publications.is_empty()).await;
    assert!(told.orders.publications[0].trim);
    // Said again without it, it is done without it.
    world.post(leave, json!({"force": true})).await;
    let told =
        agent.told("a second attempt", |it| it.orders.publications.iter().any(|it| it.attempt == 2)).await;
    assert!(!told.orders.publications[0].trim);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_of_the_release_before_is_not_asked_to() {
    let world = World::start().await;
    let mut agent = world.join("kvm-a").await;
    agent.said.protocol = 1;
    agent.report().await;
    let wish = |trim: bool| json!({"name": "win11", "provider": "kvm-a", "vm": "golden", "trim": trim});
    let (_, refused) = world.refused(Method::POST, "/templates", wish(true)).await;
    assert_eq!(refused["code"], Code::A0010.as_str(), "{refused:#}");
    assert!(refused["detail"].as_str().is_some_and(|it| it.contains("cannot trim")), "{refused:#}");
    world.post("/templates", wish(false)).await;
}
