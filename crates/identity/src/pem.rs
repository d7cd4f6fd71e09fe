//! PEM in and out.

use crate::error::{CertificateError, CredentialsError};
use base64::{Engine, prelude::BASE64_STANDARD};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

/// The characters of a line of PEM (RFC 7468).
const LINE: usize = 64;

/// All certificates in the text, at least one.
pub(crate) fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(CertificateError::Pem)?;
    if found.is_empty() { Err(CertificateError::None) } else { Ok(found) }
}

/// The first certificate of a chain: its owner's.
pub(crate) fn leaf(pem: &str) -> Result<CertificateDer<'static>, CertificateError> {
    Ok(certificates(pem)?.swap_remove(0))
}

pub(crate) fn private_key(pem: &str) -> Result<PrivateKeyDer<'static>, CredentialsError> {
    PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(CredentialsError::Key)
}

/// Every certificate in the text as one to be trusted.
pub(crate) fn roots(pem: &str) -> Result<RootCertStore, CredentialsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem).map_err(CredentialsError::Authority)? {
        roots.add(certificate).map_err(CredentialsError::AuthorityUse)?;
    }
    Ok(roots)
}

pub(crate) fn encode_certificate(der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    for line in text.as_bytes().chunks(LINE) {
        pem.push_str(std::str::from_utf8(line).expect("base64 is ASCII"));
        pem.push('\n');
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    pem
}
