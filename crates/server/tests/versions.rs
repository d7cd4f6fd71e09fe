//! Versions: what they are called, which is current, which are kept and why.
#![allow(clippy::unwrap_used)]

mod world;

use diecast_domain::{assignment::Deletion, digest::Digest, replica::Phase, units::ByteCount};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use world::{Agent, World, golden};

const VERSIONS: &str = "/templates/win11/versions";

/// What each version holds.
fn content(number: u32) -> String {
    format!("win11, version {number}")
}

fn digest(number: u32) -> Digest {
    golden(&content(number)).0.digest()
}

/// Publishes the next version through maintenance, and has everybody hold it.
async fn publish_next(world: &World, agents: &mut [Agent], number: u32) {
    world.post("/templates/win11/maintenance", json!({"provider": agents[0].name})).await;
    agents[0].make_working_copy().await;
    let path = "/templates/win11";
    world.until(path, "it is in maintenance", |it| it["status"] == "Maintenance").await;
    world.post("/templates/win11/maintenance/leave", json!({})).await;
    let (manifest, mut published) = golden(&content(number));
    published.new_bytes = Some(ByteCount(u64::from(number)));
    agents[0].work_off_publication(&manifest, published).await;
    world.until(path, "it is published", |it| it["version"] == number && it["status"] == "Ready").await;
    agents[0].said.publications.clear();
    agents[0].said.working_copies.clear();
    for agent in &mut *agents {
        agent.hold(manifest.digest(), Phase::Ready);
        agent.report().await;
    }
    let path = "/templates/win11/distribution";
    world.until(path, "everybody holds it", |it| it["distribution"] == "OK").await;
    let goes = |it: &Deletion| matches!(it, Deletion::WorkingCopy { .. });
    agents[0].told("the working copy goes", |told| told.orders.deletions.iter().any(goes)).await;
    agents[0].report().await;
    agents[0].told("it has gone", |told| !told.orders.deletions.iter().any(goes)).await;
}

/// A template with so many versions, all held by two providers.
async fn with_versions(count: u32) -> (World, [Agent; 2]) {
    let world = World::start().await;
    let mut agents = [world.join("kvm-a").await, world.join("kvm-b").await];
    world.distribute("win11", &mut agents).await;
    for number in 2..=count {
        publish_next(&world, &mut agents, number).await;
    }
    (world, agents)
}

async fn version(world: &World, number: u32) -> Value {
    let all = world.get(VERSIONS).await;
    all["items"].as_array().unwrap().iter().find(|it| it["number"] == number).unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_points_to_one_version_and_moves() {
    let (world, _agents) = with_versions(2).await;
    let tag = |version: &str| format!("{VERSIONS}/{version}/tags");
    let shown = world.post(&tag("1"), json!({"tag": "production"})).await;
    assert_eq!((&shown["number"], &shown["tags"]), (&json!(1), &json!(["production"])));
    assert_eq!(shown["kept_because"][0], "tagged", "as it is from now on");
    let shown = world.post(&tag("v2"), json!({"tag": "production"})).await;
    assert_eq!((&shown["number"], &shown["tags"]), (&json!(2), &json!(["production"])));
    assert_eq!(version(&world, 1).await["tags"], json!([]));
    world.post(&tag("production"), json!({"tag": "pre-production"})).await;
    assert_eq!(version(&world, 2).await["tags"], json!(["pre-production", "production"]));
    world.delete(&format!("{}/production", tag("2"))).await;
    let (_, said) = world.refused(Method::DELETE, &format!("{}/production", tag("2")), json!({})).await;
    assert_eq!(said["code"], "A0004");
    for (path, body, code) in [
        (tag("1"), json!({"tag": "Production"}), "A0001"),
        (tag("1"), json!({"tag": "v7"}), "A0001"),
        (tag("7"), json!({"tag": "x"}), "A0004"),
        (tag("nothing"), json!({"tag": "x"}), "A0004"),
    ] {
        let (_, said) = world.refused(Method::POST, &path, body.clone()).await;
        assert_eq!(said["code"], code, "{path} {body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_version_is_activated_and_everybody_who_holds_it_has_nothing_to_do() {
    let (world, mut agents) = with_versions(2).await;
    world.post("/hosts", json!({"template": "win11", "count": 1, "name": "desk-1"})).await;
    let on = world.get("/hosts/desk-1").await["provider"].clone();
    let agent = agents.iter_mut().find(|agent| on == agent.name.as_str()).unwrap();
    agent.make_hosts().await;
    world.until("/hosts/desk-1", "it runs", |it| it["status"] == "Ready").await;
    let activate = format!("{VERSIONS}/1/activate");
    let plan = world.post(&format!("{activate}?dry_run=true"), json!({"recreate": "now"})).await;
    assert_eq!(plan["steps"][0], "make v1 the current version of `win11`");
    assert_eq!((&plan["bytes_network"], &plan["hosts"]), (&json!(0), &json!(["desk-1"])));
    assert_eq!(world.get("/templates/win11").await["version"], 2, "a dry run does nothing");
    let shown = world.post(&activate, json!({"recreate": "now"})).await;
    assert_eq!(shown["version"], 1);
    let shown = world.get("/templates/win11/distribution").await;
    assert_eq!((&shown["distribution"], &shown["version"]), (&json!("OK"), &json!(1)));
    let host = world.until("/hosts/desk-1", "it is moved", |it| it["incarnation"] == 2).await;
    assert_eq!(host["outdated"], true, "until it is made anew it runs v2: {host}");
    let agent = agents.iter_mut().find(|agent| on == agent.name.as_str()).unwrap();
    agent.make_hosts().await;
    let made = |it: &Value| it["outdated"] == false && it["version"] == 1;
    world.until("/hosts/desk-1", "it runs v1 again", made).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_holds_is_not_activated() {
    let (world, mut agents) = with_versions(2).await;
    let first = golden("win11").0.digest();
    for agent in &mut agents {
        agent.said.replicas.retain(|replica| replica.digest != first);
        agent.report().await;
        // As long as somebody holds it, it is brought to who lacks it: a part of it, or all.
        if agent.name == "kvm-a" {
            let held = |it: &Value| it["items"][1]["held_by"] == json!(["kvm-b"]);
            let versions = world.until(VERSIONS, "one holds the first", held).await;
            let size = versions["items"][1]["size"]["packed_bytes"].as_u64().unwrap();
            let activate = format!("{VERSIONS}/1/activate?dry_run=true");
            let plan = world.post(&activate, json!({})).await;
            assert_eq!(plan["bytes_network"], size);
            let bring = format!("bring v1 of `win11` to kvm-a: at most {}, less what", ByteCount(size));
            assert!(plan["steps"][1].as_str().unwrap().starts_with(&bring), "{plan}");
        }
    }
    let held = |it: &Value| it["items"][1]["held_by"] == json!([]);
    world.until(VERSIONS, "nobody holds the first", held).await;
    let (_, said) = world.refused(Method::POST, &format!("{VERSIONS}/1/activate"), json!({})).await;
    assert_eq!(said["code"], "H0006");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_is_needed_is_not_deleted_and_the_list_says_why() {
    let (world, mut agents) = with_versions(2).await;
    let path = |version: &str| format!("{VERSIONS}/{version}");
    let (status, said) = world.refused(Method::DELETE, &path("2"), json!({})).await;
    assert_eq!((status, said["code"].as_str()), (StatusCode::CONFLICT, Some("A0007")));
    assert!(said["blockers"][0].as_str().unwrap().contains("current"), "{said}");
    world.post(&format!("{VERSIONS}/1/tags"), json!({"tag": "production"})).await;
    let (_, said) = world.refused(Method::DELETE, &path("production"), json!({})).await;
    assert!(said["blockers"][0].as_str().unwrap().contains("production"), "{said}");
    let plan = world.ask(Method::DELETE, &format!("{}?dry_run=true", path("1"))).send().await.unwrap();
    let plan: Value = plan.json().await.unwrap();
    let size = ByteCount(version(&world, 1).await["size"]["data_bytes"].as_u64().unwrap());
    let from = |name: &str| format!("delete v1 of `win11` from {name}: frees at most {size}");
    assert_eq!(plan["steps"], json!([from("kvm-a"), from("kvm-b")]));
    assert_eq!(plan["bytes_network"], 0);
    assert_eq!(plan["obstacles"][0]["code"], "A0007");
    world.delete(&format!("{VERSIONS}/1/tags/production")).await;

    let first = golden("win11").0.digest();
    let is_it =
        |deletion: &Deletion| matches!(deletion, Deletion::Replica { version } if version.digest == first);
    world.delete(&path("1")).await;
    world.delete(&path("1")).await;
    assert_eq!(version(&world, 1).await["status"], "deleting");
    let (_, said) = world.refused(Method::POST, &format!("{VERSIONS}/1/activate"), json!({})).await;
    assert_eq!(said["code"], "A0010");
    let [a, b] = &mut agents;
    for agent in [a, b] {
        assert_eq!(version(&world, 1).await["status"], "deleting", "somebody has it still");
        agent.told("the deletion", |told| told.orders.deletions.iter().any(is_it)).await;
        agent.said.replicas.retain(|replica| replica.digest != first);
        agent.report().await;
    }
    let gone = |it: &Value| it["items"].as_array().unwrap().len() == 1;
    world.until(VERSIONS, "it is gone", gone).await;
    for agent in &mut agents {
        agent.told("nothing more of it", |told| !told.orders.deletions.iter().any(is_it)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_never_given_twice() {
    let (mut world, mut agents) = with_versions(2).await;
    world.post(&format!("{VERSIONS}/1/activate"), json!({})).await;
    world.delete(&format!("{VERSIONS}/2")).await;
    let broken = digest(2);
    for agent in &mut agents {
        let is_it = |it: &Deletion| matches!(it, Deletion::Replica { version } if version.digest == broken);
        agent.told("the deletion", |told| told.orders.deletions.iter().any(is_it)).await;
        agent.said.replicas.retain(|replica| replica.digest != broken);
        agent.report().await;
    }
    let gone = |it: &Value| it["items"].as_array().unwrap().len() == 1;
    world.until(VERSIONS, "it is gone", gone).await;
    world.restart().await;
    for agent in &mut agents {
        agent.url = world.url.clone();
        agent.report().await;
    }
    publish_next(&world, &mut agents, 3).await;
    assert_eq!(version(&world, 3).await["parent"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_says_what_it_keeps_and_why_and_lets_the_rest_go() {
    let (world, mut agents) = with_versions(4).await;
    let shown = world.get(VERSIONS).await;
    assert_eq!(shown["items"][0]["kept_because"], json!(["current", "one of the 5 newest"]));
    world.post(&format!("{VERSIONS}/1/tags"), json!({"tag": "production"})).await;
    let set = async |path: &str| {
        let answer = world.ask(Method::PATCH, path).json(&json!({"keep": 2})).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        answer.json::<Value>().await.unwrap()
    };
    let plan = set("/templates/win11?dry_run=true").await;
    let step = plan["steps"][0].as_str().unwrap();
    assert!(step.ends_with("to be deleted: v2"), "{step}");
    assert_eq!(set("/templates/win11").await["keep"], 2);
    let going = |it: &Value| it["items"][2]["status"] == "deleting";
    let shown = world.until(VERSIONS, "the second goes", going).await;
    assert_eq!(shown["items"][1]["kept_because"], json!(["one of the 2 newest"]));
    assert_eq!(shown["items"][3]["kept_because"], json!(["tagged"]));
    let second = digest(2);
    for agent in &mut agents {
        let is_it = |it: &Deletion| matches!(it, Deletion::Replica { version } if version.digest == second);
        agent.told("the deletion", |told| told.orders.deletions.iter().any(is_it)).await;
        agent.said.replicas.retain(|replica| replica.digest != second);
        agent.report().await;
    }
    let left = |it: &Value| it["items"].as_array().unwrap().len() == 3;
    world.until(VERSIONS, "it is gone", left).await;
    assert_eq!(agents[0].get_manifest(second).await.status(), StatusCode::FORBIDDEN);
    let history = world.get("/events/history?object=template&name=win11").await;
    let sentences = history["items"].as_array().unwrap().iter().map(|it| it["message"].as_str().unwrap());
    assert!(sentences.clone().any(|it| it.contains("v2 of `win11` is deleted: nobody needs it")));
}
