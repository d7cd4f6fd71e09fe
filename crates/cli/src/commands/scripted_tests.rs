//! A server of fixed answers that writes down what it was asked.

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use diecast_api::problem::ProblemDetails;
use diecast_domain::code::{Code, Problem};
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
};

#[derive(Clone, Default)]
pub(super) struct Scripted(Arc<Mutex<Script>>);

#[derive(Default)]
struct Script {
    answers: BTreeMap<String, VecDeque<(StatusCode, Value)>>,
    log: Vec<String>,
}

impl Scripted {
    /// `GET /templates/win11`, then each answer in turn, and the last for ever.
    pub(super) fn on<T: Serialize>(self, request: &str, answers: impl IntoIterator<Item = T>) -> Self {
        let answers = answers.into_iter().map(|it| (StatusCode::OK, serde_json::to_value(it).unwrap()));
        self.0.lock().unwrap().answers.entry(request.to_owned()).or_default().extend(answers);
        self
    }

    pub(super) fn list<T: Serialize>(self, path: &str, items: impl IntoIterator<Item = T>) -> Self {
        let items: Vec<_> = items.into_iter().collect();
        self.on(&format!("GET {path}"), [json!({"items": items, "next": null})])
    }

    pub(super) fn refuses(self, request: &str, code: Code, cause: &str, blockers: &[&str]) -> Self {
        let mut details = ProblemDetails::from(&Problem::new(code, cause));
        details.blockers = blockers.iter().map(|it| (*it).to_owned()).collect();
        let status = StatusCode::from_u16(details.status).unwrap();
        let answer = (status, serde_json::to_value(details).unwrap());
        self.0.lock().unwrap().answers.entry(request.to_owned()).or_default().push_back(answer);
        self
    }

    pub(super) fn router(&self) -> Router {
        Router::new().fallback(answer).with_state(self.clone())
    }

    /// What was asked that was no mere look, with what was sent.
    pub(super) fn changes(&self) -> Vec<String> {
        self.0.lock().unwrap().log.iter().filter(|line| !line.starts_with("GET")).cloned().collect()
    }

    /// What was sent with a request, the last time.
    pub(super) fn sent(&self, request: &str) -> Value {
        let log = &self.0.lock().unwrap().log;
        let body = log.iter().rev().find_map(|line| line.strip_prefix(request)?.strip_prefix(' '));
        let body = body.unwrap_or_else(|| panic!("`{request}` is not in {log:#?}"));
        serde_json::from_str(body).unwrap()
    }

    pub(super) fn was_asked(&self, request: &str) -> bool {
        self.0.lock().unwrap().log.iter().any(|line| line.starts_with(request))
    }
}

async fn answer(State(scripted): State<Scripted>, method: Method, uri: Uri, body: Bytes) -> Response {
    let mut script = scripted.0.lock().unwrap();
    let all = uri.path_and_query().unwrap().as_str().trim_start_matches("/api/v1");
    let path = uri.path().trim_start_matches("/api/v1");
    let body = String::from_utf8(body.to_vec()).unwrap();
    script.log.push(format!("{method} {all} {body}").trim_end().to_owned());
    let keys = [format!("{method} {all}"), format!("{method} {path}")];
    let Some(answers) = keys.iter().find_map(|key| script.answers.get(key)) else {
        let details =
            ProblemDetails::from(&Problem::new(Code::S0004, format!("nobody scripted {}", keys[0])));
        return (StatusCode::INTERNAL_SERVER_ERROR, axum::Json(details)).into_response();
    };
    let (key, many) =
        (keys.iter().find(|key| script.answers.contains_key(*key)).unwrap().clone(), answers.len() > 1);
    let answers = script.answers.get_mut(&key).unwrap();
    let (status, value) = if many { answers.pop_front().unwrap() } else { answers[0].clone() };
    (status, axum::Json(value)).into_response()
}
