//! Routes of one-time acts.

use crate::{
    app::{App, cx::Cx, etag::Tagged, refused::Refused},
    http::extract::Named,
};
use axum::{Json, extract::State, http::StatusCode};
use diecast_api::operator::operation::OperationView;

/// How a one-time act stands
#[utoipa::path(get, path = "/operations/{id}", tag = "operations", operation_id = "show_operation",
    params(("id" = String, Path)), responses((status = 200, body = OperationView)))]
pub(super) async fn show(
    State(app): State<App>,
    cx: Cx,
    Named(id): Named,
) -> Result<Tagged<OperationView>, Refused> {
    app.operation(&cx, &id).await
}

/// Have a provider prove that it can do its work
#[utoipa::path(post, path = "/providers/{name}/check", tag = "providers", operation_id = "check_provider",
    params(("name" = String, Path)), responses((status = 202, body = OperationView)))]
pub(super) async fn check_provider(
    State(app): State<App>,
    cx: Cx,
    Named(name): Named,
) -> Result<(StatusCode, Json<OperationView>), Refused> {
    let begun = app.check_provider(&cx, &name).await?;
    Ok((StatusCode::ACCEPTED, Json(begun)))
}
