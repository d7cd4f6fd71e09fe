//! The page of an error code.

use crate::{app::refused::Refused, http::extract::Named, picture::no_such};
use axum::{http::header, response::IntoResponse};
use diecast_domain::code::Code;

/// The page of an error code, in Markdown
#[utoipa::path(get, path = "/errors/{code}", tag = "errors", operation_id = "show_error", security(()),
    params(("code" = String, Path, description = "Such as `T0001`")),
    responses((status = 200, body = String, content_type = "text/markdown")))]
pub(super) async fn show(Named(code): Named) -> Result<impl IntoResponse, Refused> {
    let found: Code = code.parse().map_err(|_| no_such("error code", &code))?;
    Ok(([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], found.page()))
}
