//! One attempt to hand a message over, by whatever way, within its time.

use super::{Notifier, Payload, email, script, webhook};
use diecast_domain::{
    code::{Code, Problem},
    notification::{Notification, Way},
};
use diecast_identity::tls_error_of;
use std::{error::Error, time::Duration};

/// Whoever takes longer hangs.
pub(super) const ATTEMPT_MAX: Duration = Duration::from_secs(30);
/// What of a receiver's answer is read, and shown.
pub(super) const ANSWER_BYTES_MAX: usize = 300;

/// Hands it over. Returns what the receiver said.
pub(crate) async fn deliver(
    notifier: &Notifier,
    notification: &Notification,
    payload: &Payload,
) -> Result<String, Problem> {
    let attempt = async {
        match &notification.way {
            Way::Webhook { url, secret, ca } => webhook::send(url, secret, ca.as_deref(), payload).await,
            Way::Email { .. } => email::send(&notification.way, payload).await,
            Way::Script { name } => script::run(notifier.scripts.as_deref(), name, payload).await,
        }
    };
    tokio::time::timeout(ATTEMPT_MAX, attempt).await.unwrap_or_else(|_| {
        let (whom, seconds) = (whom(&notification.way), ATTEMPT_MAX.as_secs());
        Err(Problem::new(Code::N0001, format!("{whom} did not answer within {seconds} s")))
    })
}

/// As it may be said anywhere: addresses of webhooks are often secrets themselves.
pub(crate) fn whom(way: &Way) -> String {
    match way {
        Way::Webhook { url, .. } => webhook::place(url),
        Way::Email { host, port, .. } => format!("{host}:{port}"),
        Way::Script { name } => format!("the script `{name}`"),
    }
}

/// What a failed connection is, by what is at its root.
pub(super) fn connection_problem(whom: &str, error: &(dyn Error + 'static)) -> Problem {
    if let Some(tls) = tls_error_of(error) {
        return Problem::new(Code::N0004, format!("{whom} cannot be trusted: {tls}"));
    }
    Problem::new(Code::N0001, format!("{whom} cannot be reached: {}", root(error)))
}

/// The innermost cause: what is around it says only that something failed.
pub(super) fn root(error: &(dyn Error + 'static)) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    short(&inner.to_string())
}

/// One line that is bearable in a table.
pub(super) fn short(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let safe = line.chars().filter(|letter| !letter.is_control());
    safe.take(ANSWER_BYTES_MAX).collect()
}
