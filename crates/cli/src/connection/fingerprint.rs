//! A server known only by its CA's fingerprint: the CA is fetched, and from then on pinned.

use crate::Failure;
use diecast_api::{client::ClientError, problem::ProblemDetails};
use diecast_domain::code::{Code, Problem};
use diecast_identity::{Fingerprint, Timeouts, fingerprint_client, tls_error_of};

/// The CA of the server at `url`, PEM, if its fingerprint is this one.
pub(crate) async fn ca_with_fingerprint(url: &str, fingerprint: Fingerprint) -> Result<String, Failure> {
    let told =
        |problem: Problem| Failure::Client(ClientError::Problem(Box::new(ProblemDetails::from(&problem))));
    let asker = fingerprint_client(fingerprint, Timeouts::default())
        .map_err(|error| told(Problem::new(Code::S0004, error.to_string())))?;
    let answer = asker.client().get(format!("{url}/healthz")).send().await;
    match (asker.ca_pem(), answer) {
        (Some(pem), _) => Ok(pem),
        (None, Err(error)) if tls_error_of(&error).is_none() => {
            Err(told(Problem::new(Code::A0012, format!("the server at {url} does not answer"))))
        }
        (None, _) => Err(told(
            Problem::new(
                Code::A0013,
                format!("no CA of the server at {url} has the fingerprint {fingerprint}"),
            )
            .with_hint("compare the fingerprint with the one that the server printed"),
        )),
    }
}
