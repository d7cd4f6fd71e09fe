//! Accepts connections, shakes hands beside each other, and hands axum those that are through.

use crate::{
    error::ListenError,
    peer::{Peer, identity_of},
    server_tls::{Reloader, TlsListenerSettings, server_config},
};
use axum::serve::Listener;
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// A handshake that is not through by then is dropped: some round trips over a bad line.
pub const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);
/// The most handshakes at once; later connections wait in the system's queue. A few kilobytes each.
pub const HANDSHAKES_MAX: usize = 1024;
/// The pause after the system refused a connection, mostly for want of file handles.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listener for `axum::serve`; handlers get a [`Peer`] from `ConnectInfo`, by
/// `into_make_service_with_connect_info::<Peer>()`. Dropping it drops handshakes under way.
pub struct TlsListener {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
    reloader: Reloader,
    handshakes: JoinSet<Option<(TlsStream<TcpStream>, Peer)>>,
}

/// Listens for TLS at an address.
pub async fn listen(address: SocketAddr, settings: TlsListenerSettings) -> Result<TlsListener, ListenError> {
    let tcp = TcpListener::bind(address).await.map_err(|source| ListenError::Bind { address, source })?;
    TlsListener::new(tcp, settings)
}

impl TlsListener {
    /// With a socket bound elsewhere.
    pub fn new(tcp: TcpListener, settings: TlsListenerSettings) -> Result<Self, ListenError> {
        let (config, reloader) = server_config(&settings)?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok(Self { tcp, acceptor, reloader, handshakes: JoinSet::new() })
    }

    /// The address bound, with the port that the system chose.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// Replaces the certificate from elsewhere while this one serves.
    pub fn reloader(&self) -> Reloader {
        self.reloader.clone()
    }

    fn shake_hands(&mut self, tcp: TcpStream, address: SocketAddr) {
        let acceptor = self.acceptor.clone();
        self.handshakes.spawn(async move {
            match timeout(HANDSHAKE_DEADLINE, handshake(acceptor, tcp, address)).await {
                Ok(Ok(through)) => Some(through),
                Ok(Err(error)) => {
                    tracing::debug!(peer = %address, %error, "a TLS handshake failed");
                    None
                }
                Err(_) => {
                    tracing::debug!(peer = %address, "a TLS handshake took too long");
                    None
                }
            }
        });
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = Peer;

    /// May be dropped at any point and called again: nothing is held outside `self`.
    async fn accept(&mut self) -> (Self::Io, Peer) {
        loop {
            tokio::select! {
                accepted = self.tcp.accept(), if self.handshakes.len() < HANDSHAKES_MAX => match accepted {
                    Ok((tcp, address)) => self.shake_hands(tcp, address),
                    Err(error) => {
                        tracing::debug!(%error, "accepting a connection failed");
                        sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(done) = self.handshakes.join_next() => match done {
                    Ok(Some(through)) => return through,
                    Ok(None) => {}
                    Err(error) => tracing::error!(%error, "a TLS handshake panicked"),
                },
            }
        }
    }

    /// The peer of the listener itself: its own address and no identity.
    fn local_addr(&self) -> io::Result<Peer> {
        Ok(Peer { address: self.tcp.local_addr()?, identity: None })
    }
}

async fn handshake(
    acceptor: TlsAcceptor,
    tcp: TcpStream,
    address: SocketAddr,
) -> io::Result<(TlsStream<TcpStream>, Peer)> {
    tcp.set_nodelay(true)?;
    let stream = acceptor.accept(tcp).await?;
    let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let identity = shown.map(identity_of).transpose().map_err(io::Error::other)?;
    Ok((stream, Peer { address, identity }))
}
