//! One request: built, sent, tried again where that is safe, and its answer taken apart.

use super::{Client, ClientError};
use crate::{operator::BASE, problem::ProblemDetails};
use reqwest::{Method, RequestBuilder, Response, StatusCode, header};
use serde::{Serialize, de::DeserializeOwned};
use std::time::Duration;

/// Before each further try of a request that may be repeated: a server that restarts is back by then.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(200), Duration::from_millis(500), Duration::from_millis(1000)];

/// The header that makes a repeated create harmless.
const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// A resource and the ETag it was read at, to be handed back as the condition of a change.
#[derive(Clone, Debug, PartialEq)]
pub struct Tagged<T> {
    pub value: T,
    pub etag: Option<String>,
}

/// A request that is being put together.
pub(super) struct Ask<'a> {
    client: &'a Client,
    /// As messages name it: `GET /api/v1/templates/win11`.
    name: String,
    builder: Result<RequestBuilder, ClientError>,
    repeatable: bool,
}

impl Client {
    /// `parts` are path segments after `/api/v1`; they are encoded here.
    pub(super) fn ask(&self, method: Method, parts: &[&str]) -> Ask<'_> {
        self.ask_at(method, BASE, parts)
    }

    /// The same below another place than `/api/v1`.
    pub(super) fn ask_at(&self, method: Method, place: &str, parts: &[&str]) -> Ask<'_> {
        let mut url = self.base.clone();
        let path = match url.path_segments_mut() {
            Ok(mut segments) => {
                segments.pop_if_empty().extend(place.split('/').skip(1)).extend(parts);
                Ok(())
            }
            Err(()) => Err(ClientError::BadUrl { url: self.url().to_owned(), why: "it cannot have a path" }),
        };
        let name = format!("{method} {}", url.path());
        let repeatable = method == Method::GET;
        let builder = path.map(|()| {
            let builder = self.http.request(method, url);
            match &self.token {
                Some(token) => builder.bearer_auth(&token.0),
                None => builder,
            }
        });
        Ask { client: self, name, builder, repeatable }
    }
}

impl Ask<'_> {
    fn with(mut self, change: impl FnOnce(RequestBuilder) -> RequestBuilder) -> Self {
        self.builder = self.builder.map(change);
        self
    }

    pub(super) fn query<Q: Serialize + ?Sized>(self, query: &Q) -> Self {
        self.with(|builder| builder.query(query))
    }

    pub(super) fn dry_run(self) -> Self {
        self.query(&[("dry_run", "true")])
    }

    pub(super) fn body<B: Serialize + ?Sized>(self, body: &B) -> Self {
        self.with(|builder| builder.json(body))
    }

    pub(super) fn header(self, name: &str, value: &str) -> Self {
        self.with(|builder| builder.header(name, value))
    }

    pub(super) fn if_match(self, etag: Option<&str>) -> Self {
        match etag {
            Some(etag) => self.header(header::IF_MATCH.as_str(), etag),
            None => self,
        }
    }

    /// A create: with a key of its own, so that trying it again cannot make two.
    pub(super) fn create(mut self) -> Self {
        self.repeatable = true;
        let key = uuid::Uuid::new_v4().to_string();
        self.header(IDEMPOTENCY_KEY, &key)
    }

    /// The answer, if it is a success.
    pub(super) async fn send(self) -> Result<(Response, String), ClientError> {
        let Self { client, name, builder, repeatable } = self;
        let builder = builder?;
        let mut pauses = PAUSES.iter().filter(|_| repeatable);
        loop {
            let attempt = builder.try_clone().expect("every body here is bytes in memory");
            let outcome = match attempt.send().await {
                Ok(response) => answered(client.url(), &name, response).await,
                Err(source) => Err(ClientError::transport(client.url(), source)),
            };
            match outcome {
                Ok(response) => return Ok((response, name)),
                Err(error) => match pauses.next().filter(|_| error.is_passing()) {
                    Some(pause) => tokio::time::sleep(*pause).await,
                    None => return Err(error),
                },
            }
        }
    }

    /// Success, whatever the body.
    pub(super) async fn done(self) -> Result<(), ClientError> {
        self.send().await.map(drop)
    }

    pub(super) async fn text(self) -> Result<String, ClientError> {
        let url = self.client.url();
        let (response, _) = self.send().await?;
        response.text().await.map_err(|source| ClientError::transport(url, source))
    }

    pub(super) async fn json<T: DeserializeOwned>(self) -> Result<T, ClientError> {
        self.tagged().await.map(|tagged| tagged.value)
    }

    pub(super) async fn tagged<T: DeserializeOwned>(self) -> Result<Tagged<T>, ClientError> {
        let url = self.client.url();
        let (response, request) = self.send().await?;
        let etag =
            response.headers().get(header::ETAG).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = response.bytes().await.map_err(|source| ClientError::transport(url, source))?;
        let value = serde_json::from_slice(&body).map_err(|source| ClientError::Unexpected {
            url: url.to_owned(),
            request,
            what: format!("a body that is not understood ({source})"),
        })?;
        Ok(Tagged { value, etag })
    }
}

/// A success as it is; anything else as the problem it carries.
async fn answered(url: &str, request: &str, response: Response) -> Result<Response, ClientError> {
    let status = response.status();
    if status.is_success() || status == StatusCode::SWITCHING_PROTOCOLS {
        return Ok(response);
    }
    let body = response.bytes().await.map_err(|source| ClientError::transport(url, source))?;
    Err(match serde_json::from_slice::<ProblemDetails>(&body) {
        Ok(details) => ClientError::Problem(Box::new(details)),
        Err(_) => ClientError::Unexpected {
            url: url.to_owned(),
            request: request.to_owned(),
            what: format!("status {status}{}", if is_gateway(status) { GATEWAY } else { "" }),
        },
    })
}

/// How a proxy's own failure is worded; also how it is told from the server's.
const GATEWAY: &str = ", said by something in between";

fn is_gateway(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT)
}

impl ClientError {
    /// Worth another try at once: nobody answered, or only a proxy did.
    fn is_passing(&self) -> bool {
        match self {
            Self::Unexpected { what, .. } => what.ends_with(GATEWAY),
            other => other.is_unreachable(),
        }
    }
}
