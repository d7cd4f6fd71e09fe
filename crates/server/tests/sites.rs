//! Sites: the limit of the link between two, who has which share of it, and how it is shown.
#![allow(clippy::unwrap_used)]

mod world;

use diecast_domain::{
    assignment::Assignment,
    digest::Digest,
    limit::{LinkLimit, WHOLE},
    replica::{Phase, SourceReport},
    units::{ByteCount, BytesPerSecond},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use world::{Agent, World};

/// How soon a change must be with the agents.
const SOON: Duration = Duration::from_secs(2);
const LINK: &str = "/sites/madrid/links/berlin";

async fn put(world: &World, path: &str, limit: &str) -> Value {
    let answer = world.ask(Method::PUT, path).json(&json!({ "limit": limit })).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    answer.json().await.unwrap()
}

/// kvm-1 in madrid holds the template; kvm-2 and kvm-3 in berlin are to receive it.
async fn two_sites(world: &World) -> (Vec<Agent>, Digest) {
    let mut agents = Vec::new();
    for (number, site) in [(1, "madrid"), (2, "berlin"), (3, "berlin")] {
        let name = format!("kvm-{number}");
        let agent = world.join(&name).await;
        let path = format!("/providers/{name}");
        world.ask(Method::PATCH, &path).json(&json!({ "site": site })).send().await.unwrap();
        agents.push(agent);
    }
    let manifest = world.publish("win11", &mut agents).await;
    let digest = manifest.digest();
    for (number, agent) in agents.iter_mut().enumerate() {
        agent.hold(digest, if number == 0 { Phase::Ready } else { Phase::Transferring });
        agent.report().await;
    }
    (agents, digest)
}

fn link(told: &Assignment) -> Option<&LinkLimit> {
    told.orders.limits.links.iter().find(|link| link.site == "madrid")
}

/// Everybody in berlin takes what it is told of the link, until this many have a share.
async fn shares(agents: &mut [Agent], limit: &str) -> Vec<u32> {
    let mut shares = Vec::new();
    for agent in &mut agents[1..] {
        let told = agent.told(limit, |told| link(told).is_some_and(|it| it.limit.to_string() == limit)).await;
        shares.push(link(&told).unwrap().share);
        agent.report().await;
    }
    shares
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_a_site_brings_a_version_at_the_rate_of_the_link_and_a_change_is_told_at_once() {
    let world = World::start().await;
    let (mut agents, _) = two_sites(&world).await;
    let said = put(&world, LINK, "2Mbit/s 08:00-18:00 Europe/Madrid; 20Mbit/s").await;
    assert_eq!(said["limit"], "2Mbit/s 08:00-18:00 Europe/Madrid; 20Mbit/s");
    let first = shares(&mut agents, "2Mbit/s 08:00-18:00 Europe/Madrid; 20Mbit/s").await;
    assert_eq!(first.iter().filter(|share| **share == WHOLE).count(), 1, "{first:?}");
    assert_eq!(first.iter().sum::<u32>(), WHOLE, "{first:?}");

    let begun = Instant::now();
    put(&world, LINK, "8Mbit/s").await;
    assert_eq!(shares(&mut agents, "8Mbit/s").await, first);
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());

    let row = |view: &Value, name: &str| {
        let rows = view["providers"].as_array().unwrap();
        rows.iter().find(|row| row["provider"] == name).unwrap().clone()
    };
    let view = world.get("/templates/win11/distribution").await;
    for name in ["kvm-2", "kvm-3"] {
        let text = &row(&view, name)["limited"]["text"];
        assert_eq!(text, "limited to 8 Mbit/s by site link berlin-madrid", "{view:#}");
    }

    put(&world, LINK, "off").await;
    for agent in &mut agents[1..] {
        agent.told("no limit", |told| link(told).is_none()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_is_given_to_another_when_its_holder_follows_that_it_has_none() {
    let world = World::start().await;
    let (mut agents, digest) = two_sites(&world).await;
    put(&world, LINK, "8Mbit/s").await;
    let first = shares(&mut agents, "8Mbit/s").await;
    let (former, next) = if first[0] == WHOLE { (1, 2) } else { (2, 1) };
    agents[former].hold(digest, Phase::Failed);
    agents[former].report().await;
    // The next is known to be the one: the former is told, and does not say yet that it follows.
    let generation = agents[former].said.generation;
    let told = agents[former].told("none", |told| link(told).is_some_and(|it| it.share == 0)).await;
    agents[former].said.generation = generation;
    agents[former].report().await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    let waiting = agents[next].assignment(None).await.unwrap();
    assert_eq!(link(&waiting).unwrap().share, 0, "the former may still be fetching at its whole rate");

    agents[former].said.generation = told.generation;
    agents[former].report().await;
    let begun = Instant::now();
    agents[next].told("all of it", |told| link(told).is_some_and(|it| it.share == WHOLE)).await;
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn sites_are_listed_with_who_stands_there_and_what_crosses_between() {
    let world = World::start().await;
    assert_eq!(world.get("/sites").await["items"], json!([]));
    let (mut agents, digest) = two_sites(&world).await;
    put(&world, LINK, "8Mbit/s").await;
    let giver = agents[0].id;
    let said = agents[1].said.replicas.iter_mut().find(|it| it.digest == digest).unwrap();
    said.sources = vec![SourceReport {
        provider: giver,
        received: ByteCount(5_000_000),
        rate: BytesPerSecond(900_000),
        held_up: false,
    }];
    agents[1].report().await;
    let flows = |it: &Value| it["items"][0]["links"][0]["receiving_bytes_per_second"] == 900_000;
    let list = world.until("/sites", "it flows", flows).await;
    assert_eq!(list["items"][0]["name"], "berlin");
    assert_eq!(list["items"][0]["providers"], json!(["kvm-2", "kvm-3"]));
    let back = &list["items"][1]["links"][0];
    assert_eq!((&back["site"], &back["other"]), (&json!("madrid"), &json!("berlin")));
    assert_eq!(back["sending_bytes_per_second"], 900_000);
    assert_eq!(
        (&back["limit"], &back["limited"]["bytes_per_second"]),
        (&json!("8Mbit/s"), &json!(1_000_000))
    );

    // A limit outlives the last provider of its site.
    world.ask(Method::PATCH, "/providers/kvm-1").json(&json!({"site": ""})).send().await.unwrap();
    let list = world.get("/sites").await;
    let names: Vec<_> = list["items"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert_eq!(names, ["-", "berlin", "madrid"]);
    assert_eq!(put(&world, "/sites/-/links/berlin", "9Mbit/s").await["site"], "-");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_site_or_no_link_or_no_limit_is_refused_in_a_sentence() {
    let world = World::start().await;
    let tries = [("/sites/madrid/links/berlin", "A0004", "no provider stands anywhere yet")];
    for (path, code, words) in tries {
        let (_, said) = world.refused(Method::PUT, path, json!({"limit": "8Mbit/s"})).await;
        assert_eq!(said["code"], code);
        assert!(said["detail"].as_str().unwrap().contains(words), "{said:#}");
    }
    two_sites(&world).await;
    let tries = [
        ("/sites/madrid/links/rome", "8Mbit/s", StatusCode::NOT_FOUND, "there is `berlin`, `madrid`"),
        ("/sites/madrid/links/madrid", "8Mbit/s", StatusCode::BAD_REQUEST, "a link joins two sites"),
        (LINK, "8", StatusCode::BAD_REQUEST, "bits or bytes"),
        (LINK, "1kbit/s", StatusCode::BAD_REQUEST, "too slow"),
    ];
    for (path, limit, status, words) in tries {
        let (found, said) = world.refused(Method::PUT, path, json!({ "limit": limit })).await;
        assert_eq!(found, status, "{said:#}");
        assert!(said["detail"].as_str().unwrap().contains(words), "{said:#}");
    }
}
