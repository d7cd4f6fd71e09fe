//! The depot over real TLS: peers that the orders name get frames, and nobody else gets anything.

#![allow(clippy::unwrap_used)]

use diecast_agent::{
    board::Board,
    data::DataDir,
    depot::{Depots, routes},
};
use diecast_domain::{
    assignment::{Assignment, Orders, Readers},
    digest::Digest,
    generation::Generation,
    ids::ProviderId,
    provider::ProviderSettings,
};
use diecast_identity::{
    Authority, ClientCertificates, KeyedCertificate, Keys, Peer, Timeouts, TlsListenerSettings, depot_client,
    install_crypto_provider, listen, reqwest_client,
};
use diecast_transfer::wire::{PROBE_PATH, frame_path};
use std::sync::Arc;
use uuid::Uuid;

fn provider(number: u128) -> ProviderId {
    ProviderId::from_uuid(Uuid::from_u128(number))
}

fn certificate(authority: &Authority, id: ProviderId) -> KeyedCertificate {
    let keys = Keys::generate().unwrap();
    let signed = authority.sign_provider(&keys.csr_pem, id).unwrap();
    keys.certified(signed)
}

/// A depot of provider 1 whose orders let provider 2 read one version.
async fn depot(authority: &Authority, readable: Digest) -> String {
    install_crypto_provider();
    let settings = ProviderSettings {
        uri: "qemu:///system".into(),
        storage: "default".into(),
        networks: Default::default(),
    };
    let mut orders = Orders::none(provider(1), "kvm-a".parse().unwrap(), settings);
    orders.readers.push(Readers { digest: readable, providers: vec![provider(2)] });
    let board = Arc::new(Board::default());
    board.know().assignment = Some(Assignment { generation: Generation { epoch: 1, number: 1 }, orders });
    let own = certificate(authority, provider(1));
    let tls = TlsListenerSettings::new(own, authority.certificate_pem(), ClientCertificates::Required);
    let listener = listen("127.0.0.1:0".parse().unwrap(), tls).await.unwrap();
    let address = listener.address().unwrap().to_string();
    let place = tempfile::tempdir().unwrap();
    let data = DataDir::open(place.path()).unwrap();
    let routes = routes(Arc::new(Depots::default()), board, data);
    let service = routes.into_make_service_with_connect_info::<Peer>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

async fn status(client: &reqwest::Client, address: &str, path: &str) -> u16 {
    client.get(format!("https://{address}{path}")).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn only_a_peer_that_the_orders_name_is_heard_and_only_about_its_versions() {
    install_crypto_provider();
    let authority = Authority::create().unwrap();
    let (readable, other) = (Digest::from_bytes([1; 32]), Digest::from_bytes([2; 32]));
    let address = depot(&authority, readable).await;
    let frame = Digest::from_bytes([9; 32]);
    let client = |id| {
        let own = certificate(&authority, id);
        depot_client(&authority.certificate_pem(), &own, provider(1), Timeouts::default()).unwrap()
    };
    let reader = client(provider(2));
    assert_eq!(status(&reader, &address, PROBE_PATH).await, 204);
    assert_eq!(status(&reader, &address, &frame_path(&readable, &frame)).await, 404, "heard; not held here");
    assert_eq!(status(&reader, &address, &frame_path(&other, &frame)).await, 403, "a version not its own");
    assert_eq!(status(&reader, &address, "/depot/v1/versions/../x/frames/y").await, 404);
    assert_eq!(status(&reader, &address, "/depot/v1/versions/zz/frames/y").await, 400);
    let stranger = client(provider(3));
    assert_eq!(status(&stranger, &address, &frame_path(&readable, &frame)).await, 403);
}

#[tokio::test]
async fn who_has_no_certificate_of_ours_gets_no_connection() {
    install_crypto_provider();
    let authority = Authority::create().unwrap();
    let address = depot(&authority, Digest::from_bytes([1; 32])).await;
    let url = format!("https://{address}{PROBE_PATH}");
    let nameless = reqwest_client(&authority.certificate_pem(), None, Timeouts::default()).unwrap();
    assert!(nameless.get(&url).send().await.is_err());
    let other = Authority::create().unwrap();
    let forged = certificate(&other, provider(2));
    let ca = authority.certificate_pem();
    let impostor = depot_client(&ca, &forged, provider(1), Timeouts::default()).unwrap();
    assert!(impostor.get(&url).send().await.is_err(), "signed by another authority");
    let own = certificate(&authority, provider(2));
    let elsewhere = depot_client(&ca, &own, provider(5), Timeouts::default()).unwrap();
    assert!(elsewhere.get(&url).send().await.is_err(), "the depot is not the provider that was meant");
}
