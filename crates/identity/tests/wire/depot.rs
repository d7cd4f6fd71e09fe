//! Agents at each other's depots.

use crate::world::World;
use diecast_api::agent::CERTIFICATE_LIFE;
use diecast_domain::ids::ProviderId;
use diecast_identity::{KeyedCertificate, Timeouts, depot_client};
use rustls::{AlertDescription, CertificateError, Error};
use std::time::SystemTime;

fn client(world: &World, identity: &KeyedCertificate, expected: ProviderId) -> reqwest::Client {
    depot_client(&world.ca, identity, expected, Timeouts::default()).unwrap()
}

#[tokio::test]
async fn a_depot_is_known_by_its_provider_whatever_its_address() {
    let world = World::new();
    let ((a, depot), (b, asks)) = (world.provider(1), world.provider(2));
    let depot = world.depot(depot).await;
    let client = client(&world, &asks, a);
    assert!(depot.ask(&client).await.unwrap().starts_with(&b.to_string()));

    let by_name = format!("https://localhost:{}/", depot.address.port());
    assert!(client.get(by_name).send().await.unwrap().text().await.unwrap().starts_with(&b.to_string()));
}

#[tokio::test]
async fn another_providers_depot_is_refused_although_of_the_same_authority() {
    let world = World::new();
    let ((a, _), (_, other), (_, asks)) = (world.provider(1), world.provider(2), world.provider(3));
    let depot = world.depot(other).await;
    let refusal = depot.refusal(&client(&world, &asks, a)).await;
    assert!(matches!(refusal, Error::InvalidCertificate(CertificateError::NotValidForNameContext { .. })));
}

#[tokio::test]
async fn the_server_cannot_pass_for_a_depot() {
    let world = World::new();
    let ((a, _), (_, asks)) = (world.provider(1), world.provider(2));
    let server = world.server().await;
    let refusal = server.refusal(&client(&world, &asks, a)).await;
    assert!(matches!(refusal, Error::InvalidCertificate(_)));
}

#[tokio::test]
async fn a_depot_with_an_expired_certificate_is_refused() {
    let world = World::new();
    let (a, old) = world.provider_at(1, SystemTime::now() - 2 * CERTIFICATE_LIFE);
    let (_, asks) = world.provider(2);
    let refusal = world.depot(old).await.refusal(&client(&world, &asks, a)).await;
    assert!(matches!(refusal, Error::InvalidCertificate(CertificateError::ExpiredContext { .. })));
}

#[tokio::test]
async fn a_depot_of_another_authority_is_refused_although_it_names_the_provider() {
    let (world, other) = (World::new(), World::new());
    let (a, impostor) = other.provider(1);
    let (_, asks) = world.provider(2);
    let refusal = other.depot(impostor).await.refusal(&client(&world, &asks, a)).await;
    assert_eq!(refusal, Error::InvalidCertificate(CertificateError::UnknownIssuer));
}

#[tokio::test]
async fn a_depot_refuses_strangers_and_tells_them() {
    let (world, other) = (World::new(), World::new());
    let ((a, depot), (_, stranger)) = (world.provider(1), other.provider(2));
    let refusal = world.depot(depot).await.refusal(&client(&world, &stranger, a)).await;
    assert_eq!(refusal, Error::AlertReceived(AlertDescription::UnknownCA));
}
