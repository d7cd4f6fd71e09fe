//! Routes of notifications.

use crate::{
    app::{App, cx::Cx, etag::Tagged, refused::Refused},
    http::extract::{Asked, Create, IfMatch, Named, Page, Said},
};
use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use diecast_api::operator::notification::{
    ChangeNotification, CreateNotification, NotificationList, NotificationTest, NotificationView,
};

/// List notifications
#[utoipa::path(get, path = "/notifications", tag = "notifications", operation_id = "list_notifications",
    params(Page), responses((status = 200, body = NotificationList)))]
pub(super) async fn list(
    State(app): State<App>,
    cx: Cx,
    Asked(page): Asked<Page>,
) -> Result<Json<NotificationList>, Refused> {
    app.notifications(&cx, &page.into()).await.map(Json)
}

/// Have people told of alarms: by webhook, e-mail or script
#[utoipa::path(post, path = "/notifications", tag = "notifications", operation_id = "create_notification",
    params(("Idempotency-Key" = Option<String>, Header)), request_body = CreateNotification,
    responses((status = 201, body = NotificationView)))]
pub(super) async fn create(
    State(app): State<App>,
    cx: Cx,
    create: Create<CreateNotification>,
) -> Result<Response, Refused> {
    let made = app.create_notification(&cx, &create.said, create.key.as_ref()).await?;
    Ok((StatusCode::CREATED, made).into_response())
}

/// Show a notification: whom it tells of what, and how the sending stands
#[utoipa::path(get, path = "/notifications/{name}", tag = "notifications", operation_id = "show_notification",
    params(("name" = String, Path)), responses((status = 200, body = NotificationView)))]
pub(super) async fn show(
    State(app): State<App>,
    cx: Cx,
    Named(name): Named,
) -> Result<Tagged<NotificationView>, Refused> {
    app.notification(&cx, &name).await
}

/// Change a notification; what waits to be sent is tried at once
#[utoipa::path(patch, path = "/notifications/{name}", tag = "notifications", operation_id = "change_notification",
    params(("name" = String, Path), ("If-Match" = Option<String>, Header)),
    request_body = ChangeNotification, responses((status = 200, body = NotificationView)))]
pub(super) async fn change(
    State(app): State<App>,
    cx: Cx,
    Named(name): Named,
    if_match: IfMatch,
    Said(asked): Said<ChangeNotification>,
) -> Result<Tagged<NotificationView>, Refused> {
    app.change_notification(&cx, &name, &asked, if_match.tag()).await
}

/// Delete a notification, with what waits to be sent by it
#[utoipa::path(delete, path = "/notifications/{name}", tag = "notifications", operation_id = "delete_notification",
    params(("name" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 204, description = "It is gone")))]
pub(super) async fn remove(
    State(app): State<App>,
    cx: Cx,
    Named(name): Named,
    if_match: IfMatch,
) -> Result<StatusCode, Refused> {
    app.delete_notification(&cx, &name, if_match.tag()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Send a test message now, and answer what came of it
#[utoipa::path(post, path = "/notifications/{name}/test", tag = "notifications", operation_id = "test_notification",
    params(("name" = String, Path)), responses((status = 200, body = NotificationTest)))]
pub(super) async fn test(
    State(app): State<App>,
    cx: Cx,
    Named(name): Named,
) -> Result<Json<NotificationTest>, Refused> {
    app.test_notification(&cx, &name).await.map(Json)
}
