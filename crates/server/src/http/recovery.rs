//! Routes of what follows a restore.

use crate::{
    app::{App, cx::Cx, refused::Refused},
    http::extract::Said,
};
use axum::{Json, extract::State};
use diecast_api::operator::recovery::{Adopt, AdoptedView, Finish, RecoveryView};

/// What differs between the backup that was restored and the providers
#[utoipa::path(get, path = "/recovery", tag = "recovery", operation_id = "show_recovery",
    responses((status = 200, body = RecoveryView)))]
pub(super) async fn show(State(app): State<App>, cx: Cx) -> Result<Json<RecoveryView>, Refused> {
    app.recovery(&cx).await.map(Json)
}

/// Take over what providers hold, without copying it
#[utoipa::path(post, path = "/recovery/adopt", tag = "recovery", operation_id = "adopt",
    request_body = Adopt, responses((status = 200, body = AdoptedView)))]
pub(super) async fn adopt(
    State(app): State<App>,
    cx: Cx,
    Said(asked): Said<Adopt>,
) -> Result<Json<AdoptedView>, Refused> {
    app.adopt(&cx, &asked).await.map(Json)
}

/// Let everything go on
#[utoipa::path(post, path = "/recovery/finish", tag = "recovery", operation_id = "finish_recovery",
    request_body = Finish, responses((status = 200, body = RecoveryView)))]
pub(super) async fn finish(
    State(app): State<App>,
    cx: Cx,
    Said(asked): Said<Finish>,
) -> Result<Json<RecoveryView>, Refused> {
    app.finish_recovery(&cx, &asked).await.map(Json)
}
