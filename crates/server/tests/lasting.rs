//! What survives: restarts, waits, streams, and what is refused at a start.
#![allow(clippy::unwrap_used)]

mod world;

use diecast_domain::code::Code;
use diecast_server::start;
use futures::StreamExt;
use reqwest::Method;
use serde_json::{Value, json};
use std::{fs, time::Duration};
use tempfile::TempDir;
use world::{World, settings};

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_everything_and_calls_nobody_lost_at_once() {
    let mut world = World::start().await;
    let mut agents = [world.join("kvm-a").await, world.join("kvm-b").await];
    let digest = world.distribute("win11", &mut agents).await.digest();
    world.post("/hosts", json!({"template": "win11", "count": 1, "name": "desk-1"})).await;
    let told = agents[1]
        .told("the version", |told| told.orders.replica(&digest).is_some_and(|it| !it.sources.is_empty()))
        .await;
    let history = world.get("/events/history").await;
    world.restart().await;
    let shown = world.get("/templates/win11/distribution").await;
    assert_eq!(shown["summary"]["text"], "OK", "nobody has called yet, and all are given the time to");
    assert_eq!(world.get("/hosts/desk-1").await["name"], "desk-1");
    assert_eq!(world.get("/providers/kvm-a").await["state"], "Available");
    // Some passes later nothing new was said to anybody: transfers are not disturbed.
    tokio::time::sleep(Duration::from_secs(2)).await;
    agents[1].url = world.url.clone();
    let again = agents[1].assignment(None).await.unwrap();
    assert_eq!(again, told);
    assert_eq!(world.get("/events/history").await, history);
    agents[1].report().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_for_orders_ends_when_there_are_some() {
    let world = World::start().await;
    let agent = world.join("kvm-a").await;
    let held = agent.assignment(None).await.unwrap();
    let waits = tokio::spawn(async move { (agent.assignment(Some(held.generation)).await, held) });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!waits.is_finished(), "there is nothing new yet");
    world.ask(Method::PATCH, "/providers/kvm-a").json(&json!({"storage": "fast"})).send().await.unwrap();
    let (told, held) = waits.await.unwrap();
    let told = told.expect("woken by what changed, long before the wait is over");
    assert!(told.generation > held.generation);
    assert_eq!(told.orders.settings.storage, "fast");
}

/// Reads a stream until `enough` of what it said.
async fn follow(world: &World, last: Option<&str>, enough: impl Fn(&str) -> bool) -> String {
    let mut request = world.ask(Method::GET, "/events");
    if let Some(last) = last {
        request = request.header("Last-Event-ID", last);
    }
    let mut stream = request.send().await.unwrap().bytes_stream();
    let mut said = String::new();
    let read = async {
        while !enough(&said) {
            said += std::str::from_utf8(&stream.next().await.unwrap().unwrap()).unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(60), read).await.expect("the stream says what happens");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_resumes_where_it_was_left_and_says_when_it_cannot() {
    let world = World::start().await;
    let first = follow(&world, None, |said| said.contains("id: 0")).await;
    assert!(!first.contains("reset"));
    world.add_provider("kvm-a").await;
    world.add_provider("kvm-b").await;
    let all = follow(&world, Some("0"), |said| said.contains("kvm-b")).await;
    assert!(all.contains("id: 1\n") && all.contains("provider.added"));
    let rest = follow(&world, Some("1"), |said| said.contains("kvm-b")).await;
    assert!(!rest.contains("kvm-a"));
    let reset = follow(&world, Some("999"), |said| said.contains("\n\n")).await;
    assert!(reset.contains("event: reset"), "a number from another life of the store: {reset}");
    let live = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        world.add_provider("kvm-c").await;
    };
    let (said, ()) = tokio::join!(follow(&world, None, |said| said.contains("kvm-c")), live);
    assert!(!said.contains("kvm-b"));
    let history: Value = world.get("/events/history?object=provider&name=kvm-b").await;
    assert_eq!(history["items"].as_array().unwrap().len(), 1);
}

async fn refused_start(folder: &TempDir) -> diecast_domain::code::Problem {
    match start(settings(folder)).await {
        Ok(_) => panic!("it started"),
        Err(problem) => problem,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_database_is_named_and_left_as_it_is() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("diecast.db");
    fs::write(&path, b"this is no database").unwrap();
    let problem = refused_start(&folder).await;
    assert_eq!(problem.code, Code::S0001);
    assert!(problem.cause.contains("diecast.db"));
    assert_eq!(fs::read(&path).unwrap(), b"this is no database");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_cannot_share_a_folder_or_a_port() {
    let world = World::start().await;
    assert_eq!(refused_start(&world.folder).await.code, Code::S0006);
    let other = TempDir::new().unwrap();
    let mut taken = settings(&other);
    taken.listen = world.server.as_ref().unwrap().address;
    let problem = start(taken).await.err().expect("the port is taken");
    assert_eq!(problem.code, Code::S0002);
    assert!(!other.path().join("ca.pem").exists(), "a first start that failed has made nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_none_is_refused() {
    let folder = TempDir::new().unwrap();
    let mut bad = settings(&folder);
    bad.data = folder.path().join("file");
    fs::write(&bad.data, b"").unwrap();
    let problem = start(bad).await.err().expect("a file is no folder");
    assert_eq!(problem.code, Code::S0003);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_first_start_makes_is_there_and_private() {
    use std::os::unix::fs::MetadataExt;
    let folder = TempDir::new().unwrap();
    let mut first = settings(&folder);
    first.admin_password = None;
    let server = start(first).await.unwrap();
    assert!(server.password.as_ref().is_some_and(|password| password.len() >= 16));
    assert_eq!(fs::read_to_string(folder.path().join("ca.pem")).unwrap(), server.ca_pem);
    assert!(!server.ca_pem.contains("PRIVATE"));
    assert_eq!(fs::metadata(folder.path().join("diecast.db")).unwrap().mode() & 0o077, 0);
    server.stop().await;
    let again = start(settings(&folder)).await.unwrap();
    assert_eq!(again.password, None, "shown once");
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_makes_a_provider_not_available_and_its_return_needs_no_click() {
    let world = World::start().await;
    let mut agents = [world.join("kvm-a").await, world.join("kvm-b").await];
    world.distribute("win11", &mut agents).await;
    let [mut a, mut b] = agents;
    let path = "/templates/win11/distribution";
    let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
    let talks = tokio::spawn(async move {
        while stopped.try_recv().is_err() {
            a.report().await;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    let silent = |it: &Value| it["providers"][1]["state"] == "Not available";
    let shown = world.until(path, "the silent one is not available", silent).await;
    assert_eq!(shown["providers"][0]["state"], "Ready", "nobody else suffers");
    assert_eq!(shown["distribution"], "OK", "it was verified there, and leaves the word alone");
    assert_eq!(shown["providers"][1]["code"], "P0001");
    let log = "/events/history?object=provider&name=kvm-b";
    let has = |kind: &'static str| {
        move |it: &Value| it["items"].as_array().unwrap().iter().any(|event| event["kind"] == kind)
    };
    world.until(log, "its loss is in the log", has("provider.lost")).await;
    b.report().await;
    let back = |it: &Value| it["providers"][1]["state"] == "Ready";
    world.until(path, "it is back", back).await;
    world.until(log, "its return is in the log", has("provider.back")).await;
    stop.send(()).unwrap();
    talks.await.unwrap();
}
