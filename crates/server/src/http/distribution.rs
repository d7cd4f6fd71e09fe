//! Routes of distribution lists.

use crate::{
    app::{App, cx::Cx, etag::Tagged, refused::Refused},
    http::extract::{Asked, DryRun, Named, Said},
};
use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use diecast_api::operator::{
    distribution::{DistributionView, ProviderNames, RemoveProviders},
    operation::OperationList,
};

/// How the distribution of a template stands
#[utoipa::path(get, path = "/templates/{name}/distribution", tag = "distribution",
    operation_id = "show_distribution",
    params(("name" = String, Path)), responses((status = 200, body = DistributionView)))]
pub(super) async fn show(
    State(app): State<App>,
    cx: Cx,
    Named(name): Named,
) -> Result<Tagged<DistributionView>, Refused> {
    app.distribution(&cx, &name).await
}

/// Add providers to the list; `dry_run` answers a plan
#[utoipa::path(post, path = "/templates/{name}/distribution/providers", tag = "distribution",
    operation_id = "add_to_distribution", params(("name" = String, Path), DryRun),
    request_body = ProviderNames, responses((status = 200, body = DistributionView)))]
pub(super) async fn add(
    State(app): State<App>,
    cx: Cx,
    Named(name): Named,
    Asked(query): Asked<DryRun>,
    Said(asked): Said<ProviderNames>,
) -> Result<Response, Refused> {
    if query.dry_run {
        return Ok(Json(app.plan_addition(&cx, &name, &asked).await?).into_response());
    }
    Ok(app.add_members(&cx, &name, &asked).await?.into_response())
}

/// Take providers off the list; `dry_run` answers a plan
#[utoipa::path(post, path = "/templates/{name}/distribution/remove", tag = "distribution",
    operation_id = "remove_from_distribution", params(("name" = String, Path), DryRun),
    request_body = RemoveProviders, responses((status = 200, body = DistributionView)))]
pub(super) async fn remove(
    State(app): State<App>,
    cx: Cx,
    Named(name): Named,
    Asked(query): Asked<DryRun>,
    Said(asked): Said<RemoveProviders>,
) -> Result<Response, Refused> {
    if query.dry_run {
        return Ok(Json(app.plan_removal(&cx, &name, &asked).await?).into_response());
    }
    Ok(app.remove_members(&cx, &name, &asked).await?.into_response())
}

/// Try again at once what failed, the publication included
#[utoipa::path(post, path = "/templates/{name}/distribution/retry", tag = "distribution",
    operation_id = "retry_distribution", params(("name" = String, Path)),
    request_body = ProviderNames, responses((status = 200, body = DistributionView)))]
pub(super) async fn retry(
    State(app): State<App>,
    cx: Cx,
    Named(name): Named,
    Said(asked): Said<ProviderNames>,
) -> Result<Tagged<DistributionView>, Refused> {
    app.retry_members(&cx, &name, &asked).await
}

/// Have replicas read back and every byte compared
#[utoipa::path(post, path = "/templates/{name}/distribution/verify", tag = "distribution",
    operation_id = "verify_distribution", params(("name" = String, Path)),
    request_body = ProviderNames, responses((status = 202, body = OperationList)))]
pub(super) async fn verify(
    State(app): State<App>,
    cx: Cx,
    Named(name): Named,
    Said(asked): Said<ProviderNames>,
) -> Result<(StatusCode, Json<OperationList>), Refused> {
    let begun = app.verify_members(&cx, &name, &asked).await?;
    Ok((StatusCode::ACCEPTED, Json(begun)))
}
