//! What is known of agents and need not survive: who called when, and what each said last.
//!
//! At a start it is filled with the last reports that were stored, as of agents not heard yet.

use crate::consoles::Consoles;
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

/// Rival calls within [`SILENCE_MAX`] of each other after which a second agent is named: one alone
/// may be a letter that was long under way.
const RIVAL_CALLS: u32 = 2;

#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) started: Timestamp,
    agents: Mutex<BTreeMap<ProviderId, Agent>>,
    /// Screens that somebody looks at.
    pub(crate) consoles: Consoles,
    /// What the store has of each report. Only the reconciler touches it.
    kept: Mutex<BTreeMap<ProviderId, Report>>,
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
        Self { started, agents, consoles: Consoles::default(), kept: Mutex::new(kept) }
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

    /// The store has these now.
    pub(crate) fn now_kept(&self, essences: Vec<Report>) {
        self.kept_reports().extend(essences.into_iter().map(|essence| (essence.provider, essence)));
    }

    pub(crate) fn forget(&self, provider: ProviderId) {
        self.agents().remove(&provider);
        self.kept_reports().remove(&provider);
    }
}
