//! Stories of pools: they fill, replace what is lost, shrink where nobody works, and say why they cannot.
#![allow(clippy::unwrap_used)]

mod obeys;
mod world;

use diecast_domain::{
    assignment::HostOrder,
    host::{HostPhase, HostReport},
    units::ByteCount,
};
use obeys::{all, as_told, obeyed, refuses};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use world::{Agent, World};

async fn with_template(names: &[&str]) -> (World, Vec<Agent>) {
    let world = World::start().await;
    let mut agents = Vec::new();
    for name in names {
        agents.push(world.join(name).await);
    }
    world.distribute("win11", &mut agents).await;
    (world, agents)
}

fn desks(settings: Value) -> Value {
    json!({"name": "desks", "template": "win11", "pattern": "desk-{nn}", "settings": settings})
}

fn is_ok(pool: &Value) -> bool {
    pool["status"] == "OK" && pool["ready"] == pool["wanted"]
}

async fn patch(world: &World, path: &str, body: Value) -> Value {
    let answer = world.ask(Method::PATCH, path).json(&body).send().await.unwrap();
    assert!(answer.status().is_success(), "{}: {body}", answer.status());
    answer.json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_fills_itself_over_its_providers() {
    let (world, mut agents) = with_template(&["kvm-a", "kvm-b"]).await;
    let plan = world.post("/pools?dry_run=true", desks(json!({"size": 4}))).await;
    assert_eq!(
        plan["steps"],
        json!([
            "keep 4 hosts in pool `desks`",
            "make 2 linked hosts on kvm-a",
            "make 2 linked hosts on kvm-b"
        ])
    );
    assert_eq!(plan["bytes_network"], 0, "{plan}");
    let full = world.post("/pools?dry_run=true", desks(json!({"size": 4, "full": true}))).await;
    let versions = world.get("/templates/win11/versions").await;
    let size = versions["items"][0]["size"]["data_bytes"].as_u64().unwrap();
    let written = format!("write {} for full hosts, on their providers' own disks", ByteCount(4 * size));
    assert_eq!(full["steps"][3], written, "{full}");
    assert_eq!(world.get("/pools").await["items"], json!([]), "a dry run does nothing");
    let made = world.post("/pools", desks(json!({"size": 4, "setup": {"ready_when": "address"}}))).await;
    assert_eq!(
        (&made["status"], &made["wanted"], &made["follows"]),
        (&json!("Filling"), &json!(4), &json!("newest"))
    );
    let pool = obeyed(&world, &mut agents, &as_told, "/pools/desks", "it is full", is_ok).await;
    assert_eq!(pool["spread"], json!({"kvm-a": 2, "kvm-b": 2}));
    let hosts = world.get("/hosts?pool=desks").await;
    assert_eq!(all(&hosts["items"], "name"), ["desk-01", "desk-02", "desk-03", "desk-04"]);
    assert_eq!(hosts["items"][0]["pool"], "desks");
    assert_eq!(hosts["items"][0]["setup"]["ready_when"], "address");
    assert_eq!(world.get("/hosts?pool=desks&outdated=true").await["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_another_hand_removes_is_made_again_by_its_pool() {
    let (world, mut agents) = with_template(&["kvm-a"]).await;
    world.post("/pools", desks(json!({"size": 2}))).await;
    obeyed(&world, &mut agents, &as_told, "/pools/desks", "it is full", is_ok).await;
    // Undefined by hand, until its agent is told to make it anew.
    let undefined = |order: &HostOrder, report: &mut HostReport| {
        if order.name.as_str() == "desk-01" && order.incarnation == 1 {
            (report.phase, report.power, report.guest_agent) = (HostPhase::Gone, None, false);
        }
    };
    let again = |it: &Value| it["status"] == "Ready" && it["incarnation"] == 2;
    obeyed(&world, &mut agents, &undefined, "/hosts/desk-01", "it is made again", again).await;
    let pool = obeyed(&world, &mut agents, &undefined, "/pools/desks", "it is full again", is_ok).await;
    assert_eq!(pool["hosts"], 2);
    // And one that somebody deletes here is replaced.
    world.delete("/hosts/desk-02").await;
    let replaced = |it: &Value| is_ok(it) && it["hosts"] == 2;
    obeyed(&world, &mut agents, &undefined, "/pools/desks", "it is full once more", replaced).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_shrinks_only_where_nobody_works() {
    let (world, mut agents) = with_template(&["kvm-a"]).await;
    world.post("/pools", desks(json!({"size": 3}))).await;
    let ana = |order: &HostOrder, report: &mut HostReport| match order.name.as_str() {
        "desk-01" => report.users = Some(vec!["ana".to_owned()]),
        "desk-02" => report.users = None,
        _ => {}
    };
    let full = |it: &Value| is_ok(it) && it["in_use"] == 1;
    obeyed(&world, &mut agents, &ana, "/pools/desks", "it is full", full).await;
    let plan = world.ask(Method::PATCH, "/pools/desks?dry_run=true").json(&json!({"size": 1})).send().await;
    let plan: Value = plan.unwrap().json().await.unwrap();
    assert_eq!(plan["steps"][0], "keep 1 host in pool `desks` instead of 3 hosts");
    assert_eq!(plan["hosts"], json!(["desk-03"]), "{plan}");
    patch(&world, "/pools/desks", json!({"size": 1})).await;
    let shrunk = |it: &Value| it["hosts"] == 2;
    let pool = obeyed(&world, &mut agents, &ana, "/pools/desks", "the free one is gone", shrunk).await;
    assert_eq!(pool["status"], "Shrinking", "it waits for the others");
    let left = world.get("/hosts?pool=desks").await;
    assert_eq!(all(&left["items"], "name"), ["desk-01", "desk-02"]);
    // When they go home, it is as small as it should be; with spare hosts it grows with its use.
    let ok = |it: &Value| is_ok(it) && it["hosts"] == 1;
    obeyed(&world, &mut agents, &as_told, "/pools/desks", "it is small", ok).await;
    patch(&world, "/pools/desks", json!({"min": 1, "max": 5, "spare": 1})).await;
    let everybody = |_: &HostOrder, report: &mut HostReport| report.users = Some(vec!["eve".to_owned()]);
    let grown = |it: &Value| it["hosts"] == 5 && it["in_use"] == 5;
    obeyed(&world, &mut agents, &everybody, "/pools/desks", "it has grown to its most", grown).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_provider_is_made_up_for_where_the_pool_says_so() {
    let (world, mut agents) = with_template(&["kvm-a", "kvm-b"]).await;
    let settings = json!({"size": 2, "replace_elsewhere_seconds": 1, "min": 2, "max": 4});
    refuses(&world, Method::POST, "/pools", desks(settings), "A0001", "`size` is `min` and `max`").await;
    world.post("/pools", desks(json!({"size": 2, "replace_elsewhere_seconds": 1}))).await;
    obeyed(&world, &mut agents, &as_told, "/pools/desks", "it is full", is_ok).await;
    agents[1].fall_silent().await;
    let elsewhere = |it: &Value| it["spread"]["kvm-a"] == 2;
    obeyed(&world, &mut agents, &as_told, "/pools/desks", "made up for elsewhere", elsewhere).await;
    let whole = |it: &Value| is_ok(it) && it["hosts"] == 3;
    obeyed(&world, &mut agents, &as_told, "/pools/desks", "what is made up for is not too many", whole).await;
    // It returns with its host: one too many, which goes.
    agents[1].return_().await;
    let two = |it: &Value| is_ok(it) && it["hosts"] == 2;
    obeyed(&world, &mut agents, &as_told, "/pools/desks", "two again", two).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_cannot_fill_says_why() {
    let (world, mut agents) = with_template(&["kvm-a", "kvm-b"]).await;
    // What can never be is refused at once, and what can be in part is said beforehand.
    let never = desks(json!({"size": 5, "cap": 2}));
    refuses(&world, Method::POST, "/pools", never, "L0001", "its 2 providers of 2 hosts each take 4").await;
    let partly = desks(json!({"min": 1, "max": 5, "cap": 2}));
    let plan = world.post("/pools?dry_run=true", partly).await;
    assert_eq!(plan["obstacles"][0]["code"], "L0001", "{plan}");
    agents[1].fall_silent().await;
    world.until("/providers/kvm-b", "it is silent", |it| it["state"] == "Hypervisor silent").await;
    let plan = world.post("/pools?dry_run=true", desks(json!({"size": 4, "cap": 2}))).await;
    assert_eq!(plan["blockers"][0]["provider"], "kvm-b");
    world.post("/pools", desks(json!({"size": 4, "cap": 2}))).await;
    let cannot = |it: &Value| it["status"] == "Cannot fill" && it["ready"] == 2;
    let pool = obeyed(&world, &mut agents, &as_told, "/pools/desks", "it cannot", cannot).await;
    assert_eq!(pool["problem"]["code"], "L0001");
    assert!(pool["problem"]["cause"].as_str().unwrap().contains("kvm-b does not answer"), "{pool}");
    agents[1].return_().await;
    obeyed(&world, &mut agents, &as_told, "/pools/desks", "now it can", is_ok).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_goes_with_its_hosts_or_without_them_and_with_data_only_if_said() {
    let (world, mut agents) = with_template(&["kvm-a"]).await;
    let with_data = desks(json!({"size": 2, "setup": {"data_disk_bytes": 1 << 30}}));
    world.post("/pools", with_data).await;
    obeyed(&world, &mut agents, &as_told, "/pools/desks", "it is full", is_ok).await;
    refuses(&world, Method::DELETE, "/pools/desks", json!({}), "H0007", "2 of the hosts").await;
    // It shrinks only as somebody says what becomes of the data, and says that.
    let smaller = world.ask(Method::PATCH, "/pools/desks?dry_run=true").json(&json!({"size": 1}));
    let plan: Value = smaller.send().await.unwrap().json().await.unwrap();
    let why = "pool `desks` has 1 host too many, and `desk-01` has a data disk";
    assert!(plan["obstacles"][0]["cause"].as_str().unwrap().starts_with(why), "{plan}");
    refuses(&world, Method::DELETE, "/hosts/desk-01", json!({}), "H0007", "`desk-01` has a data disk").await;
    let plan = world.delete("/pools/desks?dry_run=true").await;
    assert_eq!(plan["obstacles"][0]["code"], "H0007");
    let plan = world.delete("/hosts/desk-01?dry_run=true&data=true").await;
    assert_eq!(
        plan["steps"],
        json!([
            "delete host `desk-01` with its disks on kvm-a",
            "delete its data disk of 1.00 GiB",
            "pool `desks` makes another one in its place if it needs to"
        ])
    );
    world.delete("/pools/desks?keep_hosts=true").await;
    let (status, _) = world.refused(Method::GET, "/pools/desks", json!({})).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let hosts = world.get("/hosts").await;
    assert!(hosts["items"].as_array().unwrap().iter().all(|host| host["pool"].is_null()), "{hosts}");

    world
        .post(
            "/pools",
            json!({"name": "more", "template": "win11", "pattern": "more-{n}",
        "settings": {"size": 2, "setup": {"data_disk_bytes": 1 << 30}}}),
        )
        .await;
    obeyed(&world, &mut agents, &as_told, "/pools/more", "it is full", is_ok).await;
    world.delete("/pools/more?data=true").await;
    let deleting =
        |it: &Value| it["items"].as_array().unwrap().iter().all(|pool| pool["status"] == "Deleting");
    world.until("/pools", "it goes", deleting).await;
    let told = agents[0].told("the deletions", |told| told.orders.deletions.len() == 2).await;
    assert!(
        told.orders.deletions.iter().all(|deletion| matches!(
            deletion,
            diecast_domain::assignment::Deletion::Host { data: true, .. }
        ))
    );
    let gone = |it: &Value| it["items"] == json!([]);
    obeyed(&world, &mut agents, &as_told, "/pools", "it is gone", gone).await;
    assert_eq!(world.get("/hosts").await["items"].as_array().unwrap().len(), 2, "the others stay");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_pool_can_be_is_refused_in_a_sentence() {
    let (world, _agents) = with_template(&["kvm-a"]).await;
    world.join("kvm-z").await;
    let bad = [
        (json!({}), "A0001", "say how many hosts"),
        (json!({"size": 0}), "A0001", "`max` is 0"),
        (json!({"size": 20000}), "A0001", "`max` is 20000"),
        (json!({"min": 5, "max": 2}), "A0001", "`min` is 5"),
        (json!({"min": 1, "max": 2, "spare": 3}), "A0001", "`spare` is 3"),
        (json!({"size": 150}), "L0005", "only 99 free names"),
        (json!({"size": 1, "version": "9"}), "A0004", "9"),
        (json!({"size": 1, "version": "stable"}), "A0004", "stable"),
        (json!({"size": 1, "version": "No Tag"}), "A0001", "cannot be a tag"),
        (json!({"size": 1, "placement": "anywhere"}), "A0001", "`anywhere`"),
        (json!({"size": 1, "placement": "weights"}), "A0001", "names no provider"),
        (json!({"size": 1, "weights": {"kvm-a": 1}}), "A0001", "go only with the placement"),
        (json!({"size": 1, "placement": "weights", "weights": {"kvm-a": 0}}), "A0001", "every provider 0"),
        (json!({"size": 1, "placement": "weights", "weights": {"nobody": 1}}), "A0004", "nobody"),
        (json!({"size": 1, "providers": ["kvm-z"]}), "A0004", "not on the distribution list"),
        (json!({"size": 1, "replace_elsewhere_seconds": 9999999}), "A0001", "replace_elsewhere_seconds"),
        (json!({"size": 1, "setup": {"preparation": "magic"}}), "A0001", "`magic`"),
        (json!({"size": 1, "terms": {"waves": "x"}}), "A0001", "`waves` is"),
        (json!({"size": 1, "terms": {"deadline": "2099-01-01T00:00:00Z"}}), "A0001", "one instant"),
        (json!({"size": 1, "colour": "red"}), "A0001", "unknown field"),
    ];
    for (settings, code, words) in bad {
        refuses(&world, Method::POST, "/pools", desks(settings.clone()), code, words).await;
        refuses(&world, Method::POST, "/pools?dry_run=true", desks(settings), code, words).await;
    }
    let named = |name: &str, template: &str, pattern: &str| json!({"name": name, "template": template, "pattern": pattern, "settings": {"size": 1}});
    refuses(&world, Method::POST, "/pools", named("A B", "win11", "d-{n}"), "A0001", "a pool name").await;
    refuses(&world, Method::POST, "/pools", named("desks", "nothing", "d-{n}"), "A0004", "nothing").await;
    refuses(&world, Method::POST, "/pools", named("desks", "win11", "desk"), "A0001", "name pattern").await;
    world.post("/pools", named("desks", "win11", "d-{n}")).await;
    refuses(&world, Method::POST, "/pools", named("desks", "win11", "d-{n}"), "A0005", "already").await;

    // A change is made to what was read, or not at all; what the pool finds out by itself is no change.
    let shown = world.ask(Method::GET, "/pools/desks").send().await.unwrap();
    let etag = shown.headers()["etag"].to_str().unwrap().to_owned();
    let change = |tag: &str, size: u32| {
        world.ask(Method::PATCH, "/pools/desks").header("If-Match", tag).json(&json!({"size": size})).send()
    };
    assert_eq!(change(&etag, 2).await.unwrap().status(), StatusCode::OK);
    assert_eq!(change(&etag, 3).await.unwrap().status(), StatusCode::PRECONDITION_FAILED);
    refuses(&world, Method::PATCH, "/pools/desks", json!({"size": 10}), "L0005", "only 9 free names").await;
    refuses(&world, Method::PATCH, "/pools/nothing", json!({"size": 1}), "A0004", "nothing").await;
}
