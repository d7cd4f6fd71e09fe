//! Routes of versions.

use crate::{
    app::{App, cx::Cx, etag::Tagged, refused::Refused},
    http::extract::{Asked, DryRun, Named, Page, Parts, Said},
};
use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use diecast_api::operator::template::{
    ActivateVersion, PlanView, TagVersion, TemplateView, VersionList, VersionView,
};

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

/// Delete a version everywhere
#[utoipa::path(delete, path = "/templates/{name}/versions/{version}", tag = "templates",
    operation_id = "delete_version",
    params(("name" = String, Path), ("version" = String, Path, description = "`3`, `v3` or a tag"), DryRun),
    responses((status = 202, description = "It is being deleted"),
        (status = 200, description = "A dry run", body = PlanView)))]
pub(super) async fn remove(
    State(app): State<App>,
    cx: Cx,
    Parts(parts): Parts<2>,
    Asked(query): Asked<DryRun>,
) -> Result<Response, Refused> {
    let [name, version] = parts;
    if query.dry_run {
        return Ok(Json(app.plan_version_deletion(&cx, &name, &version).await?).into_response());
    }
    app.delete_version(&cx, &name, &version).await?;
    Ok(StatusCode::ACCEPTED.into_response())
}

/// Tag a version; a tag that another version of the template has moves here
#[utoipa::path(post, path = "/templates/{name}/versions/{version}/tags", tag = "templates",
    operation_id = "tag_version",
    params(("name" = String, Path), ("version" = String, Path, description = "`3`, `v3` or a tag")),
    request_body = TagVersion, responses((status = 200, body = VersionView)))]
pub(super) async fn tag(
    State(app): State<App>,
    cx: Cx,
    Parts(parts): Parts<2>,
    Said(asked): Said<TagVersion>,
) -> Result<Json<VersionView>, Refused> {
    let [name, version] = parts;
    app.tag_version(&cx, &name, &version, &asked).await.map(Json)
}

/// Take a tag away
#[utoipa::path(delete, path = "/templates/{name}/versions/{version}/tags/{tag}", tag = "templates",
    operation_id = "untag_version",
    params(("name" = String, Path), ("version" = String, Path, description = "`3`, `v3` or a tag"),
        ("tag" = String, Path)),
    responses((status = 204)))]
pub(super) async fn untag(
    State(app): State<App>,
    cx: Cx,
    Parts(parts): Parts<3>,
) -> Result<StatusCode, Refused> {
    let [name, version, tag] = parts;
    app.untag_version(&cx, &name, &version, &tag).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make a version the current one; `dry_run` answers a plan
#[utoipa::path(post, path = "/templates/{name}/versions/{version}/activate", tag = "templates",
    operation_id = "activate_version",
    params(("name" = String, Path), ("version" = String, Path, description = "`3`, `v3` or a tag"), DryRun),
    request_body = ActivateVersion, responses((status = 200, body = TemplateView)))]
pub(super) async fn activate(
    State(app): State<App>,
    cx: Cx,
    Parts(parts): Parts<2>,
    Asked(query): Asked<DryRun>,
    Said(asked): Said<ActivateVersion>,
) -> Result<Response, Refused> {
    let [name, version] = parts;
    if query.dry_run {
        return Ok(Json(app.plan_activation(&cx, &name, &version, &asked).await?).into_response());
    }
    let shown: Tagged<TemplateView> = app.activate_version(&cx, &name, &version, &asked).await?;
    Ok(shown.into_response())
}
