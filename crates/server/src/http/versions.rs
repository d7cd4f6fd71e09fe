//! Routes of versions.

use crate::{
    app::{App, cx::Cx, refused::Refused},
    http::extract::{Asked, Named, Page},
};
use axum::{Json, extract::State};
use diecast_api::operator::template::VersionList;

/// List a template's versions, newest first
#[utoipa::path(get, path = "/templates/{name}/versions", tag = "templates", operation_id = "list_versions",
    params(("name" = String, Path), Page), responses((status = 200, body = VersionList)))]
pub(super) async fn list(
    State(app): State<App>,
    cx: Cx,
    Named(name): Named,
    Asked(page): Asked<Page>,
) -> Result<Json<VersionList>, Refused> {
    app.versions(&cx, &name, &page.into()).await.map(Json)
}
