//! The use cases: what may be asked of the server, in the words of `domain`. One file a noun.
//!
//! Each takes who asks ([`cx::Cx`]) first, asks [`authorise`] whether that may be, reads one
//! consistent picture, and writes one change. None waits for an agent: a wish is written down, and
//! the reconciler nudged.

pub(crate) mod agents;
pub(crate) mod alarms;
pub(crate) mod audit;
pub(crate) mod authorise;
pub(crate) mod bundles;
pub(crate) mod consoles;
pub(crate) mod cx;
pub(crate) mod distribution;
pub(crate) mod enrolment;
pub(crate) mod etag;
pub(crate) mod events;
pub(crate) mod host_defaults;
pub(crate) mod host_draft;
pub(crate) mod hosts;
pub(crate) mod idempotency;
pub(crate) mod integrity;
mod limits;
pub(crate) mod log;
pub(crate) mod maintenance;
pub(crate) mod manifests;
pub(crate) mod metrics;
pub(crate) mod named_version;
pub(crate) mod notifications;
pub(crate) mod operations;
pub(crate) mod page;
pub(crate) mod plans;
pub(crate) mod pools;
pub(crate) mod providers;
pub(crate) mod recovery;
pub(crate) mod recreations;
pub(crate) mod refused;
pub(crate) mod rollout;
pub(crate) mod schedules;
pub(crate) mod session;
pub(crate) mod setup;
pub(crate) mod sites;
pub(crate) mod sources;
pub(crate) mod templates;
pub(crate) mod terms;
pub(crate) mod tokens;
pub(crate) mod versions;
pub(crate) mod vms;

use crate::{
    attempts::Attempts, clock, live::Live, metrics::Counted, notify::Notifier, picture::Picture, told::Told,
    uses::Uses,
};
use diecast_identity::Authority;
use diecast_store::{NewEvent, Store, StoreError};
use std::sync::Arc;
use tokio::sync::{Notify, Semaphore, watch};

/// Passwords checked at a time: each takes a processor and 19 MiB for some tens of milliseconds.
const PASSWORD_CHECKS_MAX: usize = 2;
/// Manifests taken in at a time: each may be a gigabyte in memory.
const MANIFESTS_MAX: usize = 2;

/// The server's insides. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App(Arc<Inside>);

struct Inside {
    store: Store,
    live: Live,
    told: Told,
    nudge: Notify,
    last_event: watch::Sender<i64>,
    stop: watch::Sender<bool>,
    authority: Authority,
    /// Where agents reach this server.
    url: String,
    attempts: Attempts,
    uses: Uses,
    password_checks: Semaphore,
    manifests: Semaphore,
    notifier: Notifier,
    counted: Counted,
}

impl App {
    pub(crate) async fn new(
        store: Store,
        authority: Authority,
        url: String,
        notifier: Notifier,
    ) -> Result<Self, StoreError> {
        let mut view = store.view().await?;
        let reports = view.reports().await?;
        let last_event = view.last_event().await?;
        drop(view);
        Ok(Self(Arc::new(Inside {
            store,
            live: Live::new(clock::now(), reports),
            told: Told::default(),
            nudge: Notify::new(),
            last_event: watch::Sender::new(last_event),
            stop: watch::Sender::new(false),
            authority,
            url,
            attempts: Attempts::default(),
            uses: Uses::default(),
            password_checks: Semaphore::new(PASSWORD_CHECKS_MAX),
            manifests: Semaphore::new(MANIFESTS_MAX),
            notifier,
            counted: Counted::default(),
        })))
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }
    pub(crate) fn live(&self) -> &Live {
        &self.0.live
    }
    pub(crate) fn told(&self) -> &Told {
        &self.0.told
    }
    pub(crate) fn authority(&self) -> &Authority {
        &self.0.authority
    }
    pub(crate) fn url(&self) -> &str {
        &self.0.url
    }
    pub(crate) fn attempts(&self) -> &Attempts {
        &self.0.attempts
    }
    pub(crate) fn counted(&self) -> &Counted {
        &self.0.counted
    }
    pub(crate) fn uses(&self) -> &Uses {
        &self.0.uses
    }
    pub(crate) fn password_checks(&self) -> &Semaphore {
        &self.0.password_checks
    }
    pub(crate) fn notifier(&self) -> &Notifier {
        &self.0.notifier
    }
    pub(crate) fn manifest_turns(&self) -> &Semaphore {
        &self.0.manifests
    }

    /// Makes the reconciler look soon.
    pub(crate) fn nudge(&self) {
        self.0.nudge.notify_one();
    }
    pub(crate) async fn nudged(&self) {
        self.0.nudge.notified().await;
    }

    /// Wakes those who watch events.
    pub(crate) fn announce(&self, event: i64) {
        self.0.last_event.send_replace(event);
    }
    pub(crate) fn announcements(&self) -> watch::Receiver<i64> {
        self.0.last_event.subscribe()
    }

    /// Ends what waits: long polls, streams, the reconciler.
    pub(crate) fn stop(&self) {
        self.0.stop.send_replace(true);
    }
    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.0.stop.subscribe()
    }

    /// Whether the store answers.
    pub(crate) async fn is_ready(&self) -> Result<(), StoreError> {
        self.store().view().await?.last_event().await.map(drop)
    }

    /// One consistent picture, to look at.
    pub(crate) async fn picture(&self) -> Result<Picture, StoreError> {
        let mut view = self.store().view().await?;
        Picture::take(&mut view, self.live(), clock::now()).await
    }

    /// Begins a change, with the picture that it is decided by.
    pub(crate) async fn begin(&self) -> Result<(diecast_store::Change, Picture), StoreError> {
        let mut change = self.store().change().await?;
        let picture = Picture::take(&mut change, self.live(), clock::now()).await?;
        Ok((change, picture))
    }

    /// Writes what happened, makes it so, and lets everybody know.
    pub(crate) async fn finish(
        &self,
        mut change: diecast_store::Change,
        events: Vec<NewEvent>,
    ) -> Result<(), StoreError> {
        let mut last = None;
        for event in &events {
            tracing::info!(
                kind = event.kind,
                object = event.object,
                name = event.name,
                actor = event.actor,
                "{}",
                event.message
            );
            last = Some(change.add_event(event).await?);
        }
        change.commit().await?;
        events.iter().for_each(|event| self.counted().happened(&event.kind));
        if let Some(last) = last {
            self.announce(last);
        }
        self.nudge();
        Ok(())
    }
}
