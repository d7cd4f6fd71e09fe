//! Whether the server lives, and whether it can work.

use crate::app::{App, refused::Refused};
use axum::extract::State;

pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

pub(super) async fn readyz(State(app): State<App>) -> Result<&'static str, Refused> {
    app.is_ready().await?;
    Ok("ok\n")
}
