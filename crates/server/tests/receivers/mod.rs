//! A receiver of webhooks that checks signatures as the guide says, refuses when told to, and remembers.
#![allow(dead_code, clippy::unwrap_used)]

use aws_lc_rs::hmac;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use diecast_identity::{
    Authority, ClientCertificates, TlsListener, TlsListenerSettings, install_crypto_provider,
};
use serde_json::Value;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::net::TcpListener;

pub const SECRET: &str = "a secret of twenty letters";
/// How long a test waits for what must happen soon. Not a measure: only an end to hanging.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone)]
pub struct Hook {
    pub url: String,
    pub ca: String,
    inside: Arc<Mutex<Inside>>,
}

#[derive(Default)]
struct Inside {
    refuses: Option<StatusCode>,
    taken: VecDeque<Value>,
    refused: VecDeque<Value>,
    checks: bool,
}

impl Hook {
    fn new(address: std::net::SocketAddr, scheme: &str) -> Self {
        let inside = Arc::new(Mutex::new(Inside { checks: scheme == "http", ..Inside::default() }));
        Self { url: format!("{scheme}://{address}/hook"), ca: String::new(), inside }
    }

    pub async fn start() -> Self {
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let hook = Self::new(tcp.local_addr().unwrap(), "http");
        tokio::spawn(axum::serve(tcp, hook.router()).into_future());
        hook
    }

    /// By an authority that nobody knows.
    pub async fn over_tls() -> Self {
        install_crypto_provider();
        let authority = Authority::create().unwrap();
        let certificate = authority.sign_server(&["127.0.0.1".to_owned()]).unwrap();
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut hook = Self::new(tcp.local_addr().unwrap(), "https");
        hook.ca = authority.certificate_pem();
        let tls = TlsListenerSettings::new(certificate, hook.ca.clone(), ClientCertificates::Optional);
        tokio::spawn(axum::serve(TlsListener::new(tcp, tls).unwrap(), hook.router()).into_future());
        hook
    }

    /// It takes connections and never answers.
    pub async fn hanging() -> Self {
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let hook = Self::new(tcp.local_addr().unwrap(), "http");
        tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((connection, _)) = tcp.accept().await {
                held.push(connection);
            }
        });
        hook
    }

    fn router(&self) -> Router {
        Router::new().route("/hook", post(hear)).with_state(self.clone())
    }

    pub fn refuse(&self, status: StatusCode) {
        self.inside.lock().unwrap().refuses = Some(status);
    }

    pub fn take(&self) {
        self.inside.lock().unwrap().refuses = None;
    }

    pub fn waiting(&self) -> usize {
        self.inside.lock().unwrap().taken.len()
    }

    /// The next message that it took.
    pub async fn next(&self) -> Value {
        self.wait(|inside| inside.taken.pop_front()).await
    }

    /// The next message that it refused.
    pub async fn refused(&self) -> Value {
        self.wait(|inside| inside.refused.pop_front()).await
    }

    async fn wait(&self, mut look: impl FnMut(&mut Inside) -> Option<Value>) -> Value {
        let wait = async {
            loop {
                if let Some(found) = look(&mut self.inside.lock().unwrap()) {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("a message comes")
    }
}

async fn hear(State(hook): State<Hook>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let message: Value = serde_json::from_slice(&body).unwrap();
    let mut inside = hook.inside.lock().unwrap();
    if inside.checks && !is_signed(&headers, &body) {
        return StatusCode::UNAUTHORIZED;
    }
    assert_eq!(headers["diecast-message"], message["id"].as_str().unwrap());
    match inside.refuses {
        Some(status) => {
            inside.refused.push_back(message);
            status
        }
        None => {
            inside.taken.push_back(message);
            StatusCode::OK
        }
    }
}

fn is_signed(headers: &HeaderMap, body: &[u8]) -> bool {
    let text = |name: &str| headers[name].to_str().unwrap().to_owned();
    let signed = [text("diecast-timestamp").as_bytes(), b".", body].concat();
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let signature = hex::decode(text("diecast-signature").strip_prefix("v1=").unwrap()).unwrap();
    hmac::verify(&key, &signed, &signature).is_ok()
}
