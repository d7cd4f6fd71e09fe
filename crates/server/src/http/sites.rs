//! Routes of sites.

use crate::{
    app::{App, cx::Cx, refused::Refused},
    http::extract::{Asked, Page, Parts, Said},
};
use axum::{Json, extract::State};
use diecast_api::operator::site::{SetSiteLink, SiteLinkView, SiteList};

/// List sites, who stands there, and the links between them
#[utoipa::path(get, path = "/sites", tag = "sites", operation_id = "list_sites",
    params(Page), responses((status = 200, body = SiteList)))]
pub(super) async fn list(
    State(app): State<App>,
    cx: Cx,
    Asked(page): Asked<Page>,
) -> Result<Json<SiteList>, Refused> {
    app.sites(&cx, &page.into()).await.map(Json)
}

/// Limit what crosses the link of two sites, in each direction
#[utoipa::path(put, path = "/sites/{name}/links/{other}", tag = "sites", operation_id = "set_site_link",
    params(("name" = String, Path), ("other" = String, Path)),
    request_body = SetSiteLink, responses((status = 200, body = SiteLinkView)))]
pub(super) async fn set(
    State(app): State<App>,
    cx: Cx,
    Parts(sites): Parts<2>,
    Said(asked): Said<SetSiteLink>,
) -> Result<Json<SiteLinkView>, Refused> {
    app.set_site_link(&cx, &sites, &asked).await.map(Json)
}
