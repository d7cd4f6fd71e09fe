//! Routes of screens: an operator's WebSocket and an agent's, joined for as long as both last.
//!
//! ```text
//!   viewer ══► /api/v1/.../console ══ channels ══ /agent/v1/consoles/{id} ◄══ agent ══► VNC socket
//! ```
//!
//! What is said is RFB, which nobody reads here: binary messages are copied both ways as they come.
//! Each direction waits for its slower end, and neither direction for the other.

use crate::{
    app::{App, cx::Cx, refused::Refused},
    consoles::{End, Viewer},
    http::extract::{Named, Upgrade},
    picture::no_such,
};
use axum::{
    extract::{
        State,
        ws::{CloseFrame, Message, WebSocket, close_code},
    },
    response::Response,
};
use futures::{SinkExt, StreamExt};
use std::{
    future::{Future, pending},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// How long an agent may take to dial in: it is told at once, and dials at once.
const ANSWER_PATIENCE: Duration = Duration::from_secs(20);
/// Between two questions whether the other end still lives. Two without an answer, and it does not.
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// How long a farewell may take.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);
/// What operators' ends may call what is said; both mean the same. Browsers want one of those that
/// they offer taken, and that must not be the token.
const PROTOCOLS: [&str; 2] = ["binary", "diecast"];

/// The screen of a template's working copy, as a WebSocket that speaks RFB in binary messages
///
/// Browsers, which cannot send a header here, offer the protocols `diecast` and `bearer.TOKEN`.
#[utoipa::path(get, path = "/templates/{name}/maintenance/console", tag = "maintenance",
    operation_id = "show_maintenance_console", params(("name" = String, Path)),
    responses((status = 101, description = "A WebSocket")))]
pub(super) async fn watch(
    State(app): State<App>,
    cx: Cx,
    Named(name): Named,
    Upgrade(upgrade): Upgrade,
) -> Result<Response, Refused> {
    let screen = app.open_console(&cx, &name).await?;
    Ok(upgrade.protocols(PROTOCOLS).on_upgrade(async move |socket| {
        let Viewer { end, answered, closed } = screen.viewer;
        let no_answer = async {
            match tokio::time::timeout(ANSWER_PATIENCE, answered).await {
                Ok(_) => pending().await,
                Err(_) => Ended::NoAnswer { provider: screen.provider },
            }
        };
        let interrupted = async {
            tokio::select! {
                ended = no_answer => ended,
                () = app.shut_out(cx) => Ended::ShutOut,
            }
        };
        carry(&app, socket, end, interrupted).await;
        drop(closed);
        app.nudge();
    }))
}

/// The other end of it, by the agent that is ordered to show it.
pub(super) async fn show(
    State(app): State<App>,
    cx: Cx,
    Named(id): Named,
    Upgrade(upgrade): Upgrade,
) -> Result<Response, Refused> {
    let id = id.parse().map_err(|_| no_such("screen", &id))?;
    let end = app.answer_console(&cx, id)?;
    Ok(upgrade.on_upgrade(async move |socket| carry(&app, socket, end, pending()).await))
}

/// Why a screen is over.
enum Ended {
    /// Somebody closed it, here or at the other end.
    Closed,
    /// It said something that is not RFB's.
    NotBinary,
    NoAnswer {
        provider: String,
    },
    /// Who looks signed out, or has a token that was revoked.
    ShutOut,
    /// It does not answer any more.
    Silent,
    Stopping,
}

impl Ended {
    fn frame(&self) -> CloseFrame {
        let (code, reason) = match self {
            Self::Closed => (close_code::NORMAL, "the screen was closed".to_owned()),
            Self::NotBinary => (close_code::UNSUPPORTED, "only binary messages are taken".to_owned()),
            Self::NoAnswer { provider } => {
                // A close frame takes 123 bytes, and a provider's name 63.
                let seconds = ANSWER_PATIENCE.as_secs();
                (close_code::ERROR, format!("P0001: {provider} did not show it in {seconds} seconds"))
            }
            Self::ShutOut => (close_code::POLICY, "A0002: the token no longer works".to_owned()),
            Self::Silent => (close_code::AWAY, "nothing was heard any more".to_owned()),
            Self::Stopping => (close_code::AWAY, "the server stops".to_owned()),
        };
        CloseFrame { code, reason: reason.into() }
    }
}

/// Copies both ways until either end is over, `interrupted` says so, or the server stops.
async fn carry(app: &App, socket: WebSocket, end: End, interrupted: impl Future<Output = Ended>) {
    let (mut sink, mut stream) = socket.split();
    let End { to, mut from } = end;
    let heard = AtomicBool::new(true);
    let incoming = async {
        while let Some(Ok(message)) = stream.next().await {
            heard.store(true, Ordering::Relaxed);
            match message {
                Message::Binary(bytes) => {
                    if to.send(bytes).await.is_err() {
                        break;
                    }
                }
                Message::Text(_) => return Ended::NotBinary,
                Message::Close(_) => break,
                Message::Ping(_) | Message::Pong(_) => {}
            }
        }
        Ended::Closed
    };
    let outgoing = async {
        let mut pings = tokio::time::interval(PING_INTERVAL);
        loop {
            let message = tokio::select! {
                bytes = from.recv() => match bytes {
                    Some(bytes) => Message::Binary(bytes),
                    None => return Ended::Closed,
                },
                _ = pings.tick() => {
                    if !heard.swap(false, Ordering::Relaxed) {
                        return Ended::Silent;
                    }
                    Message::Ping(Default::default())
                }
            };
            if sink.send(message).await.is_err() {
                return Ended::Closed;
            }
        }
    };
    let mut stopping = app.stopping();
    let ended = tokio::select! {
        ended = incoming => ended,
        ended = outgoing => ended,
        ended = interrupted => ended,
        _ = stopping.wait_for(|stop| *stop) => Ended::Stopping,
    };
    let farewell = sink.send(Message::Close(Some(ended.frame())));
    // Who is gone does not hear it.
    let _ = tokio::time::timeout(CLOSE_PATIENCE, farewell).await;
}
