//! Stories of what is done at a time.
#![allow(clippy::unwrap_used)]

mod obeys;
mod world;

use diecast_api::time::rfc3339;
use diecast_domain::{
    assignment::{Act, HostOrder},
    host::HostReport,
    provider::Power,
    units::Timestamp,
};
use obeys::{as_told, obeyed, publish_next, refuses};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::SystemTime;
use world::{Agent, World};

/// So many seconds from now; whole seconds are what travels.
fn soon(seconds: i64) -> String {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis() as i64;
    rfc3339(Timestamp(now + 1000 * seconds))
}

async fn with_host() -> (World, Vec<Agent>) {
    let world = World::start().await;
    let mut agents = vec![world.join("kvm-a").await];
    world.distribute("win11", &mut agents).await;
    world.post("/hosts", json!({"template": "win11", "count": 1, "name": "desk-1"})).await;
    let ready = |it: &Value| it["status"] == "Ready";
    obeyed(&world, &mut agents, &as_told, "/hosts/desk-1", "it stands", ready).await;
    (world, agents)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_does_at_its_time_what_an_operator_would_have_done() {
    let (world, mut agents) = with_host().await;
    let off = |_: &HostOrder, report: &mut HostReport| {
        (report.power, report.guest_agent) = (Some(Power::Off), false);
    };
    let is_off = |it: &Value| it["status"] == "Off";
    obeyed(&world, &mut agents, &off, "/hosts/desk-1", "it is off", is_off).await;
    let body = json!({"name": "morning", "action": "start", "hosts": ["desk-1"], "at": soon(4)});
    let made = world.post("/schedules", body).await;
    assert_eq!((&made["selection"], &made["enabled"]), (&json!("1 host"), &json!(true)));
    assert_eq!(made["next_at"], made["when"]);
    let starts = |act: &Act| matches!(act, Act::StartHost { .. });
    agents[0].told("to start it", |told| told.orders.operations.iter().any(|it| starts(&it.act))).await;
    let ran = |it: &Value| it["last_ok"] == true;
    let shown = world.until("/schedules/morning", "it has run", ran).await;
    assert_eq!(shown["last_outcome"], "1 host is started");
    assert_eq!(shown["next_at"], Value::Null, "it runs once");
    refuses(&world, Method::PATCH, "/schedules/morning", json!({"enabled": true}), "L0006", "is over").await;
    world.delete("/schedules/morning").await;
    assert_eq!(world.get("/schedules").await["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_recreates_what_is_outdated_by_then() {
    let (world, mut agents) = with_host().await;
    publish_next(&world, &mut agents, 2, &[0]).await;
    let body = json!({"name": "night", "action": "recreate", "template": "win11", "at": soon(4),
        "terms": {"waves": "100%"}});
    world.post("/schedules", body).await;
    let moved = |it: &Value| it["version"] == 2 && it["status"] == "Ready";
    obeyed(&world, &mut agents, &as_told, "/hosts/desk-1", "it has moved", moved).await;
    let shown = world.get("/recreations").await;
    assert_eq!(shown["items"][0]["author"], "schedule night");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_next_is_shown_before_and_after_it_is_made() {
    let (world, _agents) = with_host().await;
    let body = json!({"name": "night", "action": "stop", "template": "win11", "force": true,
        "cron": "0 3 * * SAT", "zone": "Europe/Madrid"});
    let plan = world.post("/schedules?dry_run=true", body.clone()).await;
    let steps = plan["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 5, "{plan}");
    assert!(steps.iter().all(|step| step.as_str().unwrap().ends_with(": stop template `win11`")));
    assert_eq!(plan["hosts"], json!(["desk-1"]));
    assert_eq!(world.get("/schedules").await["items"], json!([]), "a dry run does nothing");
    let made = world.post("/schedules", body.clone()).await;
    assert_eq!(
        (&made["when"], &made["selection"]),
        (&json!("0 3 * * SAT (Europe/Madrid)"), &json!("template `win11`"))
    );
    assert!(steps[0].as_str().unwrap().contains(made["next_at"].as_str().unwrap()));
    refuses(&world, Method::POST, "/schedules", body, "A0005", "already").await;
    let rest = |enabled: bool| {
        world.ask(Method::PATCH, "/schedules/night").json(&json!({"enabled": enabled})).send()
    };
    let shown: Value = rest(false).await.unwrap().json().await.unwrap();
    assert_eq!((&shown["enabled"], &shown["next_at"]), (&json!(false), &Value::Null));
    let shown: Value = rest(true).await.unwrap().json().await.unwrap();
    assert_eq!((&shown["enabled"], &shown["next_at"]), (&json!(true), &made["next_at"]));
    let shown = world.ask(Method::GET, "/schedules/night").send().await.unwrap();
    let etag = shown.headers()["etag"].to_str().unwrap().to_owned();
    rest(false).await.unwrap();
    let remove = world.ask(Method::DELETE, "/schedules/night").header("If-Match", etag).send().await.unwrap();
    assert_eq!(remove.status(), StatusCode::PRECONDITION_FAILED);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_never_run_is_refused_in_a_sentence() {
    let (world, _agents) = with_host().await;
    let with = |change: Value| {
        let mut body = json!({"name": "night", "action": "start", "template": "win11", "cron": "0 3 * * *"});
        for (key, value) in change.as_object().unwrap() {
            body[key] = value.clone();
        }
        body
    };
    let bad = [
        (json!({"name": "Night Shift"}), "A0001", "a schedule name"),
        (json!({"action": "explode"}), "A0001", "`explode`"),
        (json!({"cron": null}), "A0001", "either `at` or `cron`"),
        (json!({"at": "2099-01-01T00:00:00Z"}), "A0001", "either `at` or `cron`"),
        (json!({"cron": null, "at": "2001-01-01T00:00:00Z"}), "L0006", "is over"),
        (json!({"cron": null, "at": "tomorrow"}), "A0001", "RFC 3339"),
        (
            json!({"cron": null, "at": "2099-01-01T00:00:00Z", "zone": "UTC"}),
            "A0001",
            "`zone` goes with `cron`",
        ),
        (json!({"cron": "every night"}), "L0006", "no cron expression"),
        (json!({"cron": "0 0 30 2 *"}), "L0006", "never comes to pass"),
        (json!({"cron": "* * * * * *"}), "L0006", "five fields"),
        (json!({"cron": "x".repeat(5000)}), "L0006", "too long"),
        (json!({"zone": "Europe/Atlantis"}), "L0006", "no time zone"),
        (json!({"zone": "../../etc/passwd"}), "L0006", "no time zone"),
        (json!({"template": null}), "A0001", "exactly one of"),
        (json!({"pool": "desks"}), "A0001", "exactly one of"),
        (json!({"template": "nothing"}), "A0004", "nothing"),
        (json!({"template": null, "pool": "nothing"}), "A0004", "nothing"),
        (json!({"template": null, "hosts": ["nobody"]}), "A0004", "nobody"),
        (json!({"force": true}), "A0001", "only with the action `stop`"),
        (json!({"terms": {"waves": "5"}}), "A0001", "only with the action `recreate`"),
        (
            json!({"action": "recreate", "terms": {"deadline": "2099-01-01T00:00:00Z"}}),
            "A0001",
            "one instant",
        ),
        (json!({"when": "now"}), "A0001", "unknown field"),
    ];
    for (change, code, words) in bad {
        refuses(&world, Method::POST, "/schedules", with(change.clone()), code, words).await;
        refuses(&world, Method::POST, "/schedules?dry_run=true", with(change), code, words).await;
    }
    refuses(&world, Method::GET, "/schedules/nothing", json!({}), "A0004", "nothing").await;
    refuses(&world, Method::DELETE, "/schedules/nothing", json!({}), "A0004", "nothing").await;
}
