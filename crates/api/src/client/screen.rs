//! A machine's screen: the bytes of VNC over a WebSocket, with the same token and the same trust as every request.

use super::{Client, ClientError, send::Ask};
use reqwest::{Method, StatusCode, Upgraded, header};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        handshake::{client::generate_key, derive_accept_key},
        protocol::Role,
    },
};

pub use tokio_tungstenite::tungstenite::Message;

/// Binary messages, each a piece of what the viewer and the machine say to each other.
pub type Screen = WebSocketStream<Upgraded>;

impl Client {
    /// The screen of a template's working copy, as long as it is held.
    pub async fn screen(&self, template: &str) -> Result<Screen, ClientError> {
        self.socket(self.ask(Method::GET, &["templates", template, "maintenance", "console"])).await
    }

    /// A connection that goes on as a WebSocket.
    pub(super) async fn socket(&self, ask: Ask<'_>) -> Result<Screen, ClientError> {
        let key = generate_key();
        let ask = ask
            .header(header::CONNECTION.as_str(), "Upgrade")
            .header(header::UPGRADE.as_str(), "websocket")
            .header(header::SEC_WEBSOCKET_VERSION.as_str(), "13")
            .header(header::SEC_WEBSOCKET_KEY.as_str(), &key);
        let (response, request) = ask.send().await?;
        let accepted =
            response.headers().get(header::SEC_WEBSOCKET_ACCEPT).map(header::HeaderValue::as_bytes);
        let switched = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        if !switched || accepted != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
            let what = format!("status {} instead of a WebSocket", response.status());
            return Err(ClientError::Unexpected { url: self.url().to_owned(), request, what });
        }
        let stream = response.upgrade().await.map_err(|source| ClientError::transport(self.url(), source))?;
        Ok(WebSocketStream::from_raw_socket(stream, Role::Client, None).await)
    }
}
