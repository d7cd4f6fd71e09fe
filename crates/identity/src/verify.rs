//! Two ways to check a server that the usual one (its name, by a known authority) does not cover.

use crate::{
    error::CredentialsError,
    fingerprint::Fingerprint,
    peer::{identity_of, provider_dns_name},
    pem,
    provider::crypto,
};
use diecast_domain::ids::ProviderId;
use rustls::{
    CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use std::sync::{Arc, OnceLock};

/// The signatures of a handshake are checked as ever, whoever the peer must be.
macro_rules! signatures_as_ever {
    () => {
        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            let algorithms = &crypto().signature_verification_algorithms;
            verify_tls12_signature(message, certificate, signature, algorithms)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            let algorithms = &crypto().signature_verification_algorithms;
            verify_tls13_signature(message, certificate, signature, algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            crypto().signature_verification_algorithms.supported_schemes()
        }
    };
}

/// A depot: the expected provider's certificate by our authority, at whatever address.
#[derive(Debug)]
pub(crate) struct DepotVerifier {
    signed: Arc<WebPkiServerVerifier>,
    expected: ProviderId,
    name: ServerName<'static>,
}

impl DepotVerifier {
    pub(crate) fn new(ca_pem: &str, expected: ProviderId) -> Result<Self, CredentialsError> {
        let roots = Arc::new(pem::roots(ca_pem)?);
        let signed = WebPkiServerVerifier::builder_with_provider(roots, crypto())
            .build()
            .map_err(CredentialsError::Verifier)?;
        let name = ServerName::try_from(provider_dns_name(expected)).expect("a UUID makes a DNS label");
        Ok(Self { signed, expected, name })
    }
}

impl ServerCertVerifier for DepotVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _dialled: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified =
            self.signed.verify_server_cert(end_entity, intermediates, &self.name, ocsp_response, now)?;
        let identity = identity_of(end_entity).map_err(|_| CertificateError::BadEncoding)?;
        if identity.provider == Some(self.expected) {
            Ok(verified)
        } else {
            Err(CertificateError::NotValidForName.into())
        }
    }

    signatures_as_ever!();
}

/// A server whose authority is known by its fingerprint alone, and is learnt from the chain.
#[derive(Debug)]
pub(crate) struct FingerprintVerifier {
    fingerprint: Fingerprint,
    learnt: OnceLock<CertificateDer<'static>>,
}

impl FingerprintVerifier {
    pub(crate) fn new(fingerprint: Fingerprint) -> Self {
        Self { fingerprint, learnt: OnceLock::new() }
    }

    /// The authority with this fingerprint, once a server signed by it was met.
    pub(crate) fn learnt(&self) -> Option<&CertificateDer<'static>> {
        self.learnt.get()
    }
}

impl ServerCertVerifier for FingerprintVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        dialled: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let authority = intermediates
            .iter()
            .find(|certificate| Fingerprint::of_der(certificate) == self.fingerprint)
            .ok_or(CertificateError::UnknownIssuer)?;
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone().into_owned())?;
        let signed = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), crypto())
            .build()
            .map_err(|e| Error::General(e.to_string()))?;
        let verified = signed.verify_server_cert(end_entity, intermediates, dialled, ocsp_response, now)?;
        // Whoever set it before had the same fingerprint, hence the same certificate.
        let _ = self.learnt.set(authority.clone().into_owned());
        Ok(verified)
    }

    signatures_as_ever!();
}
