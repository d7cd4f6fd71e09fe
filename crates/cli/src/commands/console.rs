//! `diecast maintenance console`: a working copy's screen, as a VNC server on this machine alone.

use super::Context;
use crate::{Failure, args::maintenance::ConsoleArgs, failure, printer::Printer};
use diecast_api::client::{
    Client,
    screen::{Message, Screen},
};
use diecast_domain::code::{Code, Problem};
use futures::{SinkExt, StreamExt};
use serde_json::json;
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    process::Stdio,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
};

/// Where VNC viewers look first, without the very first: that is often a screen of this machine's own.
const PORT_FIRST: u16 = 5901;
/// The last port that means VNC to a viewer.
const PORT_LAST: u16 = 5999;
/// One message to the other side: what a screen sends in a burst.
const PIECE_BYTES: usize = 64 << 10;
/// An address as a viewer takes it.
type Spelling = fn(SocketAddr) -> String;
/// Viewers that are known, and how each takes an address.
const VIEWERS: [(&str, Spelling); 3] = [
    ("remote-viewer", |address| format!("vnc://{address}")),
    ("vncviewer", |address| format!("{}::{}", address.ip(), address.port())),
    ("vinagre", |address| format!("vnc://{address}")),
];

pub(super) async fn console(cx: &mut Context<'_>, args: ConsoleArgs) -> Result<(), Failure> {
    let name = args.name.as_str();
    let maintenance = cx.client.maintenance(name).await?;
    let listener = listen(args.listen).await?;
    let address =
        listener.local_addr().map_err(|source| Failure::local("the port cannot be read", source))?;
    let url = format!("vnc://{address}");
    cx.printer.answer(&json!({"template": name, "url": url}), |_, _| url.clone())?;
    if !maintenance.console {
        cx.printer.talk(&format!("the screen of {name} cannot be reached yet; its machine may be off"));
    }
    cx.printer.talk("for viewers on this machine, one at a time; end with Ctrl-C");
    let mut viewer = if args.viewer { Some(start_viewer(address)?) } else { None };
    let closed = async {
        match &mut viewer {
            Some(viewer) => viewer.wait().await.map(drop),
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => Ok(()),
        ended = closed => ended.map_err(|source| Failure::local("the viewer cannot be waited for", source)),
        failed = serve(&cx.client, name, &listener, cx.printer) => failed,
    }
}

async fn listen(wanted: Option<SocketAddr>) -> Result<TcpListener, Failure> {
    let refused = |address, source| Failure::local(format!("{address} cannot be listened at"), source);
    if let Some(address) = wanted {
        return TcpListener::bind(address).await.map_err(|source| refused(address, source));
    }
    for port in PORT_FIRST..=PORT_LAST {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        match TcpListener::bind(address).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            bound => return bound.map_err(|source| refused(address, source)),
        }
    }
    Err(Failure::refused(
        format!("every port from {PORT_FIRST} to {PORT_LAST} is in use"),
        "name another with `--listen 127.0.0.1:PORT`",
    ))
}

/// The first viewer that is installed. It lives as long as somebody looks.
fn start_viewer(address: SocketAddr) -> Result<Child, Failure> {
    for (program, argument) in VIEWERS {
        let mut command = Command::new(program);
        command.arg(argument(address)).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            started => {
                return started
                    .map_err(|source| Failure::local(format!("{program} cannot be started"), source));
            }
        }
    }
    Err(Failure::refused(
        "no viewer is installed here: remote-viewer, vncviewer or vinagre",
        format!("install one, or open vnc://{address} with another while this runs without `--viewer`"),
    ))
}

/// One viewer after another, until the screen is gone for good.
async fn serve(
    client: &Client,
    template: &str,
    listener: &TcpListener,
    printer: &mut Printer,
) -> Result<(), Failure> {
    let mut waiting = None;
    loop {
        let viewer = match waiting.take() {
            Some(viewer) => viewer,
            None => accept(listener).await?,
        };
        let screen = match client.screen(template).await {
            Ok(screen) => screen,
            // There is no working copy any more.
            Err(error) if matches!(error.code(), Some(Code::A0002 | Code::A0003 | Code::A0004)) => {
                return Err(error.into());
            }
            Err(error) => {
                failure::tell(printer, &error.details());
                continue;
            }
        };
        printer.talk("a viewer is connected");
        let piped = pipe(viewer, screen);
        tokio::pin!(piped);
        let said = loop {
            tokio::select! {
                said = &mut piped => break said,
                // Viewers come back before they have quite gone: one may wait.
                next = accept(listener), if waiting.is_none() => {
                    waiting = Some(next?);
                    printer.talk("another viewer waits until this one has gone");
                }
            }
        };
        match said {
            Ok(None) => printer.talk("the viewer has gone"),
            Ok(Some(reason)) => printer.talk(&format!("the screen has gone: {reason}")),
            Err(error) => failure::tell(
                printer,
                &(&Problem::new(Code::A0012, format!("the screen of {template} was cut off: {error}"))
                    .with_hint("connect again with the viewer"))
                    .into(),
            ),
        }
    }
}

async fn accept(listener: &TcpListener) -> Result<TcpStream, Failure> {
    let accepted = listener.accept().await;
    accepted.map(|(viewer, _)| viewer).map_err(|source| Failure::local("viewers cannot be let in", source))
}

/// Bytes there and back, until one side ends. Gives what the server said of the end, if it was its end.
async fn pipe(viewer: TcpStream, screen: Screen) -> io::Result<Option<String>> {
    // A key press is a few bytes: they must not wait for more.
    viewer.set_nodelay(true)?;
    let (mut from_viewer, mut to_viewer) = viewer.into_split();
    let (mut to_screen, mut from_screen) = screen.split();
    let there = async {
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            let read = from_viewer.read(&mut piece).await?;
            if read == 0 {
                // Whether or not it hears the farewell, it is over.
                let _ = to_screen.close().await;
                return Ok(None);
            }
            let message = Message::binary(piece[..read].to_vec());
            to_screen.send(message).await.map_err(io::Error::other)?;
        }
    };
    let back = async {
        while let Some(message) = from_screen.next().await {
            match message.map_err(io::Error::other)? {
                Message::Binary(bytes) => to_viewer.write_all(&bytes).await?,
                Message::Close(frame) => {
                    let reason = frame.map(|frame| frame.reason.to_string()).filter(|it| !it.is_empty());
                    return Ok(Some(reason.unwrap_or_else(|| "the server has ended it".into())));
                }
                _ => {}
            }
        }
        Ok(Some("the server has ended it".to_owned()))
    };
    tokio::select! {
        ended = there => ended,
        ended = back => ended,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::printer::Captured;
    use axum::{
        Router,
        extract::ws::{Message as Sent, WebSocket, WebSocketUpgrade},
        http::HeaderMap,
        routing::any,
    };
    use diecast_api::client::{Connection, Token};

    /// A machine that shouts back, and only to who may look.
    async fn screen(headers: HeaderMap, upgrade: WebSocketUpgrade) -> axum::response::Response {
        assert_eq!(headers["authorization"], "Bearer secret");
        upgrade.on_upgrade(|mut socket: WebSocket| async move {
            while let Some(Ok(Sent::Binary(bytes))) = socket.recv().await {
                if socket.send(Sent::Binary(bytes.to_ascii_uppercase().into())).await.is_err() {
                    break;
                }
            }
        })
    }

    async fn server(router: Router) -> Client {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Client::new(&Connection { url, token: Some(Token("secret".into())), ca: None }).unwrap()
    }

    async fn shouted(viewer: &mut TcpStream, said: &[u8]) -> Vec<u8> {
        viewer.write_all(said).await.unwrap();
        let mut answer = vec![0; said.len()];
        viewer.read_exact(&mut answer).await.unwrap();
        answer
    }

    const PATH: &str = "/api/v1/templates/{name}/maintenance/console";

    #[tokio::test]
    async fn bytes_go_there_and_back_for_one_viewer_at_a_time_and_the_next_waits() {
        let client = server(Router::new().route(PATH, any(screen))).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let Captured { mut printer, talk, .. } = Captured::new(false);
        let served = tokio::spawn(async move { serve(&client, "win11", &listener, &mut printer).await });
        let mut first = TcpStream::connect(address).await.unwrap();
        assert_eq!(shouted(&mut first, b"rfb").await, b"RFB");
        let mut second = TcpStream::connect(address).await.unwrap();
        second.write_all(b"next").await.unwrap();
        assert_eq!(shouted(&mut first, b"still mine").await, b"STILL MINE");
        drop(first);
        let mut answer = [0; 4];
        second.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"NEXT");
        assert!(talk.text().contains("another viewer waits"), "{}", talk.text());
        served.abort();
    }

    #[tokio::test]
    async fn it_ends_when_there_is_no_working_copy_any_more() {
        let gone = || async {
            let details =
                diecast_api::problem::ProblemDetails::from(&Problem::new(Code::A0004, "no maintenance"));
            (axum::http::StatusCode::NOT_FOUND, axum::Json(details))
        };
        let client = server(Router::new().route(PATH, any(gone))).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _viewer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let Captured { mut printer, .. } = Captured::new(false);
        let failed = serve(&client, "win11", &listener, &mut printer).await.unwrap_err();
        assert_eq!(failed.details().code, "A0004");
    }

    #[tokio::test]
    async fn an_answer_that_is_no_screen_is_said_to_be_none() {
        let client = server(Router::new().route(PATH, any(|| async { "hello" }))).await;
        assert_eq!(client.screen("win11").await.unwrap_err().code(), Some(Code::S0004));
    }

    #[tokio::test]
    async fn a_free_port_is_found_beside_one_that_is_taken() {
        let first = listen(None).await.unwrap().local_addr().unwrap();
        assert!(first.ip().is_loopback());
        let held = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let taken = listen(Some(held.local_addr().unwrap())).await.unwrap_err();
        assert_eq!(taken.exit_code(), 1);
    }
}
