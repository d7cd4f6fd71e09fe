//! Who is asking: the token of an operator, or the certificate of an agent.

use crate::app::{App, refused::Refused};
use axum::{
    extract::{ConnectInfo, Request, State},
    http::header,
    middleware::Next,
    response::Response,
};
use diecast_domain::code::Code;
use diecast_identity::Peer;

/// Lets in who has a token that works; handlers get a `Cx`.
pub(super) async fn operator(
    State(app): State<App>,
    mut request: Request,
    next: Next,
) -> Result<Response, Refused> {
    let token = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = token.and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    let token = token.ok_or_else(|| Refused::new(Code::A0002, "the request carries no bearer token"))?;
    let cx = app.authenticate(token).await?;
    request.extensions_mut().insert(cx);
    Ok(next.run(request).await)
}

/// Lets in who has an agent's certificate that counts; handlers get a `Cx`.
pub(super) async fn agent(
    State(app): State<App>,
    mut request: Request,
    next: Next,
) -> Result<Response, Refused> {
    let peer = request.extensions().get::<ConnectInfo<Peer>>();
    let cx = app.recognise(peer.and_then(|peer| peer.0.identity.as_ref())).await?;
    request.extensions_mut().insert(cx);
    Ok(next.run(request).await)
}
