//! What would be done, and what stands in the way: the answers of dry runs.

use crate::{app::sources, picture::Picture};
use diecast_api::{
    operator::{
        ProblemView,
        template::{BlockerView, PlanView},
    },
    time::rfc3339,
};
use diecast_domain::{
    code::Problem,
    ids::ProviderId,
    preflight::{self, Needs},
    profile::HardwareProfile,
    units::ByteCount,
};
use diecast_store::VersionRecord;
use std::collections::BTreeSet;

pub(crate) fn plan(steps: Vec<String>, obstacles: &[Problem]) -> PlanView {
    let obstacles = obstacles.iter().map(ProblemView::from).collect();
    PlanView {
        steps,
        obstacles,
        blockers: Vec::new(),
        bytes_network: None,
        bytes_each: None,
        hosts: Vec::new(),
        users: Vec::new(),
    }
}

/// Those of `providers` that do not answer: since when, and what to look at.
pub(crate) fn silent(picture: &Picture, providers: impl IntoIterator<Item = ProviderId>) -> Vec<BlockerView> {
    let asked: BTreeSet<ProviderId> = providers.into_iter().collect();
    let silent = asked.into_iter().filter_map(|id| {
        let record = picture.providers.get(&id)?;
        let problem = picture.must_answer(record).err()?;
        let since = picture.world.providers.get(&id).map(|there| rfc3339(there.since)).unwrap_or_default();
        let cause = format!("{}, since {since}", problem.cause);
        let problem = ProblemView::from(&Problem { cause, ..problem });
        Some(BlockerView { provider: record.name.to_string(), problem })
    });
    silent.collect()
}

/// `1 host`, `3 hosts`
pub(crate) fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// What is written for hosts that get a disk of their own. None if there are none.
pub(crate) fn written(bytes: ByteCount) -> Option<String> {
    (bytes > ByteCount::ZERO).then(|| format!("write {bytes} for full hosts, on their providers' own disks"))
}

/// Adds what stands in the way on one provider.
pub(crate) fn block(plan: &mut PlanView, picture: &Picture, provider: ProviderId, found: Vec<Problem>) {
    for problem in &found {
        let problem = ProblemView::from(problem);
        plan.obstacles.push(problem.clone());
        plan.blockers.push(BlockerView { provider: picture.provider_name(provider), problem });
    }
}

/// What is to be brought to providers, as far as it is known.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) profile: &'a HardwareProfile,
    pub(crate) bytes: ByteCount,
}

impl<'a> From<&'a VersionRecord> for Wanted<'a> {
    fn from(version: &'a VersionRecord) -> Self {
        Self { profile: &version.profile, bytes: version.size.data_bytes }
    }
}

/// Whether a provider holds a version, whole.
pub(crate) fn holds(picture: &Picture, provider: ProviderId, version: &VersionRecord) -> bool {
    picture.world.replicas.get(&(provider, version.digest)).is_some_and(|it| it.is_ready())
}

/// What stands in the way of bringing it to a provider; while that is not known, of anything at all.
pub(crate) fn obstacles(picture: &Picture, provider: ProviderId, wanted: Option<Wanted<'_>>) -> Vec<Problem> {
    let Some(record) = picture.providers.get(&provider) else { return Vec::new() };
    if let Err(problem) = picture.must_answer(record) {
        return vec![problem];
    }
    let report = picture.report(provider);
    let (Some(facts), Some(wanted)) = (report.and_then(|report| report.facts.as_ref()), wanted) else {
        return sources::storage(picture, record);
    };
    let storage = facts.storages.iter().find(|storage| storage.name == record.settings.storage);
    let needs = Needs {
        profile: wanted.profile,
        bytes: wanted.bytes,
        floor: preflight::floor(
            storage.map_or(ByteCount::ZERO, |storage| storage.capacity),
            report.and_then(|report| report.floor),
        ),
    };
    preflight::obstacles(record.name.as_str(), facts, &record.settings, &needs)
}
