//! Telling people: messages that wait in the store are sent, each by its own task.
//!
//! ```text
//!   reconcile::alarms ─► store: messages ─► run ─► deliver ─┬─ webhook: POST, signed
//!                            ▲                              ├─ email:   SMTP, TLS
//!                            └── taken, or when to try again ┴─ script:  JSON on its stdin
//! ```
//!
//! # What it promises
//!
//! - A receiver that hangs holds up nobody: every attempt has a deadline, every notification a task of
//!   its own, and no transaction of the store is open meanwhile.
//! - A message is sent until somebody takes it, or for a day. Killed between the sending and the writing
//!   down, it is sent again, under the same id.
//! - No secret comes into a log, an event or a cause.
//!
//! # What it does not do
//!
//! What is said, and when, is decided in `domain::notification` and written by `reconcile::alarms`.

mod deliver;
mod email;
mod payload;
mod script;
mod signature;
mod webhook;

pub(crate) use deliver::{deliver, whom};
pub(crate) use email::mailbox;
pub(crate) use payload::{Payload, view};
pub(crate) use script::find as find_script;
pub(crate) use webhook::place;

use crate::{app::App, clock};
use diecast_domain::{
    code::Problem,
    names::NotificationName,
    notification::{MESSAGE_LIFE, Notification, Sending},
    retry,
    units::Timestamp,
};
use diecast_store::{NewEvent, NotificationState, OutgoingMessage, StoreError};
use std::{collections::BTreeSet, path::PathBuf, time::Duration};
use tokio::{sync::Notify, task::JoinSet};

/// Between looks at what is due when nobody wakes it.
const TICK: Duration = Duration::from_secs(1);

/// What sending needs beside the store.
#[derive(Debug, Default)]
pub(crate) struct Notifier {
    /// The one directory whose scripts may be run.
    pub(crate) scripts: Option<PathBuf>,
    /// When the certificate ends that the server was given.
    pub(crate) certificate_expires_at: Option<Timestamp>,
    /// When the server's own authority ends.
    pub(crate) authority_expires_at: Option<Timestamp>,
    wake: Notify,
}

impl Notifier {
    pub(crate) fn new(
        scripts: Option<PathBuf>,
        certificate_expires_at: Option<Timestamp>,
        authority_expires_at: Option<Timestamp>,
    ) -> Self {
        Self { scripts, certificate_expires_at, authority_expires_at, wake: Notify::new() }
    }

    /// There is something to send.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }
}

/// Sends what is due until the server stops.
pub(crate) async fn run(app: App) {
    let mut stopping = app.stopping();
    let mut sending = JoinSet::new();
    let mut busy = BTreeSet::new();
    loop {
        tokio::select! {
            () = app.notifier().wake.notified() => {}
            () = tokio::time::sleep(TICK) => {}
            Some(done) = sending.join_next() => {
                if let Ok(name) = done {
                    busy.remove(&name);
                }
            }
            _ = stopping.wait_for(|stop| *stop) => return,
        }
        match due(&app, &busy).await {
            Ok(due) => {
                for (notification, outgoing) in due {
                    busy.insert(notification.name.clone());
                    sending.spawn(attempt(app.clone(), notification, outgoing));
                }
            }
            Err(error) => {
                let error = anyhow::Error::new(error);
                tracing::error!(error = format!("{error:#}"), "messages could not be read; they are later");
            }
        }
    }
}

/// The oldest message of each notification that is not busy, if it is due.
async fn due(
    app: &App,
    busy: &BTreeSet<NotificationName>,
) -> Result<Vec<(Notification, OutgoingMessage)>, StoreError> {
    let now = clock::now();
    let mut view = app.store().view().await?;
    let mut messages = view.messages().await?;
    messages.retain(|outgoing| outgoing.due_at <= now && !busy.contains(&outgoing.to));
    if messages.is_empty() {
        return Ok(Vec::new());
    }
    let mut due = Vec::new();
    for (notification, _) in view.notifications().await? {
        let first = messages.iter().position(|outgoing| outgoing.to == notification.name);
        if let Some(first) = first.filter(|_| notification.terms.enabled) {
            due.push((notification, messages.swap_remove(first)));
        }
    }
    Ok(due)
}

async fn attempt(app: App, notification: Notification, outgoing: OutgoingMessage) -> NotificationName {
    let name = notification.name.clone();
    let payload = Payload::of(&outgoing.message, name.as_str(), app.url(), clock::now());
    let outcome = deliver(app.notifier(), &notification, &payload).await;
    if let Err(error) = record(&app, &name, outgoing, outcome).await {
        let error = anyhow::Error::new(error);
        tracing::error!(error = format!("{error:#}"), notification = %name, "what came of a message could not be written; it is sent again");
        // The store is in trouble: no reason to send the same as fast as a network allows.
        tokio::time::sleep(TICK).await;
    }
    name
}

/// Writes down what came of an attempt.
async fn record(
    app: &App,
    name: &NotificationName,
    outgoing: OutgoingMessage,
    outcome: Result<String, Problem>,
) -> Result<(), StoreError> {
    let now = clock::now();
    let mut change = app.store().change().await?;
    let there = change.notifications().await?.into_iter().find(|(it, _)| it.name == *name);
    // Deleted or disabled meanwhile, and its messages with it.
    let waits = change.messages().await?.iter().any(|it| it.message.id == outgoing.message.id);
    let Some((_, mut state)) = there.filter(|_| waits) else { return Ok(()) };
    let mut events = Vec::new();
    match outcome {
        Ok(answer) => {
            tracing::info!(notification = %name, message_id = %outgoing.message.id, answer, "a message was taken");
            change.delete_message(outgoing.message.id).await?;
            state.sending = Sending { last_sent_at: Some(now), ..Sending::default() };
        }
        Err(problem) if now.since(outgoing.message.created_at) >= MESSAGE_LIFE => {
            change.delete_message(outgoing.message.id).await?;
            state.memory.forget();
            let hours = MESSAGE_LIFE.as_secs() / 3600;
            let message =
                format!("a message by `{name}` was given up after {hours} hours: {}", problem.cause);
            events.push(NewEvent { code: Some(problem.code), ..event(now, name, message) });
            state.sending.problem = Some(problem);
        }
        Err(problem) => {
            tracing::warn!(notification = %name, message_id = %outgoing.message.id, code = %problem.code, cause = problem.cause, "a message was not taken");
            again(&mut state, problem, &outgoing, now);
            let mut message = outgoing.message;
            message.attempts = message.attempts.saturating_add(1);
            let due_at = state.sending.next_attempt_at.unwrap_or(now);
            change.put_message(&OutgoingMessage { to: name.clone(), due_at, message }).await?;
        }
    }
    change.put_notification_state(name, &state).await?;
    app.finish(change, events).await
}

fn again(state: &mut NotificationState, problem: Problem, outgoing: &OutgoingMessage, now: Timestamp) {
    let sending = &mut state.sending;
    sending.attempts = outgoing.message.attempts.saturating_add(1);
    sending.failing_since = sending.failing_since.or(Some(now));
    let pause = retry::pause(sending.attempts, problem.code.retry(), rand::random());
    sending.next_attempt_at = Some(now + pause.unwrap_or(retry::PAUSE_MAX));
    sending.problem = Some(problem);
}

fn event(at: Timestamp, name: &NotificationName, message: String) -> NewEvent {
    NewEvent {
        at,
        kind: "notification.given-up".to_owned(),
        object: "notification".to_owned(),
        name: name.to_string(),
        actor: crate::reconcile::ACTOR.to_owned(),
        message,
        code: None,
    }
}
