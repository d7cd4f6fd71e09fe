//! Routes of pools.

use crate::{
    app::{App, cx::Cx, etag::Tagged, refused::Refused},
    http::extract::{Asked, Create, DryRun, IfMatch, Named, Page, Said},
};
use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use diecast_api::operator::{
    pool::{CreatePool, PoolList, PoolSettings, PoolView},
    template::PlanView,
};
use serde::Deserialize;
use utoipa::IntoParams;

/// List pools
#[utoipa::path(get, path = "/pools", tag = "pools", operation_id = "list_pools",
    params(Page), responses((status = 200, body = PoolList)))]
pub(super) async fn list(
    State(app): State<App>,
    cx: Cx,
    Asked(page): Asked<Page>,
) -> Result<Json<PoolList>, Refused> {
    app.pools(&cx, &page.into()).await.map(Json)
}

/// Keep a number of hosts of a template
#[utoipa::path(post, path = "/pools", tag = "pools", operation_id = "create_pool",
    params(("Idempotency-Key" = Option<String>, Header), DryRun), request_body = CreatePool,
    responses((status = 201, body = PoolView), (status = 200, description = "A dry run", body = PlanView)))]
pub(super) async fn create(
    State(app): State<App>,
    cx: Cx,
    Asked(query): Asked<DryRun>,
    create: Create<CreatePool>,
) -> Result<Response, Refused> {
    if query.dry_run {
        return Ok(Json(app.plan_pool(&cx, &create.said).await?).into_response());
    }
    let made = app.create_pool(&cx, &create.said, create.key.as_ref()).await?;
    Ok((StatusCode::CREATED, made).into_response())
}

/// Show a pool: its size, where its hosts are, why it is not full
#[utoipa::path(get, path = "/pools/{name}", tag = "pools", operation_id = "show_pool",
    params(("name" = String, Path)), responses((status = 200, body = PoolView)))]
pub(super) async fn show(
    State(app): State<App>,
    cx: Cx,
    Named(name): Named,
) -> Result<Tagged<PoolView>, Refused> {
    app.pool(&cx, &name).await
}

/// Change a pool; what is left out stays; `dry_run` answers a plan
#[utoipa::path(patch, path = "/pools/{name}", tag = "pools", operation_id = "change_pool",
    params(("name" = String, Path), ("If-Match" = Option<String>, Header), DryRun),
    request_body = PoolSettings, responses((status = 200, body = PoolView)))]
pub(super) async fn change(
    State(app): State<App>,
    cx: Cx,
    Named(name): Named,
    Asked(query): Asked<DryRun>,
    if_match: IfMatch,
    Said(asked): Said<PoolSettings>,
) -> Result<Response, Refused> {
    if query.dry_run {
        return Ok(Json(app.plan_pool_change(&cx, &name, &asked).await?).into_response());
    }
    Ok(app.change_pool(&cx, &name, &asked, if_match.tag()).await?.into_response())
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Remove {
    /// Its hosts stay, as hosts of no pool.
    #[serde(default)]
    keep_hosts: bool,
    /// Whether their data disks are deleted too. Must be said if there are any.
    data: Option<bool>,
    /// Answer what would be done, and do nothing.
    #[serde(default)]
    dry_run: bool,
}

/// Delete a pool with its hosts
#[utoipa::path(delete, path = "/pools/{name}", tag = "pools", operation_id = "delete_pool",
    params(("name" = String, Path), Remove, ("If-Match" = Option<String>, Header)),
    responses((status = 202, description = "It is being deleted"),
        (status = 200, description = "A dry run", body = PlanView)))]
pub(super) async fn remove(
    State(app): State<App>,
    cx: Cx,
    Named(name): Named,
    Asked(query): Asked<Remove>,
    if_match: IfMatch,
) -> Result<Response, Refused> {
    let Remove { keep_hosts, data, dry_run } = query;
    if dry_run {
        return Ok(Json(app.plan_pool_deletion(&cx, &name, keep_hosts, data).await?).into_response());
    }
    app.delete_pool(&cx, &name, keep_hosts, data, if_match.tag()).await?;
    Ok(StatusCode::ACCEPTED.into_response())
}
