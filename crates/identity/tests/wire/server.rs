//! Agents and others at the server.

use crate::world::{World, serve};
use diecast_api::agent::CERTIFICATE_LIFE;
use diecast_identity::{ClientCertificates, identity_of_pem};
use rustls::{AlertDescription, CertificateError, Error};
use std::time::SystemTime;

#[tokio::test]
async fn an_agent_is_recognised_by_its_certificate() {
    let world = World::new();
    let server = world.server().await;
    for number in [1, 2] {
        let (id, identity) = world.provider(number);
        let serial = identity_of_pem(&identity.certificate_pem).unwrap().certificate_serial;
        let answer = server.ask(&world.client(Some(&identity))).await.unwrap();
        assert_eq!(answer, format!("{id} {serial}"));
    }
}

#[tokio::test]
async fn who_shows_no_certificate_is_nobody() {
    let world = World::new();
    let server = world.server().await;
    assert_eq!(server.ask(&world.client(None)).await.unwrap(), "nobody");
}

#[tokio::test]
async fn who_shows_no_certificate_where_one_is_required_is_refused_and_told() {
    let world = World::new();
    let depot = serve(world.settings(world.server_certificate(), ClientCertificates::Required)).await;
    let refusal = depot.refusal(&world.client(None)).await;
    assert_eq!(refusal, Error::AlertReceived(AlertDescription::CertificateRequired));
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_refused_and_told() {
    let (world, other) = (World::new(), World::new());
    let server = world.server().await;
    let (_, stranger) = other.provider(1);
    let refusal = server.refusal(&world.client(Some(&stranger))).await;
    assert_eq!(refusal, Error::AlertReceived(AlertDescription::UnknownCA));
}

#[tokio::test]
async fn an_expired_certificate_is_refused_and_told() {
    let world = World::new();
    let server = world.server().await;
    let (_, old) = world.provider_at(1, SystemTime::now() - 2 * CERTIFICATE_LIFE);
    let refusal = server.refusal(&world.client(Some(&old))).await;
    assert_eq!(refusal, Error::AlertReceived(AlertDescription::CertificateExpired));
}

#[tokio::test]
async fn a_certificate_not_valid_yet_is_refused() {
    let world = World::new();
    let server = world.server().await;
    let (_, early) = world.provider_at(1, SystemTime::now() + CERTIFICATE_LIFE);
    assert!(matches!(server.refusal(&world.client(Some(&early))).await, Error::AlertReceived(_)));
}

#[tokio::test]
async fn the_servers_own_certificate_cannot_ask_as_a_client() {
    let world = World::new();
    let server = world.server().await;
    let shown = world.server_certificate();
    assert!(matches!(server.refusal(&world.client(Some(&shown))).await, Error::AlertReceived(_)));
}

#[tokio::test]
async fn a_revoked_certificate_is_refused_and_told_and_others_are_not() {
    let world = World::new();
    let ((_, gone), (stays, other)) = (world.provider(1), world.provider(2));
    let revoked = identity_of_pem(&gone.certificate_pem).unwrap().certificate_serial;
    let settings = world.settings(world.server_certificate(), ClientCertificates::Optional);
    let server = serve(settings.revoked(move |peer| peer.certificate_serial == revoked)).await;

    let refusal = server.refusal(&world.client(Some(&gone))).await;
    assert_eq!(refusal, Error::AlertReceived(AlertDescription::CertificateRevoked));
    assert!(server.ask(&world.client(Some(&other))).await.unwrap().starts_with(&stays.to_string()));
}

#[tokio::test]
async fn a_server_of_another_authority_is_not_believed() {
    let (world, other) = (World::new(), World::new());
    let impostor = other.server().await;
    let refusal = impostor.refusal(&world.client(None)).await;
    assert_eq!(refusal, Error::InvalidCertificate(CertificateError::UnknownIssuer));
}

#[tokio::test]
async fn a_provider_cannot_pass_for_the_server() {
    let world = World::new();
    let (_, provider) = world.provider(1);
    let impostor = serve(world.settings(provider, ClientCertificates::Optional)).await;
    let refusal = impostor.refusal(&world.client(None)).await;
    assert!(matches!(refusal, Error::InvalidCertificate(CertificateError::NotValidForNameContext { .. })));
}
