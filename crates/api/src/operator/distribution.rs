//! How the distribution of a template stands. Field names are fixed by the design, section 5.

use super::{damage::DamageView, limit::LimitedView};
use crate::time::rfc3339;
use diecast_domain::{
    distribution::{ReplicaView, Status},
    replica::Progress,
    template::VersionSize,
    units::ByteCount,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The word and its counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DistributionSummary {
    /// `Removing provider`, `Adding provider`, `Distributing`, `Failed to distribute`, `OK`
    pub word: String,
    /// The word with its counts: `Distributing (1 failed, 12 of 40 ready)`
    pub text: String,
    pub total: u32,
    pub ready: u32,
    pub failed: u32,
    pub not_available: u32,
    pub removal_pending: u32,
}

impl From<Status> for DistributionSummary {
    fn from(status: Status) -> Self {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Self {
            word: status.word.as_str().to_owned(),
            text: status.to_string(),
            total: count(status.total),
            ready: count(status.ready),
            failed: count(status.failed),
            not_available: count(status.not_available),
            removal_pending: count(status.removal_pending),
        }
    }
}

/// `GET /api/v1/templates/{name}/distribution`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DistributionView {
    pub template: String,
    pub version: Option<u32>,
    pub digest: Option<String>,
    /// The word alone.
    pub distribution: String,
    pub summary: DistributionSummary,
    /// The longest ago that any provider on the list that holds it read every byte of it.
    #[serde(default)]
    pub verified_at: Option<String>,
    pub providers: Vec<DistributionRow>,
}

/// One provider on the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DistributionRow {
    pub provider: String,
    /// `Ready`, `Not available`, `Needs update`
    pub state: String,
    /// The same words as the distribution's.
    pub progress: String,
    /// `queued`, `preflight`, `transferring`, `verifying`, `registering`, `removing`, `ready`, `failed`
    pub phase: Option<String>,
    pub percent: f64,
    pub bytes_done: u64,
    pub bytes_total: u64,
    /// Really received over the network.
    pub bytes_network: u64,
    /// What did not have to cross the network; of a transfer that this life of the agent knows.
    #[serde(default)]
    pub saved: Option<SavedView>,
    pub bytes_per_second: u64,
    pub seconds_left: Option<u64>,
    /// What keeps it from going faster now, while it is on its way.
    #[serde(default)]
    pub limited: Option<LimitedView>,
    /// Who gives it what it is transferring now, most first.
    #[serde(default)]
    pub sources: Vec<SourceView>,
    /// The version held there, verified.
    pub version: Option<u32>,
    /// When every byte of the current version was last read and matched there.
    pub verified_at: Option<String>,
    pub since: String,
    pub attempts: u32,
    pub next_attempt_at: Option<String>,
    pub code: Option<String>,
    pub cause: Option<String>,
    pub hint: Option<String>,
    /// Versions of this template that are damaged there, the current one or older.
    #[serde(default)]
    pub damaged: Vec<DamageView>,
}

/// Bytes of a version that did not have to cross the network to a provider, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SavedView {
    /// Guests see them, and they are all zero.
    pub holes: u64,
    /// They lay on the provider already: in other versions, or from an interrupted transfer.
    pub there: u64,
    /// What came took so much less compressed; a leaf that occurs more than once comes once.
    pub compression: u64,
    /// What came as a difference against what was there took so much less again.
    #[serde(default)]
    pub differences: u64,
}

impl SavedView {
    /// None before anything is done.
    pub fn of(work: &Progress, size: &VersionSize) -> Option<Self> {
        let came = work.done.saturating_sub(work.local);
        (work.done > ByteCount::ZERO).then(|| Self {
            holes: size.virtual_bytes.saturating_sub(size.data_bytes).0,
            there: work.local.0,
            compression: came.saturating_sub(work.network + work.by_difference).0,
            differences: work.by_difference.0,
        })
    }
}

/// What one provider has given another of a transfer that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceView {
    pub provider: String,
    /// Received from it over the network.
    pub bytes: u64,
    /// Lately.
    pub bytes_per_second: u64,
}

impl DistributionRow {
    pub fn new(provider: &str, view: &ReplicaView) -> Self {
        let problem = view.problem.as_ref();
        let ready = view.state == diecast_domain::distribution::ReplicaState::Ready;
        Self {
            provider: provider.to_owned(),
            state: view.state.as_str().to_owned(),
            progress: view.progress.as_str().to_owned(),
            phase: view.phase.map(|phase| phase.as_str().to_owned()),
            percent: if ready { 100.0 } else { view.work.percent() },
            bytes_done: view.work.done.0,
            bytes_total: view.work.total.0,
            bytes_network: view.work.network.0,
            saved: None,
            bytes_per_second: view.work.rate.0,
            seconds_left: view.work.seconds_left,
            limited: None,
            sources: Vec::new(),
            version: view.version,
            verified_at: view.verified_at.map(rfc3339),
            since: rfc3339(view.since),
            attempts: view.attempts,
            next_attempt_at: view.next_attempt_at.map(rfc3339),
            code: problem.map(|problem| problem.code.to_string()),
            cause: problem.map(|problem| problem.cause.clone()),
            hint: problem.map(|problem| problem.hint.clone()),
            damaged: Vec::new(),
        }
    }
}

/// `POST /api/v1/templates/{name}/distribution/providers` adds; `.../retry` and `.../verify` take
/// the same body, where an empty list means every provider.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderNames {
    #[serde(default)]
    pub providers: Vec<String>,
}

/// `POST /api/v1/templates/{name}/distribution/remove`
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveProviders {
    pub providers: Vec<String>,
    /// Wait for hosts that depend on it, instead of refusing.
    #[serde(default)]
    pub when_free: bool,
}
