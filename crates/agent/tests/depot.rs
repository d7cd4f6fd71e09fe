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
use diecast_provider::layout;
use diecast_transfer::{
    manifest::Manifest,
    progress::Progress,
    publish::{DiskInput, PublishInput, publish},
    spool::Spool,
    wire::{PROBE_PATH, frame_path},
};
use std::{fs, path::Path, sync::Arc};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

fn provider(number: u128) -> ProviderId {
    ProviderId::from_uuid(Uuid::from_u128(number))
}

fn certificate(authority: &Authority, id: ProviderId) -> KeyedCertificate {
    let keys = Keys::generate().unwrap();
    let signed = authority.sign_provider(&keys.csr_pem, id).unwrap();
    keys.certified(signed)
}

/// A depot of provider 1 whose orders let provider 2 read one version. It holds none.
async fn depot(authority: &Authority, readable: Digest) -> String {
    serve(authority, readable, Arc::default()).await
}

async fn serve(authority: &Authority, readable: Digest, depots: Arc<Depots>) -> String {
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
    let routes = routes(depots, board, data);
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

/// A version of one disk full of one byte, whole in `storage`, with its manifest in `data`.
fn version(storage: &Path, data: &DataDir, byte: u8) -> Manifest {
    let made = storage.join(byte.to_string());
    fs::create_dir_all(&made).unwrap();
    fs::write(made.join("disk0.raw"), vec![byte; 300_000]).unwrap();
    let disks = vec![DiskInput { name: "disk0".into(), path: made.join("disk0.raw") }];
    let input = PublishInput { disks, nvram: None, profile: b"{}".to_vec() };
    let spool = Spool::open(&storage.join("spool")).unwrap();
    let manifest = publish(input, &spool, &Progress::default(), &CancellationToken::new()).unwrap();
    fs::write(data.manifest(&manifest.digest()), manifest.encode()).unwrap();
    let there = layout::version_dir(storage, &manifest.digest());
    fs::create_dir_all(there.parent().unwrap()).unwrap();
    fs::rename(made, there).unwrap();
    manifest
}

#[tokio::test]
async fn a_frame_of_a_version_that_the_asker_was_not_assigned_is_given_by_no_way() {
    install_crypto_provider();
    let authority = Authority::create().unwrap();
    let place = tempfile::tempdir().unwrap();
    let (storage, data) = (place.path().join("diecast"), DataDir::open(&place.path().join("agent")).unwrap());
    let [own, other] = [1, 2].map(|byte| version(&storage, &data, byte));
    let depots = Arc::new(Depots::default());
    let held = [own.digest(), other.digest()].into();
    depots.follow(&storage, &held, &Default::default(), &data);
    let address = serve(&authority, own.digest(), depots).await;
    let certificate = certificate(&authority, provider(2));
    let ca = authority.certificate_pem();
    let reader = depot_client(&ca, &certificate, provider(1), Timeouts::default()).unwrap();

    let [frame, foreign] = [&own, &other].map(|manifest| manifest.frames()[0].digest);
    assert_eq!(status(&reader, &address, &frame_path(&own.digest(), &frame)).await, 200);
    assert_eq!(
        status(&reader, &address, &frame_path(&other.digest(), &foreign)).await,
        403,
        "held, and right"
    );
    assert_eq!(
        status(&reader, &address, &frame_path(&own.digest(), &foreign)).await,
        404,
        "as if of its own"
    );
    assert_eq!(status(&reader, &address, &frame_path(&other.digest(), &frame)).await, 403);
    for what in ["leaves/0", "arrivals/0-0"] {
        let path = format!("/depot/v1/versions/{}/{what}", other.digest().hex());
        assert_eq!(status(&reader, &address, &path).await, 403, "{what}");
    }
    let claims = format!("https://{address}/depot/v1/versions/{}/claims/1/0", other.digest().hex());
    assert_eq!(reader.post(claims).body(vec![1]).send().await.unwrap().status().as_u16(), 403);
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
