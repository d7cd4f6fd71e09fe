//! What a listener bears, and changing its certificate.

use crate::world::World;
use diecast_identity::KeyedCertificate;
use rustls::{CertificateError, Error};
use tokio::{io::AsyncWriteExt, net::TcpStream};

#[tokio::test]
async fn silent_and_babbling_clients_do_not_hold_up_others() {
    let world = World::new();
    let server = world.server().await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(TcpStream::connect(server.address).await.unwrap());
    }
    let mut babbling = TcpStream::connect(server.address).await.unwrap();
    babbling.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let (id, identity) = world.provider(1);
    let answer = server.ask(&world.client(Some(&identity))).await.unwrap();
    assert!(answer.starts_with(&id.to_string()));
}

#[tokio::test]
async fn a_new_certificate_is_shown_while_running_and_open_connections_stay() {
    let (world, next) = (World::new(), World::new());
    let server = world.server().await;
    let (before, after) = (world.client(None), next.client(None));
    server.ask(&before).await.unwrap();
    let refusal = server.refusal(&after).await;
    assert_eq!(refusal, Error::InvalidCertificate(CertificateError::UnknownIssuer));

    server.reloader.replace(&next.server_certificate()).unwrap();
    server.ask(&after).await.expect("the new certificate is shown");
    server.ask(&before).await.expect("the connection that was open goes on");
    let refusal = server.refusal(&world.client(None)).await;
    assert_eq!(refusal, Error::InvalidCertificate(CertificateError::UnknownIssuer));
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_does_not_replace_the_one_shown() {
    let world = World::new();
    let server = world.server().await;
    let (good, other) = (world.server_certificate(), world.server_certificate());
    let mixed = KeyedCertificate { certificate_pem: good.certificate_pem, key_pem: other.key_pem };
    let empty = KeyedCertificate { certificate_pem: String::new(), key_pem: String::new() };
    for bad in [mixed, empty] {
        assert!(server.reloader.replace(&bad).is_err());
        assert_eq!(server.ask(&world.client(None)).await.unwrap(), "nobody");
    }
}

/// Browsers and other people's tools choose HTTP/2; the peer is the same to handlers.
#[tokio::test]
async fn http2_is_spoken_to_who_asks_for_it() {
    let world = World::new();
    let server = world.server().await;
    let (id, identity) = world.provider(1);
    let mut config = diecast_identity::client_config(&world.ca, Some(&identity)).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let client = reqwest::Client::builder().tls_backend_preconfigured(config).no_proxy().build().unwrap();
    let answer = client.get(format!("https://{}/", server.address)).send().await.unwrap();
    assert_eq!(answer.version(), reqwest::Version::HTTP_2);
    assert!(answer.text().await.unwrap().starts_with(&id.to_string()));
}
