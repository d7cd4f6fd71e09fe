//! Stories of the web console as the server gives it, and of the stream that keeps it up to date.
#![allow(clippy::unwrap_used)]

mod world;

use diecast_domain::{
    replica::{Phase, SourceReport},
    units::{ByteCount, BytesPerSecond},
};
use futures::StreamExt;
use reqwest::{Method, StatusCode, header};
use serde_json::Value;
use std::time::Duration;
use world::World;

#[tokio::test(flavor = "multi_thread")]
async fn every_page_of_the_console_comes_with_a_policy_that_lets_in_nobody_else() {
    let world = World::start().await;
    for path in ["/", "/templates/win11", "/hosts"] {
        let request = world.http.get(format!("{}{path}", world.url)).header(header::ACCEPT, "text/html,*/*");
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let headers = answer.headers();
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(
            policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(headers[header::REFERRER_POLICY], "no-referrer");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(headers[header::CACHE_CONTROL], "no-cache", "the page itself is asked for again");
        assert!(answer.text().await.unwrap().contains("Diecast"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_page_is_not_found_as_ever() {
    let world = World::start().await;
    for path in ["/api/v1/nowhere", "/agent/v1/nowhere", "/assets/gone-12345678.js", "/.gitignore"] {
        let request = world.http.get(format!("{}{path}", world.url)).header(header::ACCEPT, "*/*");
        let (status, problem) = world::problem(request.send().await.unwrap()).await;
        assert_eq!((status, problem["code"].as_str()), (StatusCode::NOT_FOUND, Some("A0004")), "{path}");
    }
}

/// The data of the next `changed` on a stream, and what was between it and the last.
async fn next_changed(
    stream: &mut (impl futures::Stream<Item = reqwest::Result<bytes::Bytes>> + Unpin),
    so: impl Fn(&Value) -> bool,
) -> String {
    let mut text = String::new();
    let found = tokio::time::timeout(Duration::from_secs(60), async {
        while let Some(piece) = stream.next().await {
            text.push_str(std::str::from_utf8(&piece.unwrap()).unwrap());
            for message in text.split("\n\n").filter(|it| it.starts_with("event: changed")) {
                let data = message.lines().find_map(|line| line.strip_prefix("data: "));
                if data.and_then(|data| serde_json::from_str(data).ok()).is_some_and(|it| so(&it)) {
                    return message.to_owned();
                }
            }
        }
        panic!("the stream ended: {text}")
    });
    found.await.expect("the change is told")
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_that_is_kept_nowhere_is_told_by_name_and_without_a_number() {
    let world = World::start().await;
    let mut agents = [world.join("kvm-a").await, world.join("kvm-b").await];
    let manifest = world.publish("win11", &mut agents).await;
    agents[1].told("a replica", |told| !told.orders.replicas.is_empty()).await;
    agents[1].hold(manifest.digest(), Phase::Transferring);
    agents[1].report().await;
    let answer = world.ask(Method::GET, "/events").send().await.unwrap();
    let mut stream = answer.bytes_stream();
    // Nothing is written down of this: only a number moves.
    for done in 1..=3 {
        agents[1].said.replicas[0].progress.done = ByteCount(done);
        agents[1].report().await;
        let told =
            next_changed(&mut stream, |it| it["templates"].as_array().is_some_and(|it| !it.is_empty())).await;
        assert!(
            told.contains(r#""templates":["win11"]"#) && told.contains(r#""providers":["kvm-b"]"#),
            "{told}"
        );
        assert!(!told.contains("id:"), "{told}");
    }
    // Who gives it is known by name as long as it is transferred, and is no longer told then.
    let from = |agent: &world::Agent, received| SourceReport {
        provider: agent.id,
        received: ByteCount(received),
        rate: BytesPerSecond(received / 2),
        held_up: false,
    };
    agents[1].said.replicas[0].sources = vec![from(&agents[1], 10), from(&agents[0], 40)];
    agents[1].report().await;
    let row = async || world.get("/templates/win11/distribution").await["providers"][1].clone();
    let told = serde_json::json!([
        {"provider": "kvm-a", "bytes": 40, "bytes_per_second": 20},
        {"provider": "kvm-b", "bytes": 10, "bytes_per_second": 5},
    ]);
    assert_eq!(row().await["sources"], told);
    agents[1].said.replicas[0].phase = Phase::Verifying;
    agents[1].report().await;
    assert_eq!(row().await["sources"], serde_json::json!([]));
}
