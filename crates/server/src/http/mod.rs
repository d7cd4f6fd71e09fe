//! What comes in over HTTPS: parsed, recognised, handed to `app`, worded again. No rules, no store.
//!
//! ```text
//!   outside: request id, log line, problem details ─► panics caught ─► size limits
//!      ├─ open      the console's files, healthz, readyz, openapi.json, errors, sign-in, enrolment
//!      ├─ operators /api/v1/..., /metrics    behind `recognise::operator`: a bearer token
//!      └─ agents    /agent/v1/...  behind `recognise::agent`: a certificate that counts
//! ```
//!
//! Who is let in is decided by the part of the tree that a route hangs in, so a new route cannot
//! forget it; what they may do there, by `app::authorise`.

mod agents;
mod alarms;
mod audit;
mod bundles;
mod console;
mod consoles;
mod distribution;
mod errors;
mod events;
mod extract;
mod health;
mod hosts;
mod log;
mod maintenance;
mod manifests;
pub(crate) mod metrics;
mod notifications;
pub(crate) mod openapi;
mod operations;
mod outside;
mod pools;
mod providers;
mod recognise;
mod recovery;
mod recreations;
mod respond;
mod schedules;
mod session;
mod sites;
mod socket;
mod templates;
mod tokens;
mod versions;
mod vms;

use crate::app::{App, refused::Refused};
use axum::{
    Extension, Router,
    http::StatusCode,
    middleware::from_fn_with_state,
    routing::{get, post, put},
};
use diecast_api::{agent, operator};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The largest request of an operator: a thousand providers by name.
const OPERATOR_BODY_BYTES_MAX: usize = 1 << 20;

/// Every route, with its state.
pub(crate) fn router(app: App) -> Router {
    let operator_only = from_fn_with_state(app.clone(), recognise::operator);
    let known = known().route_layer(operator_only.clone());
    let (operators, _) = operators(known).split_for_parts();
    let text = openapi_text();
    let document = get(move || async move { respond::json_text(text) });
    operators
        .route(&format!("{}/openapi.json", operator::BASE), document)
        .layer(body_max(OPERATOR_BODY_BYTES_MAX))
        .merge(agents(&app))
        .merge(Router::new().route(metrics::PATH, get(metrics::show)).route_layer(operator_only))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .fallback(console::serve)
        .method_not_allowed_fallback(async || {
            let cause = "this address does not take this method";
            Refused::malformed(cause).with_status(StatusCode::METHOD_NOT_ALLOWED.as_u16())
        })
        .layer(CatchPanicLayer::custom(outside::panicked))
        .layer(from_fn_with_state(app.clone(), outside::dress))
        .with_state(app)
}

/// The operators' API, described: the text that is checked in as `openapi/operator.json`.
pub(crate) fn openapi_text() -> String {
    let document = openapi::complete(operators(known()).into_openapi());
    serde_json::to_string_pretty(&document).expect("a JSON value can be written") + "\n"
}

/// Routes for operators who are signed in.
fn known() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(session::show, session::sign_out))
        .routes(routes!(providers::list, providers::add))
        .routes(routes!(providers::show, providers::change, providers::remove))
        .routes(routes!(providers::rejoin))
        .routes(routes!(operations::check_provider))
        .routes(routes!(vms::list))
        .routes(routes!(sites::list))
        .routes(routes!(sites::set))
        .routes(routes!(templates::list, templates::create))
        .routes(routes!(templates::show, templates::change, templates::remove))
        .routes(routes!(versions::list))
        .routes(routes!(versions::remove))
        .routes(routes!(versions::tag))
        .routes(routes!(versions::untag))
        .routes(routes!(versions::activate))
        .routes(routes!(bundles::export))
        .routes(routes!(bundles::import))
        .routes(routes!(maintenance::show, maintenance::enter, maintenance::cancel))
        .routes(routes!(maintenance::leave))
        .routes(routes!(maintenance::start))
        .routes(routes!(consoles::watch))
        .routes(routes!(distribution::show))
        .routes(routes!(distribution::add))
        .routes(routes!(distribution::remove))
        .routes(routes!(distribution::retry))
        .routes(routes!(distribution::verify))
        .routes(routes!(hosts::list, hosts::create))
        .routes(routes!(hosts::show, hosts::remove))
        .routes(routes!(hosts::start))
        .routes(routes!(hosts::stop))
        .routes(routes!(pools::list, pools::create))
        .routes(routes!(pools::show, pools::change, pools::remove))
        .routes(routes!(recovery::show))
        .routes(routes!(recovery::adopt))
        .routes(routes!(recovery::finish))
        .routes(routes!(recreations::list, recreations::create))
        .routes(routes!(recreations::show))
        .routes(routes!(recreations::proceed))
        .routes(routes!(recreations::cancel))
        .routes(routes!(schedules::list, schedules::create))
        .routes(routes!(schedules::show, schedules::change, schedules::remove))
        .routes(routes!(alarms::list))
        .routes(routes!(notifications::list, notifications::create))
        .routes(routes!(notifications::show, notifications::change, notifications::remove))
        .routes(routes!(notifications::test))
        .routes(routes!(operations::show))
        .routes(routes!(events::stream))
        .routes(routes!(events::history))
        .routes(routes!(log::show))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::show, tokens::revoke))
        .routes(routes!(audit::list))
        .routes(routes!(audit::settings, audit::change))
}

fn operators(known: OpenApiRouter<App>) -> OpenApiRouter<App> {
    let open = OpenApiRouter::new().routes(routes!(session::sign_in)).routes(routes!(errors::show));
    let base = OpenApiRouter::with_openapi(openapi::head());
    base.nest(operator::BASE, open.merge(known))
}

/// What the extractors of `extract` read at most.
fn body_max(bytes: usize) -> Extension<extract::BodyMax> {
    Extension(extract::BodyMax(bytes))
}

fn agents(app: &App) -> Router<App> {
    let known = Router::new()
        .route(agent::RENEW, post(agents::renew))
        .route(agent::ASSIGNMENT, get(agents::assignment))
        .route(agent::REPORT, post(agents::report))
        .route(&format!("{}/{{id}}", agent::CONSOLES), get(consoles::show))
        .route(&format!("{}/{{id}}", agent::BUNDLES), get(bundles::carry_there))
        .layer(body_max(agent::MESSAGE_BYTES_MAX));
    let manifests = Router::new()
        .route(&format!("{}/{{digest}}", agent::MANIFESTS), put(manifests::put).get(manifests::get))
        .layer(body_max(agent::MANIFEST_BYTES_MAX));
    let open =
        Router::new().route(agent::ENROL, post(agents::enrol)).layer(body_max(agent::MESSAGE_BYTES_MAX));
    known.merge(manifests).route_layer(from_fn_with_state(app.clone(), recognise::agent)).merge(open)
}
