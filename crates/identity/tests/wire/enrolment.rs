//! The first meeting of agent and server: all the agent has is a fingerprint.

use crate::world::{World, serve};
use diecast_identity::{
    ClientCertificates, Fingerprint, KeyedCertificate, Timeouts, fingerprint_client, fingerprint_of,
    reqwest_client,
};
use rustls::{CertificateError, Error};

#[tokio::test]
async fn with_the_right_fingerprint_the_authority_is_learnt_and_holds_from_then_on() {
    let world = World::new();
    let server = world.server().await;
    let first = fingerprint_client(world.authority.fingerprint(), Timeouts::default()).unwrap();
    assert_eq!(first.ca_pem(), None);
    assert_eq!(server.ask(first.client()).await.unwrap(), "nobody");

    let learnt = first.ca_pem().expect("a server was met");
    assert_eq!(fingerprint_of(&learnt).unwrap(), world.authority.fingerprint());
    let pinned = reqwest_client(&learnt, None, Timeouts::default()).unwrap();
    assert_eq!(server.ask(&pinned).await.unwrap(), "nobody");
}

#[tokio::test]
async fn with_a_wrong_fingerprint_nothing_is_sent_and_nothing_learnt() {
    let world = World::new();
    let server = world.server().await;
    let wrong = fingerprint_client(Fingerprint::of_der(b"another"), Timeouts::default()).unwrap();
    let refusal = server.refusal(wrong.client()).await;
    assert_eq!(refusal, Error::InvalidCertificate(CertificateError::UnknownIssuer));
    assert_eq!(wrong.ca_pem(), None);
}

/// The authority's certificate is no secret: anybody can send it along.
#[tokio::test]
async fn an_impostor_who_sends_the_right_authority_along_is_refused() {
    let (world, other) = (World::new(), World::new());
    let own = other.server_certificate();
    let leaf = own.certificate_pem.split_inclusive("-----END CERTIFICATE-----\n").next().unwrap();
    let shown = KeyedCertificate { certificate_pem: format!("{leaf}{}", world.ca), key_pem: own.key_pem };
    let impostor = serve(other.settings(shown, ClientCertificates::Optional)).await;

    let client = fingerprint_client(world.authority.fingerprint(), Timeouts::default()).unwrap();
    assert!(matches!(impostor.refusal(client.client()).await, Error::InvalidCertificate(_)));
    assert_eq!(client.ca_pem(), None);
}

#[tokio::test]
async fn a_provider_who_sends_the_authority_along_cannot_enrol_others() {
    let world = World::new();
    let (_, mut provider) = world.provider(1);
    provider.certificate_pem.push_str(&world.ca);
    let impostor = serve(world.settings(provider, ClientCertificates::Optional)).await;
    let client = fingerprint_client(world.authority.fingerprint(), Timeouts::default()).unwrap();
    assert!(matches!(impostor.refusal(client.client()).await, Error::InvalidCertificate(_)));
    assert_eq!(client.ca_pem(), None);
}
