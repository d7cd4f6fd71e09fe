//! The serving side of TLS: the certificate shown, which can change, and who is let in.

use crate::{
    error::CredentialsError,
    keys::KeyedCertificate,
    peer::{PeerIdentity, identity_of},
    pem,
    provider::crypto,
};
use rustls::{
    CertificateError as TlsCertificateError, DigitallySignedStruct, DistinguishedName, Error, ServerConfig,
    SignatureScheme,
    client::danger::HandshakeSignatureValid,
    pki_types::{CertificateDer, UnixTime},
    server::{
        ClientHello, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    sign::CertifiedKey,
};
use std::{
    fmt,
    sync::{Arc, RwLock},
};

/// Asked at every handshake, of a certificate that is valid otherwise: is it revoked? It must
/// answer from memory, at once.
pub type Revoked = Arc<dyn Fn(&PeerIdentity) -> bool + Send + Sync>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientCertificates {
    /// Who shows none is let in without an identity. What it shows must be good.
    Optional,
    /// Who shows none is refused.
    Required,
}

/// How a [`crate::TlsListener`] shows itself and whom it lets in.
#[derive(Clone)]
pub struct TlsListenerSettings {
    /// What it shows: its certificate, those above it if any, the key.
    pub certificate: KeyedCertificate,
    /// The authority that must have signed what a client shows.
    pub client_ca_pem: String,
    pub client_certificates: ClientCertificates,
    pub revoked: Option<Revoked>,
}

impl TlsListenerSettings {
    pub fn new(
        certificate: KeyedCertificate,
        client_ca_pem: impl Into<String>,
        client_certificates: ClientCertificates,
    ) -> Self {
        Self { certificate, client_ca_pem: client_ca_pem.into(), client_certificates, revoked: None }
    }

    /// Refuses the peers of whom this is true.
    pub fn revoked(mut self, revoked: impl Fn(&PeerIdentity) -> bool + Send + Sync + 'static) -> Self {
        self.revoked = Some(Arc::new(revoked));
        self
    }
}

/// Replaces the certificate of a listener that is running.
#[derive(Clone)]
pub struct Reloader(Arc<Shown>);

impl Reloader {
    /// From the next handshake on. If the new one cannot be used the old one stays.
    pub fn replace(&self, certificate: &KeyedCertificate) -> Result<(), CredentialsError> {
        let new = Arc::new(certified_key(certificate)?);
        *self.0.0.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = new;
        Ok(())
    }
}

/// The certificate shown now.
struct Shown(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone())
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shown")
    }
}

pub(crate) fn server_config(
    settings: &TlsListenerSettings,
) -> Result<(ServerConfig, Reloader), CredentialsError> {
    let roots = Arc::new(pem::roots(&settings.client_ca_pem)?);
    let mut clients = WebPkiClientVerifier::builder_with_provider(roots, crypto());
    if settings.client_certificates == ClientCertificates::Optional {
        clients = clients.allow_unauthenticated();
    }
    let clients = clients.build().map_err(CredentialsError::Verifier)?;
    let clients = Arc::new(KnownClients { signed: clients, revoked: settings.revoked.clone() });
    let shown = Arc::new(Shown(RwLock::new(Arc::new(certified_key(&settings.certificate)?))));
    let mut config = ServerConfig::builder_with_provider(crypto())
        .with_safe_default_protocol_versions()
        .map_err(CredentialsError::Versions)?
        .with_client_cert_verifier(clients)
        .with_cert_resolver(shown.clone());
    // A resumed session would skip the check of the client's certificate.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    // Browsers take the first, and with it more than six streams of events at once.
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok((config, Reloader(shown)))
}

fn certified_key(certificate: &KeyedCertificate) -> Result<CertifiedKey, CredentialsError> {
    let chain = pem::certificates(&certificate.certificate_pem).map_err(CredentialsError::Certificate)?;
    let key = pem::private_key(&certificate.key_pem)?;
    CertifiedKey::from_der(chain, key, &crypto()).map_err(CredentialsError::KeyUse)
}

/// Signed by our authority, valid now, readable, and not revoked.
struct KnownClients {
    signed: Arc<dyn ClientCertVerifier>,
    revoked: Option<Revoked>,
}

impl fmt::Debug for KnownClients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KnownClients")
    }
}

impl ClientCertVerifier for KnownClients {
    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.signed.verify_client_cert(end_entity, intermediates, now)?;
        let identity = identity_of(end_entity).map_err(|_| TlsCertificateError::BadEncoding)?;
        match &self.revoked {
            Some(revoked) if revoked(&identity) => Err(TlsCertificateError::Revoked.into()),
            _ => Ok(verified),
        }
    }

    fn offer_client_auth(&self) -> bool {
        self.signed.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.signed.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.signed.root_hint_subjects()
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signed.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signed.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.signed.supported_verify_schemes()
    }
}
