//! Keys, with and without the certificate that goes with them. Neither prints its secret.

use crate::error::KeysError;
use rcgen::{CertificateParams, DistinguishedName, KeyPair, PKCS_ECDSA_P256_SHA256};
use std::fmt;

/// An agent's new key (ECDSA on P-256) and the request to sign it. The request names nobody: who
/// it is for is the server's to say.
#[derive(Clone)]
pub struct Keys {
    pub key_pem: String,
    pub csr_pem: String,
}

impl Keys {
    pub fn generate() -> Result<Self, KeysError> {
        Self::of(&KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(KeysError::Make)?)
    }

    /// A request for a key that there is already: a renewal keeps its key.
    pub fn from_pem(key_pem: &str) -> Result<Self, KeysError> {
        Self::of(&KeyPair::from_pem(key_pem).map_err(KeysError::Make)?)
    }

    fn of(key: &KeyPair) -> Result<Self, KeysError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        let request = params.serialize_request(key).map_err(KeysError::Request)?;
        let csr_pem = request.pem().map_err(KeysError::Request)?;
        Ok(Self { key_pem: key.serialize_pem(), csr_pem })
    }

    /// With the certificate that the server answered.
    pub fn certified(self, certificate_pem: String) -> KeyedCertificate {
        KeyedCertificate { certificate_pem, key_pem: self.key_pem }
    }
}

/// A certificate, followed by those above it if they are to be sent along, and its key.
#[derive(Clone)]
pub struct KeyedCertificate {
    pub certificate_pem: String,
    pub key_pem: String,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("csr_pem", &self.csr_pem).finish_non_exhaustive()
    }
}

impl fmt::Debug for KeyedCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedCertificate")
            .field("certificate_pem", &self.certificate_pem)
            .finish_non_exhaustive()
    }
}
