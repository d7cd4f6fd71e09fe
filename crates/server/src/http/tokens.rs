//! Routes of tokens.

use crate::{
    app::{App, cx::Cx, etag::Tagged, refused::Refused},
    http::extract::{Asked, Create, IfMatch, Named, Page},
};
use axum::{Json, extract::State, http::StatusCode};
use diecast_api::operator::token::{CreateToken, MadeToken, TokenList, TokenView};

/// List tokens: what each may do, until when, and when it was used last
#[utoipa::path(get, path = "/tokens", tag = "tokens", operation_id = "list_tokens",
    params(Page), responses((status = 200, body = TokenList)))]
pub(super) async fn list(
    State(app): State<App>,
    cx: Cx,
    Asked(page): Asked<Page>,
) -> Result<Json<TokenList>, Refused> {
    app.tokens(&cx, &page.into()).await.map(Json)
}

/// Make a token; the answer has its text, which is not shown again
#[utoipa::path(post, path = "/tokens", tag = "tokens", operation_id = "create_token",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = CreateToken, responses((status = 201, body = MadeToken)))]
pub(super) async fn create(
    State(app): State<App>,
    cx: Cx,
    create: Create<CreateToken>,
) -> Result<(StatusCode, Json<MadeToken>), Refused> {
    let made = app.create_token(&cx, &create.said, create.key.as_ref()).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Show a token
#[utoipa::path(get, path = "/tokens/{name}", tag = "tokens", operation_id = "show_token",
    params(("name" = String, Path)), responses((status = 200, body = TokenView)))]
pub(super) async fn show(
    State(app): State<App>,
    cx: Cx,
    Named(name): Named,
) -> Result<Tagged<TokenView>, Refused> {
    app.token(&cx, &name).await
}

/// Revoke a token: from here on it opens nothing
#[utoipa::path(delete, path = "/tokens/{name}", tag = "tokens", operation_id = "revoke_token",
    params(("name" = String, Path), ("If-Match" = Option<String>, Header)), responses((status = 204)))]
pub(super) async fn revoke(
    State(app): State<App>,
    cx: Cx,
    Named(name): Named,
    if_match: IfMatch,
) -> Result<StatusCode, Refused> {
    app.revoke_token(&cx, &name, if_match.tag()).await?;
    Ok(StatusCode::NO_CONTENT)
}
