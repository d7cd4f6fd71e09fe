//! Who the other side is, as its certificate says.

use crate::{error::CertificateError, listener::TlsListener, pem};
use axum::{extract::connect_info::Connected, serve::IncomingStream};
use diecast_api::agent::identity_of_uri;
use diecast_domain::ids::ProviderId;
use rustls::pki_types::CertificateDer;
use std::{
    net::SocketAddr,
    time::{Duration, SystemTime},
};
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer};

/// The domain under which every provider has a name for certificates. It resolves nowhere.
pub(crate) const PROVIDER_DOMAIN: &str = ".provider.diecast";

/// The name by which a depot's certificate is checked, whatever its address.
pub fn provider_dns_name(provider: ProviderId) -> String {
    format!("{provider}{PROVIDER_DOMAIN}")
}

/// What a certificate says of its owner. From [`Peer`] it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerIdentity {
    /// The provider that the certificate is for; none in a server's.
    pub provider: Option<ProviderId>,
    /// In lower case hexadecimal.
    pub certificate_serial: String,
    /// Not valid any more after this, also on a connection opened before.
    pub not_after: SystemTime,
}

impl PeerIdentity {
    pub fn expired(&self, now: SystemTime) -> bool {
        now > self.not_after
    }
}

/// The other end of a connection, as handlers get it from `ConnectInfo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    pub address: SocketAddr,
    /// None if it showed no certificate.
    pub identity: Option<PeerIdentity>,
}

impl Connected<IncomingStream<'_, TlsListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, TlsListener>) -> Self {
        stream.remote_addr().clone()
    }
}

/// Reads what a certificate says; whether it is true was for the handshake to check.
pub fn identity_of(certificate: &CertificateDer<'_>) -> Result<PeerIdentity, CertificateError> {
    let certificate = parse(certificate)?;
    let names = certificate
        .subject_alternative_name()
        .map_err(|e| CertificateError::Malformed { detail: e.to_string() })?;
    let mut providers =
        names.iter().flat_map(|names| &names.value.general_names).filter_map(|name| match name {
            GeneralName::URI(uri) => identity_of_uri(uri),
            _ => None,
        });
    let provider = providers.next();
    if providers.next().is_some() {
        return Err(CertificateError::SeveralProviders);
    }
    Ok(PeerIdentity {
        provider,
        certificate_serial: hex::encode(certificate.raw_serial()),
        not_after: time(certificate.validity().not_after.timestamp()),
    })
}

/// [`identity_of`] the first certificate in the text.
pub fn identity_of_pem(certificate_pem: &str) -> Result<PeerIdentity, CertificateError> {
    identity_of(&pem::leaf(certificate_pem)?)
}

/// When the first certificate in the text ends, whoever it is for.
pub fn expires_at(certificate_pem: &str) -> Result<SystemTime, CertificateError> {
    Ok(time(parse(&pem::leaf(certificate_pem)?)?.validity().not_after.timestamp()))
}

/// When to ask for a new certificate in place of the first in the text: at two thirds of its life.
pub fn renew_at(certificate_pem: &str) -> Result<SystemTime, CertificateError> {
    let der = pem::leaf(certificate_pem)?;
    let certificate = parse(&der)?;
    let (from, to) =
        (certificate.validity().not_before.timestamp(), certificate.validity().not_after.timestamp());
    let life = to.saturating_sub(from).max(0);
    Ok(time(from.saturating_add(life / 3 * 2)))
}

pub(crate) fn parse<'a>(der: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, CertificateError> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        Ok(_) => Err(CertificateError::Malformed { detail: "something follows it".into() }),
        Err(e) => Err(CertificateError::Malformed { detail: e.to_string() }),
    }
}

/// Seconds since 1970 as a time; before 1970 is 1970, beyond what a clock holds is its end.
pub(crate) fn time(seconds: i64) -> SystemTime {
    let seconds = u64::try_from(seconds).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}
