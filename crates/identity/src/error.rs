//! What can go wrong, an enum per operation.

use std::net::SocketAddr;
use thiserror::Error;

/// Making or reading back the authority.
#[derive(Debug, Error)]
pub enum AuthorityError {
    #[error("making the key of the authority")]
    MakeKey(#[source] rcgen::Error),
    #[error("making the serial number of the authority's certificate")]
    MakeSerial(#[source] rustls::Error),
    #[error("signing the authority's own certificate")]
    SignItself(#[source] rcgen::Error),
    #[error("reading the authority's certificate")]
    Certificate(#[source] CertificateError),
    #[error("reading the authority's certificate as an issuer")]
    Issuer(#[source] rcgen::Error),
    #[error("reading the authority's key")]
    Key(#[source] rcgen::Error),
    #[error("the certificate is not that of a certificate authority")]
    NotAnAuthority,
    #[error("the authority's key does not belong to its certificate")]
    OtherKey,
}

/// Signing somebody's certificate.
#[derive(Debug, Error)]
pub enum SignError {
    #[error("the signing request has {bytes} bytes; at most {} are read", crate::REQUEST_BYTES_MAX)]
    RequestTooLarge { bytes: usize },
    #[error("the signing request is not PEM")]
    RequestPem(#[source] rustls::pki_types::pem::Error),
    #[error("the signing request cannot be read: {detail}")]
    RequestMalformed { detail: String },
    #[error("the signing request is not signed by the key it names")]
    RequestNotProven,
    #[error("the signing request's key is not ECDSA on P-256")]
    RequestKeyKind,
    #[error("a server's certificate needs between 1 and {} names, not {count}", crate::NAMES_MAX)]
    NameCount { count: usize },
    #[error("{name:?} is neither a DNS name nor an IP address that a server's certificate may carry")]
    Name { name: String },
    #[error("making a key for the certificate")]
    MakeKey(#[source] rcgen::Error),
    #[error("making the certificate's serial number")]
    MakeSerial(#[source] rustls::Error),
    #[error("the authority's own certificate is over")]
    AuthorityExpired,
    #[error("signing the certificate of {subject}")]
    Sign { subject: String, source: rcgen::Error },
}

/// An agent making its key and signing request.
#[derive(Debug, Error)]
pub enum KeysError {
    #[error("making a key")]
    Make(#[source] rcgen::Error),
    #[error("making the signing request")]
    Request(#[source] rcgen::Error),
}

/// Reading a certificate.
#[derive(Debug, Error)]
pub enum CertificateError {
    #[error("the certificate is not PEM")]
    Pem(#[source] rustls::pki_types::pem::Error),
    #[error("there is no certificate in the PEM text")]
    None,
    #[error("the certificate cannot be read: {detail}")]
    Malformed { detail: String },
    #[error("the certificate names several providers")]
    SeveralProviders,
}

/// Reading what one needs to prove who one is, and to check others.
#[derive(Debug, Error)]
pub enum CredentialsError {
    #[error("reading the certificate chain")]
    Certificate(#[source] CertificateError),
    #[error("reading the private key")]
    Key(#[source] rustls::pki_types::pem::Error),
    #[error("the private key cannot be used with the certificate")]
    KeyUse(#[source] rustls::Error),
    #[error("reading the certificate of the authority")]
    Authority(#[source] CertificateError),
    #[error("the certificate of the authority cannot be trusted")]
    AuthorityUse(#[source] rustls::Error),
    #[error("building the check of certificates")]
    Verifier(#[source] rustls::client::VerifierBuilderError),
    #[error("choosing the versions of TLS")]
    Versions(#[source] rustls::Error),
}

/// Starting to listen.
#[derive(Debug, Error)]
pub enum ListenError {
    #[error("listening at {address}")]
    Bind { address: SocketAddr, source: std::io::Error },
    #[error("reading the listener's certificates")]
    Credentials(#[from] CredentialsError),
}

/// Building a client.
#[derive(Debug, Error)]
pub enum ClientError {
    #[error("reading the client's certificates")]
    Credentials(#[from] CredentialsError),
    #[error("building the client")]
    Build(#[source] reqwest::Error),
}

/// Reading a fingerprint that somebody typed or pasted.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("a fingerprint is 64 hexadecimal digits, with or without colons")]
pub struct FingerprintError;
