//! Routes of schedules.

use crate::{
    app::{App, cx::Cx, etag::Tagged, refused::Refused},
    http::extract::{Asked, Create, DryRun, IfMatch, Named, Page, Said},
};
use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use diecast_api::operator::{
    schedule::{ChangeSchedule, CreateSchedule, ScheduleList, ScheduleView},
    template::PlanView,
};

/// List schedules
#[utoipa::path(get, path = "/schedules", tag = "schedules", operation_id = "list_schedules",
    params(Page), responses((status = 200, body = ScheduleList)))]
pub(super) async fn list(
    State(app): State<App>,
    cx: Cx,
    Asked(page): Asked<Page>,
) -> Result<Json<ScheduleList>, Refused> {
    app.schedules(&cx, &page.into()).await.map(Json)
}

/// Recreate, start or stop hosts at a time, or again and again
#[utoipa::path(post, path = "/schedules", tag = "schedules", operation_id = "create_schedule",
    params(("Idempotency-Key" = Option<String>, Header), DryRun), request_body = CreateSchedule,
    responses((status = 201, body = ScheduleView),
        (status = 200, description = "A dry run", body = PlanView)))]
pub(super) async fn create(
    State(app): State<App>,
    cx: Cx,
    Asked(query): Asked<DryRun>,
    create: Create<CreateSchedule>,
) -> Result<Response, Refused> {
    if query.dry_run {
        return Ok(Json(app.plan_schedule(&cx, &create.said).await?).into_response());
    }
    let made = app.create_schedule(&cx, &create.said, create.key.as_ref()).await?;
    Ok((StatusCode::CREATED, made).into_response())
}

/// Show a schedule: what will run next, and what came of it last
#[utoipa::path(get, path = "/schedules/{name}", tag = "schedules", operation_id = "show_schedule",
    params(("name" = String, Path)), responses((status = 200, body = ScheduleView)))]
pub(super) async fn show(
    State(app): State<App>,
    cx: Cx,
    Named(name): Named,
) -> Result<Tagged<ScheduleView>, Refused> {
    app.schedule(&cx, &name).await
}

/// Let a schedule rest, or run again
#[utoipa::path(patch, path = "/schedules/{name}", tag = "schedules", operation_id = "change_schedule",
    params(("name" = String, Path), ("If-Match" = Option<String>, Header)),
    request_body = ChangeSchedule, responses((status = 200, body = ScheduleView)))]
pub(super) async fn change(
    State(app): State<App>,
    cx: Cx,
    Named(name): Named,
    if_match: IfMatch,
    Said(asked): Said<ChangeSchedule>,
) -> Result<Tagged<ScheduleView>, Refused> {
    app.change_schedule(&cx, &name, &asked, if_match.tag()).await
}

/// Delete a schedule; hosts stay as they are
#[utoipa::path(delete, path = "/schedules/{name}", tag = "schedules", operation_id = "delete_schedule",
    params(("name" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 204, description = "It is gone")))]
pub(super) async fn remove(
    State(app): State<App>,
    cx: Cx,
    Named(name): Named,
    if_match: IfMatch,
) -> Result<StatusCode, Refused> {
    app.delete_schedule(&cx, &name, if_match.tag()).await?;
    Ok(StatusCode::NO_CONTENT)
}
