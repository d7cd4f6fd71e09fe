//! What makes wishes come true: looks at everything, again and again, and writes down what changed.
//!
//! ```text
//!   timer, nudge ─► pass: picture ─► contacts ─► reports ─► what is due ─► orders ─► commit ─► wake
//! ```
//!
//! A pass takes no input: a nudge carries no data, so a lost one costs latency and nothing else.
//! Everything that one pass finds is one change of the store: killed anywhere, the next pass finds
//! the same again. It decides nothing: that is `domain::reconcile` and `domain::plan`.

mod alarms;
mod changes;
mod contacts;
mod events;
mod orders;
mod reports;

pub(crate) use events::ACTOR;

use crate::{app::App, changed, clock, picture::Picture};
use diecast_domain::{
    generation::Generation,
    ids::ProviderId,
    reconcile::{Changes, Heard, after_report, due},
    report::Report,
};
use diecast_store::{Change, NewEvent, StoreError};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

/// Between passes when nobody nudges: silence and pauses are noticed this late at most.
const TICK: Duration = Duration::from_millis(500);
/// The shortest time between two passes: a thousand agents report more often than the store writes.
const PASS_PAUSE: Duration = Duration::from_millis(50);

/// What a pass did.
#[derive(Debug, Default)]
pub(crate) struct Pass {
    /// Who is told something new.
    pub(crate) told: Vec<(ProviderId, Generation)>,
    pub(crate) events: Vec<NewEvent>,
    /// Whose agents are of another release than before.
    replaced: BTreeSet<ProviderId>,
    /// Reports as they were stored.
    kept: Vec<Report>,
    /// A message is to be sent.
    to_send: bool,
    /// Anything at all was written.
    pub(crate) dirty: bool,
}

/// Runs passes until the server stops.
pub(crate) async fn run(app: App) {
    let mut stopping = app.stopping();
    loop {
        tokio::select! {
            () = app.nudged() => {}
            () = tokio::time::sleep(TICK) => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
        let began = Instant::now();
        let passed = pass(&app).await;
        app.counted().passed(began.elapsed(), passed.is_err());
        if let Err(error) = passed {
            let error = anyhow::Error::new(error);
            tracing::error!(
                error = format!("{error:#}"),
                "a pass of the reconciler failed; the next one follows"
            );
        }
        tokio::time::sleep(PASS_PAUSE).await;
    }
}

/// Writes what a use case decided, as a pass writes what `domain` found.
pub(crate) async fn write(
    change: &mut Change,
    picture: &mut Picture,
    changes: Changes,
) -> Result<(), StoreError> {
    changes::carry_out(change, picture, changes, &mut Pass::default()).await
}

/// One look at everything.
pub(crate) async fn pass(app: &App) -> Result<Pass, StoreError> {
    let mut change = app.store().change().await?;
    let now = clock::now();
    let mut picture = Picture::take(&mut change, app.live(), now).await?;
    let told = crate::picture::told(&mut change).await?;
    let mut pass = Pass::default();
    contacts::reconcile(&mut change, &picture, &mut pass).await?;
    for (id, agent) in picture.agents.clone() {
        let Some(report) = agent.report.clone().filter(|_| agent.hearing_began()) else { continue };
        let Some(name) = picture.providers.get(&id).map(|record| record.name.clone()) else { continue };
        let heard = Heard { report: &report, name: &name, told: told.get(&id), now, draw: rand::random() };
        let found = after_report(&picture.world, &heard);
        changes::carry_out(&mut change, &mut picture, found, &mut pass).await?;
        reports::keep(&mut change, app, &report, &mut pass).await?;
    }
    if picture.has_heard_all() {
        let found = due(&picture.world, now);
        changes::carry_out(&mut change, &mut picture, found, &mut pass).await?;
    }
    changes::give_up_operations(&mut change, &mut picture, &mut pass).await?;
    orders::reconcile(&mut change, &mut picture, &told, &mut pass).await?;
    alarms::reconcile(&mut change, app, &picture, &mut pass).await?;
    let mut last = None;
    for event in &pass.events {
        tracing::info!(
            kind = event.kind,
            object = event.object,
            name = event.name,
            code = event.code.map(|code| code.as_str()),
            "{}",
            event.message
        );
        last = Some(change.add_event(event).await?);
        pass.dirty = true;
    }
    let mut changed = changed::since(&picture, &app.live().note(&picture.agents));
    if !pass.dirty {
        app.live().tell(changed);
        return Ok(pass);
    }
    change.commit().await?;
    changed.add_moving(&picture);
    app.live().tell(changed);
    app.live().now_kept(std::mem::take(&mut pass.kept));
    pass.events.iter().for_each(|event| app.counted().happened(&event.kind));
    for (provider, generation) in &pass.told {
        let name = picture.provider_name(*provider);
        tracing::info!(assignment = %generation, provider = name, "{name} is told something new");
        app.told().wake(*provider, *generation);
    }
    if pass.to_send {
        app.notifier().wake();
    }
    if let Some(last) = last {
        app.announce(last);
    }
    Ok(pass)
}
