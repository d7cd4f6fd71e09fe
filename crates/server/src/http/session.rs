//! Routes of the session.

use crate::{
    app::{
        App,
        cx::{Cx, Origin},
        etag::Tagged,
        refused::Refused,
    },
    http::extract::Said,
};
use axum::{Json, extract::State, http::StatusCode};
use diecast_api::operator::session::{SessionView, SignIn, SignedIn};

/// Sign in
#[utoipa::path(post, path = "/session", tag = "session", operation_id = "sign_in", security(()),
    request_body = SignIn, responses((status = 200, body = SignedIn)))]
pub(super) async fn sign_in(
    State(app): State<App>,
    origin: Origin,
    Said(asked): Said<SignIn>,
) -> Result<Json<SignedIn>, Refused> {
    app.sign_in(&origin, asked).await.map(Json)
}

/// Who is asking
#[utoipa::path(get, path = "/session", tag = "session", operation_id = "show_session",
    responses((status = 200, body = SessionView)))]
pub(super) async fn show(State(app): State<App>, cx: Cx) -> Result<Tagged<SessionView>, Refused> {
    app.session(&cx)
}

/// Sign out: the token works no more
#[utoipa::path(delete, path = "/session", tag = "session", operation_id = "sign_out",
    responses((status = 204)))]
pub(super) async fn sign_out(State(app): State<App>, cx: Cx) -> Result<StatusCode, Refused> {
    app.sign_out(&cx).await?;
    Ok(StatusCode::NO_CONTENT)
}
