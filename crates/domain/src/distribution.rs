//! How the distribution of a template stands: pure functions of wishes, reports and the clock.
//!
//! [`view`] tells of one provider on the list, [`status`] of the whole list. Every word an
//! administrator reads in the Distribution column, the State and the Progress comes from here.

use crate::{
    code::{Code, Problem},
    digest::Digest,
    provider::ProviderState,
    replica::{Phase, Progress, ReplicaReport},
    template::VersionRef,
    units::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The Distribution column, and Progress in the details. Ordered by precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Distribution {
    RemovingProvider,
    AddingProvider,
    Distributing,
    Failed,
    Ok,
}

impl Distribution {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RemovingProvider => "Removing provider",
            Self::AddingProvider => "Adding provider",
            Self::Distributing => "Distributing",
            Self::Failed => "Failed to distribute",
            Self::Ok => "OK",
        }
    }
}

/// The State of a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReplicaState {
    /// Every byte of the current version was verified there, and it is registered.
    Ready,
    /// The provider does not answer.
    NotAvailable,
    /// It answers, and lacks the current version or holds a damaged copy.
    NeedsUpdate,
}

impl ReplicaState {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::NotAvailable => "Not available",
            Self::NeedsUpdate => "Needs update",
        }
    }
}

/// What the operator wants of one provider on the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Desire {
    Hold,
    Remove {
        /// Wait until no host there depends on it.
        when_free: bool,
    },
}

/// One provider on a distribution list: the wish, and what is remembered of its replica.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub desire: Desire,
    /// It joined a list that was there before it.
    pub joined_later: bool,
    /// The last version that was verified and registered there, and when.
    pub held: Option<HeldVersion>,
    pub attempt: u32,
    pub next_attempt_at: Option<Timestamp>,
    /// Why the last attempt failed, until one succeeds.
    pub problem: Option<Problem>,
    /// Since when it is as it is.
    pub since: Timestamp,
    /// Versions whose damage there was told, by their numbers, and as what.
    #[serde(default)]
    pub damaged: BTreeMap<u32, Code>,
    /// Versions whose mending there was told, and when that damage had been found.
    #[serde(default)]
    pub mended: BTreeMap<u32, Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldVersion {
    pub number: u32,
    pub digest: Digest,
    pub verified_at: Timestamp,
}

impl Member {
    pub fn new(joined_later: bool, now: Timestamp) -> Self {
        Self {
            desire: Desire::Hold,
            joined_later,
            held: None,
            attempt: 1,
            next_attempt_at: None,
            problem: None,
            since: now,
            damaged: BTreeMap::new(),
            mended: BTreeMap::new(),
        }
    }
}

/// The provider of a member, as it is now.
#[derive(Clone, Copy, Debug)]
pub struct ProviderNow<'a> {
    pub name: &'a str,
    pub state: ProviderState,
    pub since: Timestamp,
    /// The hypervisor's own trouble, when that is it.
    pub problem: Option<&'a Problem>,
}

/// One row of the distribution details.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplicaView {
    pub state: ReplicaState,
    pub progress: Distribution,
    pub phase: Option<Phase>,
    pub work: Progress,
    pub version: Option<u32>,
    pub verified_at: Option<Timestamp>,
    pub since: Timestamp,
    pub attempts: u32,
    pub next_attempt_at: Option<Timestamp>,
    pub problem: Option<Problem>,
    /// Something is queued or running there. Waiting for a retry is not.
    pub moving: bool,
}

/// How the replica of `current` stands on one provider. `report` is what its agent last said of
/// that very version.
pub fn view(
    member: &Member,
    provider: ProviderNow<'_>,
    current: Option<&VersionRef>,
    report: Option<&ReplicaReport>,
) -> ReplicaView {
    let held_current =
        current.is_some_and(|current| member.held.is_some_and(|held| held.digest == current.digest));
    let ready_now = report.is_some_and(ReplicaReport::is_ready);
    let mut view = ReplicaView {
        state: ReplicaState::NeedsUpdate,
        progress: Distribution::Distributing,
        phase: report.map(|report| report.phase),
        work: report.map(|report| report.progress).unwrap_or_default(),
        version: member.held.map(|held| held.number),
        verified_at: report
            .and_then(|report| report.verified_at)
            .or(member.held.filter(|_| held_current).map(|held| held.verified_at)),
        since: member.since,
        attempts: member.attempt,
        next_attempt_at: member.next_attempt_at,
        problem: member.problem.clone(),
        moving: false,
    };
    if !provider.state.answers() {
        view.state = ReplicaState::NotAvailable;
        view.phase = None;
        view.work.rate = Default::default();
        view.work.seconds_left = None;
        view.next_attempt_at = None;
        view.since = provider.since;
        view.problem = Some(silence(provider));
        view.progress = match member.desire {
            Desire::Remove { .. } => Distribution::RemovingProvider,
            Desire::Hold if held_current => Distribution::Ok,
            Desire::Hold => Distribution::Failed,
        };
        return view;
    }
    if let Desire::Remove { when_free } = member.desire {
        view.state = if ready_now { ReplicaState::Ready } else { ReplicaState::NeedsUpdate };
        view.progress = Distribution::RemovingProvider;
        view.phase = Some(if when_free && ready_now { Phase::Queued } else { Phase::Removing });
        view.moving = true;
        return view;
    }
    if ready_now {
        view.state = ReplicaState::Ready;
        view.progress = Distribution::Ok;
        view.problem = None;
        view.next_attempt_at = None;
        return view;
    }
    let word = if member.joined_later && member.held.is_none() {
        Distribution::AddingProvider
    } else {
        Distribution::Distributing
    };
    let failed_this_attempt =
        report.is_some_and(|report| report.phase == Phase::Failed && report.attempt >= member.attempt);
    if member.next_attempt_at.is_some() || failed_this_attempt {
        view.progress = Distribution::Failed;
        view.phase = Some(Phase::Failed);
        view.problem = report.and_then(|report| report.problem.clone()).or(view.problem);
    } else {
        // Nobody has been told of it yet, or its agent has not said what it makes of it.
        view.phase = Some(match view.phase {
            Some(phase) if phase.is_moving() => phase,
            _ => Phase::Queued,
        });
        view.progress = word;
        view.moving = true;
        view.problem = report.and_then(|report| report.problem.clone()).or(view.problem);
    }
    view
}

/// Why nothing is heard of a provider that does not answer.
pub fn silence(provider: ProviderNow<'_>) -> Problem {
    let name = provider.name;
    match (provider.state, provider.problem) {
        (ProviderState::HypervisorSilent, Some(problem)) => problem.clone(),
        (ProviderState::HypervisorSilent, None) => {
            Problem::new(Code::P0002, format!("the hypervisor of {name} does not answer its agent"))
        }
        (ProviderState::AwaitingAgent, _) => {
            Problem::new(Code::P0001, format!("the agent of {name} has never called"))
                .with_hint("run the line that `diecast provider add` printed, or make a new one with `diecast provider rejoin`")
        }
        _ => Problem::new(Code::P0001, format!("{name} has stopped answering")),
    }
}

/// The whole list at a glance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    pub word: Distribution,
    /// Providers on the list that are to hold it.
    pub total: usize,
    pub ready: usize,
    pub failed: usize,
    /// Verified there once, and not answering now. They leave the word alone.
    pub not_available: usize,
    /// To be removed, and not answering.
    pub removal_pending: usize,
}

/// The Distribution word and its counts: the first of the table that applies to any replica.
pub fn status(views: &[(Desire, ReplicaView)]) -> Status {
    let holding = || views.iter().filter(|(desire, _)| *desire == Desire::Hold).map(|(_, view)| view);
    let mut word = Distribution::Ok;
    for (_, view) in views.iter().filter(|(_, view)| view.moving) {
        word = word.min(view.progress);
    }
    let failed = holding().filter(|view| view.progress == Distribution::Failed).count();
    if failed > 0 {
        word = word.min(Distribution::Failed);
    }
    let silent = |view: &&ReplicaView| view.state == ReplicaState::NotAvailable;
    Status {
        word,
        total: holding().count(),
        ready: holding().filter(|view| view.state == ReplicaState::Ready).count(),
        failed,
        not_available: holding().filter(silent).filter(|view| view.progress == Distribution::Ok).count(),
        removal_pending: views
            .iter()
            .filter(|(desire, view)| *desire != Desire::Hold && view.state == ReplicaState::NotAvailable)
            .count(),
    }
}

/// The word with its counts: `Distributing (1 failed, 12 of 40 ready)`.
impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut notes = Vec::new();
        if self.failed > 0 {
            notes.push(format!("{} failed", self.failed));
        }
        if self.not_available > 0 {
            notes.push(format!("{} not available", self.not_available));
        }
        if self.removal_pending > 0 {
            notes.push(format!("{} removal pending", self.removal_pending));
        }
        if self.word != Distribution::Ok || self.ready < self.total {
            notes.push(format!("{} of {} ready", self.ready, self.total));
        }
        let word = self.word.as_str();
        if notes.is_empty() { f.write_str(word) } else { write!(f, "{word} ({})", notes.join(", ")) }
    }
}

#[cfg(test)]
#[path = "distribution_tests.rs"]
mod tests;
