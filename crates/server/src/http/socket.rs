//! A WebSocket tied to one end of a relay, for as long as both last.
//!
//! Each direction waits for its slower end, and neither direction for the other. What the end still has to
//! say when it closes is said first, and then a farewell, with the reason.

use crate::{app::App, relay::End};
use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use std::{
    future::{Future, pending},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use tokio::time::sleep;

/// How long an agent may take to dial in: it is told at once, and dials at once.
pub(crate) const ANSWER_PATIENCE: Duration = Duration::from_secs(20);
/// Between two questions whether the other end still lives. Two without an answer, and it does not.
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// How long a farewell may take, both ways.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);

/// What passes through a socket. Pings apart.
pub(super) trait Spoken: Sized + Send {
    /// None: nothing that is said here.
    fn heard(message: Message) -> Option<Self>;
    fn said(self) -> Message;
}

/// A screen's: RFB, which nobody reads here.
impl Spoken for Bytes {
    fn heard(message: Message) -> Option<Self> {
        match message {
            Message::Binary(bytes) => Some(bytes),
            _ => None,
        }
    }

    fn said(self) -> Message {
        Message::Binary(self)
    }
}

/// Why it is over.
pub(super) enum Ended {
    /// Somebody closed it, here or at the other end.
    Closed,
    /// It said something that is not said here.
    NotUnderstood,
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
            Self::Closed => (close_code::NORMAL, "it was closed".to_owned()),
            Self::NotUnderstood => (close_code::UNSUPPORTED, "only binary messages are taken".to_owned()),
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
pub(super) async fn carry<M: Spoken>(
    app: &App,
    socket: WebSocket,
    end: End<M>,
    interrupted: impl Future<Output = Ended>,
) {
    let (mut sink, mut stream) = socket.split();
    let End { to, mut from } = end;
    let heard = AtomicBool::new(true);
    let incoming = async {
        while let Some(Ok(message)) = stream.next().await {
            heard.store(true, Ordering::Relaxed);
            match message {
                Message::Close(_) => break,
                Message::Ping(_) | Message::Pong(_) => {}
                message => {
                    let Some(message) = M::heard(message) else { return Ended::NotUnderstood };
                    if to.send(message).await.is_err() {
                        // Nobody listens any more; what they said last is still to go out.
                        return pending().await;
                    }
                }
            }
        }
        Ended::Closed
    };
    let outgoing = async {
        let mut pings = tokio::time::interval(PING_INTERVAL);
        loop {
            let message = tokio::select! {
                message = from.recv() => match message {
                    Some(message) => message.said(),
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
                // What it said last may not have been heard yet.
                sleep(CLOSE_PATIENCE).await;
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
    // Who is at the other end need not wait for the farewell here.
    drop((to, from));
    let farewell = async {
        if sink.send(Message::Close(Some(ended.frame()))).await.is_ok() {
            // Read on until the other side has heard it: bytes that nobody reads would cut off what was said.
            while let Some(Ok(message)) = stream.next().await {
                if matches!(message, Message::Close(_)) {
                    break;
                }
            }
        }
    };
    // Who is gone does not hear it.
    let _ = tokio::time::timeout(CLOSE_PATIENCE, farewell).await;
}
