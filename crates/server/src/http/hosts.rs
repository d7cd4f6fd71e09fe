//! Routes of hosts.

use crate::{
    app::{App, cx::Cx, etag::Tagged, hosts, refused::Refused},
    http::extract::{Asked, Create, DryRun, IfMatch, Named, Page},
};
use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use diecast_api::operator::{
    host::{CreateHosts, HostList, HostView},
    operation::OperationView,
    template::PlanView,
};
use serde::Deserialize;
use utoipa::IntoParams;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// Only hosts of this template.
    template: Option<String>,
    /// Only hosts on this provider.
    provider: Option<String>,
    /// Only hosts of this pool.
    pool: Option<String>,
    /// Only those that should run another version, or only those that should not.
    outdated: Option<bool>,
    /// Only those with this status.
    status: Option<String>,
    /// Only those in whose row these words are: name, status, template, provider, pool, users, addresses.
    search: Option<String>,
    /// `name`, `status`, `template`, `version`, `in-use`, `provider`, `pool` or `address`: numbers in it count as
    /// numbers. Left out: by the letters of the name, which `after` follows.
    sort: Option<String>,
    /// The other way around.
    #[serde(default)]
    descending: bool,
    /// So many are passed over.
    skip: Option<u32>,
}

/// List hosts
#[utoipa::path(get, path = "/hosts", tag = "hosts", operation_id = "list_hosts",
    params(Filter, Page), responses((status = 200, body = HostList)))]
pub(super) async fn list(
    State(app): State<App>,
    cx: Cx,
    Asked(filter): Asked<Filter>,
    Asked(page): Asked<Page>,
) -> Result<Json<HostList>, Refused> {
    let Filter { template, provider, pool, outdated, status, search, sort, descending, skip } = filter;
    let filter = hosts::Filter { template, provider, pool, outdated, status, search, sort, descending, skip };
    app.hosts(&cx, &filter, &page.into()).await.map(Json)
}

/// Deploy hosts of a template
#[utoipa::path(post, path = "/hosts", tag = "hosts", operation_id = "create_hosts",
    params(("Idempotency-Key" = Option<String>, Header), DryRun), request_body = CreateHosts,
    responses((status = 201, body = HostList), (status = 200, description = "A dry run", body = PlanView)))]
pub(super) async fn create(
    State(app): State<App>,
    cx: Cx,
    Asked(query): Asked<DryRun>,
    create: Create<CreateHosts>,
) -> Result<Response, Refused> {
    if query.dry_run {
        return Ok(Json(app.plan_hosts(&cx, &create.said).await?).into_response());
    }
    let made = app.create_hosts(&cx, &create.said, create.key.as_ref()).await?;
    Ok((StatusCode::CREATED, Json(made)).into_response())
}

/// Show a host
#[utoipa::path(get, path = "/hosts/{name}", tag = "hosts", operation_id = "show_host",
    params(("name" = String, Path)), responses((status = 200, body = HostView)))]
pub(super) async fn show(
    State(app): State<App>,
    cx: Cx,
    Named(name): Named,
) -> Result<Tagged<HostView>, Refused> {
    app.host(&cx, &name).await
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Remove {
    /// Whether its data disk is deleted too. Must be said if it has one.
    data: Option<bool>,
    /// Answer what would be done, and do nothing.
    #[serde(default)]
    dry_run: bool,
}

/// Delete a host with its disks
#[utoipa::path(delete, path = "/hosts/{name}", tag = "hosts", operation_id = "delete_host",
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
    if query.dry_run {
        return Ok(Json(app.plan_host_deletion(&cx, &name, query.data).await?).into_response());
    }
    app.delete_host(&cx, &name, query.data, if_match.tag()).await?;
    Ok(StatusCode::ACCEPTED.into_response())
}

/// Start a host
#[utoipa::path(post, path = "/hosts/{name}/start", tag = "hosts", operation_id = "start_host",
    params(("name" = String, Path)), responses((status = 202, body = OperationView)))]
pub(super) async fn start(
    State(app): State<App>,
    cx: Cx,
    Named(name): Named,
) -> Result<(StatusCode, Json<OperationView>), Refused> {
    let begun = app.start_host(&cx, &name).await?;
    Ok((StatusCode::ACCEPTED, Json(begun)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Stop {
    /// Pull the plug instead of asking the guest.
    #[serde(default)]
    force: bool,
}

/// Stop a host
#[utoipa::path(post, path = "/hosts/{name}/stop", tag = "hosts", operation_id = "stop_host",
    params(("name" = String, Path), Stop), responses((status = 202, body = OperationView)))]
pub(super) async fn stop(
    State(app): State<App>,
    cx: Cx,
    Named(name): Named,
    Asked(query): Asked<Stop>,
) -> Result<(StatusCode, Json<OperationView>), Refused> {
    let begun = app.stop_host(&cx, &name, query.force).await?;
    Ok((StatusCode::ACCEPTED, Json(begun)))
}
