//! What is known of agents and need not survive: who called when, and what each said last.
//!
//! At a start it is filled with the last reports that were stored, as of agents not heard yet.

use crate::{
    app::{self, bundles::Bundles, consoles::Consoles},
    changed::Changed,
    strangers::Strangers,
};
use diecast_domain::{
    ids::{ProviderId, SessionId},
    provider::SILENCE_MAX,
    reconcile::{Hearing, Heed},
    report::Report,
    units::Timestamp,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::sync::broadcast;

/// Rival calls within [`SILENCE_MAX`] of each other after which a second agent is named: one alone
/// may be a letter that was long under way.
const RIVAL_CALLS: u32 = 2;

/// Changes that a reader of them may be behind by; one that is further behind is told that everything
/// may have changed.
const CHANGES_MAX: usize = 64;

#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) started: Timestamp,
    agents: Mutex<BTreeMap<ProviderId, Agent>>,
    /// Screens that somebody looks at.
    pub(crate) consoles: Consoles,
    /// Bundles that are written or read.
    pub(crate) bundles: Bundles,
    /// Agents that the store does not know, after a restore.
    pub(crate) strangers: Strangers,
    /// What the store has of each report. Only the reconciler touches it.
    kept: Mutex<BTreeMap<ProviderId, Report>>,
    /// What agents said when changes were last told. Only the reconciler touches it.
    noted: Mutex<BTreeMap<ProviderId, Agent>>,
    changes: broadcast::Sender<Arc<Changed>>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Agent {
    hearing: Hearing,
    /// What it said last, perhaps before this server began.
    pub(crate) report: Option<Arc<Report>>,
    rival: Option<(Timestamp, u32)>,
}

impl Agent {
    /// When it was last heard since this server began.
    pub(crate) fn heard(&self) -> Option<Timestamp> {
        self.hearing.heard()
    }

    /// It has called since this server began.
    pub(crate) fn hearing_began(&self) -> bool {
        self.heard().is_some()
    }

    /// Another agent uses its identity now.
    pub(crate) fn has_rival(&self, now: Timestamp) -> bool {
        self.rival.is_some_and(|(at, calls)| calls >= RIVAL_CALLS && now.since(at) < 2 * SILENCE_MAX)
    }
}

impl Live {
    pub(crate) fn new(started: Timestamp, stored: Vec<Report>) -> Self {
        let agent = |report: &Report| {
            (report.provider, Agent { report: Some(Arc::new(report.clone())), ..Agent::default() })
        };
        let agents = Mutex::new(stored.iter().map(agent).collect());
        let kept = stored.into_iter().map(|report| (report.provider, report)).collect();
        Self {
            started,
            agents,
            consoles: app::consoles::none(),
            bundles: app::bundles::none(),
            strangers: Strangers::default(),
            kept: Mutex::new(kept),
            noted: Mutex::default(),
            changes: broadcast::Sender::new(CHANGES_MAX),
        }
    }

    fn agents(&self) -> MutexGuard<'_, BTreeMap<ProviderId, Agent>> {
        self.agents.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Judges a report, and keeps it if it is to be believed.
    pub(crate) fn hear(&self, report: Report, now: Timestamp) -> Heed {
        let mut agents = self.agents();
        let agent = agents.entry(report.provider).or_default();
        let heed = agent.hearing.heed(&report, now);
        match heed {
            Heed::Fresh => agent.report = Some(Arc::new(report)),
            Heed::Rival => {
                let calls = agent.rival.filter(|(at, _)| now.since(*at) < SILENCE_MAX);
                agent.rival = Some((now, calls.map_or(1, |(_, calls)| calls.saturating_add(1))));
            }
            Heed::Late => {}
        }
        heed
    }

    /// Another session of this provider's agent was heard after `session`, and is alive.
    pub(crate) fn is_replaced(&self, provider: ProviderId, session: SessionId, now: Timestamp) -> bool {
        self.agents().get(&provider).is_some_and(|agent| agent.hearing.is_replaced(session, now))
    }

    /// Everything known now.
    pub(crate) fn all(&self) -> BTreeMap<ProviderId, Agent> {
        self.agents().clone()
    }

    fn kept_reports(&self) -> MutexGuard<'_, BTreeMap<ProviderId, Report>> {
        self.kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub(crate) fn is_kept(&self, essence: &Report) -> bool {
        self.kept_reports().get(&essence.provider) == Some(essence)
    }

    /// It is of another release than what said the last report: it was upgraded, or taken back.
    pub(crate) fn is_other_release(&self, report: &Report) -> bool {
        let kept = self.kept_reports();
        let before = kept.get(&report.provider).map(|it| (it.protocol, it.agent_version.as_str()));
        before.is_some_and(|before| before != (report.protocol, report.agent_version.as_str()))
    }

    /// The store has these now.
    pub(crate) fn now_kept(&self, essences: Vec<Report>) {
        self.kept_reports().extend(essences.into_iter().map(|essence| (essence.provider, essence)));
    }

    /// What agents said when this was last asked for; `now` is given the next time.
    pub(crate) fn note(&self, now: &BTreeMap<ProviderId, Agent>) -> BTreeMap<ProviderId, Agent> {
        let mut noted = self.noted.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        std::mem::replace(&mut noted, now.clone())
    }

    /// Tells those who look what changed.
    pub(crate) fn tell(&self, changed: Changed) {
        if !changed.is_empty() {
            // Nobody may be looking.
            let _ = self.changes.send(Arc::new(changed));
        }
    }

    pub(crate) fn changes(&self) -> broadcast::Receiver<Arc<Changed>> {
        self.changes.subscribe()
    }

    pub(crate) fn forget(&self, provider: ProviderId) {
        self.agents().remove(&provider);
        self.kept_reports().remove(&provider);
    }
}
