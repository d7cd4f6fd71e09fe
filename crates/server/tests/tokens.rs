//! Tokens of scripts: what they open, for how long, and who used them.
#![allow(clippy::unwrap_used)]

mod world;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;
use world::{World, problem};

impl World {
    /// Asks with another token.
    async fn with(&self, token: &str, method: Method, path: &str, body: Value) -> reqwest::Response {
        let url = format!("{}/api/v1{path}", self.url);
        self.http.request(method, url).bearer_auth(token).json(&body).send().await.unwrap()
    }

    async fn make_token(&self, body: Value) -> String {
        self.post("/tokens", body).await["token"].as_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewers_token_looks_and_changes_nothing() {
    let world = World::start().await;
    let token = world.make_token(json!({"name": "grafana"})).await;
    assert!(token.starts_with("dct_"), "it says what it is");
    let seen = world.with(&token, Method::GET, "/session", json!({})).await;
    let seen: Value = seen.json().await.unwrap();
    assert_eq!((&seen["user"], &seen["role"]), (&json!("token:grafana"), &json!("viewer")));
    assert_eq!(world.with(&token, Method::GET, "/providers", json!({})).await.status(), StatusCode::OK);
    for (method, path, body) in [
        (Method::POST, "/providers", json!({"name": "kvm-a"})),
        (Method::POST, "/tokens", json!({"name": "mine", "role": "administrator"})),
        (Method::GET, "/tokens", json!({})),
        (Method::GET, "/audit", json!({})),
        (Method::DELETE, "/tokens/grafana", json!({})),
    ] {
        let (status, said) = problem(world.with(&token, method.clone(), path, body).await).await;
        assert_eq!((status, &said["code"]), (StatusCode::FORBIDDEN, &json!("A0003")), "{method} {path}");
        assert!(said["detail"].as_str().unwrap().contains("token `grafana` is a viewer"), "{said}");
    }
    assert_eq!(world.get("/providers").await["items"], json!([]));
    let tried = world.get("/audit?who=token:grafana").await;
    let refused = tried["items"].as_array().unwrap().iter().filter(|it| it["refused"] == "A0003");
    assert_eq!(refused.count(), 5, "what it was not let do is in the audit trail: {tried:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrators_token_does_what_people_do_under_its_own_name() {
    let world = World::start().await;
    let token = world.make_token(json!({"name": "ci", "role": "administrator", "expires_at": "never"})).await;
    let added = world.with(&token, Method::POST, "/providers", json!({"name": "kvm-a"})).await;
    assert_eq!(added.status(), StatusCode::CREATED);
    let events = world.get("/events/history").await;
    let event = events["items"].as_array().unwrap().iter().find(|it| it["kind"] == "provider.added").unwrap();
    assert_eq!(event["actor"], "token:ci");
    // It is no session: it ends by being revoked.
    let (_, said) = problem(world.with(&token, Method::DELETE, "/session", json!({})).await).await;
    assert_eq!(said["code"], "A0010");
    assert!(said["hint"].as_str().unwrap().contains("token revoke ci"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_shown_once_and_kept_as_a_hash() {
    let world = World::start().await;
    let token = world.make_token(json!({"name": "ci"})).await;
    for path in ["/tokens", "/tokens/ci", "/audit", "/events/history"] {
        let seen = world.get(path).await.to_string();
        assert!(!seen.contains(&token), "{path}");
        assert!(!seen.contains("hash"), "{path}: {seen}");
    }
    let mut kept = Vec::new();
    for file in std::fs::read_dir(world.folder.path()).unwrap() {
        kept.extend(std::fs::read(file.unwrap().path()).unwrap_or_default());
    }
    let needle = token.as_bytes();
    assert!(!kept.windows(needle.len()).any(|there| there == needle), "it is nowhere on the disk");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_shown_when_and_from_where_a_token_was_used_last_also_after_a_restart() {
    let mut world = World::start().await;
    let token = world.make_token(json!({"name": "ci"})).await;
    let unused = world.get("/tokens/ci").await;
    assert_eq!((&unused["last_used_at"], &unused["last_used_from"]), (&Value::Null, &Value::Null));
    world.with(&token, Method::GET, "/providers", json!({})).await;
    let used = world.until("/tokens/ci", "its use is known", |it| !it["last_used_at"].is_null()).await;
    assert_eq!(used["last_used_from"], "127.0.0.1");
    // It is written beside the answer, not before it: as long as it is not on the disk, so is a restart.
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        world.restart().await;
        let again = world.get("/tokens/ci").await;
        if again["last_used_at"] == used["last_used_at"] {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "it was forgotten: {again}");
        world.with(&token, Method::GET, "/providers", json!({})).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_revoked_or_has_expired_opens_nothing() {
    let world = World::start().await;
    let token = world.make_token(json!({"name": "ci"})).await;
    world.delete("/tokens/ci").await;
    let (status, said) = problem(world.with(&token, Method::GET, "/session", json!({})).await).await;
    assert_eq!((status, &said["code"]), (StatusCode::UNAUTHORIZED, &json!("A0002")));
    let (status, _) = world.refused(Method::DELETE, "/tokens/ci", json!({})).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "there is nothing left to revoke");

    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let soon = diecast_domain::units::Timestamp(now.as_millis() as i64 + 3000);
    let body = json!({"name": "brief", "expires_at": diecast_api::time::rfc3339(soon)});
    let brief = world.make_token(body).await;
    let gone = world.until("/tokens/brief", "it has expired", |it| it["expired"] == true).await;
    assert_eq!(gone["name"], "brief", "it is listed until somebody takes it away");
    let (_, said) = problem(world.with(&brief, Method::GET, "/session", json!({})).await).await;
    assert_eq!(said["code"], "A0002");
    assert!(said["detail"].as_str().unwrap().contains("`brief` has expired"));
}

/// Reads a stream to its end, if it has one.
async fn ends(stream: reqwest::Response) {
    let ended = tokio::time::timeout(Duration::from_secs(60), stream.text()).await;
    ended.expect("the stream ends").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_events_that_is_open_ends_with_what_opened_it() {
    let world = World::start().await;
    let token = world.make_token(json!({"name": "ci"})).await;
    let lasting = world.make_token(json!({"name": "lasting"})).await;
    let revoked = world.with(&token, Method::GET, "/events", json!({})).await;
    let mut other = world.with(&lasting, Method::GET, "/events", json!({})).await;
    let signed_out = world.with(&world.token, Method::GET, "/events", json!({})).await;
    world.delete("/tokens/ci").await;
    // A newer one of the same name does not stand in for it.
    world.make_token(json!({"name": "ci"})).await;
    ends(revoked).await;
    world.delete("/session").await;
    ends(signed_out).await;
    // A token's stream outlasts whoever else is shut out: it still says what happens.
    let admin = world.with(&lasting, Method::GET, "/session", json!({})).await;
    assert_eq!(admin.status(), StatusCode::OK);
    assert!(other.chunk().await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_as_a_token_is_refused() {
    let world = World::start().await;
    for body in [
        json!({"name": "Not A Name"}),
        json!({"name": "ci", "role": "root"}),
        json!({"name": "ci", "expires_at": "tomorrow"}),
        json!({"name": "ci", "expires_at": "2020-01-01T00:00:00Z"}),
        json!({"name": "ci", "scope": "all"}),
    ] {
        let (status, said) = world.refused(Method::POST, "/tokens", body.clone()).await;
        assert_eq!((status, &said["code"]), (StatusCode::BAD_REQUEST, &json!("A0001")), "{body}");
    }
    world.make_token(json!({"name": "ci"})).await;
    let (_, said) = world.refused(Method::POST, "/tokens", json!({"name": "ci"})).await;
    assert_eq!(said["code"], "A0005");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_whose_answer_was_lost_is_made_anew_under_the_same_key() {
    let world = World::start().await;
    let make = async || {
        let ask = world.ask(Method::POST, "/tokens").header("Idempotency-Key", "one");
        let made: Value = ask.json(&json!({"name": "ci"})).send().await.unwrap().json().await.unwrap();
        made["token"].as_str().unwrap().to_owned()
    };
    let (lost, kept) = (make().await, make().await);
    assert_ne!(lost, kept);
    assert_eq!(world.with(&kept, Method::GET, "/session", json!({})).await.status(), StatusCode::OK);
    let (status, _) = problem(world.with(&lost, Method::GET, "/session", json!({})).await).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "what nobody has heard opens nothing");
    assert_eq!(world.get("/tokens").await["items"].as_array().unwrap().len(), 1);
}
