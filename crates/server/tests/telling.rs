//! Stories of being told: who hears what of which trouble, by webhook and by script.
#![allow(clippy::unwrap_used)]

mod receivers;
mod world;

use diecast_domain::{
    code::{Code, Problem},
    damage::{Damage, Place},
    replica::Phase,
    units::{ByteCount, Timestamp},
};
use receivers::{Hook, SECRET};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt, time::Duration};
use world::{Agent, World};

/// Told at once, and once in a long time.
fn at_once() -> Value {
    json!({"group_seconds": 0, "quiet_seconds": 3600})
}

async fn add_hook(world: &World, name: &str, hook: &Hook, terms: Value) {
    let webhook = json!({"url": hook.url, "secret": SECRET});
    let made = world.post("/notifications", json!({"name": name, "webhook": webhook, "terms": terms})).await;
    assert_eq!(made["way"], "webhook");
    assert_eq!(made["secret"], Value::Null, "one that was given is not shown");
}

async fn kinds(world: &World) -> Vec<String> {
    let alarms = world.get("/alarms").await;
    alarms["items"].as_array().unwrap().iter().map(|it| it["kind"].as_str().unwrap().to_owned()).collect()
}

async fn hypervisor_is_silent(agent: &mut Agent, silent: bool) {
    agent.said.hypervisor_problem =
        silent.then(|| Problem::new(Code::P0002, "libvirtd does not answer: connection refused"));
    agent.report().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_lost_is_told_signed_once_and_so_is_that_it_is_back() {
    let mut world = World::start().await;
    let mut agent = world.join("kvm-a").await;
    let hook = Hook::start().await;
    add_hook(&world, "ops", &hook, at_once()).await;
    hypervisor_is_silent(&mut agent, true).await;
    let told = hook.next().await;
    assert_eq!(told["raised"][0]["kind"], "provider-lost");
    assert_eq!((&told["raised"][0]["name"], &told["raised"][0]["code"]), (&json!("kvm-a"), &json!("P0002")));
    assert_eq!(told["summary"], "Provider lost: kvm-a");
    assert_eq!(kinds(&world).await, ["provider-lost"]);
    world.restart().await;
    agent.url = world.url.clone();
    agent.report().await;
    assert_eq!(kinds(&world).await, ["provider-lost"], "it stands, and nobody is told of it again");
    hypervisor_is_silent(&mut agent, false).await;
    let told = hook.next().await;
    assert_eq!(told["raised"], json!([]));
    assert_eq!(told["cleared"][0]["name"], "kvm-a");
    assert_eq!(kinds(&world).await, [""; 0]);
    let events = world.get("/events/history?limit=1000").await.to_string();
    assert!(events.contains("alarm.raised") && events.contains("alarm.cleared"), "{events}");
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_and_a_failed_distribution_are_told_with_cause_and_next_step() {
    let world = World::start().await;
    let mut agents = vec![world.join("kvm-a").await, world.join("kvm-b").await];
    let manifest = world.distribute("win11", &mut agents).await;
    let hook = Hook::start().await;
    add_hook(&world, "ops", &hook, at_once()).await;
    let place = Place { file: "disk0".into(), span: None, unreadable: false };
    let found = Damage { found_at: Some(Timestamp(5)), places: vec![place], count: 1, ..Damage::default() };
    agents[1].hold(manifest.digest(), Phase::Damaged);
    agents[1].said.replicas[0].damage = Some(found.clone());
    agents[1].report().await;
    let told = hook.next().await;
    assert_eq!(told["raised"].as_array().unwrap().len(), 1, "damage is not a failed distribution as well");
    assert_eq!(
        (&told["raised"][0]["kind"], &told["raised"][0]["code"]),
        (&json!("replica-damaged"), &json!("T0008"))
    );
    assert!(
        told["raised"][0]["cause"]
            .as_str()
            .unwrap()
            .contains("v1 of `win11` on kvm-b is damaged: the file disk0")
    );
    agents[1].said.replicas[0].damage = Some(Damage { last_copy: true, ..found });
    agents[1].report().await;
    let told = hook.next().await;
    assert_eq!(told["raised"][0]["kind"], "last-copy-damaged");
    agents[1].hold(manifest.digest(), Phase::Ready);
    agents[1].report().await;
    assert_eq!(hook.next().await["cleared"][0]["kind"], "last-copy-damaged");
    agents[1].hold(manifest.digest(), Phase::Failed);
    agents[1].said.replicas[0].problem = Some(Problem::new(Code::P0004, "kvm-b has 1 GiB free"));
    agents[1].report().await;
    let told = hook.next().await;
    assert_eq!(told["raised"][0]["kind"], "distribution-failed");
    assert_eq!(told["raised"][0]["cause"], "`win11` does not get to kvm-b: kvm-b has 1 GiB free");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_up_together_is_one_message() {
    let world = World::start().await;
    let mut agents = Vec::new();
    for name in ["kvm-a", "kvm-b", "kvm-c"] {
        agents.push(world.join(name).await);
    }
    let hook = Hook::start().await;
    add_hook(&world, "ops", &hook, json!({"group_seconds": 2})).await;
    for agent in &mut agents {
        hypervisor_is_silent(agent, true).await;
    }
    world.until("/alarms", "all three are lost", |it| it["items"].as_array().unwrap().len() == 3).await;
    let told = hook.next().await;
    // An idle machine puts them all into it; a busy one may leave the last for the next message.
    let mut count = told["raised"].as_array().unwrap().len();
    assert!(count >= 2, "{told}");
    while count < 3 {
        count += hook.next().await["raised"].as_array().unwrap().len();
    }
    assert_eq!(count, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_is_told_only_what_it_asked_for() {
    let world = World::start().await;
    let mut agent = world.join("kvm-a").await;
    let (all, critical, storage) = (Hook::start().await, Hook::start().await, Hook::start().await);
    add_hook(&world, "all", &all, at_once()).await;
    let mut terms = at_once();
    terms["severity"] = json!("critical");
    add_hook(&world, "critical", &critical, terms).await;
    let mut terms = at_once();
    terms["kinds"] = json!(["storage-low"]);
    add_hook(&world, "storage", &storage, terms).await;
    let facts = agent.said.facts.as_mut().unwrap();
    let storages = &mut facts.storages[0];
    (storages.capacity, storages.free) = (ByteCount::gib(100), ByteCount::gib(1));
    agent.report().await;
    assert_eq!(all.next().await["raised"][0]["kind"], "storage-low");
    assert_eq!(storage.next().await["raised"][0]["code"], "P0004");
    hypervisor_is_silent(&mut agent, true).await;
    assert_eq!(critical.next().await["raised"][0]["kind"], "provider-lost", "the first that it hears");
    assert_eq!(storage.waiting(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_refused_is_sent_again_under_the_same_id_until_it_is_taken() {
    let world = World::start().await;
    let mut agent = world.join("kvm-a").await;
    let hook = Hook::start().await;
    hook.refuse(StatusCode::INTERNAL_SERVER_ERROR);
    add_hook(&world, "ops", &hook, at_once()).await;
    hypervisor_is_silent(&mut agent, true).await;
    let first = hook.refused().await;
    let failing = |it: &Value| it["problem"]["code"] == "N0002";
    let shown = world.until("/notifications/ops", "it says so", failing).await;
    assert!(shown["problem"]["cause"].as_str().unwrap().contains("HTTP 500"), "{shown}");
    assert!(shown["next_attempt_at"].is_string() && shown["failing_since"].is_string());
    hook.take();
    // What somebody changes is tried at once.
    let change = json!({"terms": {"quiet_seconds": 60}});
    let changed = world.ask(Method::PATCH, "/notifications/ops").json(&change).send().await.unwrap();
    assert_eq!(changed.status(), StatusCode::OK);
    let told = hook.next().await;
    assert_eq!(told["id"], first["id"]);
    let well = |it: &Value| it["problem"].is_null() && it["last_sent_at"].is_string();
    world.until("/notifications/ops", "it is well again", well).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_that_fails_is_an_alarm_of_which_the_others_tell_until_it_is_well_or_rests() {
    let world = World::start().await;
    let mut agent = world.join("kvm-a").await;
    let (deaf, well) = (Hook::start().await, Hook::start().await);
    deaf.refuse(StatusCode::SERVICE_UNAVAILABLE);
    add_hook(&world, "deaf", &deaf, at_once()).await;
    add_hook(&world, "well", &well, at_once()).await;
    hypervisor_is_silent(&mut agent, true).await;
    assert_eq!(well.next().await["raised"][0]["kind"], "provider-lost");
    let change = async |terms: Value| {
        let body = json!({ "terms": terms });
        let changed = world.ask(Method::PATCH, "/notifications/deaf").json(&body).send().await.unwrap();
        assert_eq!(changed.status(), StatusCode::OK);
    };
    // Each change has it tried at once.
    for attempt in 1..=3 {
        deaf.refused().await;
        change(json!({"quiet_seconds": 1000 + attempt})).await;
    }
    let told = well.next().await;
    assert_eq!(
        (&told["raised"][0]["kind"], &told["raised"][0]["name"]),
        (&json!("notification-failed"), &json!("deaf"))
    );
    assert_eq!(told["raised"][0]["code"], "N0002");
    change(json!({"enabled": false})).await;
    assert_eq!(well.next().await["cleared"][0]["kind"], "notification-failed");
    deaf.take();
    change(json!({"enabled": true})).await;
    let told = deaf.next().await;
    assert_eq!(told["raised"][0]["kind"], "provider-lost", "what stands now, and only that: {told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_hangs_holds_up_nobody() {
    let world = World::start().await;
    let mut agent = world.join("kvm-a").await;
    let (hangs, well) = (Hook::hanging().await, Hook::start().await);
    add_hook(&world, "hangs", &hangs, at_once()).await;
    add_hook(&world, "well", &well, at_once()).await;
    hypervisor_is_silent(&mut agent, true).await;
    assert_eq!(well.next().await["raised"][0]["kind"], "provider-lost");
    hypervisor_is_silent(&mut agent, false).await;
    assert_eq!(well.next().await["cleared"][0]["kind"], "provider-lost");
    assert_eq!(kinds(&world).await, [""; 0], "and the reconciler goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_says_at_once_what_came_of_it() {
    let world = World::start().await;
    let hook = Hook::start().await;
    add_hook(&world, "ops", &hook, json!({})).await;
    let tested = world.post("/notifications/ops/test", json!({})).await;
    assert_eq!((&tested["delivered"], &tested["detail"]), (&json!(true), &json!("HTTP 200 OK")));
    let told = hook.next().await;
    assert_eq!((&told["test"], &told["raised"]), (&json!(true), &json!([])));
    hook.refuse(StatusCode::FORBIDDEN);
    let tested = world.post("/notifications/ops/test", json!({})).await;
    assert_eq!((&tested["delivered"], &tested["problem"]["code"]), (&json!(false), &json!("N0002")));
    let gone = json!({"name": "gone", "webhook": {"url": "http://127.0.0.1:1/x?token=hidden"}});
    let made = world.post("/notifications", gone).await;
    assert!(made["secret"].as_str().unwrap().starts_with("dcw_"), "a drawn one is shown once");
    let tested = world.post("/notifications/gone/test", json!({})).await;
    assert_eq!(tested["problem"]["code"], "N0001");
    assert!(!tested.to_string().contains("hidden"), "{tested}");
    let plain = Hook::over_tls().await;
    let secure = json!({"name": "secure", "webhook": {"url": plain.url}});
    world.post("/notifications", secure).await;
    let tested = world.post("/notifications/secure/test", json!({})).await;
    assert_eq!(tested["problem"]["code"], "N0004", "an authority that nobody trusts: {tested}");
    let change = json!({"webhook": {"ca": plain.ca}});
    world.ask(Method::PATCH, "/notifications/secure").json(&change).send().await.unwrap();
    let tested = world.post("/notifications/secure/test", json!({})).await;
    assert_eq!(tested["delivered"], true, "{tested}");
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_go_in_and_never_come_out() {
    let world = World::start().await;
    let hook = Hook::start().await;
    let webhook = json!({"url": format!("{}?key=in-the-address", hook.url), "secret": SECRET});
    world.post("/notifications", json!({"name": "hook", "webhook": webhook})).await;
    let email = json!({"to": ["ops@example.org"], "from": "diecast@example.org", "smtp": "mail.example:587",
        "user": "diecast", "password": "a-mail-password"});
    let made = world.post("/notifications", json!({"name": "mail", "email": email})).await;
    assert_eq!(made["email"]["has_password"], true);
    let shown = [
        world.get("/notifications").await,
        world.get("/notifications/hook").await,
        world.get("/notifications/mail").await,
        world.get("/events/history?limit=1000").await,
        world.get("/audit").await,
    ];
    for shown in shown.map(|it| it.to_string()) {
        assert!(!shown.contains(SECRET) && !shown.contains("a-mail-password"), "{shown}");
    }
    for path in ["/notifications", "/audit", "/events/history?limit=1000"] {
        let list = world.get(path).await.to_string();
        assert!(!list.contains("in-the-address"), "lists are passed on: {list}");
    }
    let whole = world.get("/notifications/hook").await;
    assert!(
        whole["webhook"]["url"].as_str().unwrap().ends_with("in-the-address"),
        "who may change it sees it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_at_the_door() {
    let world = World::start().await;
    let mail = |change: Value| {
        let mut email = json!({"to": ["a@b.example"], "from": "c@d.example", "smtp": "mail.example"});
        email.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        json!({"name": "n", "email": email})
    };
    let hook = |webhook: Value| json!({"name": "n", "webhook": webhook});
    for (body, says) in [
        (json!({"name": "n"}), "exactly one"),
        (hook(json!({"url": "ftp://x/"})), "https://"),
        (hook(json!({"url": "nonsense"})), "no address"),
        (hook(json!({"url": "https://x/", "secret": "short"})), "16 to 500"),
        (hook(json!({"url": "https://x/", "ca": "nonsense"})), "no certificate"),
        (mail(json!({"to": []})), "lacks `to`"),
        (mail(json!({"to": ["nobody"]})), "no e-mail address"),
        (mail(json!({"smtp": "mail:0"})), "HOST:PORT"),
        (mail(json!({"tls": "ssl"})), "starttls"),
        (mail(json!({"user": "u"})), "go together"),
        (mail(json!({"tls": "none", "user": "u", "password": "p"})), "no password is sent"),
        (json!({"name": "N_", "script": {"name": "x"}}), "names no directory"),
        (
            json!({"name": "n", "webhook": {"url": "https://x/"}, "terms": {"kinds": ["lost"]}}),
            "provider-lost",
        ),
        (json!({"name": "n", "webhook": {"url": "https://x/"}, "terms": {"severity": "loud"}}), "critical"),
        (json!({"name": "n", "webhook": {"url": "https://x/"}, "terms": {"quiet_seconds": 100000}}), "86400"),
    ] {
        let (_, said) = world.refused(Method::POST, "/notifications", body.clone()).await;
        assert!(said["detail"].as_str().unwrap().contains(says), "{body}: {said}");
    }
    world.post("/notifications", hook(json!({"url": "https://x/"}))).await;
    let (status, _) = world.refused(Method::POST, "/notifications", hook(json!({"url": "https://y/"}))).await;
    assert_eq!(status, StatusCode::CONFLICT);
    let (_, said) =
        world.refused(Method::PATCH, "/notifications/n", json!({"email": {"to": ["a@b.c"]}})).await;
    assert!(said["detail"].as_str().unwrap().contains("make another"), "{said}");
    world.delete("/notifications/n").await;
    let (status, _) = world.refused(Method::POST, "/notifications/n/test", json!({})).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_is_handed_the_message_and_only_the_named_directory_is_run_from() {
    let mut world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    world.restart_with(|settings| settings.notification_scripts = Some(folder.path().to_owned())).await;
    let heard = folder.path().join("heard");
    let script = |name: &str, mode: u32, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    };
    script("tell", 0o755, &format!("cat > {0}.new; env > {0}.env; mv {0}.new {0}", heard.display()));
    script("fails", 0o755, "echo 'the pager is off' >&2; exit 3");
    script("plain", 0o644, "true");
    script("loose", 0o777, "true");
    for (name, says) in
        [("absent", "cannot be used"), ("plain", "executable"), ("loose", "others"), ("../x", "no path")]
    {
        let body = json!({"name": "n", "script": {"name": name}});
        let (_, said) = world.refused(Method::POST, "/notifications", body).await;
        assert_eq!(said["code"], "N0006");
        assert!(said["detail"].as_str().unwrap().contains(says), "{name}: {said}");
    }
    world.post("/notifications", json!({"name": "fails", "script": {"name": "fails"}})).await;
    let tested = world.post("/notifications/fails/test", json!({})).await;
    assert_eq!(tested["problem"]["code"], "N0005");
    assert!(tested["detail"].as_str().unwrap().contains("the pager is off"), "{tested}");
    let mut agent = world.join("kvm-a").await;
    world
        .post("/notifications", json!({"name": "tell", "script": {"name": "tell"}, "terms": at_once()}))
        .await;
    hypervisor_is_silent(&mut agent, true).await;
    let told = |it: &Value| it["last_sent_at"].is_string();
    world.until("/notifications/tell", "it was run", told).await;
    let message: Value = serde_json::from_slice(&fs::read(&heard).unwrap()).unwrap();
    assert_eq!(message["raised"][0]["name"], "kvm-a");
    let environment = fs::read_to_string(folder.path().join("heard.env")).unwrap();
    assert!(!environment.contains("DIECAST") && !environment.contains("HOME="), "{environment}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_never_ends_is_killed_with_all_that_it_started() {
    let mut world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    world.restart_with(|settings| settings.notification_scripts = Some(folder.path().to_owned())).await;
    let path = folder.path().join("hangs");
    let child = folder.path().join("child");
    fs::write(&path, format!("#!/bin/sh\nsleep 3000 &\necho $! > {}\nwait\n", child.display())).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    world.post("/notifications", json!({"name": "hangs", "script": {"name": "hangs"}})).await;
    let tested = world.post("/notifications/hangs/test", json!({})).await;
    assert_eq!(tested["problem"]["code"], "N0005");
    assert!(tested["detail"].as_str().unwrap().contains("was killed"), "{tested}");
    let child = fs::read_to_string(child).unwrap();
    let stat = format!("/proc/{}/stat", child.trim());
    // Killed it is at once; whoever inherits it may take a moment to bury it.
    let gone = || fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "));
    while !gone() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
