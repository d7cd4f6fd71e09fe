//! An authority, its providers, and a server that answers everybody with who they are.

use axum::{Router, extract::ConnectInfo, routing::get};
use diecast_domain::ids::ProviderId;
use diecast_identity::{
    Authority, ClientCertificates, KeyedCertificate, Keys, Peer, Reloader, Timeouts, TlsListenerSettings,
    listen, reqwest_client, tls_error_of,
};
use std::{net::SocketAddr, time::SystemTime};
use uuid::Uuid;

pub struct World {
    pub authority: Authority,
    pub ca: String,
}

pub struct Serving {
    pub address: SocketAddr,
    pub reloader: Reloader,
}

impl World {
    pub fn new() -> Self {
        let authority = Authority::create().unwrap();
        Self { ca: authority.certificate_pem(), authority }
    }

    pub fn provider(&self, number: u128) -> (ProviderId, KeyedCertificate) {
        self.provider_at(number, SystemTime::now())
    }

    pub fn provider_at(&self, number: u128, now: SystemTime) -> (ProviderId, KeyedCertificate) {
        let id = ProviderId::from_uuid(Uuid::from_u128(number));
        let keys = Keys::generate().unwrap();
        let certificate = self.authority.sign_provider_at(&keys.csr_pem, id, now).unwrap();
        (id, keys.certified(certificate))
    }

    pub fn server_certificate(&self) -> KeyedCertificate {
        self.authority.sign_server(&["localhost".into(), "127.0.0.1".into()]).unwrap()
    }

    pub fn settings(&self, shown: KeyedCertificate, clients: ClientCertificates) -> TlsListenerSettings {
        TlsListenerSettings::new(shown, self.ca.clone(), clients)
    }

    pub async fn server(&self) -> Serving {
        serve(self.settings(self.server_certificate(), ClientCertificates::Optional)).await
    }

    pub async fn depot(&self, shown: KeyedCertificate) -> Serving {
        serve(self.settings(shown, ClientCertificates::Required)).await
    }

    pub fn client(&self, identity: Option<&KeyedCertificate>) -> reqwest::Client {
        reqwest_client(&self.ca, identity, Timeouts::default()).unwrap()
    }
}

pub async fn serve(settings: TlsListenerSettings) -> Serving {
    let listener = listen("127.0.0.1:0".parse().unwrap(), settings).await.unwrap();
    let serving = Serving { address: listener.address().unwrap(), reloader: listener.reloader() };
    let app = Router::new().route("/", get(who)).into_make_service_with_connect_info::<Peer>();
    tokio::spawn(axum::serve(listener, app).into_future());
    serving
}

async fn who(ConnectInfo(peer): ConnectInfo<Peer>) -> String {
    assert!(peer.address.ip().is_loopback());
    match peer.identity {
        None => "nobody".into(),
        Some(identity) => {
            let provider = identity.provider.map_or("no provider".into(), |p| p.to_string());
            format!("{provider} {}", identity.certificate_serial)
        }
    }
}

impl Serving {
    pub async fn ask(&self, client: &reqwest::Client) -> Result<String, reqwest::Error> {
        client.get(format!("https://{}/", self.address)).send().await?.text().await
    }

    /// Why TLS refused, when it must.
    pub async fn refusal(&self, client: &reqwest::Client) -> rustls::Error {
        let error = self.ask(client).await.expect_err("it was let in");
        tls_error_of(&error).unwrap_or_else(|| panic!("not for TLS: {error:?}")).clone()
    }
}
