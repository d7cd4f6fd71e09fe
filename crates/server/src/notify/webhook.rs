//! Webhooks: a message as JSON by POST, signed.

use super::{
    Payload,
    deliver::{ATTEMPT_MAX, connection_problem, short},
    signature::{SIGNATURE_HEADER, TIMESTAMP_HEADER, sign},
};
use crate::clock;
use diecast_domain::{
    code::{Code, Problem},
    notification::Secret,
};
use reqwest::{Certificate, Client, Url, header, redirect::Policy};

/// The id of the message: the same in every attempt.
const ID_HEADER: &str = "diecast-message";

pub(super) async fn send(
    url: &str,
    secret: &Secret,
    ca: Option<&str>,
    payload: &Payload,
) -> Result<String, Problem> {
    let whom = place(url);
    let client = client(ca).map_err(|error| connection_problem(&whom, &error))?;
    let body = payload.json();
    let (seconds, signature) = sign(secret, clock::now(), body.as_bytes());
    let request = client
        .post(url)
        .header(header::CONTENT_TYPE, "application/json")
        .header(ID_HEADER, payload.id())
        .header(TIMESTAMP_HEADER, seconds)
        .header(SIGNATURE_HEADER, signature)
        .body(body);
    // Its address may be a secret: it is not to be in what is said.
    let mut answer = request.send().await.map_err(|error| connection_problem(&whom, &error.without_url()))?;
    let status = answer.status();
    if status.is_success() {
        return Ok(format!("HTTP {status}"));
    }
    let said = answer.chunk().await.ok().flatten().unwrap_or_default();
    let said = short(&String::from_utf8_lossy(&said));
    let said = if said.is_empty() { said } else { format!(": {said}") };
    Err(Problem::new(Code::N0002, format!("{whom} answered HTTP {status}{said}")))
}

fn client(ca: Option<&str>) -> reqwest::Result<Client> {
    let mut builder = Client::builder()
        .user_agent(concat!("diecast/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .timeout(ATTEMPT_MAX);
    if let Some(ca) = ca {
        builder = builder.tls_certs_only(Certificate::from_pem_bundle(ca.as_bytes())?);
    }
    builder.build()
}

/// Scheme, host and port of an address.
pub(crate) fn place(url: &str) -> String {
    Url::parse(url).map_or_else(|_| "the webhook".to_owned(), |url| url.origin().ascii_serialization())
}
