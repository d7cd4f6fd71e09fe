//! The installation's certificate authority. Only the server has one.

use crate::{
    error::{AuthorityError, SignError},
    fingerprint::Fingerprint,
    keys::KeyedCertificate,
    peer::{self, PROVIDER_DOMAIN, provider_dns_name},
    pem,
    provider::crypto,
};
use diecast_api::agent::{CERTIFICATE_BACKDATE, CERTIFICATE_LIFE, identity_uri};
use diecast_domain::ids::ProviderId;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData, SanType, SerialNumber,
    SubjectPublicKeyInfo, string::Ia5String,
};
use rustls::pki_types::{CertificateDer, CertificateSigningRequestDer, ServerName, pem::PemObject};
use std::time::{Duration, SystemTime};
use x509_parser::{certification_request::X509CertificationRequest, prelude::FromDer};

/// How long the authority holds: longer than a server is likely to, since nothing replaces it yet.
const AUTHORITY_LIFE: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
/// The bytes of a serial number: too many to guess or to meet twice (RFC 5280 allows 20).
const SERIAL_BYTES: usize = 16;
/// The largest signing request that is read, in bytes; ours have about 400.
pub const REQUEST_BYTES_MAX: usize = 16 << 10;
/// The most names in a server's certificate: a handshake has to carry them.
pub const NAMES_MAX: usize = 100;

/// Signs the server's and the providers' certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    not_after: SystemTime,
}

impl Authority {
    /// Makes a new one.
    pub fn create() -> Result<Self, AuthorityError> {
        Self::create_at(SystemTime::now())
    }

    fn create_at(now: SystemTime) -> Result<Self, AuthorityError> {
        let key = new_key().map_err(AuthorityError::MakeKey)?;
        let serial = new_serial().map_err(AuthorityError::MakeSerial)?;
        // Two installations' authorities have different names, or a certificate of one would be
        // reported by the other as badly signed and not as unknown.
        let name = format!("Diecast CA {}", &hex::encode(&serial)[..8]);
        let mut params = params_for(&name, serial, now, now + AUTHORITY_LIFE);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).map_err(AuthorityError::SignItself)?;
        Self::new(certificate.der().clone(), key)
    }

    /// Takes up the one whose parts were kept.
    pub fn from_pem(certificate_pem: &str, key_pem: &str) -> Result<Self, AuthorityError> {
        let certificate = pem::leaf(certificate_pem).map_err(AuthorityError::Certificate)?;
        Self::new(certificate, KeyPair::from_pem(key_pem).map_err(AuthorityError::Key)?)
    }

    fn new(certificate: CertificateDer<'static>, key: KeyPair) -> Result<Self, AuthorityError> {
        let parsed = peer::parse(&certificate).map_err(AuthorityError::Certificate)?;
        if !parsed.is_ca() {
            return Err(AuthorityError::NotAnAuthority);
        }
        if parsed.public_key().raw != key.subject_public_key_info() {
            return Err(AuthorityError::OtherKey);
        }
        let not_after = peer::time(parsed.validity().not_after.timestamp());
        let issuer = Issuer::from_ca_cert_der(&certificate, key).map_err(AuthorityError::Issuer)?;
        Ok(Self { issuer, certificate, not_after })
    }

    /// When it ends, and with it all that it signed.
    pub const fn expires_at(&self) -> SystemTime {
        self.not_after
    }

    pub fn certificate_pem(&self) -> String {
        pem::encode_certificate(&self.certificate)
    }

    /// The secret: whoever has it is everybody.
    pub fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_der(&self.certificate)
    }

    /// A key and a certificate for a server reached by these names and addresses. The authority's
    /// certificate follows it, so that agents find its fingerprint in the chain.
    pub fn sign_server(&self, names: &[String]) -> Result<KeyedCertificate, SignError> {
        self.sign_server_at(names, SystemTime::now())
    }

    /// [`Self::sign_server`], for whom the clock is an argument.
    pub fn sign_server_at(&self, names: &[String], now: SystemTime) -> Result<KeyedCertificate, SignError> {
        if names.is_empty() || names.len() > NAMES_MAX {
            return Err(SignError::NameCount { count: names.len() });
        }
        let key = new_key().map_err(SignError::MakeKey)?;
        let mut params = self.leaf_params(&names[0], now)?;
        params.subject_alt_names = names.iter().map(|name| server_name(name)).collect::<Result<_, _>>()?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate_pem = self.sign(&params, &key, &names[0])? + &self.certificate_pem();
        Ok(KeyedCertificate { certificate_pem, key_pem: key.serialize_pem() })
    }

    /// A certificate for a provider's agent and depot. Of the request only the public key is used,
    /// and that only if the request is signed with it.
    pub fn sign_provider(&self, csr_pem: &str, provider: ProviderId) -> Result<String, SignError> {
        self.sign_provider_at(csr_pem, provider, SystemTime::now())
    }

    /// [`Self::sign_provider`], for whom the clock is an argument.
    pub fn sign_provider_at(
        &self,
        csr_pem: &str,
        provider: ProviderId,
        now: SystemTime,
    ) -> Result<String, SignError> {
        let key = requested_key(csr_pem)?;
        let uri = Ia5String::try_from(identity_uri(provider)).expect("a prefix and a UUID are ASCII");
        let name = Ia5String::try_from(provider_dns_name(provider)).expect("a UUID and a domain are ASCII");
        let mut params = self.leaf_params(&provider.to_string(), now)?;
        params.subject_alt_names = vec![SanType::URI(uri), SanType::DnsName(name)];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(&params, &key, &format!("provider {provider}"))
    }

    fn leaf_params(&self, name: &str, now: SystemTime) -> Result<CertificateParams, SignError> {
        if now >= self.not_after {
            return Err(SignError::AuthorityExpired);
        }
        let serial = new_serial().map_err(SignError::MakeSerial)?;
        let not_after = (now + CERTIFICATE_LIFE).min(self.not_after);
        let mut params = params_for(name, serial, now, not_after);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        Ok(params)
    }

    fn sign(
        &self,
        params: &CertificateParams,
        key: &impl PublicKeyData,
        subject: &str,
    ) -> Result<String, SignError> {
        let certificate = params
            .signed_by(key, &self.issuer)
            .map_err(|source| SignError::Sign { subject: subject.into(), source })?;
        Ok(pem::encode_certificate(certificate.der()))
    }
}

fn params_for(name: &str, serial: Vec<u8>, now: SystemTime, not_after: SystemTime) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(SerialNumber::from(serial));
    params.not_before = (now - CERTIFICATE_BACKDATE).into();
    params.not_after = not_after.into();
    params
}

/// The key that asks, once it has proved that it is there.
fn requested_key(csr_pem: &str) -> Result<SubjectPublicKeyInfo, SignError> {
    let bytes = csr_pem.len();
    if bytes > REQUEST_BYTES_MAX {
        return Err(SignError::RequestTooLarge { bytes });
    }
    let der =
        CertificateSigningRequestDer::from_pem_slice(csr_pem.as_bytes()).map_err(SignError::RequestPem)?;
    let (rest, request) = X509CertificationRequest::from_der(&der)
        .map_err(|e| SignError::RequestMalformed { detail: e.to_string() })?;
    if !rest.is_empty() {
        return Err(SignError::RequestMalformed { detail: "something follows it".into() });
    }
    request.verify_signature().map_err(|_| SignError::RequestNotProven)?;
    let key = SubjectPublicKeyInfo::from_der(request.certification_request_info.subject_pki.raw)
        .map_err(|_| SignError::RequestKeyKind)?;
    if key.algorithm() != &PKCS_ECDSA_P256_SHA256 {
        return Err(SignError::RequestKeyKind);
    }
    Ok(key)
}

/// A server's name for its certificate; never one of a provider.
fn server_name(name: &str) -> Result<SanType, SignError> {
    let refused = || SignError::Name { name: name.into() };
    if name.to_ascii_lowercase().trim_end_matches('.').ends_with(PROVIDER_DOMAIN) {
        return Err(refused());
    }
    match ServerName::try_from(name).map_err(|_| refused())? {
        ServerName::IpAddress(address) => Ok(SanType::IpAddress(address.into())),
        _ => Ok(SanType::DnsName(Ia5String::try_from(name).map_err(|_| refused())?)),
    }
}

fn new_key() -> Result<KeyPair, rcgen::Error> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)
}

fn new_serial() -> Result<Vec<u8>, rustls::Error> {
    let mut serial = vec![0; SERIAL_BYTES];
    crypto().secure_random.fill(&mut serial)?;
    // Positive and without a leading zero: written and read back it is the same bytes.
    serial[0] = serial[0] & 0x7f | 0x40;
    Ok(serial)
}
