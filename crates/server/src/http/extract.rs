//! What handlers are handed, each refused in the one shape of every error.

use crate::app::{cx::Cx, idempotency, page, refused::Refused};
use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Query, Request, ws::WebSocketUpgrade},
    http::{HeaderMap, StatusCode, header, request},
};
use futures::StreamExt;
use serde::{Deserialize, de::DeserializeOwned};
use utoipa::IntoParams;

/// Read and dropped of a body that is too large.
const DROPPED_BYTES_MAX: usize = 4 << 20;
/// The largest message of a WebSocket: a screen tells what changed on it in far smaller ones.
const SOCKET_MESSAGE_BYTES_MAX: usize = 1 << 20;
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Put there by `recognise`.
impl<S: Send + Sync> FromRequestParts<S> for Cx {
    type Rejection = Refused;
    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, Refused> {
        let cx = parts.extensions.get::<Self>().cloned();
        cx.ok_or_else(|| Refused::unforeseen(anyhow::anyhow!("a route is not behind `recognise`")))
    }
}

/// The name in the path.
pub(super) struct Named(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Refused;
    async fn from_request_parts(parts: &mut request::Parts, state: &S) -> Result<Self, Refused> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        path.map(|Path(name)| Self(name)).map_err(|error| Refused::malformed(error.body_text()))
    }
}

/// The names in the path, as many as there are.
pub(super) struct Parts<const COUNT: usize>(pub(super) [String; COUNT]);

impl<S: Send + Sync, const COUNT: usize> FromRequestParts<S> for Parts<COUNT> {
    type Rejection = Refused;
    async fn from_request_parts(parts: &mut request::Parts, state: &S) -> Result<Self, Refused> {
        let path = Path::<Vec<String>>::from_request_parts(parts, state).await;
        let Path(names) = path.map_err(|error| Refused::malformed(error.body_text()))?;
        let names = names.try_into();
        names.map(Self).map_err(|_| Refused::unforeseen(anyhow::anyhow!("a route has other parts")))
    }
}

/// A connection that is to become a WebSocket.
pub(super) struct Upgrade(pub(super) WebSocketUpgrade);

impl<S: Send + Sync> FromRequestParts<S> for Upgrade {
    type Rejection = Refused;
    async fn from_request_parts(parts: &mut request::Parts, state: &S) -> Result<Self, Refused> {
        let upgrade = WebSocketUpgrade::from_request_parts(parts, state).await;
        let upgrade = upgrade.map_err(|error| {
            Refused::malformed(error.body_text()).with_status(StatusCode::UPGRADE_REQUIRED.as_u16())
        })?;
        let upgrade = upgrade.max_message_size(SOCKET_MESSAGE_BYTES_MAX);
        Ok(Self(upgrade.max_frame_size(SOCKET_MESSAGE_BYTES_MAX)))
    }
}

/// What follows the question mark.
pub(super) struct Asked<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Refused;
    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, Refused> {
        let query = Query::<T>::try_from_uri(&parts.uri);
        query.map(|Query(asked)| Self(asked)).map_err(|error| Refused::malformed(error.body_text()))
    }
}

/// Which page of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// The `next` of the page before.
    after: Option<String>,
    /// Items of a page, 1 to 1000.
    limit: Option<u32>,
}

impl From<Page> for page::Ask {
    fn from(page: Page) -> Self {
        Self { after: page.after, limit: page.limit }
    }
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct DryRun {
    /// Answer what would be done, and do nothing.
    #[serde(default)]
    pub(super) dry_run: bool,
}

/// The state that a change is meant for.
pub(super) struct IfMatch(Option<String>);

impl IfMatch {
    pub(super) fn tag(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Refused;
    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, Refused> {
        text(&parts.headers, header::IF_MATCH.as_str()).map(Self)
    }
}

fn text(headers: &HeaderMap, name: &str) -> Result<Option<String>, Refused> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let value = value.to_str().map_err(|_| Refused::malformed(format!("the header `{name}` is not text")))?;
    Ok(Some(value.to_owned()))
}

/// A body in JSON. An empty one is an empty object.
pub(super) struct Said<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Said<T> {
    type Rejection = Refused;
    async fn from_request(request: Request, _: &S) -> Result<Self, Refused> {
        parse(&body(request).await?).map(Self)
    }
}

/// A body in JSON that makes something, with the key that makes repeating it harmless.
pub(super) struct Create<T> {
    pub(super) said: T,
    pub(super) key: Option<idempotency::Key>,
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Create<T> {
    type Rejection = Refused;
    async fn from_request(request: Request, _: &S) -> Result<Self, Refused> {
        let name = text(request.headers(), IDEMPOTENCY_KEY)?;
        if name.as_ref().is_some_and(|name| name.is_empty() || name.len() > idempotency::KEY_LENGTH_MAX) {
            return Err(Refused::malformed("the Idempotency-Key is empty or too long"));
        }
        let mut digest = blake3::Hasher::new();
        digest.update(request.method().as_str().as_bytes());
        digest.update(request.uri().to_string().as_bytes());
        let bytes = body(request).await?;
        digest.update(&[0]).update(&bytes);
        let request = digest.finalize().to_hex().to_string();
        let key = name.map(|name| idempotency::Key { name, request });
        Ok(Self { said: parse(&bytes)?, key })
    }
}

/// The body as it came, within the limit of its route.
pub(super) struct Raw(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = Refused;
    async fn from_request(request: Request, _: &S) -> Result<Self, Refused> {
        body(request).await.map(Self)
    }
}

/// The largest body of a route, in bytes.
#[derive(Clone, Copy)]
pub(super) struct BodyMax(pub(super) usize);

/// Reads a body within the limit of its route. Some of what is too much is read and dropped: who is
/// still sending would otherwise see a broken connection instead of the refusal.
async fn body(request: Request) -> Result<Bytes, Refused> {
    let max = request.extensions().get::<BodyMax>().map_or(0, |max| max.0);
    let mut stream = request.into_body().into_data_stream();
    let mut read = Vec::new();
    let mut length = 0;
    while let Some(bytes) = stream.next().await {
        let bytes =
            bytes.map_err(|error| Refused::malformed(format!("the body could not be read: {error}")))?;
        length += bytes.len();
        if length > max + DROPPED_BYTES_MAX {
            break;
        }
        if length <= max {
            read.extend_from_slice(&bytes);
        }
    }
    if length <= max {
        return Ok(read.into());
    }
    let refused = Refused::malformed(format!("the body is larger than the {max} bytes that are taken here"));
    Err(refused.with_status(StatusCode::PAYLOAD_TOO_LARGE.as_u16()))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refused> {
    let bytes = if bytes.trim_ascii().is_empty() { b"{}" } else { bytes };
    serde_json::from_slice(bytes).map_err(|error| Refused::malformed(format!("the request's body: {error}")))
}
