//! The route of the server's own log.

use crate::app::{App, cx::Cx, refused::Refused};
use axum::extract::State;

/// The server's last log lines, the newest last: one JSON object a line
#[utoipa::path(get, path = "/log", tag = "server", operation_id = "show_log",
    responses((status = 200, body = String, content_type = "text/plain")))]
pub(super) async fn show(State(app): State<App>, cx: Cx) -> Result<String, Refused> {
    app.last_log_lines(&cx)
}
