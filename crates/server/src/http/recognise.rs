//! Who is asking: the token of an operator, or the certificate of an agent.

use crate::{
    app::{App, cx::Origin, refused::Refused},
    clock,
    http::outside::{self, RequestId},
};
use axum::{
    body::to_bytes,
    extract::{ConnectInfo, FromRequestParts, OriginalUri, Request, State},
    http::{Extensions, HeaderMap, Method, Uri, header, request},
    middleware::Next,
    response::Response,
};
use diecast_api::agent::{MESSAGE_BYTES_MAX, REPORT};
use diecast_domain::{code::Code, report::Report};
use diecast_identity::{Peer, PeerIdentity};
use diecast_store::writing_as;

/// Before the token, where that is offered as a WebSocket's protocol.
const TOKEN_PROTOCOL: &str = "bearer.";

/// Lets in who has a token that works; handlers get a `Cx`. Whatever they change is written in the
/// audit trail as theirs, and what they may not do as well.
pub(super) async fn operator(
    State(app): State<App>,
    mut request: Request,
    next: Next,
) -> Result<Response, Refused> {
    let origin = origin(request.extensions(), request.method(), request.uri())?;
    let token = bearer(request.headers()).or_else(|| offered(request.headers()));
    let token = token.ok_or_else(|| Refused::new(Code::A0002, "the request carries no bearer token"))?;
    let cx = app.authenticate(token, &origin).await?;
    let author = origin.author(cx.who(), cx.now);
    request.extensions_mut().insert(cx);
    let response = writing_as(author.clone(), next.run(request)).await;
    if let Some(refused) = outside::refusal(&response).filter(|it| it.problem.code == Code::A0003) {
        app.note_refusal(&author, &refused.problem).await;
    }
    Ok(response)
}

impl<S: Send + Sync> FromRequestParts<S> for Origin {
    type Rejection = Refused;
    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, Refused> {
        origin(&parts.extensions, &parts.method, &parts.uri)
    }
}

fn origin(extensions: &Extensions, method: &Method, uri: &Uri) -> Result<Origin, Refused> {
    let peer = extensions.get::<ConnectInfo<Peer>>();
    let peer = peer.ok_or_else(|| Refused::unforeseen(anyhow::anyhow!("a request comes from nowhere")))?;
    // A nested router is shown what follows its own part of the path alone.
    let path = extensions.get::<OriginalUri>().map_or(uri.path(), |uri| uri.0.path());
    Ok(Origin {
        address: peer.0.address.ip().to_canonical(),
        request: extensions.get::<RequestId>().map(|id| id.0.clone()),
        call: format!("{method} {path}"),
    })
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
    let identity = peer.and_then(|peer| peer.0.identity.clone());
    match app.recognise(identity.as_ref()).await {
        Ok(cx) => {
            request.extensions_mut().insert(cx);
            Ok(next.run(request).await)
        }
        Err(refused) => {
            if let Some(identity) = identity.filter(|_| request.uri().path() == REPORT) {
                listen(&app, &identity, request).await;
            }
            Err(refused)
        }
    }
}

/// An agent that is let in nowhere may be one that a restored server has yet to learn of: what it says is
/// kept to be shown, and answers nothing.
async fn listen(app: &App, identity: &PeerIdentity, request: Request) {
    let Ok(bytes) = to_bytes(request.into_body(), MESSAGE_BYTES_MAX).await else { return };
    if let Ok(report) = serde_json::from_slice::<Report>(&bytes) {
        app.hear_stranger(identity, report, clock::now()).await;
    }
}
