//! The main flow over real connections: publish, distribute, deploy, remove.
#![allow(clippy::unwrap_used)]

mod world;

use diecast_domain::{assignment::Deletion, host::HostPhase, replica::Phase};
use reqwest::{Method, StatusCode};
use serde_json::json;
use world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_template_is_published_distributed_deployed_and_removed() {
    let world = World::start().await;
    let mut agents = [world.join("kvm-a").await, world.join("kvm-b").await];
    let manifest = world.publish("win11", &mut agents).await;
    let digest = manifest.digest();
    let template = world.get("/templates/win11").await;
    assert_eq!(template["version"], 1);
    assert_eq!(template["digest"], digest.to_string());

    // The source becomes ready by the ordinary way, and is then a source of the other.
    let told = agents[1].told("the version", |told| told.orders.replica(&digest).is_some()).await;
    assert!(told.orders.replica(&digest).unwrap().go);
    agents[0].hold(digest, Phase::Ready);
    agents[0].report().await;
    let told = agents[1]
        .told("a source", |told| told.orders.replica(&digest).is_some_and(|order| !order.sources.is_empty()))
        .await;
    assert_eq!(told.orders.replica(&digest).unwrap().sources[0].name.as_str(), "kvm-a");
    let got = agents[1].get_manifest(digest).await;
    assert_eq!(got.status(), StatusCode::OK);
    assert_eq!(got.bytes().await.unwrap(), manifest.encode());
    agents[1].hold(digest, Phase::Ready);
    agents[1].report().await;
    let path = "/templates/win11/distribution";
    let shown = world.until(path, "everybody holds it", |it| it["distribution"] == "OK").await;
    assert_eq!(shown["summary"]["text"], "OK");
    assert!(shown["providers"].as_array().unwrap().iter().all(|row| row["state"] == "Ready"));

    // Two hosts, spread.
    let made = world.post("/hosts", json!({"template": "win11", "count": 2, "name": "desk-{nnn}"})).await;
    let on: Vec<_> = made["items"].as_array().unwrap().iter().map(|host| host["provider"].clone()).collect();
    assert_eq!(made["items"][0]["name"], "desk-001");
    assert_ne!(on[0], on[1]);
    assert_ne!(made["items"][0]["macs"][0], made["items"][1]["macs"][0]);
    for agent in &mut agents {
        agent.make_hosts().await;
    }
    world.until("/hosts/desk-001", "the host is ready", |it| it["status"] == "Ready").await;
    let host = world.until("/hosts/desk-002", "the host is ready", |it| it["status"] == "Ready").await;
    assert_eq!(host["guest_name"], "desk-002");

    // What hosts depend on stays.
    let (status, said) =
        world.refused(Method::POST, &format!("{path}/remove"), json!({"providers": ["kvm-a"]})).await;
    assert_eq!((status, said["code"].as_str()), (StatusCode::CONFLICT, Some("A0007")));
    assert_eq!(said["blockers"].as_array().unwrap().len(), 1);
    let (_, said) = world.refused(Method::DELETE, "/templates/win11", json!({})).await;
    assert_eq!(said["code"], "A0007");

    // Deleted hosts are gone when their agents say so.
    for (name, agent) in [("desk-001", &on[0]), ("desk-002", &on[1])] {
        world.delete(&format!("/hosts/{name}")).await;
        let agent = agents.iter_mut().find(|it| *agent == it.name.as_str()).unwrap();
        let is_host = |deletion: &Deletion| matches!(deletion, Deletion::Host { .. });
        agent.told("the deletion", |told| told.orders.deletions.iter().any(is_host)).await;
        agent.said.hosts.clear();
        agent.report().await;
    }
    world.until("/hosts", "no host is left", |it| it["items"] == json!([])).await;

    // The template goes when everybody has let go of it.
    world.delete("/templates/win11").await;
    for agent in &mut agents {
        agent.told("the deletion", |told| !told.orders.deletions.is_empty()).await;
        agent.said.replicas.clear();
        agent.report().await;
    }
    world.until("/templates", "no template is left", |it| it["items"] == json!([])).await;
    let history = world.get("/events/history").await;
    let kinds: Vec<_> =
        history["items"].as_array().unwrap().iter().map(|it| it["kind"].as_str().unwrap()).collect();
    let expected = [
        "provider.joined",
        "template.created",
        "template.ready",
        "replica.ready",
        "host.made",
        "host.deleted",
        "replica.removed",
        "template.deleted",
    ];
    for kind in expected {
        assert!(kinds.contains(&kind), "{kind} is not in {kinds:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_attempt_waits_and_is_retried_by_hand() {
    let world = World::start().await;
    let mut agents = [world.join("kvm-a").await, world.join("kvm-b").await];
    let digest = world.publish("win11", &mut agents).await.digest();
    let problem = diecast_domain::code::Problem::new(diecast_domain::code::Code::T0003, "the disk is full");
    agents[1].hold(digest, Phase::Failed);
    agents[1].said.replicas[0].problem = Some(problem);
    agents[1].report().await;
    let path = "/templates/win11/distribution";
    let shown = world.until(path, "the failure shows", |it| it["providers"][1]["code"] == "T0003").await;
    assert_eq!(shown["providers"][1]["progress"], "Failed to distribute");
    assert_eq!(shown["providers"][1]["cause"], "the disk is full");
    world.post(&format!("{path}/retry"), json!({"providers": ["kvm-b"]})).await;
    let told = agents[1]
        .told("the next attempt", |told| told.orders.replica(&digest).is_some_and(|it| it.attempt >= 2))
        .await;
    assert!(told.orders.replica(&digest).unwrap().go);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_vanishes_is_missing_and_not_made_again() {
    let world = World::start().await;
    let mut agents = [world.join("kvm-a").await];
    world.distribute("win11", &mut agents).await;
    world.post("/hosts", json!({"template": "win11", "count": 1, "name": "desk-1"})).await;
    agents[0].make_hosts().await;
    agents[0].told("that it was made", |told| told.orders.hosts.iter().all(|it| it.made)).await;
    agents[0].said.hosts[0].phase = HostPhase::Gone;
    agents[0].report().await;
    let host = world.until("/hosts/desk-1", "it is lost", |it| it["problem"]["code"] == "H0005").await;
    assert_eq!(host["status"], "Missing");
    let told = agents[0].assignment(None).await.unwrap();
    assert!(told.orders.hosts.len() == 1 && told.orders.hosts[0].made, "nobody makes it again unasked");
}
