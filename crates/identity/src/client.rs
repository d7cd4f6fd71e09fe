//! The asking side: of the server, of a depot, and of a server not known yet.
//!
//! All speak HTTP/1.1: when a network was cut, a request that times out takes its connection with
//! it, where HTTP/2 would go on to use the dead one. It also carried more bytes when measured. No
//! client takes a proxy from the environment or follows a redirect: the peer is who was meant.

use crate::{
    error::{ClientError, CredentialsError},
    fingerprint::Fingerprint,
    keys::KeyedCertificate,
    pem,
    provider::crypto,
    verify::{DepotVerifier, FingerprintVerifier},
};
use diecast_domain::ids::ProviderId;
use rustls::{
    ClientConfig, ConfigBuilder, WantsVerifier,
    client::{Resumption, WantsClientCert},
};
use std::{error::Error, io, sync::Arc, time::Duration};

/// How long a client waits. The default suits a long poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For the connection and the handshake.
    pub connect: Duration,
    /// Without a byte of an answer.
    pub read: Option<Duration>,
    /// From the first byte asked to the last answered.
    pub total: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Self {
        let read = diecast_api::agent::LONG_POLL + Duration::from_secs(15);
        Self { connect: Duration::from_secs(10), read: Some(read), total: None }
    }
}

/// TLS toward a server that must have the name dialled, by an authority of `ca_pem` (which may hold
/// several). With an identity it shows that if asked.
pub fn client_config(
    ca_pem: &str,
    identity: Option<&KeyedCertificate>,
) -> Result<ClientConfig, CredentialsError> {
    let roots = pem::roots(ca_pem)?;
    shown(builder()?.with_root_certificates(roots), identity)
}

/// TLS toward the depot of one provider, at whatever address it is dialled.
pub fn depot_config(
    ca_pem: &str,
    identity: &KeyedCertificate,
    expected: ProviderId,
) -> Result<ClientConfig, CredentialsError> {
    let verifier = Arc::new(DepotVerifier::new(ca_pem, expected)?);
    shown(builder()?.dangerous().with_custom_certificate_verifier(verifier), Some(identity))
}

/// A client for the server: [`client_config`] with timeouts.
pub fn reqwest_client(
    ca_pem: &str,
    identity: Option<&KeyedCertificate>,
    timeouts: Timeouts,
) -> Result<reqwest::Client, ClientError> {
    client(client_config(ca_pem, identity)?, timeouts)
}

/// A client for the depot of one provider: [`depot_config`] with timeouts. One per provider.
pub fn depot_client(
    ca_pem: &str,
    identity: &KeyedCertificate,
    expected: ProviderId,
    timeouts: Timeouts,
) -> Result<reqwest::Client, ClientError> {
    client(depot_config(ca_pem, identity, expected)?, timeouts)
}

/// A client for enrolment, before there is a CA to trust: it takes the server whose chain holds the
/// authority with this fingerprint, was signed by it, and has the name dialled.
pub fn fingerprint_client(
    fingerprint: Fingerprint,
    timeouts: Timeouts,
) -> Result<FingerprintClient, ClientError> {
    let verifier = Arc::new(FingerprintVerifier::new(fingerprint));
    let config = builder()?.dangerous().with_custom_certificate_verifier(verifier.clone());
    Ok(FingerprintClient { client: client(shown(config, None)?, timeouts)?, verifier })
}

/// Made by [`fingerprint_client`].
#[derive(Clone, Debug)]
pub struct FingerprintClient {
    client: reqwest::Client,
    verifier: Arc<FingerprintVerifier>,
}

impl FingerprintClient {
    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// The authority to trust from now on, after the first answer.
    pub fn ca_pem(&self) -> Option<String> {
        self.verifier.learnt().map(|der| pem::encode_certificate(der))
    }
}

/// Why TLS failed, if that is why a request did. `AlertReceived` is the other side's refusal:
/// `CertificateExpired`, `CertificateRevoked`, `UnknownCA`, `CertificateRequired`.
pub fn tls_error_of<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // An io::Error names as its source that of the error it carries, not the error itself.
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(carried) => Some(carried),
            None => error.source(),
        };
    }
    None
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, CredentialsError> {
    ClientConfig::builder_with_provider(crypto())
        .with_safe_default_protocol_versions()
        .map_err(CredentialsError::Versions)
}

fn shown(
    builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    identity: Option<&KeyedCertificate>,
) -> Result<ClientConfig, CredentialsError> {
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let chain =
                pem::certificates(&identity.certificate_pem).map_err(CredentialsError::Certificate)?;
            let key = pem::private_key(&identity.key_pem)?;
            builder.with_client_auth_cert(chain, key).map_err(CredentialsError::KeyUse)?
        }
    };
    config.resumption = Resumption::disabled();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn client(config: ClientConfig, timeouts: Timeouts) -> Result<reqwest::Client, ClientError> {
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(config)
        .https_only(true)
        .http1_only()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .tcp_nodelay(true)
        .connect_timeout(timeouts.connect);
    if let Some(read) = timeouts.read {
        builder = builder.read_timeout(read);
    }
    if let Some(total) = timeouts.total {
        builder = builder.timeout(total);
    }
    builder.build().map_err(ClientError::Build)
}
