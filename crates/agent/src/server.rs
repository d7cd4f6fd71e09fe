//! The agent's side of the conversation with the server: one method a message.

use axum::body::Bytes;
use diecast_api::{
    agent::{
        ASSIGNMENT, BUNDLES, CONSOLES, Enrolled, MANIFEST_BYTES_MAX, MANIFEST_HEADER, MANIFESTS,
        READS_DIFFERENCES, RENEW, REPORT, Renewal,
    },
    problem::ProblemDetails,
};
use diecast_domain::{
    assignment::Assignment,
    code::{Code, Problem},
    digest::Digest,
    generation::Generation,
    ids::{BundleId, ConsoleId, SessionId},
    report::Report,
};
use diecast_identity::{KeyedCertificate, Timeouts, reqwest_client};
use diecast_transfer::manifest::Manifest;
use reqwest::{Response, StatusCode, Upgraded, header};
use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        handshake::{client::generate_key, derive_accept_key},
        protocol::{Role, WebSocketConfig},
    },
};

/// The largest message on a screen's way, or a bundle's: what a viewer says is small, and the server cuts what
/// it sends.
const SOCKET_MESSAGE_BYTES_MAX: usize = 1 << 20;
/// How long a report may take: it must not hold up the next.
const REPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// The server, as this agent reaches it. Cheap to clone; follows a renewed certificate.
#[derive(Clone)]
pub struct Server {
    url: Arc<str>,
    http: Arc<RwLock<reqwest::Client>>,
}

impl Server {
    pub fn new(url: &str, ca: &str, identity: &KeyedCertificate) -> Result<Self, Problem> {
        let http = Arc::new(RwLock::new(client(ca, identity)?));
        Ok(Self { url: url.trim_end_matches('/').into(), http })
    }

    /// A client of its own: the reporter's, which shares no thread with anything.
    pub fn separate(&self, ca: &str, identity: &KeyedCertificate) -> Result<Self, Problem> {
        Self::new(&self.url, ca, identity)
    }

    /// Goes on with another certificate.
    pub fn renewed(&self, ca: &str, identity: &KeyedCertificate) -> Result<(), Problem> {
        *self.http.write().unwrap_or_else(PoisonError::into_inner) = client(ca, identity)?;
        Ok(())
    }

    fn http(&self) -> reqwest::Client {
        self.http.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for an assignment that is newer than `after`; none if there was none for a while.
    pub async fn assignment(
        &self,
        after: Generation,
        session: SessionId,
    ) -> Result<Option<Assignment>, Problem> {
        let url = format!("{}{ASSIGNMENT}?after={after}&session={session}", self.url);
        let response = self.answered("asking for the assignment", self.http().get(url)).await?;
        if response.status() == StatusCode::NO_CONTENT {
            return Ok(None);
        }
        response.json().await.map(Some).map_err(|error| unreadable("the assignment", &error))
    }

    pub async fn report(&self, report: &Report) -> Result<(), Problem> {
        let request = self.http().post(format!("{}{REPORT}", self.url)).timeout(REPORT_TIMEOUT).json(report);
        self.answered("reporting", request).await.map(drop)
    }

    pub async fn renew(&self, csr: String) -> Result<Enrolled, Problem> {
        let request = self.http().post(format!("{}{RENEW}", self.url)).json(&Renewal { csr });
        let response = self.answered("renewing the certificate", request).await?;
        response.json().await.map_err(|error| unreadable("the renewed certificate", &error))
    }

    pub async fn manifest(&self, digest: &Digest) -> Result<Vec<u8>, Problem> {
        let request = self.http().get(format!("{}{MANIFESTS}/{}", self.url, digest.hex()));
        let request = request.header(MANIFEST_HEADER, READS_DIFFERENCES);
        // Orders may have changed since this began; the next attempt will know.
        let not_yet = |problem: Problem| match problem.code {
            Code::A0003 | Code::A0004 => Problem::new(Code::T0010, problem.cause),
            _ => problem,
        };
        let response = self.answered("fetching a manifest", request).await.map_err(not_yet)?;
        whole_manifest(response, digest).await
    }

    /// Hands over a manifest. If the content is known already, gives the manifest that is kept of it. A server of
    /// an earlier release knows no differences: it gets the manifest without them.
    pub async fn give_manifest(&self, digest: &Digest, bytes: Vec<u8>) -> Result<Option<Vec<u8>>, Problem> {
        let bytes = Bytes::from(bytes);
        match self.put_manifest(digest, bytes.clone()).await {
            Err(problem) if problem.code == Code::T0007 => match without_differences(&bytes) {
                Some(plain) => self.put_manifest(digest, plain.into()).await,
                None => Err(problem),
            },
            given => given,
        }
    }

    async fn put_manifest(&self, digest: &Digest, bytes: Bytes) -> Result<Option<Vec<u8>>, Problem> {
        let request = self.http().put(format!("{}{MANIFESTS}/{}", self.url, digest.hex())).body(bytes);
        let request = request.header(MANIFEST_HEADER, READS_DIFFERENCES);
        let response = self.answered("handing over a manifest", request).await?;
        if response.status() == StatusCode::NO_CONTENT {
            return Ok(None);
        }
        whole_manifest(response, digest).await.map(Some)
    }

    /// The server's end of a screen that somebody wants to see.
    pub async fn console(&self, id: ConsoleId) -> Result<WebSocketStream<Upgraded>, Problem> {
        self.socket("connecting a screen", &format!("{CONSOLES}/{id}")).await
    }

    /// The server's end of a bundle that is to be carried.
    pub async fn bundle(&self, id: BundleId) -> Result<WebSocketStream<Upgraded>, Problem> {
        self.socket("connecting a bundle", &format!("{BUNDLES}/{id}")).await
    }

    async fn socket(&self, doing: &str, path: &str) -> Result<WebSocketStream<Upgraded>, Problem> {
        let key = generate_key();
        let request = self
            .http()
            .get(format!("{}{path}", self.url))
            .header(header::CONNECTION, "Upgrade")
            .header(header::UPGRADE, "websocket")
            .header(header::SEC_WEBSOCKET_VERSION, "13")
            .header(header::SEC_WEBSOCKET_KEY, &key);
        let response = request.send().await.map_err(|error| self.unreachable(doing, &error))?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            let answered = refused(response).await?.status();
            let cause = format!("the server answered {answered} instead of a WebSocket");
            return Err(Problem::new(Code::S0004, cause));
        }
        let accepted = response.headers().get(header::SEC_WEBSOCKET_ACCEPT);
        if accepted.is_none_or(|accepted| accepted != derive_accept_key(key.as_bytes()).as_str()) {
            let cause = "the server's answer is to another request for a WebSocket";
            return Err(Problem::new(Code::S0004, cause));
        }
        let stream = response.upgrade().await.map_err(|error| self.unreachable(doing, &error))?;
        let limits = WebSocketConfig::default().max_message_size(Some(SOCKET_MESSAGE_BYTES_MAX));
        Ok(WebSocketStream::from_raw_socket(stream, Role::Client, Some(limits)).await)
    }

    async fn answered(&self, doing: &str, request: reqwest::RequestBuilder) -> Result<Response, Problem> {
        let response = request.send().await.map_err(|error| self.unreachable(doing, &error))?;
        refused(response).await
    }

    fn unreachable(&self, doing: &str, error: &reqwest::Error) -> Problem {
        match diecast_identity::tls_error_of(error) {
            Some(rustls::Error::AlertReceived(alert)) => Problem::new(
                Code::P0012,
                format!("the server at {} refuses this agent's certificate ({alert:?})", self.url),
            ),
            Some(tls) => {
                let cause = format!("the server at {} cannot be trusted: {tls}", self.url);
                Problem::new(Code::A0013, cause)
            }
            None => Problem::new(Code::A0012, format!("{doing} failed: {}", innermost(error))),
        }
    }
}

/// None if it has none, or cannot be read.
fn without_differences(manifest: &[u8]) -> Option<Vec<u8>> {
    let manifest = Manifest::decode(manifest).ok()?;
    (!manifest.differences().is_empty()).then(|| manifest.without_differences().encode())
}

async fn whole_manifest(mut response: Response, digest: &Digest) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if bytes.len() + chunk.len() > MANIFEST_BYTES_MAX => {
                let cause = format!("the manifest of {} is larger than any can be", digest.short());
                return Err(Problem::new(Code::T0007, cause));
            }
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return Ok(bytes),
            Err(error) => return Err(unreadable("the manifest", &error)),
        }
    }
}

fn client(ca: &str, identity: &KeyedCertificate) -> Result<reqwest::Client, Problem> {
    reqwest_client(ca, Some(identity), Timeouts::default()).map_err(|error| {
        Problem::new(Code::S0003, format!("the agent's certificates cannot be used: {error}"))
    })
}

/// The answer, or the problem that it tells of.
pub async fn refused(response: Response) -> Result<Response, Problem> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let details = response.json::<ProblemDetails>().await;
    Err(match details {
        Ok(details) => {
            let code = details.code.parse().unwrap_or(Code::S0004);
            Problem::new(code, details.detail).with_hint(details.hint)
        }
        Err(_) => Problem::new(Code::S0004, format!("the server answered {status}")),
    })
}

fn unreadable(what: &str, error: &reqwest::Error) -> Problem {
    Problem::new(Code::A0012, format!("{what} did not arrive whole: {}", innermost(error)))
}

/// What happened at the bottom: `Connection refused`, not `error sending request`.
pub fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
