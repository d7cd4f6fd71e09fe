//! Routes of providers.

use crate::{
    app::{App, cx::Cx, etag::Tagged, refused::Refused},
    http::extract::{Asked, Create, IfMatch, Named, Page, Said},
};
use axum::{Json, extract::State, http::StatusCode};
use diecast_api::operator::provider::{AddProvider, ChangeProvider, JoinView, ProviderList, ProviderView};
use serde::Deserialize;
use utoipa::IntoParams;

/// List providers
#[utoipa::path(get, path = "/providers", tag = "providers", operation_id = "list_providers",
    params(Page), responses((status = 200, body = ProviderList)))]
pub(super) async fn list(
    State(app): State<App>,
    cx: Cx,
    Asked(page): Asked<Page>,
) -> Result<Json<ProviderList>, Refused> {
    app.providers(&cx, &page.into()).await.map(Json)
}

/// Add a provider; the answer has the line that starts its agent
#[utoipa::path(post, path = "/providers", tag = "providers", operation_id = "add_provider",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = AddProvider, responses((status = 201, body = JoinView)))]
pub(super) async fn add(
    State(app): State<App>,
    cx: Cx,
    create: Create<AddProvider>,
) -> Result<(StatusCode, Json<JoinView>), Refused> {
    let join = app.add_provider(&cx, create.said, create.key.as_ref()).await?;
    Ok((StatusCode::CREATED, Json(join)))
}

/// Show a provider
#[utoipa::path(get, path = "/providers/{name}", tag = "providers", operation_id = "show_provider",
    params(("name" = String, Path)), responses((status = 200, body = ProviderView)))]
pub(super) async fn show(
    State(app): State<App>,
    cx: Cx,
    Named(name): Named,
) -> Result<Tagged<ProviderView>, Refused> {
    app.provider(&cx, &name).await
}

/// Change a provider's settings
#[utoipa::path(patch, path = "/providers/{name}", tag = "providers", operation_id = "change_provider",
    params(("name" = String, Path), ("If-Match" = Option<String>, Header)),
    request_body = ChangeProvider, responses((status = 200, body = ProviderView)))]
pub(super) async fn change(
    State(app): State<App>,
    cx: Cx,
    Named(name): Named,
    if_match: IfMatch,
    Said(asked): Said<ChangeProvider>,
) -> Result<Tagged<ProviderView>, Refused> {
    app.change_provider(&cx, &name, asked, if_match.tag()).await
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Removal {
    /// Give up whatever it holds, and revoke its certificate: for one that died.
    #[serde(default)]
    forget: bool,
}

/// Remove a provider
#[utoipa::path(delete, path = "/providers/{name}", tag = "providers", operation_id = "remove_provider",
    params(("name" = String, Path), ("If-Match" = Option<String>, Header), Removal),
    responses((status = 204)))]
pub(super) async fn remove(
    State(app): State<App>,
    cx: Cx,
    Named(name): Named,
    Asked(removal): Asked<Removal>,
    if_match: IfMatch,
) -> Result<StatusCode, Refused> {
    app.remove_provider(&cx, &name, removal.forget, if_match.tag()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make a new token with which its agent joins
#[utoipa::path(post, path = "/providers/{name}/rejoin", tag = "providers", operation_id = "rejoin_provider",
    params(("name" = String, Path)), responses((status = 200, body = JoinView)))]
pub(super) async fn rejoin(
    State(app): State<App>,
    cx: Cx,
    Named(name): Named,
) -> Result<Json<JoinView>, Refused> {
    app.rejoin_provider(&cx, &name).await.map(Json)
}
