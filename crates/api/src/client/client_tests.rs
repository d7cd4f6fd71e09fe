//! The client against a small server that misbehaves: what is retried, what is told, what is gathered.

use super::{routes::EventFilter, *};
use crate::{operator::event::EventView, operator::template::CreateTemplate, problem::ProblemDetails};
use axum::{
    Json, Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
    routing::{get, post},
};
use diecast_domain::code::{Code, Problem};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

async fn serve(router: Router) -> Client {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    client(&url)
}

fn client(url: &str) -> Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let token = Some(Token("secret".into()));
    Client::new(&Connection { url: url.into(), ca: None, token }).unwrap()
}

#[test]
fn a_token_with_a_line_break_is_refused_before_anything_is_asked_and_not_shown() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    for bad in ["secret\n", "sec\r\nret", "secret ", "s\u{e9}cret"] {
        let token = Some(Token(bad.into()));
        let asked = Connection { url: "https://diecast.example:7443".into(), ca: None, token };
        let error = Client::new(&asked).unwrap_err();
        assert_eq!(error.code(), Some(Code::A0002), "{bad:?}");
        let shown = format!("{error} {:?} {:?}", error, error.details());
        assert!(!shown.contains("secret"), "{shown}");
    }
}

fn event(id: i64) -> EventView {
    EventView {
        id,
        at: "2026-01-01T00:00:00Z".into(),
        kind: "replica.ready".into(),
        object: "template".into(),
        name: "win11".into(),
        actor: "diecast".into(),
        message: "ready".into(),
        code: None,
    }
}

#[tokio::test]
async fn a_refusal_arrives_with_its_code_hint_and_blockers() {
    let refuse = || async {
        let problem = Problem::new(Code::A0007, "hosts depend on win11");
        let mut details = ProblemDetails::from(&problem);
        details.blockers = vec!["host desk-001".into()];
        (StatusCode::CONFLICT, Json(details))
    };
    let client = serve(Router::new().route("/api/v1/templates/{name}", axum::routing::delete(refuse))).await;
    let error = client.delete_template("win11", None).await.unwrap_err();
    assert_eq!(error.code(), Some(Code::A0007));
    assert_eq!(error.details().blockers, ["host desk-001"]);
    assert_eq!(error.to_string(), "hosts depend on win11");
}

#[tokio::test]
async fn every_page_is_gathered_with_the_filter_and_the_token() {
    let page = |Query(query): Query<HashMap<String, String>>, headers: HeaderMap| async move {
        assert_eq!(headers["authorization"], "Bearer secret");
        assert_eq!(query["object"], "template");
        let from: i64 = query.get("after").map_or(0, |after| after.parse().unwrap());
        let next = (from < 4).then(|| (from + 2).to_string());
        Json(crate::operator::event::EventList { items: vec![event(from + 1), event(from + 2)], next })
    };
    let client = serve(Router::new().route("/api/v1/events/history", get(page))).await;
    let filter = EventFilter { object: Some("template".into()), ..EventFilter::default() };
    let list = all(async |page| client.event_history(&filter, page).await).await.unwrap();
    let ids: Vec<_> = list.items.iter().map(|event| event.id).collect();
    assert_eq!((ids, list.next), (vec![1, 2, 3, 4, 5, 6], None));
}

#[tokio::test]
async fn reading_is_tried_again_while_a_proxy_has_no_server() {
    let count = Arc::new(AtomicU32::new(0));
    let flaky = |State(count): State<Arc<AtomicU32>>| async move {
        if count.fetch_add(1, Ordering::SeqCst) < 2 {
            return (StatusCode::BAD_GATEWAY, "<html>").into_response();
        }
        "# T0001".into_response()
    };
    let router = Router::new().route("/api/v1/errors/{code}", get(flaky)).with_state(count.clone());
    assert_eq!(serve(router).await.error_page("T0001").await.unwrap(), "# T0001");
    assert_eq!(count.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_create_is_repeated_under_one_key_and_other_changes_never_are() {
    let keys = Arc::new(Mutex::new(Vec::new()));
    let fail = |State(keys): State<Arc<Mutex<Vec<Option<String>>>>>, headers: HeaderMap| async move {
        let key = headers.get("idempotency-key").map(|key| key.to_str().unwrap().to_owned());
        keys.lock().unwrap().push(key);
        StatusCode::SERVICE_UNAVAILABLE
    };
    let router = Router::new()
        .route("/api/v1/templates", post(fail))
        .route("/api/v1/hosts/{name}/start", post(fail))
        .with_state(keys.clone());
    let client = serve(router).await;
    let create: CreateTemplate =
        serde_json::from_value(serde_json::json!({"name": "win11", "provider": "kvm-a"})).unwrap();
    client.create_template(&create).await.unwrap_err();
    let seen: Vec<_> = std::mem::take(&mut *keys.lock().unwrap());
    assert_eq!(seen.len(), 4);
    assert!(seen[0].is_some() && seen.iter().all(|key| *key == seen[0]));
    client.start_host("desk-001").await.unwrap_err();
    assert_eq!(*keys.lock().unwrap(), [None]);
}

#[tokio::test]
async fn the_stream_goes_on_after_the_last_event_seen() {
    let stream = |headers: HeaderMap| async move {
        let after: i64 = headers.get("last-event-id").map_or(0, |id| id.to_str().unwrap().parse().unwrap());
        let event = serde_json::to_string(&event(after + 1)).unwrap();
        let reset = if after == 1 { "event: reset\n\n" } else { "" };
        // What changed without being an event comes between, and is not for who follows events.
        let changed = "event: changed\ndata: {\"templates\":[\"win11\"]}\n\n";
        format!("{reset}{changed}id: {}\ndata: {event}\n\n", after + 1)
    };
    let client = serve(Router::new().route("/api/v1/events", get(stream))).await;
    let mut events = client.events(None);
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(events.next().await.unwrap());
    }
    let expected = [
        StreamItem::Event(event(1)),
        StreamItem::Reset,
        StreamItem::Event(event(2)),
        StreamItem::Event(event(3)),
    ];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a0012() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = client(&url).session().await.unwrap_err();
    assert_eq!(error.code(), Some(Code::A0012));
    assert!(error.details().detail.contains("refused"), "{}", error.details().detail);
}

#[test]
fn a_token_never_travels_in_the_clear() {
    for bad in ["http://10.0.0.1:8443", "ftp://x", "diecast.example", "https://", "file:///etc"] {
        assert!(checked(bad).is_err(), "{bad}");
    }
    for good in ["https://10.0.0.1:8443", "https://diecast.example/", "http://127.0.0.1:1", "http://[::1]:1"]
    {
        assert!(checked(good).is_ok(), "{good}");
    }
    assert_eq!(format!("{:?}", Token("secret".into())), "Token(...)");
}
