//! Routes of screens: an operator's WebSocket and an agent's, joined for as long as both last.
//!
//! ```text
//!   viewer ══► /api/v1/.../console ══ channels ══ /agent/v1/consoles/{id} ◄══ agent ══► VNC socket
//! ```
//!
//! What is said is RFB, which nobody reads here: binary messages are copied both ways as they come.

use super::socket::{ANSWER_PATIENCE, Ended, carry};
use crate::{
    app::{App, cx::Cx, refused::Refused},
    http::extract::{Named, Upgrade},
    picture::no_such,
    relay::Near,
};
use axum::{extract::State, response::Response};
use std::future::pending;

/// What operators' ends may call what is said; both mean the same. Browsers want one of those that
/// they offer taken, and that must not be the token.
const PROTOCOLS: [&str; 2] = ["binary", "diecast"];

/// The screen of a template's working copy, as a WebSocket that speaks RFB in binary messages
///
/// Browsers, which cannot send a header here, offer the protocols `diecast` and `bearer.TOKEN`.
#[utoipa::path(get, path = "/templates/{name}/maintenance/console", tag = "maintenance",
    operation_id = "show_maintenance_console", params(("name" = String, Path)),
    responses((status = 101, description = "A WebSocket")))]
pub(super) async fn watch(
    State(app): State<App>,
    cx: Cx,
    Named(name): Named,
    Upgrade(upgrade): Upgrade,
) -> Result<Response, Refused> {
    let screen = app.open_console(&cx, &name).await?;
    Ok(upgrade.protocols(PROTOCOLS).on_upgrade(async move |socket| {
        let Near { end, answered, closed } = screen.viewer;
        let no_answer = async {
            match tokio::time::timeout(ANSWER_PATIENCE, answered).await {
                Ok(_) => pending().await,
                Err(_) => Ended::NoAnswer { provider: screen.provider },
            }
        };
        let interrupted = async {
            tokio::select! {
                ended = no_answer => ended,
                () = app.shut_out(cx) => Ended::ShutOut,
            }
        };
        carry(&app, socket, end, interrupted).await;
        drop(closed);
        app.nudge();
    }))
}

/// The other end of it, by the agent that is ordered to show it.
pub(super) async fn show(
    State(app): State<App>,
    cx: Cx,
    Named(id): Named,
    Upgrade(upgrade): Upgrade,
) -> Result<Response, Refused> {
    let id = id.parse().map_err(|_| no_such("screen", &id))?;
    let end = app.answer_console(&cx, id)?;
    Ok(upgrade.on_upgrade(async move |socket| carry(&app, socket, end, pending()).await))
}
