//! Stories of a new version: who is outdated, who follows when, and what may still be deployed.
#![allow(clippy::unwrap_used)]

mod obeys;
mod world;

use diecast_domain::replica::Phase;
use obeys::{all, as_told, obeyed, publish_next, refuses};
use reqwest::Method;
use serde_json::{Value, json};
use world::{Agent, World, golden};

async fn with_hosts(count: u32) -> (World, Vec<Agent>) {
    let world = World::start().await;
    let mut agents = vec![world.join("kvm-a").await, world.join("kvm-b").await];
    world.distribute("win11", &mut agents).await;
    world.post("/hosts", json!({"template": "win11", "count": count, "name": "desk-{n}"})).await;
    obeyed(&world, &mut agents, &as_told, "/hosts", "every host stands", all_ready).await;
    (world, agents)
}

fn all_ready(hosts: &Value) -> bool {
    all(&hosts["items"], "status").iter().all(|status| *status == "Ready")
}

#[tokio::test(flavor = "multi_thread")]
async fn outdated_hosts_move_to_the_new_version_once_it_is_ready_beside_them() {
    let (world, mut agents) = with_hosts(2).await;
    publish_next(&world, &mut agents, 2, &[0]).await;
    let hosts = world.get("/hosts?outdated=true").await;
    assert_eq!(all(&hosts["items"], "name"), ["desk-1", "desk-2"]);
    assert_eq!(hosts["items"][0]["version"], 1);
    let asked = json!({"template": "win11", "outdated": true, "terms": {"waves": "100%"}});
    let plan = world.post("/recreations?dry_run=true", asked.clone()).await;
    assert_eq!(
        (plan["blockers"][0]["provider"].as_str(), plan["hosts"].as_array().unwrap().len()),
        (Some("kvm-b"), 2)
    );
    let made = world.post("/recreations", asked.clone()).await;
    assert_eq!(made["items"][0]["version"], 2);
    let moving = |it: &Value| it["incarnation"] == 2;
    let host = world.until("/hosts/desk-1", "it is to move", moving).await;
    assert_eq!(
        (&host["status"], &host["version"], &host["outdated"]),
        (&json!("Recreating"), &json!(1), &json!(true))
    );
    let path = format!("/recreations/{}", made["items"][0]["id"].as_str().unwrap());
    let half = |it: &Value| it["passed"] == 1;
    let shown = obeyed(&world, &mut agents, &as_told, &path, "the one beside it has moved", half).await;
    assert_eq!(shown["hosts"][1]["note"], "v2 is not ready on kvm-b yet", "{shown}");
    // Asked again, it is said to be under way.
    refuses(&world, Method::POST, "/recreations", asked, "L0020", "already").await;
    agents[1].hold(golden("win11, version 2").0.digest(), Phase::Ready);
    obeyed(&world, &mut agents, &as_told, &path, "all have moved", |it| it["stage"] == "Done").await;
    let hosts = world.get("/hosts").await;
    assert!(
        hosts["items"].as_array().unwrap().iter().all(|it| it["version"] == 2 && it["outdated"] == false)
    );
    // And back again, to a version that is named.
    let back = json!({"hosts": ["desk-1"], "version": "v1"});
    let made = world.post("/recreations", back).await;
    let path = format!("/recreations/{}", made["items"][0]["id"].as_str().unwrap());
    obeyed(&world, &mut agents, &as_told, &path, "it is back", |it| it["stage"] == "Done").await;
    let host = world.get("/hosts/desk-1").await;
    assert_eq!(
        (&host["version"], &host["outdated"], &host["incarnation"]),
        (&json!(1), &json!(true), &json!(3))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_with_an_old_version_deploys_nothing_unless_asked_for() {
    let (world, mut agents) = with_hosts(1).await;
    publish_next(&world, &mut agents, 2, &[0]).await;
    let asked = |version: Value, provider: &str| json!({"template": "win11", "count": 1, "name": "new-{n}", "version": version, "providers": [provider]});
    refuses(&world, Method::POST, "/hosts", asked(Value::Null, "kvm-b"), "H0006", "v2 of `win11`").await;
    let plan = world.post("/hosts?dry_run=true", asked(json!("1"), "kvm-b")).await;
    assert_eq!(plan["steps"], json!(["make linked host `new-1` of `win11` v1 on kvm-b"]));
    let made = world.post("/hosts", asked(json!("v1"), "kvm-b")).await;
    let host = &made["items"][0];
    assert_eq!(
        (&host["version"], &host["outdated"], &host["provider"]),
        (&json!(1), &json!(true), &json!("kvm-b"))
    );
    let plan = world.post("/hosts?dry_run=true", json!({"template": "win11", "count": 1, "name": "x"})).await;
    assert_eq!(plan["steps"], json!(["make linked host `x` of `win11` on kvm-a"]));
    assert_eq!(plan["blockers"][0]["provider"], "kvm-b");
    world.post("/templates/win11/versions/1/tags", json!({"tag": "production"})).await;
    let made = world.post("/hosts", asked(json!("production"), "kvm-a")).await;
    assert_eq!(made["items"][0]["version"], 1);
    refuses(&world, Method::POST, "/hosts", asked(json!("stable"), "kvm-a"), "A0004", "stable").await;
    refuses(&world, Method::POST, "/hosts", asked(json!("3"), "kvm-a"), "A0004", "3").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_follows_what_it_was_told_to_follow() {
    let (world, mut agents) = with_hosts(1).await;
    world.post("/templates/win11/versions/1/tags", json!({"tag": "production"})).await;
    for (name, version) in [("tagged", "production"), ("pinned", "1"), ("newest", "newest")] {
        let body = json!({"name": name, "template": "win11", "pattern": format!("{name}-{{n}}"),
            "settings": {"size": 1, "version": version, "terms": {"waves": "7"}}});
        let pool = world.post("/pools", body).await;
        assert_eq!((&pool["follows"], &pool["version"]), (&json!(version), &json!(1)));
        let path = format!("/pools/{name}");
        obeyed(&world, &mut agents, &as_told, &path, "it is full", |it| it["status"] == "OK").await;
    }
    publish_next(&world, &mut agents, 2, &[0, 1]).await;
    let outdated = |name: &str| format!("/hosts?outdated=true&pool={name}");
    for (name, count) in [("tagged", 0), ("pinned", 0), ("newest", 1)] {
        let hosts = world.get(&outdated(name)).await;
        assert_eq!(hosts["items"].as_array().unwrap().len(), count, "{name}");
    }
    world.post("/templates/win11/versions/2/tags", json!({"tag": "production"})).await;
    let pool = world.get("/pools/tagged").await;
    assert_eq!((&pool["version"], &pool["outdated"]), (&json!(2), &json!(1)));
    let made = world.post("/recreations", json!({"pool": "tagged", "outdated": true})).await;
    let recreation = &made["items"][0];
    assert_eq!((&recreation["version"], &recreation["total"]), (&json!(2), &json!(1)));
    let path = format!("/recreations/{}", recreation["id"].as_str().unwrap());
    obeyed(&world, &mut agents, &as_told, &path, "it has moved", |it| it["stage"] == "Done").await;
    assert_eq!(world.get("/hosts/tagged-1").await["version"], 2);
    let nothing = world.post("/recreations", json!({"pool": "pinned", "outdated": true})).await;
    assert_eq!(nothing["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_carry_the_setup_that_they_were_asked_to_have() {
    let (world, mut agents) = with_hosts(1).await;
    let setup = json!({"preparation": "cloud-init", "user_data": "#cloud-config\npackages: [vim]\n",
        "data_disk_bytes": 1_048_576, "ready_when": "running"});
    let body = json!({"template": "win11", "count": 1, "name": "web", "setup": setup, "full": true});
    let plan = world.post("/hosts?dry_run=true", body.clone()).await;
    assert!(plan["steps"][0].as_str().unwrap().ends_with("with a data disk of 1.00 MiB"), "{plan}");
    let made = world.post("/hosts", body).await;
    assert_eq!(made["items"][0]["kind"], "full");
    assert_eq!(made["items"][0]["setup"]["user_data"], Value::Null, "lists leave long texts out");
    assert_eq!(world.get("/hosts/web").await["setup"], setup);
    let has = |it: &Value| it["status"] == "Ready";
    obeyed(&world, &mut agents, &as_told, "/hosts/web", "it stands", has).await;
    let told: Vec<_> = {
        let mut orders = Vec::new();
        for agent in &agents {
            orders.extend(agent.assignment(None).await.unwrap().orders.hosts);
        }
        orders
    };
    let order = told.iter().find(|order| order.name.as_str() == "web").unwrap();
    assert_eq!(order.setup.data_disk.unwrap().0, 1_048_576);
    let with = |setup: Value| json!({"template": "win11", "count": 1, "name": "bad", "setup": setup});
    for (setup, words) in [
        (json!({"user_data": "echo hello"}), "does not know"),
        (json!({"user_data": "#cloud-config\na: [b"}), "not valid YAML"),
        (json!({"preparation": "sysprep"}), "needs `unattend`"),
        (json!({"preparation": "sysprep", "unattend": "<a/>"}), "root must be"),
        (json!({"data_disk_bytes": 5}), "`data_disk_bytes` is 5"),
        (json!({"ready_when": "never"}), "`ready_when` is `never`"),
        (json!({"color": 1}), "unknown field"),
    ] {
        refuses(&world, Method::POST, "/hosts", with(setup), "A0001", words).await;
    }
    // Its data disk goes only with a word about it.
    refuses(&world, Method::DELETE, "/hosts/web", json!({}), "H0007", "`web` has a data disk").await;
    world.delete("/hosts/web?data=false").await;
    let gone = |it: &Value| all(&it["items"], "name") == ["desk-1"];
    obeyed(&world, &mut agents, &as_told, "/hosts", "it is gone", gone).await;
}
