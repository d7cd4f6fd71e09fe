//! Routes of templates.

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
use diecast_api::operator::template::{ChangeTemplate, CreateTemplate, PlanView, TemplateList, TemplateView};

/// List templates
#[utoipa::path(get, path = "/templates", tag = "templates", operation_id = "list_templates",
    params(Page), responses((status = 200, body = TemplateList)))]
pub(super) async fn list(
    State(app): State<App>,
    cx: Cx,
    Asked(page): Asked<Page>,
) -> Result<Json<TemplateList>, Refused> {
    app.templates(&cx, &page.into()).await.map(Json)
}

/// Create a template from a machine or an image
#[utoipa::path(post, path = "/templates", tag = "templates", operation_id = "create_template",
    params(("Idempotency-Key" = Option<String>, Header), DryRun), request_body = CreateTemplate,
    responses((status = 201, body = TemplateView), (status = 200, description = "A dry run", body = PlanView)))]
pub(super) async fn create(
    State(app): State<App>,
    cx: Cx,
    Asked(asked): Asked<DryRun>,
    create: Create<CreateTemplate>,
) -> Result<Response, Refused> {
    if asked.dry_run {
        return Ok(Json(app.plan_template(&cx, &create.said).await?).into_response());
    }
    let made = app.create_template(&cx, &create.said, create.key.as_ref()).await?;
    Ok((StatusCode::CREATED, made).into_response())
}

/// Show a template
#[utoipa::path(get, path = "/templates/{name}", tag = "templates", operation_id = "show_template",
    params(("name" = String, Path)), responses((status = 200, body = TemplateView)))]
pub(super) async fn show(
    State(app): State<App>,
    cx: Cx,
    Named(name): Named,
) -> Result<Tagged<TemplateView>, Refused> {
    app.template(&cx, &name).await
}

/// Change a template; `dry_run` answers a plan
#[utoipa::path(patch, path = "/templates/{name}", tag = "templates", operation_id = "change_template",
    params(("name" = String, Path), ("If-Match" = Option<String>, Header), DryRun),
    request_body = ChangeTemplate, responses((status = 200, body = TemplateView)))]
pub(super) async fn change(
    State(app): State<App>,
    cx: Cx,
    Named(name): Named,
    Asked(query): Asked<DryRun>,
    if_match: IfMatch,
    Said(asked): Said<ChangeTemplate>,
) -> Result<Response, Refused> {
    if query.dry_run {
        return Ok(Json(app.plan_template_change(&cx, &name, &asked).await?).into_response());
    }
    Ok(app.change_template(&cx, &name, &asked, if_match.tag()).await?.into_response())
}

/// Delete a template with every replica of it
#[utoipa::path(delete, path = "/templates/{name}", tag = "templates", operation_id = "delete_template",
    params(("name" = String, Path), ("If-Match" = Option<String>, Header), DryRun),
    responses((status = 202, description = "It is being deleted"),
        (status = 200, description = "A dry run", body = PlanView)))]
pub(super) async fn remove(
    State(app): State<App>,
    cx: Cx,
    Named(name): Named,
    Asked(query): Asked<DryRun>,
    if_match: IfMatch,
) -> Result<Response, Refused> {
    if query.dry_run {
        return Ok(Json(app.plan_template_deletion(&cx, &name).await?).into_response());
    }
    app.delete_template(&cx, &name, if_match.tag()).await?;
    Ok(StatusCode::ACCEPTED.into_response())
}
