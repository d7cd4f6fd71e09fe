//! Screens: carries what a machine's screen says to the server and back, for as long as the orders
//! name it. The connection is the agent's own: nothing listens for it, on no port.

use crate::{board::Board, server::Server, watch::Driver};
use diecast_domain::{
    assignment::ConsoleOrder,
    code::{Code, Problem},
    ids::ConsoleId,
};
use diecast_provider::RunHosts;
use futures::{Sink, SinkExt, Stream, StreamExt};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    sync::watch,
};
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_util::task::AbortOnDropHandle;

/// Between two tries: the machine may just be starting.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// What is read of a screen at a time.
const PIECE_BYTES: usize = 64 << 10;

/// Runs for as long as the agent does: one task for each screen that is ordered.
pub async fn follow(board: Arc<Board>, server: Server, driver: watch::Receiver<Driver>) {
    let mut wanted = board.consoles.subscribe();
    let mut open: BTreeMap<ConsoleId, AbortOnDropHandle<()>> = BTreeMap::new();
    loop {
        let orders = wanted.borrow_and_update().clone();
        open.retain(|id, _| orders.iter().any(|order| order.id == *id));
        for order in orders {
            let (server, driver) = (server.clone(), driver.clone());
            open.entry(order.id)
                .or_insert_with(|| AbortOnDropHandle::new(tokio::spawn(show(order, server, driver))));
        }
        if wanted.changed().await.is_err() {
            return;
        }
    }
}

async fn show(order: ConsoleOrder, server: Server, driver: watch::Receiver<Driver>) {
    let mut last = None;
    loop {
        if let Err(problem) = connect(&order, &server, &driver).await {
            if last != Some(problem.code) {
                tracing::warn!(code = %problem.code, machine = %order.machine, "a screen: {}", problem.cause);
            }
            last = Some(problem.code);
        }
        tokio::time::sleep(RETRY_PAUSE).await;
    }
}

/// The screen first: the server hands out its end once.
async fn connect(
    order: &ConsoleOrder,
    server: &Server,
    driver: &watch::Receiver<Driver>,
) -> Result<(), Problem> {
    let Some((hypervisor, _)) = driver.borrow().clone() else {
        return Err(Problem::new(Code::P0002, "the hypervisor has not answered yet"));
    };
    let path = hypervisor.screen(order.machine).await?;
    let screen = UnixStream::connect(&path).await.map_err(|error| {
        Problem::new(Code::M0008, format!("{} cannot be connected to: {error}", path.display()))
    })?;
    let socket = server.console(order.id).await?;
    tracing::info!(machine = %order.machine, "somebody looks at a screen");
    if let Err(error) = carry(screen, socket).await {
        tracing::debug!(machine = %order.machine, "a screen's connection broke: {error}");
    }
    Ok(())
}

/// Both ways, until either end has had enough.
async fn carry<S>(screen: UnixStream, socket: S) -> Result<(), tungstenite::Error>
where
    S: Stream<Item = Result<Message, tungstenite::Error>> + Sink<Message, Error = tungstenite::Error>,
{
    let (mut from_screen, mut to_screen) = screen.into_split();
    let (mut to_server, mut from_server) = socket.split();
    let outward = async {
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            let length = from_screen.read(&mut piece).await?;
            if length == 0 {
                return to_server.close().await;
            }
            to_server.send(Message::binary(piece[..length].to_vec())).await?;
        }
    };
    let inward = async {
        while let Some(message) = from_server.next().await {
            match message? {
                Message::Binary(bytes) => to_screen.write_all(&bytes).await?,
                Message::Close(_) => break,
                // Pings are answered below; nothing else is ever said.
                Message::Text(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
        Ok(())
    };
    tokio::select! {
        ended = outward => ended,
        ended = inward => ended,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_tungstenite::{WebSocketStream, tungstenite::protocol::Role};

    async fn pair() -> (WebSocketStream<tokio::io::DuplexStream>, WebSocketStream<tokio::io::DuplexStream>) {
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let agent = WebSocketStream::from_raw_socket(ours, Role::Client, None).await;
        (agent, WebSocketStream::from_raw_socket(theirs, Role::Server, None).await)
    }

    #[tokio::test]
    async fn what_either_end_says_reaches_the_other_and_the_screen_is_over_with_either() {
        let (agent, mut server) = pair().await;
        let (ours, mut machine) = UnixStream::pair().unwrap();
        let carried = tokio::spawn(carry(ours, agent));
        machine.write_all(b"RFB 003.008\n").await.unwrap();
        assert_eq!(server.next().await.unwrap().unwrap().into_data(), &b"RFB 003.008\n"[..]);
        server.send(Message::binary(b"key".to_vec())).await.unwrap();
        let mut said = [0; 3];
        machine.read_exact(&mut said).await.unwrap();
        assert_eq!(&said, b"key");
        drop(machine);
        assert!(matches!(server.next().await, Some(Ok(Message::Close(_)))));
        carried.await.unwrap().unwrap();

        let (agent, mut server) = pair().await;
        let (ours, mut machine) = UnixStream::pair().unwrap();
        let carried = tokio::spawn(carry(ours, agent));
        server.close(None).await.unwrap();
        carried.await.unwrap().unwrap();
        assert_eq!(machine.read(&mut said).await.unwrap(), 0);
    }
}
