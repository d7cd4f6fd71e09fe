//! Commands from what was typed to what is printed, against a small server of fixed answers.

use super::*;
use crate::{
    failure::conclude,
    printer::{Captured, Paper},
    render::samples,
};
use axum::{
    Json, Router,
    http::StatusCode,
    routing::{delete, get, post},
};
use clap::Parser;
use diecast_api::{client::Connection, problem::ProblemDetails};
use diecast_domain::code::{Code, Problem};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

#[derive(Parser)]
#[command(name = "diecast")]
struct Whole {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: ClientCommand,
}

struct Ended {
    code: u8,
    data: String,
    talk: String,
}

impl Ended {
    fn document(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or_else(|error| panic!("{error} in {}", self.data))
    }
}

async fn typed(line: &str, router: Router) -> Ended {
    run_on(line, router, None).await
}

/// As [`typed`], by somebody who sits at a terminal and answers so.
async fn typed_and_answered(line: &str, router: Router, answers: &[&str]) -> Ended {
    run_on(line, router, Some(answers)).await
}

async fn run_on(line: &str, router: Router, answers: Option<&[&str]>) -> Ended {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let Whole { globals, command } = Whole::try_parse_from(line.split_whitespace()).unwrap();
    let captured = Captured::new(globals.json);
    let Captured { mut printer, data, talk } = match answers {
        Some(answers) => captured.answering(answers),
        None => captured,
    };
    let client = Client::new(&Connection { url, ..Connection::default() }).unwrap();
    let names = missing::names(&command);
    let outcome = asked(&mut Context { client: client.clone(), printer: &mut printer }, command).await;
    let outcome = match outcome {
        Err(failure) => Err(missing::explained(&client, names, failure).await),
        done => done,
    };
    let code = conclude(outcome, &mut printer);
    let text = |paper: Paper| paper.text();
    Ended { code, data: text(data), talk: text(talk) }
}

fn refuse(code: Code, cause: &str) -> (StatusCode, Json<ProblemDetails>) {
    let details = ProblemDetails::from(&Problem::new(code, cause));
    (StatusCode::from_u16(details.status).unwrap(), Json(details))
}

#[path = "rolling_tests.rs"]
mod rolling;
#[path = "scripted_tests.rs"]
mod scripted;

/// Answers with each view in turn, and with the last for ever.
fn unfolding<T: Clone + serde::Serialize + Send + Sync + 'static>(
    views: Vec<T>,
) -> axum::routing::MethodRouter {
    let asked = Arc::new(AtomicUsize::new(0));
    get(move || {
        let index = asked.fetch_add(1, Ordering::SeqCst).min(views.len() - 1);
        let view = views[index].clone();
        async move { Json(view) }
    })
}

const DISTRIBUTION: &str = "/api/v1/templates/{name}/distribution";

#[tokio::test]
async fn the_join_line_stands_alone_on_stdout() {
    let join = json!({"name": "kvm-a", "server": "https://s", "ca_fingerprint": "00", "token": "dcj_x",
        "expires_at": "2026-01-02T00:00:00Z", "join": "diecast-agent join --server https://s"});
    let router = || {
        Router::new().route(
            "/api/v1/providers",
            post({
                let join = join.clone();
                || async { Json(join) }
            }),
        )
    };
    let ended = typed("diecast provider add kvm-a", router()).await;
    assert_eq!((ended.code, ended.data.as_str()), (0, "diecast-agent join --server https://s\n"));
    assert!(ended.talk.contains("as root"));
    let ended = typed("diecast provider add kvm-a --json", router()).await;
    assert_eq!(ended.document()["token"], "dcj_x");
}

#[tokio::test]
async fn a_watch_ends_well_or_badly_as_the_distribution_does() {
    let views = |last| Router::new().route(DISTRIBUTION, unfolding(vec![samples::distribution(), last]));
    let ended = typed("diecast distribution show win11 --watch", views(samples::settled())).await;
    assert_eq!(ended.code, 0);
    assert!(ended.data.contains("win11  version 2 (3f9a0c21b7de)  OK"), "{}", ended.data);
    assert!(ended.talk.contains("kvm-b: Needs update, transferring"), "{}", ended.talk);
    let ended = typed("diecast distribution show win11 --watch", views(samples::failed())).await;
    assert_eq!(ended.code, 1);
    assert!(ended.data.contains("diecast explain T0003"));
}

#[tokio::test]
async fn a_watch_with_json_is_a_document_a_line() {
    let views = vec![samples::distribution(), samples::distribution(), samples::settled()];
    let router = Router::new().route(DISTRIBUTION, unfolding(views));
    let ended = typed("diecast distribution show win11 --watch --json", router).await;
    let words: Vec<String> = ended
        .data
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["distribution"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!((ended.code, words), (0, vec!["Distributing".to_owned(), "OK".to_owned()]));
}

#[tokio::test]
async fn create_and_wait_prints_one_document_at_the_end() {
    let mut creating = samples::failed_template();
    creating.status = "Creating".into();
    creating.name = "win11".into();
    let answer = creating.clone();
    let router = Router::new()
        .route("/api/v1/templates", post(|| async { (StatusCode::CREATED, Json(answer)) }))
        .route("/api/v1/templates/{name}", unfolding(vec![creating, samples::template()]))
        .route(DISTRIBUTION, unfolding(vec![samples::distribution(), samples::settled()]));
    let ended =
        typed("diecast template create win11 --provider kvm-a --vm golden --wait --json", router).await;
    assert_eq!(ended.code, 0);
    assert_eq!(ended.document()["name"], "win11");
    assert!(ended.talk.contains("VM `golden` on kvm-a"), "{}", ended.talk);
}

#[tokio::test]
async fn create_and_wait_ends_badly_when_the_machine_runs() {
    let failed = samples::failed_template();
    let answer = failed.clone();
    let router = Router::new()
        .route("/api/v1/templates", post(|| async { Json(answer) }))
        .route("/api/v1/templates/{name}", unfolding(vec![failed]));
    let ended = typed("diecast template create deb12 --provider kvm-a --vm golden --wait", router).await;
    assert_eq!(ended.code, 1);
    assert!(ended.data.contains("V0001 `golden` is running"), "{}", ended.data);
}

#[tokio::test]
async fn a_dry_run_prints_the_plan_and_changes_nothing() {
    let router = || {
        Router::new().route(
            "/api/v1/templates/{name}",
            delete(|query: axum::extract::RawQuery| async move {
                assert_eq!(query.0.as_deref(), Some("dry_run=true"));
                Json(samples::plan())
            }),
        )
    };
    let ended = typed("diecast template delete win11 --dry-run", router()).await;
    assert_eq!(ended.code, 0, "{}", ended.talk);
    assert!(ended.data.starts_with("publish VM"), "{}", ended.data);
    assert!(ended.talk.contains("nothing was changed; in the way now: 1"));
}

#[tokio::test]
async fn nothing_is_deleted_where_nobody_can_be_asked() {
    for line in
        ["diecast template delete win11", "diecast host delete desk-001", "diecast host delete a --json"]
    {
        let ended = typed(line, Router::new()).await;
        assert_eq!(ended.code, 2, "{line}");
        assert!(ended.talk.contains("--yes"), "{}", ended.talk);
    }
}

#[tokio::test]
async fn one_host_that_is_refused_holds_up_no_other() {
    let answer = |axum::extract::Path(name): axum::extract::Path<String>| async move {
        if name == "desk-001" {
            Err(refuse(Code::A0004, "there is no host `desk-001`"))
        } else {
            Ok(StatusCode::NO_CONTENT)
        }
    };
    let router = Router::new().route("/api/v1/hosts/{name}", delete(answer));
    let ended = typed("diecast host delete desk-001 desk-002 --yes --json", router).await;
    assert_eq!(ended.code, 1);
    assert_eq!(ended.document()["items"][0]["name"], "desk-002");
    assert!(ended.talk.contains("error[A0004]"), "{}", ended.talk);
}

#[tokio::test]
async fn a_mistyped_name_is_recognised() {
    let router = Router::new()
        .route(
            "/api/v1/templates/{name}",
            get(|| async { refuse(Code::A0004, "there is no template `wim11`") }),
        )
        .route(
            "/api/v1/templates",
            get(|| async { Json(json!({"items": [samples::template()], "next": null})) }),
        );
    let ended = typed("diecast template show wim11", router).await;
    assert_eq!(ended.code, 1);
    insta::assert_snapshot!(ended.talk);
}

#[tokio::test]
async fn a_check_that_found_something_exits_with_1() {
    let mut queued = samples::check();
    (queued.state, queued.lines, queued.problem) = ("queued".into(), vec![], None);
    let router = Router::new()
        .route("/api/v1/providers/{name}/check", post(|| async { (StatusCode::ACCEPTED, Json(queued)) }))
        .route("/api/v1/operations/{id}", unfolding(vec![samples::check()]));
    let ended = typed("diecast provider check kvm-a --json", router).await;
    assert_eq!(ended.code, 1);
    assert_eq!(ended.document()["problem"]["code"], "P0014");
}

#[test]
fn explain_needs_no_server() {
    let Captured { mut printer, data, .. } = Captured::new(true);
    explain::explain(Some(Code::T0001), &mut printer).unwrap();
    let document: Value = serde_json::from_str(&data.text()).unwrap();
    assert_eq!((&document["code"], &document["retry"]), (&json!("T0001"), &json!("later")));
    assert!(document["page"].as_str().unwrap().starts_with("# T0001"));
}
