//! The typed client of the operators' API: one method a route, one error for whatever went wrong.
//!
//! ```text
//!   Connection (url, CA, token) ──► Client ──► routes: providers, templates, hosts, ...
//!                                     │
//!                                     ├─ send    one request: retries, problem details, ETag
//!                                     ├─ page    every page of a list
//!                                     ├─ events  the stream, resumed after every break
//!                                     └─ screen  a machine's screen, over a WebSocket
//! ```
//!
//! **Promises.** The token goes to the address that was given and nowhere else: no redirect is
//! followed, and plain HTTP is refused except to this very machine. With a CA given, nothing else is
//! trusted. A `GET` is tried again for a moment when the server does not answer; a create carries an
//! `Idempotency-Key`, so it may be tried again too. Nothing else is.
//!
//! It keeps no state but the connection, and words nothing: that is for who calls it. The process
//! installs rustls' crypto provider before the first [`Client`] is made.
//!
//! Start at [`routes`] for what can be asked, [`error`] for what can go wrong.

pub mod access;
mod alarms;
mod bundles;
pub mod error;
pub mod events;
pub mod page;
pub mod routes;
pub mod screen;
mod send;

pub use error::ClientError;
pub use events::{EventStream, StreamItem};
pub use page::{Page, all};
pub use screen::Screen;
pub use send::Tagged;

use reqwest::{Certificate, Url, redirect};
use std::{net::IpAddr, time::Duration};

/// A server on the same continent answers a connection within this, or is down.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longer than any pause the server makes: it says something on the event stream every 15 s.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// Where the server is, whom to trust, and who is asking.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    /// `https://diecast.example:8443`
    pub url: String,
    /// The only CA to trust, PEM. Without one, those of the operating system.
    pub ca: Option<String>,
    pub token: Option<Token>,
}

/// A bearer token. It is not printed by mistake.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(pub String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(...)")
    }
}

/// Asks one server. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    token: Option<Token>,
}

impl Client {
    pub fn new(connection: &Connection) -> Result<Self, ClientError> {
        let base = checked(&connection.url)?;
        if connection
            .token
            .as_ref()
            .is_some_and(|Token(token)| !token.bytes().all(|it| it.is_ascii_graphic()))
        {
            return Err(ClientError::BadToken);
        }
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            // A request that times out takes its connection with it; HTTP/2 would go on with the dead one.
            .http1_only()
            .redirect(redirect::Policy::none())
            .user_agent(concat!("diecast/", env!("CARGO_PKG_VERSION")));
        if address_of(&base).is_some() {
            // An address in digits is meant literally; a proxy rarely knows a private network.
            builder = builder.no_proxy();
        }
        if let Some(pem) = &connection.ca {
            let bad = |source| ClientError::BadCa { source };
            let certificates =
                Certificate::from_pem_bundle(pem.as_bytes()).map_err(|source| bad(Some(source)))?;
            if certificates.is_empty() {
                return Err(bad(None));
            }
            builder = builder.tls_certs_only(certificates);
        }
        let http = builder.build().map_err(|source| ClientError::Unusable { source })?;
        Ok(Self { http, base, token: connection.token.clone() })
    }

    /// The address as given, for messages.
    pub fn url(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }
}

fn address_of(url: &Url) -> Option<IpAddr> {
    url.host_str()?.trim_matches(['[', ']']).parse().ok()
}

/// HTTPS, or HTTP to this machine: a token must not travel in the clear.
fn checked(url: &str) -> Result<Url, ClientError> {
    let refuse = |why| ClientError::BadUrl { url: url.chars().take(200).collect(), why };
    let parsed: Url =
        url.parse().map_err(|_| refuse("it is not a URL such as https://diecast.example:8443"))?;
    let here =
        parsed.host_str() == Some("localhost") || address_of(&parsed).is_some_and(|ip| ip.is_loopback());
    match parsed.scheme() {
        _ if parsed.host_str().is_none() => Err(refuse("it names no machine")),
        "https" => Ok(parsed),
        "http" if here => Ok(parsed),
        _ => Err(refuse("it must begin with https://")),
    }
}

#[cfg(test)]
#[path = "client/client_tests.rs"]
mod tests;
