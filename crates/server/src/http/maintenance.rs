//! Routes of maintenance. Its screen has a file of its own: `consoles`.

use crate::{
    app::{App, cx::Cx, etag::Tagged, refused::Refused},
    http::extract::{Asked, Create, DryRun, Named, Said},
};
use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use diecast_api::operator::{
    maintenance::{EnterMaintenance, LeaveMaintenance, MaintenanceView},
    operation::OperationView,
    template::{PlanView, TemplateView},
};
use serde::Deserialize;
use utoipa::IntoParams;

/// Show a template's stay in maintenance
#[utoipa::path(get, path = "/templates/{name}/maintenance", tag = "maintenance",
    operation_id = "show_maintenance",
    params(("name" = String, Path)), responses((status = 200, body = MaintenanceView)))]
pub(super) async fn show(
    State(app): State<App>,
    cx: Cx,
    Named(name): Named,
) -> Result<Tagged<MaintenanceView>, Refused> {
    app.maintenance(&cx, &name).await
}

/// Enter maintenance: a working copy is made and started
#[utoipa::path(post, path = "/templates/{name}/maintenance", tag = "maintenance",
    operation_id = "enter_maintenance",
    params(("name" = String, Path), ("Idempotency-Key" = Option<String>, Header), DryRun),
    request_body = EnterMaintenance,
    responses((status = 201, body = MaintenanceView),
        (status = 200, description = "A dry run", body = PlanView)))]
pub(super) async fn enter(
    State(app): State<App>,
    cx: Cx,
    Named(name): Named,
    Asked(query): Asked<DryRun>,
    create: Create<EnterMaintenance>,
) -> Result<Response, Refused> {
    if query.dry_run {
        return Ok(Json(app.plan_maintenance(&cx, &name, &create.said).await?).into_response());
    }
    let entered = app.enter_maintenance(&cx, &name, &create.said, create.key.as_ref()).await?;
    Ok((StatusCode::CREATED, entered).into_response())
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Cancel {
    /// Give the working copy up, because its provider is dead.
    #[serde(default)]
    forget: bool,
}

/// Cancel maintenance: the working copy is thrown away
#[utoipa::path(delete, path = "/templates/{name}/maintenance", tag = "maintenance",
    operation_id = "cancel_maintenance", params(("name" = String, Path), Cancel),
    responses((status = 204)))]
pub(super) async fn cancel(
    State(app): State<App>,
    cx: Cx,
    Named(name): Named,
    Asked(query): Asked<Cancel>,
) -> Result<StatusCode, Refused> {
    app.cancel_maintenance(&cx, &name, query.forget).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Leave maintenance: the working copy is shut down and published; `dry_run` answers a plan
#[utoipa::path(post, path = "/templates/{name}/maintenance/leave", tag = "maintenance",
    operation_id = "leave_maintenance", params(("name" = String, Path), DryRun),
    request_body = LeaveMaintenance, responses((status = 200, body = TemplateView)))]
pub(super) async fn leave(
    State(app): State<App>,
    cx: Cx,
    Named(name): Named,
    Asked(query): Asked<DryRun>,
    Said(asked): Said<LeaveMaintenance>,
) -> Result<Response, Refused> {
    if query.dry_run {
        return Ok(Json(app.plan_leaving(&cx, &name, &asked).await?).into_response());
    }
    Ok(app.leave_maintenance(&cx, &name, &asked).await?.into_response())
}

/// Start the working copy's machine again
#[utoipa::path(post, path = "/templates/{name}/maintenance/start", tag = "maintenance",
    operation_id = "start_maintenance",
    params(("name" = String, Path)), responses((status = 202, body = OperationView)))]
pub(super) async fn start(
    State(app): State<App>,
    cx: Cx,
    Named(name): Named,
) -> Result<(StatusCode, Json<OperationView>), Refused> {
    let begun = app.start_maintenance(&cx, &name).await?;
    Ok((StatusCode::ACCEPTED, Json(begun)))
}
