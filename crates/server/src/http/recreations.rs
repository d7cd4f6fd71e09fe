//! Routes of recreations.

use crate::{
    app::{App, cx::Cx, recreations, refused::Refused},
    http::extract::{Asked, Create, DryRun, Named, Page},
};
use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use diecast_api::operator::{
    recreation::{CreateRecreation, RecreationList, RecreationView},
    template::PlanView,
};
use serde::Deserialize;
use utoipa::IntoParams;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// Only recreations of this template's hosts.
    template: Option<String>,
    /// Only those that are not over, or only those that are.
    running: Option<bool>,
}

/// List recreations, newest first
#[utoipa::path(get, path = "/recreations", tag = "recreations", operation_id = "list_recreations",
    params(Filter, Page), responses((status = 200, body = RecreationList)))]
pub(super) async fn list(
    State(app): State<App>,
    cx: Cx,
    Asked(filter): Asked<Filter>,
    Asked(page): Asked<Page>,
) -> Result<Json<RecreationList>, Refused> {
    let filter = recreations::Filter { template: filter.template, running: filter.running };
    app.recreations(&cx, &filter, &page.into()).await.map(Json)
}

/// Recreate hosts; one recreation for each template and version
#[utoipa::path(post, path = "/recreations", tag = "recreations", operation_id = "recreate",
    params(("Idempotency-Key" = Option<String>, Header), DryRun), request_body = CreateRecreation,
    responses((status = 201, body = RecreationList),
        (status = 200, description = "A dry run, or nothing was outdated", body = PlanView)))]
pub(super) async fn create(
    State(app): State<App>,
    cx: Cx,
    Asked(query): Asked<DryRun>,
    create: Create<CreateRecreation>,
) -> Result<Response, Refused> {
    if query.dry_run {
        return Ok(Json(app.plan_recreation(&cx, &create.said).await?).into_response());
    }
    let made = app.recreate(&cx, &create.said, create.key.as_ref()).await?;
    let status = if made.items.is_empty() { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, Json(made)).into_response())
}

/// Show a recreation: each host, and what it waits for
#[utoipa::path(get, path = "/recreations/{id}", tag = "recreations", operation_id = "show_recreation",
    params(("id" = String, Path)), responses((status = 200, body = RecreationView)))]
pub(super) async fn show(
    State(app): State<App>,
    cx: Cx,
    Named(id): Named,
) -> Result<Json<RecreationView>, Refused> {
    app.recreation(&cx, &id).await.map(Json)
}

/// Go on without the providers that do not answer; their hosts follow when they return
#[utoipa::path(post, path = "/recreations/{id}/proceed", tag = "recreations",
    operation_id = "proceed_recreation", params(("id" = String, Path)),
    responses((status = 200, body = RecreationView)))]
pub(super) async fn proceed(
    State(app): State<App>,
    cx: Cx,
    Named(id): Named,
) -> Result<Json<RecreationView>, Refused> {
    app.proceed_recreation(&cx, &id).await.map(Json)
}

/// Begin no further host; those begun are finished
#[utoipa::path(post, path = "/recreations/{id}/cancel", tag = "recreations",
    operation_id = "cancel_recreation", params(("id" = String, Path)),
    responses((status = 200, body = RecreationView)))]
pub(super) async fn cancel(
    State(app): State<App>,
    cx: Cx,
    Named(id): Named,
) -> Result<Json<RecreationView>, Refused> {
    app.cancel_recreation(&cx, &id).await.map(Json)
}
