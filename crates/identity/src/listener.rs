//! Accepts connections, shakes hands beside each other, and hands axum those that are through.

use crate::{
    error::ListenError,
    peer::{Peer, identity_of},
    server_tls::{Reloader, TlsListenerSettings, server_config},
};
use axum::serve::Listener;
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// A handshake that is not through by then is dropped: some round trips over a bad line.
pub const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);
/// The most handshakes at once; later connections wait in the system's queue. A few kilobytes each.
pub const HANDSHAKES_MAX: usize = 1024;
/// The most bytes read from a refused client before hanging up: a request's head and a small body.
const PARTING_BYTES_MAX: u64 = 64 << 10;
/// The pause after the system refused to accept, mostly for want of file handles.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listener for `axum::serve`; handlers get a [`Peer`] from `ConnectInfo`, by
/// `into_make_service_with_connect_info::<Peer>()`. Dropping it drops handshakes under way.
pub struct TlsListener {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
    reloader: Reloader,
    handshakes: JoinSet<Option<(TlsStream<TcpStream>, Peer)>>,
    handshakes_max: usize,
    deadline: Duration,
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
        Ok(Self {
            tcp,
            acceptor,
            reloader,
            handshakes: JoinSet::new(),
            handshakes_max: HANDSHAKES_MAX,
            deadline: HANDSHAKE_DEADLINE,
        })
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
        let (acceptor, deadline) = (self.acceptor.clone(), self.deadline);
        self.handshakes.spawn(async move {
            match timeout(deadline, handshake(acceptor, tcp, address)).await {
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
                accepted = self.tcp.accept(), if self.handshakes.len() < self.handshakes_max => match accepted {
                    Ok((tcp, address)) => self.shake_hands(tcp, address),
                    Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {
                        tracing::debug!(%error, "a client hung up before it was accepted");
                    }
                    Err(error) => {
                        tracing::warn!(%error, "accepting a connection failed");
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
    let stream = match acceptor.accept(tcp).into_fallible().await {
        Ok(stream) => stream,
        Err((error, tcp)) => {
            part(tcp).await;
            return Err(error);
        }
    };
    let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let identity = shown.map(identity_of).transpose().map_err(io::Error::other)?;
    Ok((stream, Peer { address, identity }))
}

/// Hangs up so that the client learns why. It may have sent its request along with its certificate;
/// closing on what was not read would reset the connection and lose the alert on its way.
async fn part(mut tcp: TcpStream) {
    if tcp.shutdown().await.is_ok() {
        let _ = tokio::io::copy(&mut tcp.take(PARTING_BYTES_MAX), &mut tokio::io::sink()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Authority, ClientCertificates, client_config};
    use rustls::pki_types::ServerName;
    use std::time::Instant;
    use tokio_rustls::TlsConnector;

    #[tokio::test]
    async fn when_silent_clients_take_every_place_the_deadline_clears_them() {
        let authority = Authority::create().unwrap();
        let ca = authority.certificate_pem();
        let shown = authority.sign_server(&["localhost".into()]).unwrap();
        let settings = TlsListenerSettings::new(shown, ca.clone(), ClientCertificates::Optional);
        let mut listener = listen("127.0.0.1:0".parse().unwrap(), settings).await.unwrap();
        let address = listener.address().unwrap();
        let connector = TlsConnector::from(Arc::new(client_config(&ca, None).unwrap()));
        let name = ServerName::try_from("localhost").unwrap();
        let started = Instant::now();
        let (asked, _) = tokio::join!(connect(&connector, &name, address), listener.accept());
        asked.unwrap();
        (listener.handshakes_max, listener.deadline) =
            (2, Duration::from_millis(200) + started.elapsed() * 50);

        let mut silent = Vec::new();
        for _ in 0..4 {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        let (asked, (_, peer)) = tokio::join!(connect(&connector, &name, address), listener.accept());
        let own_address = asked.unwrap().get_ref().0.local_addr().unwrap();
        assert_eq!(peer, Peer { address: own_address, identity: None });
        assert!(listener.handshakes.len() <= 2);
    }
    async fn connect(
        connector: &TlsConnector,
        name: &ServerName<'static>,
        address: SocketAddr,
    ) -> io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
        connector.connect(name.clone(), TcpStream::connect(address).await?).await
    }
}
