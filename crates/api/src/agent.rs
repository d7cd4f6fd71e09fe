//! What agents and the server say to each other under `/agent/v1/`, over mutual TLS.
//!
//! The bodies of assignment and report are `domain::assignment::Assignment` and
//! `domain::report::Report` as JSON. An agent's certificate names it by a URI in its subject
//! alternative names, [`identity_uri`]. The same certificate serves and asks at peers' depots.

use diecast_domain::ids::ProviderId;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// `POST`, without a certificate: [`Enrolment`] in, [`Enrolled`] out. The token is used up.
pub const ENROL: &str = "/agent/v1/enrol";
/// `POST` a [`Renewal`], [`Enrolled`] out: a fresh certificate for the one presented.
pub const RENEW: &str = "/agent/v1/renew";
/// `GET ?after=EPOCH.NUMBER&session=UUID`: the assignment, as soon as its generation is higher; 204 after
/// [`LONG_POLL`] without one. A session that another one replaced is refused, as in reports.
pub const ASSIGNMENT: &str = "/agent/v1/assignment";
/// `POST` a report; answered with 204.
pub const REPORT: &str = "/agent/v1/report";
/// `PUT` and `GET` `{MANIFESTS}/{hex digest}`: a version's manifest file, as bytes. A `PUT` of content
/// that is a version already is answered with the manifest that is kept, which the agent takes on.
pub const MANIFESTS: &str = "/agent/v1/manifests";
/// Says what an agent can read of a manifest beside frames and loose leaves: [`READS_DIFFERENCES`]. To whoever
/// does not say it, a manifest is given without them.
pub const MANIFEST_HEADER: &str = "diecast-manifest";
/// See [`MANIFEST_HEADER`].
pub const READS_DIFFERENCES: &str = "differences";
/// `GET {CONSOLES}/{id}`, upgraded to a WebSocket: what a machine's screen says (RFB), both ways, as
/// binary messages. The orders name the ids.
pub const CONSOLES: &str = "/agent/v1/consoles";
/// `GET {BUNDLES}/{id}`, upgraded to a WebSocket: a bundle's bytes one way, as binary messages, and what is
/// said of it both ways, as text: [`crate::bundle::Word`]. The orders name the ids.
pub const BUNDLES: &str = "/agent/v1/bundles";

/// How long the server holds a request for an assignment open.
pub const LONG_POLL: Duration = Duration::from_secs(25);
/// The largest body of a report or an enrolment.
pub const MESSAGE_BYTES_MAX: usize = 8 << 20;
/// The largest manifest: enough for 16 TiB of disk that is not zero.
pub const MANIFEST_BYTES_MAX: usize = 1 << 30;

/// How long an agent's certificate holds. It is renewed when two thirds are over.
pub const CERTIFICATE_LIFE: Duration = Duration::from_secs(90 * 24 * 3600);
/// A certificate is valid from this long before it is made: clocks differ.
pub const CERTIFICATE_BACKDATE: Duration = Duration::from_secs(3600);

const IDENTITY_PREFIX: &str = "diecast:provider:";

/// The name of an agent in its certificate.
pub fn identity_uri(provider: ProviderId) -> String {
    format!("{IDENTITY_PREFIX}{provider}")
}

/// The provider that a certificate's URI names, if it names one.
pub fn identity_of_uri(uri: &str) -> Option<ProviderId> {
    uri.strip_prefix(IDENTITY_PREFIX)?.parse().ok()
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Enrolment {
    /// The one-time token.
    pub token: String,
    /// A certificate signing request in PEM. Only its public key is used.
    pub csr: String,
    /// The agent's release.
    pub agent_version: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Renewal {
    pub csr: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Enrolled {
    pub provider: ProviderId,
    pub name: String,
    /// The agent's certificate, PEM.
    pub certificate: String,
    /// The CA that signed it, which also signed the server's and every peer's, PEM.
    pub ca: String,
}
