//! Stories of hosts that are recreated: in waves, with failures, with silence, while somebody works.
#![allow(clippy::unwrap_used)]

mod obeys;
mod world;

use diecast_domain::{
    assignment::HostOrder,
    host::{HostPhase, HostReport},
};
use obeys::{all, as_told, obeyed, refuses};
use reqwest::Method;
use serde_json::{Value, json};
use world::{Agent, World};

/// Hosts that stand, spread over the agents.
async fn with_hosts(names: &[&str], count: u32) -> (World, Vec<Agent>) {
    let world = World::start().await;
    let mut agents = Vec::new();
    for name in names {
        agents.push(world.join(name).await);
    }
    world.distribute("win11", &mut agents).await;
    world.post("/hosts", json!({"template": "win11", "count": count, "name": "desk-{n}"})).await;
    let ready = |it: &Value| all(&it["items"], "status").iter().all(|status| *status == "Ready");
    obeyed(&world, &mut agents, &as_told, "/hosts", "every host stands", ready).await;
    (world, agents)
}

fn desks(numbers: std::ops::RangeInclusive<u32>) -> Vec<String> {
    numbers.map(|number| format!("desk-{number}")).collect()
}

async fn begin(world: &World, body: Value) -> String {
    let made = world.post("/recreations", body).await;
    assert_eq!(made["items"].as_array().unwrap().len(), 1, "{made}");
    format!("/recreations/{}", made["items"][0]["id"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_are_recreated_in_waves_and_keep_who_they_are() {
    let (world, mut agents) = with_hosts(&["kvm-a", "kvm-b"], 4).await;
    let before = world.get("/hosts/desk-1").await;
    let asked = json!({"hosts": desks(1..=4), "terms": {"waves": "1,50%,100%"}});
    let plan = world.post("/recreations?dry_run=true", asked.clone()).await;
    let steps: Vec<&str> = plan["steps"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    assert_eq!(
        steps,
        [
            "wave 1: recreate desk-1 on v1 of `win11`",
            "wave 2: recreate desk-2 on v1 of `win11`",
            "wave 3: recreate desk-3, desk-4 on v1 of `win11`"
        ]
    );
    assert_eq!((plan["hosts"].as_array().unwrap().len(), &plan["bytes_network"]), (4, &json!(0)));
    assert_eq!(world.get("/recreations").await["items"], json!([]), "a dry run does nothing");

    let path = begin(&world, asked).await;
    let done = obeyed(&world, &mut agents, &as_told, &path, "it is done", |it| it["stage"] == "Done").await;
    assert_eq!((&done["passed"], &done["total"], &done["version"]), (&json!(4), &json!(4), &json!(1)));
    assert!(done["ended_at"].is_string());
    let after = world.get("/hosts/desk-1").await;
    assert_eq!(after["incarnation"], 2);
    for same in ["id", "name", "macs", "provider", "setup"] {
        assert_eq!(after[same], before[same], "{same}");
    }
    // The former disks are ordered away when their wave has passed.
    let gone = |it: &Value| it["items"].as_array().unwrap().iter().all(|host| host["status"] == "Ready");
    obeyed(&world, &mut agents, &as_told, "/hosts", "all are well", gone).await;
    for agent in &mut agents {
        while agent.said.hosts.iter().any(|host| !host.set_aside.is_empty()) {
            agent.obey(&as_told).await;
        }
    }
    let shown = world.get("/recreations?template=win11&running=false").await;
    assert_eq!(shown["items"].as_array().unwrap().len(), 1);
    assert_eq!(world.get("/recreations?running=true").await["items"], json!([]));
    let kinds = world.get("/events/history?object=recreation").await;
    let kinds = all(&kinds["items"], "kind");
    for kind in ["recreation.created", "recreation.begun", "recreation.done"] {
        assert!(kinds.contains(&kind), "{kind} is not in {kinds:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wave_that_fails_is_rolled_back_and_nothing_further_begun() {
    let (world, mut agents) = with_hosts(&["kvm-a"], 3).await;
    // From its second incarnation on, desk-1 has no guest that comes up; its former disks are well.
    let sick = |order: &HostOrder, report: &mut HostReport| {
        if order.name.as_str() == "desk-1" && order.restores.is_none() && order.incarnation > 1 {
            report.guest_agent = false;
        }
    };
    let terms = json!({"waves": "1,100%", "health_seconds": 5});
    let path = begin(&world, json!({"hosts": desks(1..=3), "terms": terms})).await;
    let stopped = obeyed(&world, &mut agents, &sick, &path, "it stops", |it| it["stage"] == "Stopped").await;
    assert_eq!(stopped["rolled_back"], 1);
    assert!(stopped["note"].as_str().unwrap().contains("desk-1"), "{stopped}");
    let ready = |it: &Value| it["status"] == "Ready" && it["incarnation"] == 3;
    obeyed(&world, &mut agents, &sick, "/hosts/desk-1", "it is what it was", ready).await;
    for other in ["desk-2", "desk-3"] {
        assert_eq!(world.get(&format!("/hosts/{other}")).await["incarnation"], 1, "{other} was not begun");
    }
    refuses(&world, Method::POST, &format!("{path}/cancel"), json!({}), "A0010", "is over: Stopped").await;
    refuses(&world, Method::POST, &format!("{path}/proceed"), json!({}), "A0010", "is over").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_provider_is_asked_about_and_its_hosts_follow_when_it_returns() {
    let (world, mut agents) = with_hosts(&["kvm-a", "kvm-b"], 2).await;
    agents[1].fall_silent().await;
    let silent = |it: &Value| it["state"] == "Hypervisor silent";
    world.until("/providers/kvm-b", "it does not answer", silent).await;
    let asked = json!({"hosts": desks(1..=2)});
    let plan = world.post("/recreations?dry_run=true", asked.clone()).await;
    assert_eq!(plan["blockers"][0]["provider"], "kvm-b");
    assert_eq!(plan["blockers"][0]["problem"]["code"], "P0002");

    // Left for later: nothing is recreated.
    let mut later = asked.clone();
    later["if_unavailable"] = json!("later");
    let path = begin(&world, later).await;
    world.until(&path, "it is left for later", |it| it["stage"] == "Cancelled").await;

    // Nobody decided: it waits, and says for whom.
    let made = world.post("/recreations", asked.clone()).await;
    let item = &made["items"][0];
    assert_eq!(item["stage"], "Awaiting decision", "{item}");
    assert_eq!((&item["silent"][0]["provider"], &item["silent"][0]["hosts"]), (&json!("kvm-b"), &json!(1)));
    let path = format!("/recreations/{}", item["id"].as_str().unwrap());
    let waits = world.until(&path, "it awaits a decision", |it| it["stage"] == "Awaiting decision").await;
    assert!(waits["hosts"][0]["note"].as_str().unwrap().contains("decision"), "{waits}");

    // Asked again, the new one takes over, and nobody is to decide about the former.
    let former = path;
    let path = begin(&world, asked).await;
    world.until(&former, "it is given up", |it| it["stage"] == "Cancelled").await;
    world.post(&format!("{path}/proceed"), json!({})).await;
    let passed = |it: &Value| it["passed"] == 1 && it["stage"] == "Running";
    let runs = obeyed(&world, &mut agents, &as_told, &path, "the one that answers is through", passed).await;
    let note = runs["hosts"].as_array().unwrap().iter().find(|it| it["state"] == "waiting").unwrap();
    assert!(note["note"].as_str().unwrap().contains("kvm-b does not answer since"), "{runs}");

    agents[1].return_().await;
    let done = |it: &Value| it["stage"] == "Done" && it["passed"] == 2;
    obeyed(&world, &mut agents, &as_told, &path, "the other has followed", done).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_in_use_waits_until_it_is_free_or_its_deadline_has_come() {
    let (world, mut agents) = with_hosts(&["kvm-a"], 2).await;
    let ana = |order: &HostOrder, report: &mut HostReport| {
        if order.name.as_str() == "desk-1" && order.incarnation == 1 {
            report.users = Some(vec!["ana".to_owned()]);
        }
    };
    let used = |it: &Value| it["in_use"] == "yes";
    let host = obeyed(&world, &mut agents, &ana, "/hosts/desk-1", "ana works there", used).await;
    assert_eq!(host["users"], json!(["ana"]));
    let asked = json!({"hosts": desks(1..=2), "terms": {"waves": "2"}});
    let plan = world.post("/recreations?dry_run=true", asked.clone()).await;
    assert_eq!(plan["users"], json!(["ana on desk-1"]));
    assert!(plan["steps"][1].as_str().unwrap().starts_with("wait until desk-1"), "{plan}");
    let path = begin(&world, asked).await;
    let waits = |it: &Value| it["waiting"] == 1 && it["hosts"][1]["state"] != "waiting";
    let shown = obeyed(&world, &mut agents, &ana, &path, "the other one is through", waits).await;
    assert_eq!(shown["hosts"][0]["note"], "in use by ana");
    refuses(&world, Method::POST, "/recreations", json!({"hosts": ["desk-1"]}), "L0020", "desk-1").await;
    world.post(&format!("{path}/cancel"), json!({})).await;
    obeyed(&world, &mut agents, &ana, &path, "it is cancelled", |it| it["stage"] == "Cancelled").await;
    assert_eq!(world.get("/hosts/desk-1").await["incarnation"], 1, "nobody took ana's desk");

    // With a deadline that comes, it is recreated all the same.
    let soon = diecast_api::time::rfc3339(diecast_domain::units::Timestamp(
        1000 + std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis() as i64,
    ));
    let path = begin(&world, json!({"hosts": ["desk-1"], "terms": {"deadline": soon}})).await;
    obeyed(&world, &mut agents, &ana, &path, "the deadline has come", |it| it["stage"] == "Done").await;
    assert_eq!(world.get("/hosts/desk-1").await["incarnation"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recreation_goes_on_where_it_was_when_the_server_comes_back() {
    let (mut world, mut agents) = with_hosts(&["kvm-a"], 3).await;
    let path = begin(&world, json!({"hosts": desks(1..=3), "terms": {"waves": "1,100%"}})).await;
    let half = |it: &Value| it["passed"] == 1;
    obeyed(&world, &mut agents, &as_told, &path, "the first wave has passed", half).await;
    world.restart().await;
    agents[0].url = world.url.clone();
    assert_eq!(world.get(&path).await["total"], 3);
    let done = obeyed(&world, &mut agents, &as_told, &path, "it is done", |it| it["stage"] == "Done").await;
    assert_eq!(done["passed"], 3);
    let hosts = world.get("/hosts").await;
    assert!(hosts["items"].as_array().unwrap().iter().all(|host| host["incarnation"] == 2), "each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_thrown_out_on_what_was_known_before_the_server_began() {
    let (mut world, mut agents) = with_hosts(&["kvm-a"], 1).await;
    let nobody = |_: &HostOrder, report: &mut HostReport| report.users = Some(Vec::new());
    let free = |it: &Value| it["status"] == "Ready" && it["in_use"] == "no";
    obeyed(&world, &mut agents, &nobody, "/hosts/desk-1", "nobody is there", free).await;
    let kept = |it: &Value| all(&it["items"], "kind").contains(&"host.made");
    world.until("/events/history?object=host", "that is written down", kept).await;
    world.restart().await;
    agents[0].url = world.url.clone();
    // Nobody was signed in when the server stopped; ana has been since.
    let path = begin(&world, json!({"hosts": ["desk-1"]})).await;
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    let ana = |_: &HostOrder, report: &mut HostReport| report.users = Some(vec!["ana".to_owned()]);
    let waits = |it: &Value| it["hosts"][0]["note"] == "in use by ana";
    obeyed(&world, &mut agents, &ana, &path, "it waits for ana", waits).await;
    assert_eq!(world.get("/hosts/desk-1").await["incarnation"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_recreated_is_refused_in_a_sentence() {
    let (world, mut agents) = with_hosts(&["kvm-a"], 1).await;
    let path = "/recreations";
    let bad = [
        (json!({}), "A0001", "exactly one of"),
        (json!({"hosts": ["desk-1"], "template": "win11"}), "A0001", "exactly one of"),
        (json!({"hosts": ["desk-1"], "outdated": true}), "A0001", "goes with `template` or `pool`"),
        (json!({"hosts": ["nobody"]}), "A0004", "nobody"),
        (json!({"template": "nothing", "outdated": true}), "A0004", "nothing"),
        (json!({"pool": "nothing", "outdated": true}), "A0004", "nothing"),
        (json!({"hosts": ["desk-1"], "version": "7"}), "A0004", "7"),
        (json!({"hosts": ["desk-1"], "version": "stable"}), "A0004", "stable"),
        (json!({"hosts": ["desk-1"], "at": "2001-01-01T00:00:00Z"}), "A0001", "has passed"),
        (json!({"hosts": ["desk-1"], "at": "soon"}), "A0001", "RFC 3339"),
        (json!({"hosts": ["desk-1"], "if_unavailable": "panic"}), "A0001", "`panic`"),
        (json!({"hosts": ["desk-1"], "terms": {"waves": "0"}}), "A0001", "`waves` is"),
        (json!({"hosts": ["desk-1"], "terms": {"deadline": "2001-01-01T00:00:00Z"}}), "A0001", "has passed"),
        (json!({"hosts": ["desk-1"], "terms": {"health_seconds": 1}}), "A0001", "health_seconds"),
        (json!({"hosts": ["desk-1"], "when": "now"}), "A0001", "unknown field"),
    ];
    for (body, code, words) in bad {
        refuses(&world, Method::POST, path, body.clone(), code, words).await;
        refuses(&world, Method::POST, &format!("{path}?dry_run=true"), body, code, words).await;
    }
    for unknown in ["nonsense", "0190a5b2-0000-7000-8000-000000000001"] {
        refuses(&world, Method::GET, &format!("{path}/{unknown}"), json!({}), "A0004", unknown).await;
        refuses(&world, Method::POST, &format!("{path}/{unknown}/cancel"), json!({}), "A0004", unknown).await;
    }
    // Nothing is outdated: said, and no recreation is made.
    let outdated = json!({"template": "win11", "outdated": true});
    assert_eq!(world.post(path, outdated.clone()).await, json!({"items": [], "next": null}));
    let plan = world.post(&format!("{path}?dry_run=true"), outdated).await;
    assert_eq!(plan["steps"], json!(["nothing to do: no host is outdated"]));

    // A key makes one, however often it is said.
    let begin = || {
        let at = json!({"hosts": ["desk-1"], "at": "2099-01-01T00:00:00Z"});
        world.ask(Method::POST, path).header("Idempotency-Key", "once").json(&at).send()
    };
    let first: Value = begin().await.unwrap().json().await.unwrap();
    let second: Value = begin().await.unwrap().json().await.unwrap();
    assert_eq!(first["items"][0]["id"], second["items"][0]["id"]);
    assert_eq!(
        (&first["items"][0]["stage"], &first["items"][0]["waiting"]),
        (&json!("Scheduled"), &json!(1))
    );
    assert_eq!(world.get(path).await["items"].as_array().unwrap().len(), 1);

    // A host that goes leaves its recreation.
    world.delete("/hosts/desk-1").await;
    let id = format!("{path}/{}", first["items"][0]["id"].as_str().unwrap());
    obeyed(&world, &mut agents, &as_told, &id, "it has left", |it| it["hosts"][0]["state"] == "left").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_gone_is_not_what_it_was_asked_to_be() {
    let (world, mut agents) = with_hosts(&["kvm-a"], 2).await;
    let path = begin(&world, json!({"hosts": desks(1..=2), "terms": {"waves": "1,100%"}})).await;
    // Somebody undefines each as soon as it is made anew.
    let gone = |order: &HostOrder, report: &mut HostReport| {
        if order.incarnation == 2 && order.name.as_str() == "desk-1" {
            (report.phase, report.power, report.guest_agent) = (HostPhase::Gone, None, false);
        }
    };
    let stopped = obeyed(&world, &mut agents, &gone, &path, "it stops", |it| it["stage"] == "Stopped").await;
    assert_eq!(stopped["hosts"][0]["state"], "rolled back", "{stopped}");
}
