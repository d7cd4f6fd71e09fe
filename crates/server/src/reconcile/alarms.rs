//! What is not well is compared with what stands, and who is to be told gets a message written.
//!
//! All of it is in the pass's one change, so nobody is told of what was not written, and nothing that
//! was written is told twice. Sending is another task's: see `notify`.

use super::Pass;
use crate::{app::App, picture::Picture};
use diecast_domain::{
    alarm::{AgentFacts, Alarm, Facts, settle},
    ids::ProviderId,
    notification::{FAILING_ATTEMPTS, Message},
};
use diecast_store::{Change, NewEvent, OutgoingMessage, StoreError};
use std::collections::BTreeSet;
use uuid::Uuid;

pub(super) async fn reconcile(
    change: &mut Change,
    app: &App,
    picture: &Picture,
    pass: &mut Pass,
) -> Result<(), StoreError> {
    // What the store has of an agent that was not heard yet is of yesterday.
    if !picture.has_heard_all() {
        return Ok(());
    }
    let notifications = change.notifications().await?;
    let failing = notifications.iter().filter_map(|(notification, state)| {
        let failing = state.sending.attempts >= FAILING_ATTEMPTS;
        Some((notification.name.clone(), state.sending.problem.clone().filter(|_| failing)?))
    });
    let facts = Facts {
        agents: picture.contacts.keys().map(|id| (*id, agent(picture, *id))).collect(),
        release: env!("CARGO_PKG_VERSION"),
        server_certificate_expires_at: app.notifier().certificate_expires_at,
        authority_expires_at: app.notifier().authority_expires_at,
        failing: failing.collect(),
    };
    let standing = change.alarms().await?;
    let settled = settle(&picture.world, &facts, &standing, picture.now);
    for alarm in settled.raised.iter().chain(&settled.reworded) {
        change.put_alarm(alarm).await?;
    }
    for alarm in &settled.cleared {
        change.delete_alarm(&alarm.key).await?;
    }
    pass.dirty |= !settled.is_empty();
    pass.events.extend(settled.raised.iter().map(|alarm| raised(picture, alarm)));
    pass.events.extend(settled.cleared.iter().map(|alarm| cleared(picture, alarm)));
    if notifications.is_empty() {
        return Ok(());
    }
    let standing = if settled.is_empty() { standing } else { change.alarms().await? };
    let under_way: BTreeSet<_> = change.messages().await?.into_iter().map(|outgoing| outgoing.to).collect();
    for (notification, mut state) in notifications {
        let before = state.clone();
        state.memory.see(&notification, &standing, picture.now);
        // One at a time: what happens while a receiver is away goes out together when it is back.
        let free = !under_way.contains(&notification.name);
        if let Some(telling) = free.then(|| state.memory.due(&notification, picture.now)).flatten() {
            let message = Message { id: Uuid::now_v7(), telling, created_at: picture.now, attempts: 0 };
            let to = notification.name.clone();
            change.put_message(&OutgoingMessage { to, due_at: picture.now, message }).await?;
            pass.to_send = true;
        }
        if state != before {
            change.put_notification_state(&notification.name, &state).await?;
            pass.dirty = true;
        }
    }
    Ok(())
}

fn agent(picture: &Picture, id: ProviderId) -> AgentFacts {
    AgentFacts {
        release: picture.report(id).map(|report| report.agent_version.clone()),
        floor: picture.report(id).and_then(|report| report.floor),
        certificate_expires_at: picture.contacts.get(&id).and_then(|contact| contact.certificate_expires_at),
    }
}

fn raised(picture: &Picture, alarm: &Alarm) -> NewEvent {
    let message = format!("{}: {}", alarm.kind.title(), alarm.problem.cause);
    NewEvent { code: Some(alarm.problem.code), ..event(picture, alarm, "alarm.raised", message) }
}

fn cleared(picture: &Picture, alarm: &Alarm) -> NewEvent {
    let minutes = picture.now.since(alarm.since).as_secs() / 60;
    let message = format!("well again after {minutes} min: {}", alarm.kind.title());
    event(picture, alarm, "alarm.cleared", message)
}

fn event(picture: &Picture, alarm: &Alarm, kind: &str, message: String) -> NewEvent {
    NewEvent {
        at: picture.now,
        kind: kind.to_owned(),
        object: alarm.object.clone(),
        name: alarm.name.clone(),
        actor: super::ACTOR.to_owned(),
        message,
        code: None,
    }
}
