//! What the authority signs and what it refuses.

use crate::world::World;
use diecast_api::agent::{CERTIFICATE_BACKDATE, CERTIFICATE_LIFE, identity_uri};
use diecast_domain::ids::ProviderId;
use diecast_identity::{
    Authority, AuthorityError, Keys, REQUEST_BYTES_MAX, SignError, identity_of_pem, provider_dns_name,
    renew_at,
};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use std::time::{Duration, SystemTime};
use uuid::Uuid;
use x509_parser::{extensions::GeneralName, parse_x509_certificate};

fn provider() -> ProviderId {
    ProviderId::from_uuid(Uuid::from_u128(7))
}

#[test]
fn an_authority_kept_as_text_is_the_same_again() {
    let made = Authority::create().unwrap();
    let kept = Authority::from_pem(&made.certificate_pem(), &made.key_pem()).unwrap();
    assert_eq!(kept.fingerprint(), made.fingerprint());
    assert_eq!(kept.certificate_pem(), made.certificate_pem());

    let der = CertificateDer::from_pem_slice(kept.certificate_pem().as_bytes()).unwrap();
    let (_, certificate) = parse_x509_certificate(&der).unwrap();
    let constraints = certificate.basic_constraints().unwrap().unwrap();
    assert!(constraints.critical && constraints.value.ca);
    assert_eq!(constraints.value.path_len_constraint, Some(0));
    assert!(certificate.key_usage().unwrap().unwrap().value.key_cert_sign());
}

#[test]
fn an_authority_is_not_put_together_from_parts_of_several() {
    let (world, other) = (World::new(), World::new());
    let wrong_key = Authority::from_pem(&world.ca, &other.authority.key_pem());
    assert!(matches!(wrong_key.err(), Some(AuthorityError::OtherKey)));
    let (_, leaf) = world.provider(1);
    let no_authority = Authority::from_pem(&leaf.certificate_pem, &leaf.key_pem);
    assert!(matches!(no_authority.err(), Some(AuthorityError::NotAnAuthority)));
    assert!(matches!(Authority::from_pem("", "").err(), Some(AuthorityError::Certificate(_))));
    assert!(matches!(Authority::from_pem(&world.ca, "x").err(), Some(AuthorityError::Key(_))));
}

#[test]
fn a_request_that_is_garbage_is_refused_for_what_it_is() {
    let authority = Authority::create().unwrap();
    let sign = |text: &str| authority.sign_provider(text, provider()).expect_err("it was signed");
    let request = Keys::generate().unwrap().csr_pem;
    for no_pem in ["", "garbage", &request[..request.len() / 2], &authority.certificate_pem()] {
        assert!(matches!(sign(no_pem), SignError::RequestPem(_)), "{no_pem}");
    }
    let empty = "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n";
    assert!(matches!(sign(empty), SignError::RequestMalformed { .. }));
    let large = " ".repeat(REQUEST_BYTES_MAX) + &request;
    assert!(matches!(sign(&large), SignError::RequestTooLarge { .. }));
}

/// The last byte of the DER belongs to the signature.
#[test]
fn a_request_not_signed_by_its_own_key_is_refused() {
    let authority = Authority::create().unwrap();
    let key = KeyPair::generate().unwrap();
    let request = CertificateParams::default().serialize_request(&key).unwrap();
    let mut der = request.der().to_vec();
    *der.last_mut().unwrap() ^= 1;
    let text = pem(&der);
    let refused = authority.sign_provider(&text, provider());
    assert!(matches!(refused, Err(SignError::RequestNotProven)), "{refused:?}");
}

#[test]
fn a_request_with_a_key_of_another_kind_is_refused() {
    let authority = Authority::create().unwrap();
    for kind in [&PKCS_ECDSA_P384_SHA384, &PKCS_ED25519] {
        let key = KeyPair::generate_for(kind).unwrap();
        let request = CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap();
        let refused = authority.sign_provider(&request, provider());
        assert!(matches!(refused, Err(SignError::RequestKeyKind)), "{kind:?}: {refused:?}");
    }
}

#[test]
fn of_a_request_nothing_but_the_key_is_taken() {
    let authority = Authority::create().unwrap();
    let key = KeyPair::generate().unwrap();
    let mut wish = CertificateParams::new(vec!["server.example".into()]).unwrap();
    wish.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let request = wish.serialize_request(&key).unwrap().pem().unwrap();
    let signed = authority.sign_provider(&request, provider()).unwrap();

    let der = CertificateDer::from_pem_slice(signed.as_bytes()).unwrap();
    let (_, certificate) = parse_x509_certificate(&der).unwrap();
    assert!(!certificate.is_ca());
    assert_eq!(certificate.subject().to_string(), format!("CN={}", provider()));
    let names = certificate.subject_alternative_name().unwrap().unwrap().value.general_names.clone();
    let (uri, name) = (identity_uri(provider()), provider_dns_name(provider()));
    assert_eq!(names, [GeneralName::URI(&uri), GeneralName::DNSName(&name)]);
    assert_eq!(identity_of_pem(&signed).unwrap().provider, Some(provider()));
}

#[test]
fn no_two_certificates_have_one_serial() {
    let world = World::new();
    let keys = Keys::generate().unwrap();
    let serial = |_| {
        let signed = world.authority.sign_provider(&keys.csr_pem, provider()).unwrap();
        identity_of_pem(&signed).unwrap().certificate_serial
    };
    let serials: std::collections::BTreeSet<_> = (0..50).map(serial).collect();
    assert_eq!(serials.len(), 50);
    assert!(serials.iter().all(|s| s.len() == 32));
}

#[test]
fn a_certificate_is_backdated_and_renewed_at_two_thirds_of_its_life() {
    let world = World::new();
    let now =
        SystemTime::UNIX_EPOCH + Duration::from_secs(SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs());
    let (_, certificate) = world.provider_at(1, now);
    let identity = identity_of_pem(&certificate.certificate_pem).unwrap();
    assert_eq!(identity.not_after, now + CERTIFICATE_LIFE);
    assert!(!identity.expired(now) && identity.expired(now + CERTIFICATE_LIFE + Duration::from_secs(1)));
    let life = CERTIFICATE_LIFE + CERTIFICATE_BACKDATE;
    let renewal = renew_at(&certificate.certificate_pem).unwrap();
    assert_eq!(renewal, now - CERTIFICATE_BACKDATE + life / 3 * 2);
}

/// Ten years on, a certificate that outlived the authority would be refused by everybody.
#[test]
fn no_certificate_outlives_the_authority() {
    let world = World::new();
    let authority_ends = identity_of_pem(&world.ca).unwrap().not_after;
    let (_, late) = world.provider_at(1, authority_ends - CERTIFICATE_LIFE / 2);
    assert_eq!(identity_of_pem(&late.certificate_pem).unwrap().not_after, authority_ends);
    let refused = world.authority.sign_server_at(&["localhost".into()], authority_ends);
    assert!(matches!(refused, Err(SignError::AuthorityExpired)));
}

#[test]
fn a_server_gets_no_name_of_a_provider_and_none_that_is_no_name() {
    let authority = Authority::create().unwrap();
    let a_providers = provider_dns_name(provider());
    let shouted = a_providers.to_uppercase() + ".";
    for name in ["", "two words", "-", "*", "a\0b", "ü.example", "*.provider.diecast", &a_providers, &shouted]
    {
        let refused = authority.sign_server(&[name.to_owned()]);
        assert!(matches!(refused, Err(SignError::Name { .. })), "{name:?}: {refused:?}");
    }
    assert!(matches!(authority.sign_server(&[]), Err(SignError::NameCount { count: 0 })));
    let names = ["diecast.example", "10.0.0.1", "fe80::1"].map(String::from);
    authority.sign_server(&names).unwrap();
}

#[test]
fn keys_are_not_printed() {
    let world = World::new();
    let (_, identity) = world.provider(1);
    let keys = Keys::generate().unwrap();
    for printed in [format!("{keys:?}"), format!("{identity:?}")] {
        assert!(!printed.contains("PRIVATE"), "{printed}");
    }
}

fn pem(der: &[u8]) -> String {
    use base64::{Engine, prelude::BASE64_STANDARD};
    let text = BASE64_STANDARD.encode(der);
    format!("-----BEGIN CERTIFICATE REQUEST-----\n{text}\n-----END CERTIFICATE REQUEST-----\n")
}
