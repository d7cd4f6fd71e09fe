//! A server that dies at every commit: what was answered holds, and nothing is done twice.
//!
//! Needs the feature `failpoints`. The server is this very test program, started again.
#![cfg(feature = "failpoints")]
#![allow(clippy::unwrap_used)]

mod mortal;
mod world;

use mortal::{FAULTS, Server, insist};
use reqwest::Method;
use serde_json::{Value, json};

/// Providers that are added at least while it dies again and again.
const PROVIDERS_MIN: usize = 40;
/// Deaths after which it has been shown. Which commit is the last is chance, so it goes on until then.
const DEATHS_ENOUGH: usize = 8;
/// Providers added without enough deaths after which the fail points are not reached at all.
const PROVIDERS_MAX: usize = 900;

#[tokio::test(flavor = "multi_thread")]
async fn the_server_itself() {
    mortal::be_the_server().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_at_every_commit_keeps_what_it_answered_and_does_nothing_twice() {
    let mut server = Server::new();
    let sign_in = json!({"user": "admin", "password": world::PASSWORD});
    let signed_in = insist(&mut server, FAULTS, Method::POST, "/session", "", sign_in).await;
    let token = signed_in["token"].as_str().unwrap().to_owned();
    let mut count = 0;
    while count < PROVIDERS_MIN || server.deaths < DEATHS_ENOUGH {
        assert!(count < PROVIDERS_MAX, "it does not die: the fail points are not reached");
        let body = json!({"name": format!("kvm-{count:03}")});
        insist(&mut server, FAULTS, Method::POST, "/providers", &token, body).await;
        count += 1;
    }

    server.kill();
    let providers = insist(&mut server, "", Method::GET, "/providers?limit=1000", &token, Value::Null).await;
    let names: Vec<_> = providers["items"].as_array().unwrap().iter().map(|it| it["name"].clone()).collect();
    let expected: Vec<_> = (0..count).map(|number| json!(format!("kvm-{number:03}"))).collect();
    assert_eq!(names, expected, "everything that was answered, once");
    let history =
        insist(&mut server, "", Method::GET, "/events/history?limit=1000", &token, Value::Null).await;
    let events = history["items"].as_array().unwrap();
    let numbers: Vec<_> = events.iter().map(|event| event["id"].as_i64().unwrap()).collect();
    assert_eq!(numbers, (1..=numbers.len() as i64).collect::<Vec<_>>(), "numbered without gaps");
    let added = events.iter().filter(|event| event["kind"] == "provider.added").count();
    assert_eq!(added, count, "each was added once");
}
