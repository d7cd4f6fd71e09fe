//! Maintenance over real connections: a working copy is made, published, thrown away.
#![allow(clippy::unwrap_used)]

mod world;

use diecast_domain::{
    assignment::{Act, Deletion},
    code::{Code, Problem},
    ids::MaintenanceId,
    maintenance::WorkingCopyPhase,
    provider::Power,
    replica::Phase,
    report::{OperationReport, Outcome},
    template::PublicationSource,
    units::ByteCount,
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use world::{Agent, World, golden, problem};

const MAINTENANCE: &str = "/templates/win11/maintenance";

/// A template on two providers, in maintenance on the first.
async fn in_maintenance() -> (World, [Agent; 2], MaintenanceId) {
    let world = World::start().await;
    let mut agents = [world.join("kvm-a").await, world.join("kvm-b").await];
    world.distribute("win11", &mut agents).await;
    world.post(MAINTENANCE, json!({})).await;
    let copy = agents[0].make_working_copy().await;
    world.until("/templates/win11", "it is in maintenance", |it| it["status"] == "Maintenance").await;
    (world, agents, copy)
}

async fn ready(world: &World) -> Value {
    world.until("/templates/win11", "it is ready", |it| it["status"] == "Ready").await
}

/// Leaves maintenance with `content` in the working copy.
async fn publish(world: &World, agent: &mut Agent, content: &str, leave: Value) {
    world.post(&format!("{MAINTENANCE}/leave"), leave).await;
    let (manifest, mut published) = golden(content);
    published.new_bytes = Some(ByteCount(64 << 10));
    agent.work_off_publication(&manifest, published).await;
    ready(world).await;
    agent.said.publications.clear();
}

/// Once around: enter, change, leave.
async fn change(world: &World, agents: &mut [Agent], content: &str) {
    world.post(MAINTENANCE, json!({"provider": agents[0].name})).await;
    agents[0].make_working_copy().await;
    world.until("/templates/win11", "it is in maintenance", |it| it["status"] == "Maintenance").await;
    publish(world, &mut agents[0], content, json!({})).await;
    agents[0].said.working_copies.clear();
    for agent in agents {
        agent.hold(golden(content).0.digest(), Phase::Ready);
        agent.report().await;
    }
    let path = "/templates/win11/distribution";
    world.until(path, "everybody holds it", |it| it["distribution"] == "OK").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_is_changed_in_maintenance_and_its_version_knows_where_it_comes_from() {
    let world = World::start().await;
    let mut agents = [world.join("kvm-a").await, world.join("kvm-b").await];
    let base = world.distribute("win11", &mut agents).await.digest();
    let plan = world.post(&format!("{MAINTENANCE}?dry_run=true"), json!({})).await;
    assert_eq!(
        plan["steps"][0], "make a working copy of v1 of `win11` on kvm-a: an overlay on its files",
        "where it was made"
    );
    let entered = world.post(MAINTENANCE, json!({})).await;
    assert_eq!(
        (&entered["status"], &entered["provider"], &entered["base"], &entered["author"]),
        (&json!("Entering maintenance"), &json!("kvm-a"), &json!(1), &json!("admin"))
    );
    assert_eq!(entered["console"], false);
    let told = agents[0].told("a working copy", |told| !told.orders.working_copies.is_empty()).await;
    assert_eq!(told.orders.working_copies[0].base.digest, base);
    assert_eq!(told.orders.working_copies[0].macs.len(), 1, "an address for each network card");
    let (_, said) = world.refused(Method::POST, &format!("{MAINTENANCE}/leave"), json!({})).await;
    assert_eq!(said["code"], "A0010", "it is not made yet");
    agents[0].make_working_copy().await;
    let shown = world.until(MAINTENANCE, "it is open", |it| it["status"] == "Maintenance").await;
    assert_eq!((&shown["power"], &shown["console"]), (&json!("Running"), &json!(true)));

    // A second operator learns who was first; hosts are deployed as before.
    let (status, said) = world.refused(Method::POST, MAINTENANCE, json!({"provider": "kvm-b"})).await;
    assert_eq!((status, said["code"].as_str()), (StatusCode::CONFLICT, Some("M0001")));
    assert!(said["detail"].as_str().unwrap().contains("admin"), "{said}");
    world.post("/hosts", json!({"template": "win11", "count": 1, "name": "desk-1"})).await;

    let leave = json!({"note": "patched", "shutdown_seconds": 30, "recreate": "now"});
    let plan = world.post(&format!("{MAINTENANCE}/leave?dry_run=true"), leave.clone()).await;
    assert_eq!(plan["hosts"], json!(["desk-1"]));
    assert!(plan["steps"].as_array().unwrap().iter().any(|it| it.as_str().unwrap().contains("as v2")));
    assert_eq!(plan["bytes_network"], Value::Null, "nobody knows before it is read");
    let told = |plan: &Value, words: &str| plan["steps"].to_string().contains(words);
    assert!(told(&plan, "over the network, is unknown until it is read"), "{plan}");

    // Left for later, they are named too: which hosts fall behind, and who is on them.
    let on = world.get("/hosts/desk-1").await["provider"].clone();
    let agent = agents.iter_mut().find(|agent| on == agent.name.as_str()).unwrap();
    agent.make_hosts().await;
    agent.said.hosts[0].users = Some(vec!["ana".to_owned()]);
    agent.report().await;
    world.until("/hosts/desk-1", "somebody is on it", |it| it["users"] == json!(["ana"])).await;
    let plan = world.post(&format!("{MAINTENANCE}/leave?dry_run=true"), json!({"note": "patched"})).await;
    assert_eq!((&plan["hosts"], &plan["users"]), (&json!(["desk-1"]), &json!(["ana on desk-1"])));
    assert!(told(&plan, "leave 1 host as it is, outdated"), "{plan}");
    assert_eq!(world.get("/templates/win11").await["status"], "Maintenance", "a dry run does nothing");
    let left = world.post(&format!("{MAINTENANCE}/leave"), json!({"note": "patched"})).await;
    assert_eq!(left["status"], "Leaving maintenance");
    assert_eq!(left["publication"]["source"], "working copy of v1");
    let (manifest, mut published) = golden("win11, patched");
    published.new_bytes = Some(ByteCount(64 << 10));
    agents[0].work_off_publication(&manifest, published).await;
    let shown = ready(&world).await;
    assert_eq!((&shown["version"], &shown["maintenance"]), (&json!(2), &Value::Null));
    assert_eq!((&shown["outdated"], &shown["hosts"]), (&json!(1), &json!(1)));
    let versions = world.get("/templates/win11/versions").await;
    let new = &versions["items"][0];
    assert_eq!(
        (&new["number"], &new["parent"], &new["note"], &new["new_bytes"], &new["status"]),
        (&json!(2), &json!(1), &json!("patched"), &json!(64 << 10), &json!("current"))
    );
    assert!(new["new_percent"].as_f64().unwrap() > 0.0);

    // The working copy stays until somebody holds what came of it.
    let goes = |told: &diecast_domain::assignment::Assignment| {
        told.orders.deletions.iter().any(|it| matches!(it, Deletion::WorkingCopy { .. }))
    };
    let told =
        agents[0].told("the new version", |told| told.orders.replica(&manifest.digest()).is_some()).await;
    assert!(!goes(&told), "it may be all there is of the new version");
    agents[0].hold(manifest.digest(), Phase::Ready);
    agents[0].report().await;
    agents[0].told("the working copy goes", goes).await;
    agents[0].said.working_copies.clear();
    agents[0].said.publications.clear();
    agents[0].report().await;
    agents[0].told("it has gone", |told| !goes(told)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_operators_who_enter_at_the_same_instant_one_does() {
    let world = World::start().await;
    let mut agents = [world.join("kvm-a").await, world.join("kvm-b").await];
    world.distribute("win11", &mut agents).await;
    let enter = |on: &str| world.ask(Method::POST, MAINTENANCE).json(&json!({"provider": on})).send();
    for round in 1..=5 {
        for agent in &mut agents {
            agent.report().await;
        }
        let (one, other) = tokio::join!(enter("kvm-a"), enter("kvm-b"));
        let (one, other) = (one.unwrap(), other.unwrap());
        let (in_, out) = if one.status().is_success() { (one, other) } else { (other, one) };
        assert!(in_.status().is_success(), "round {round}: nobody is in");
        let entered: Value = in_.json().await.unwrap();
        let (status, said) = problem(out).await;
        assert_eq!((status, said["code"].as_str()), (StatusCode::CONFLICT, Some("M0001")), "round {round}");
        let there = world.get(MAINTENANCE).await;
        assert_eq!((&there["id"], &there["provider"]), (&entered["id"], &entered["provider"]));
        world.delete(MAINTENANCE).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_changed_makes_no_version() {
    let (world, mut agents, _) = in_maintenance().await;
    world.post(&format!("{MAINTENANCE}/leave"), json!({})).await;
    let (manifest, published) = golden("win11");
    agents[0].work_off_publication(&manifest, published).await;
    let shown = ready(&world).await;
    assert_eq!(shown["version"], 1);
    assert_eq!(world.get("/templates/win11/versions").await["items"].as_array().unwrap().len(), 1);
    let history = world.get("/events/history?object=template&name=win11").await;
    let said = history["items"].as_array().unwrap().iter();
    assert!(said.clone().any(|it| it["message"].as_str().unwrap().contains("nothing was changed")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_back_is_the_older_version_again() {
    let world = World::start().await;
    let mut agents = [world.join("kvm-a").await];
    world.distribute("win11", &mut agents).await;
    change(&world, &mut agents, "win11, second").await;
    change(&world, &mut agents, "win11").await;
    let shown = world.get("/templates/win11").await;
    assert_eq!(shown["version"], 1);
    assert_eq!(world.get("/templates/win11/versions").await["items"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_does_not_shut_down_is_left_again_with_force() {
    let (world, mut agents, _) = in_maintenance().await;
    let leave = format!("{MAINTENANCE}/leave");
    world.post(&leave, json!({"note": "patched", "recreate": "now"})).await;
    let (_, said) = world.refused(Method::POST, &leave, json!({})).await;
    assert_eq!(said["code"], "A0010", "it is being left");
    agents[0].fail_publication(Problem::new(Code::M0002, "it does not shut down")).await;
    let shown = world.until(MAINTENANCE, "it failed", |it| it["problem"]["code"] == "M0002").await;
    assert_eq!(shown["status"], "Leaving maintenance");
    world.post(&leave, json!({"force": true})).await;
    let told = agents[0]
        .told("the next attempt", |told| told.orders.publications.iter().any(|it| it.attempt >= 2))
        .await;
    let source = &told.orders.publications[0].source;
    let soon = |source: &PublicationSource| {
        matches!(source, PublicationSource::WorkingCopy { force: true, shutdown_seconds: 20, .. })
    };
    assert!(soon(source), "nobody waits for the whole deadline again: {source:?}");
    let (manifest, published) = golden("win11, patched");
    agents[0].work_off_publication(&manifest, published).await;
    ready(&world).await;
    let new = &world.get("/templates/win11/versions").await["items"][0];
    assert_eq!(new["note"], "patched", "what was said the first time holds");
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_maintenance_changes_nothing_and_leaves_nothing_behind() {
    let (world, mut agents, copy) = in_maintenance().await;
    world.post(&format!("{MAINTENANCE}/leave"), json!({})).await;
    agents[0].told("the publication", |told| !told.orders.publications.is_empty()).await;
    let (_, said) = world.refused(Method::DELETE, &format!("{MAINTENANCE}?forget=true"), json!({})).await;
    assert_eq!(said["code"], "A0010", "its provider answers");
    world.delete(MAINTENANCE).await;
    let shown = world.get("/templates/win11").await;
    assert_eq!((&shown["status"], &shown["version"]), (&json!("Ready"), &json!(1)));
    let (status, said) = world.refused(Method::GET, MAINTENANCE, json!({})).await;
    assert_eq!((status, said["code"].as_str()), (StatusCode::CONFLICT, Some("A0010")));
    let deletion = Deletion::WorkingCopy { id: copy };
    let told = agents[0].told("it is to go", |told| told.orders.deletions.contains(&deletion)).await;
    assert!(told.orders.publications.is_empty() && told.orders.working_copies.is_empty());
    agents[0].said.working_copies.clear();
    agents[0].report().await;
    agents[0].told("it is gone", |told| told.orders.deletions.is_empty()).await;
    world.post(MAINTENANCE, json!({})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_working_copy_on_a_dead_provider_is_given_up_and_one_made_elsewhere() {
    let (world, mut agents, copy) = in_maintenance().await;
    let silent = |it: &Value| it["problem"]["code"] == "P0001";
    let talk = async {
        loop {
            agents[1].report().await;
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        }
    };
    let story = async {
        world.until(MAINTENANCE, "its provider is silent", silent).await;
        let (_, said) = world.refused(Method::DELETE, MAINTENANCE, json!({})).await;
        assert_eq!(said["code"], "P0001");
        assert!(said["hint"].as_str().unwrap().contains("--forget"));
        let (_, said) = world.refused(Method::POST, &format!("{MAINTENANCE}/leave"), json!({})).await;
        assert_eq!(said["code"], "P0001");
        world.delete(&format!("{MAINTENANCE}?forget=true")).await;
        let (_, said) = world.refused(Method::POST, MAINTENANCE, json!({"provider": "kvm-a"})).await;
        assert_eq!(said["code"], "P0001", "it is named as silent");
        let entered = world.post(MAINTENANCE, json!({})).await;
        assert_eq!(entered["provider"], "kvm-b", "a dead source is no obstacle");
    };
    tokio::select! {
        () = story => {}
        () = talk => {}
    }
    // It comes back, and is told to let go.
    agents[0].report().await;
    let deletion = Deletion::WorkingCopy { id: copy };
    agents[0].told("it is to go", |told| told.orders.deletions.contains(&deletion)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_is_off_is_started_and_one_whose_disks_are_gone_is_named() {
    let (world, mut agents, copy) = in_maintenance().await;
    agents[0].said.working_copies[0].power = Some(Power::Off);
    agents[0].report().await;
    world.until(MAINTENANCE, "it is off", |it| it["power"] == "Off").await;
    let begun = world.post(&format!("{MAINTENANCE}/start"), json!({})).await;
    assert_eq!(begun["kind"], "start");
    let told = agents[0].told("the start", |told| !told.orders.operations.is_empty()).await;
    let operation = &told.orders.operations[0];
    assert_eq!(operation.act, Act::StartWorkingCopy { maintenance: copy });
    let outcome = Outcome::Done { lines: Vec::new() };
    agents[0].said.operations = vec![OperationReport { id: operation.id, outcome }];
    agents[0].said.working_copies[0].phase = WorkingCopyPhase::Gone;
    agents[0].said.working_copies[0].power = None;
    agents[0].report().await;
    let path = format!("/operations/{}", operation.id);
    world.until(&path, "it is done", |it| it["state"] == "done").await;
    world.until(MAINTENANCE, "it is lost", |it| it["problem"]["code"] == "M0003").await;
    let (_, said) = world.refused(Method::POST, &format!("{MAINTENANCE}/leave"), json!({})).await;
    assert_eq!(said["code"], "M0003");
    world.delete(MAINTENANCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_in_the_middle_forgets_nothing() {
    let (mut world, mut agents, copy) = in_maintenance().await;
    world.post(&format!("{MAINTENANCE}/leave"), json!({"note": "patched", "shutdown_seconds": 7})).await;
    world.restart().await;
    assert_eq!(world.get(MAINTENANCE).await["id"], copy.to_string());
    for agent in &mut agents {
        agent.url = world.url.clone();
        agent.report().await;
    }
    let (manifest, published) = golden("win11, patched");
    agents[0].work_off_publication(&manifest, published).await;
    ready(&world).await;
    world.restart().await;
    let versions = world.get("/templates/win11/versions").await;
    let items = versions["items"].as_array().unwrap();
    assert_eq!((items.len(), &items[0]["note"], &items[0]["parent"]), (2, &json!("patched"), &json!(1)));
    for agent in &mut agents {
        agent.url = world.url.clone();
        agent.report().await;
    }
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let again = world.get("/templates/win11/versions").await;
    assert_eq!(again["items"].as_array().unwrap().len(), 2, "published once");
}

#[tokio::test(flavor = "multi_thread")]
async fn entering_is_refused_where_nobody_can_begin() {
    let world = World::start().await;
    let mut agents = [world.join("kvm-a").await, world.join("kvm-b").await];
    world.publish("win11", &mut agents).await;
    let (_, said) = world.refused(Method::POST, MAINTENANCE, json!({})).await;
    assert_eq!(said["code"], "H0006", "nobody holds it yet");
    let digest = world.get("/templates/win11").await["digest"].as_str().unwrap().parse().unwrap();
    agents[0].hold(digest, Phase::Ready);
    agents[0].report().await;
    let holds = |it: &Value| it["providers"][0]["state"] == "Ready";
    world.until("/templates/win11/distribution", "one holds it", holds).await;
    let (_, said) = world.refused(Method::POST, MAINTENANCE, json!({"provider": "kvm-b"})).await;
    assert_eq!(said["code"], "H0006");
    let tries = [(json!({"provider": "nobody"}), "A0004"), (json!({"where": "kvm-a"}), "A0001")];
    for (body, code) in tries {
        let (_, said) = world.refused(Method::POST, MAINTENANCE, body.clone()).await;
        assert_eq!(said["code"], code, "{body}");
    }
    for path in ["leave", "start"] {
        let path = format!("{MAINTENANCE}/{path}");
        assert_eq!(world.refused(Method::POST, &path, json!({})).await.1["code"], "A0010");
    }
    world.post(MAINTENANCE, json!({})).await;
    agents[0].make_working_copy().await;
    world.until(MAINTENANCE, "it is open", |it| it["status"] == "Maintenance").await;
    let tries = [
        json!({"recreate": "yesterday"}),
        json!({"recreate": "2001-01-01T00:00:00Z"}),
        json!({"if_unavailable": "perhaps"}),
        json!({"shutdown_seconds": 1_000_000}),
        json!({"note": "x".repeat(2000)}),
        json!({"terms": {"waves": "50%,10%"}}),
    ];
    for body in tries {
        let (_, said) = world.refused(Method::POST, &format!("{MAINTENANCE}/leave"), body.clone()).await;
        assert_eq!(said["code"], "A0001", "{body}");
    }
    assert_eq!(world.get("/templates/win11").await["status"], "Maintenance");
}
