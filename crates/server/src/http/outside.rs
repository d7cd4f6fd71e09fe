//! Around every request: its id, its line in the log, and the one shape of every error.

use crate::{
    app::{App, refused::Refused},
    metrics::Audience,
};
use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use diecast_api::{
    agent,
    problem::{MEDIA_TYPE, ProblemDetails},
};
use diecast_domain::code::Code;
use std::{any::Any, time::Instant};
use tracing::Instrument;
use uuid::Uuid;

/// The id of a request, for those inside.
#[derive(Clone, Debug)]
pub(super) struct RequestId(pub(super) String);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What the middleware turns into problem details; the request id is known out here only.
#[derive(Clone)]
struct ToBeWorded(Refused);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        response.extensions_mut().insert(ToBeWorded(self));
        response
    }
}

/// Why a request was refused, as long as it is not worded yet.
pub(super) fn refusal(response: &Response) -> Option<&Refused> {
    response.extensions().get::<ToBeWorded>().map(|it| &it.0)
}

pub(super) async fn dress(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let id = Uuid::now_v7().to_string();
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let began = Instant::now();
    let span = tracing::info_span!("request", request = id);
    let mut response = next.run(request).instrument(span.clone()).await;
    let worded = response.extensions_mut().remove::<ToBeWorded>();
    let code = worded.as_ref().map(|it| it.0.problem.code.as_str());
    if let Some(ToBeWorded(refused)) = worded {
        word(&mut response, refused, &id);
    }
    let status = response.status().as_u16();
    let took = began.elapsed();
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    span.in_scope(|| tracing::debug!(%method, path, status, code, duration_ms, "answered"));
    let waited = path == agent::ASSIGNMENT || status == StatusCode::SWITCHING_PROTOCOLS.as_u16();
    app.counted().answered(Audience::of(&path), method.as_str(), status, (!waited).then_some(took));
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

fn word(response: &mut Response, refused: Refused, request: &str) {
    let mut details = ProblemDetails::from(&refused.problem);
    details.status = refused.status.unwrap_or(details.status);
    details.blockers = refused.blockers;
    details.request = Some(request.to_owned());
    *response.status_mut() =
        StatusCode::from_u16(details.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let text = serde_json::to_vec(&details).expect("plain data is always JSON");
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    headers.remove(header::CONTENT_LENGTH);
    if let Some(seconds) = refused.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if details.status == StatusCode::PAYLOAD_TOO_LARGE.as_u16() {
        // What follows on this connection is the rest of a body that nobody reads.
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    if details.code == Code::A0002.as_str() {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    *response.body_mut() = Body::from(text);
}

pub(super) fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let said = panic.downcast_ref::<String>().map(String::as_str);
    let said = said.or(panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    tracing::error!(panic = said, "a request's handler panicked");
    Refused::new(Code::S0004, "the server could not do it for a reason of its own").into_response()
}
