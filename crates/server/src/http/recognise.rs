//! Who is asking: the token of an operator, or the certificate of an agent.

use crate::app::{App, refused::Refused};
use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::Response,
};
use diecast_domain::code::Code;
use diecast_identity::Peer;

/// Before the token, where that is offered as a WebSocket's protocol.
const TOKEN_PROTOCOL: &str = "bearer.";

/// Lets in who has a token that works; handlers get a `Cx`.
pub(super) async fn operator(
    State(app): State<App>,
    mut request: Request,
    next: Next,
) -> Result<Response, Refused> {
    let token = bearer(request.headers()).or_else(|| offered(request.headers()));
    let token = token.ok_or_else(|| Refused::new(Code::A0002, "the request carries no bearer token"))?;
    let cx = app.authenticate(token).await?;
    request.extensions_mut().insert(cx);
    Ok(next.run(request).await)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// A browser can send no header with a WebSocket: it offers its token as one of the protocols.
fn offered(headers: &HeaderMap) -> Option<&str> {
    let upgrade = headers.get(header::UPGRADE)?.to_str().ok()?;
    let mut protocols = headers
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    let token = protocols.find_map(|protocol| protocol.trim().strip_prefix(TOKEN_PROTOCOL));
    token.filter(|_| upgrade.eq_ignore_ascii_case("websocket"))
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
