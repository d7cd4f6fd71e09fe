//! Whether the server lives, and whether it can work.

use crate::app::{App, refused::Refused};
use axum::{extract::State, response::Html};

pub(super) async fn front() -> Html<&'static str> {
    Html(
        "<!doctype html><title>Diecast</title><h1>Diecast</h1><p>The server runs. Its API is described at \
         <a href=\"/api/v1/openapi.json\">/api/v1/openapi.json</a>; the command line is <code>diecast</code>.",
    )
}

pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

pub(super) async fn readyz(State(app): State<App>) -> Result<&'static str, Refused> {
    app.is_ready().await?;
    Ok("ok\n")
}
