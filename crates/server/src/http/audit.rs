//! Routes of the audit trail.

use crate::{
    app::{App, audit, cx::Cx, etag::Tagged, refused::Refused},
    http::extract::{Asked, IfMatch, Page, Said},
};
use axum::{Json, extract::State};
use diecast_api::operator::audit::{AuditList, AuditSettings};
use serde::Deserialize;
use utoipa::IntoParams;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// Only what was done at this time or later (RFC 3339).
    since: Option<String>,
    /// Only what was done at this time or earlier (RFC 3339).
    until: Option<String>,
    /// Only what they did: `admin`, `token:ci`, `console`.
    who: Option<String>,
    /// Only what was done to this kind of thing: `provider`, `host`, `token` ...
    object: Option<String>,
    /// Only what was done to the thing of this name.
    name: Option<String>,
    /// `newest` first, which is the default, or `oldest` first.
    order: Option<String>,
}

/// Who changed what, when, from where, and what it was before and after
#[utoipa::path(get, path = "/audit", tag = "audit", operation_id = "list_audit",
    params(Filter, Page), responses((status = 200, body = AuditList)))]
pub(super) async fn list(
    State(app): State<App>,
    cx: Cx,
    Asked(filter): Asked<Filter>,
    Asked(page): Asked<Page>,
) -> Result<Json<AuditList>, Refused> {
    let Filter { since, until, who, object, name, order } = filter;
    let wanted = audit::Wanted { since, until, who, object, name, order };
    app.audit(&cx, wanted, &page.into()).await.map(Json)
}

/// For how long the audit trail is kept
#[utoipa::path(get, path = "/audit/settings", tag = "audit", operation_id = "show_audit_settings",
    responses((status = 200, body = AuditSettings)))]
pub(super) async fn settings(State(app): State<App>, cx: Cx) -> Result<Tagged<AuditSettings>, Refused> {
    app.audit_settings(&cx).await
}

/// Keep the audit trail for longer, or not as long
#[utoipa::path(patch, path = "/audit/settings", tag = "audit", operation_id = "change_audit_settings",
    params(("If-Match" = Option<String>, Header)),
    request_body = AuditSettings, responses((status = 200, body = AuditSettings)))]
pub(super) async fn change(
    State(app): State<App>,
    cx: Cx,
    if_match: IfMatch,
    Said(asked): Said<AuditSettings>,
) -> Result<Tagged<AuditSettings>, Refused> {
    app.change_audit_settings(&cx, &asked, if_match.tag()).await
}
