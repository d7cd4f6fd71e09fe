//! What differs between what the store knows and what the providers say.

use crate::{
    assignment::HostOrder,
    code::{Code, Problem},
    digest::Digest,
    host::{HostPhase, HostReport},
    ids::{HostId, MaintenanceId, ProviderId},
    plan::World,
    template::VersionRef,
};
use std::collections::{BTreeMap, BTreeSet};

/// All of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    /// Versions that providers hold verified, and that the store does not know; or whose holder is on no
    /// list of theirs.
    pub versions: Vec<FoundVersion>,
    /// Hosts that stand and that the store does not know.
    pub hosts: Vec<FoundHost>,
    /// Hosts of the store that are gone from their provider, which answers.
    pub hosts_gone: Vec<HostId>,
    /// Versions of the store that nobody holds, although all who were heard said what they hold.
    pub versions_gone: Vec<VersionRef>,
    /// Working copies that stand and that the store does not know.
    pub working_copies: Vec<(ProviderId, MaintenanceId)>,
    /// What is held and was named by nobody: unfinished, or of an agent that keeps no former orders.
    pub nameless: Vec<(ProviderId, Digest)>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct FoundVersion {
    pub version: VersionRef,
    /// Who holds it verified and is not known to, in the order of their ids.
    pub holders: Vec<ProviderId>,
    /// The store has the version, and does not know that these hold it.
    pub known: bool,
    /// It would be the template's current version from now on.
    pub newest: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct FoundHost {
    pub provider: ProviderId,
    pub id: HostId,
    /// None if its agent does not say what it was told of it.
    pub order: Option<HostOrder>,
    pub report: HostReport,
    /// Why it cannot be adopted, if it cannot.
    pub problem: Option<Problem>,
}

/// What differs. None of it if no recovery is open.
pub fn findings(world: &World) -> Findings {
    let Some(recovery) = &world.recovery else { return Findings::default() };
    let mut found = Findings::default();
    let mut versions: BTreeMap<(VersionRef, bool), Vec<ProviderId>> = BTreeMap::new();
    let mut named: BTreeSet<(ProviderId, Digest)> = BTreeSet::new();
    for (provider, former) in &recovery.formers {
        for order in &former.replicas {
            let digest = order.version.digest;
            let said = world.replicas.get(&(*provider, digest));
            if said.is_none_or(|said| said.verified_at.is_none()) {
                continue;
            }
            named.insert((*provider, digest));
            let list = world.templates.values().find(|list| list.name == order.version.name);
            let there = list.and_then(|list| list.versions.iter().find(|it| it.digest == digest));
            if list.is_some_and(|list| there.is_some() && list.members.contains_key(provider)) {
                continue;
            }
            let version = there.unwrap_or(&order.version).clone();
            versions.entry((version, there.is_some())).or_default().push(*provider);
        }
    }
    for ((version, known), holders) in versions {
        let list = world.templates.values().find(|list| list.name == version.name);
        let current = list.and_then(|list| list.current.as_ref()).map_or(0, |current| current.number);
        let newest = !known && version.number > current;
        found.versions.push(FoundVersion { version, holders, known, newest });
    }
    // Of several unknown versions of one template only the last becomes the current one.
    let last: BTreeMap<_, u32> = found
        .versions
        .iter()
        .map(|it| (it.version.name.clone(), it.version.number))
        .fold(BTreeMap::new(), |mut last, (name, number)| {
            let there = last.entry(name).or_insert(number);
            *there = number.max(*there);
            last
        });
    for it in &mut found.versions {
        it.newest &= last.get(&it.version.name) == Some(&it.version.number);
    }
    hosts(world, &mut found);
    for (provider, held) in &world.unassigned {
        let nameless = held.iter().filter(|digest| !named.contains(&(*provider, **digest)));
        found.nameless.extend(nameless.map(|digest| (*provider, *digest)));
    }
    versions_gone(world, &mut found);
    found
}

fn hosts(world: &World, found: &mut Findings) {
    let formers = world.recovery.iter().flat_map(|recovery| &recovery.formers);
    let orders: BTreeMap<HostId, &HostOrder> =
        formers.flat_map(|(_, former)| &former.hosts).map(|order| (order.id, order)).collect();
    for (id, provider) in &world.found_on {
        let Some(report) = world.host_reports.get(id) else { continue };
        let known = world.hosts.iter().any(|host| host.id == *id);
        if known || report.phase != HostPhase::Made {
            continue;
        }
        let order = orders.get(id).map(|order| (*order).clone());
        let problem = obstacle(world, found, order.as_ref(), report);
        found.hosts.push(FoundHost { provider: *provider, id: *id, order, report: report.clone(), problem });
    }
    let gone = |id: &HostId| world.host_reports.get(id).is_some_and(|it| it.phase == HostPhase::Gone);
    found.hosts_gone.extend(world.hosts.iter().map(|host| host.id).filter(gone));
    let copies = world.working_copies.keys().filter(|id| {
        world.templates.values().all(|list| {
            list.maintenance.as_ref().is_none_or(|it| it.id != **id)
                && list.discarded.iter().all(|left| left.id != **id)
        })
    });
    let on = |id: &MaintenanceId| world.copies_on.get(id).map(|provider| (*provider, *id));
    found.working_copies.extend(copies.filter_map(on));
}

/// Why a host that stands cannot be adopted.
fn obstacle(
    world: &World,
    found: &Findings,
    order: Option<&HostOrder>,
    report: &HostReport,
) -> Option<Problem> {
    let refused = |cause: String| Some(Problem::new(Code::B0007, cause));
    let Some(order) = order else {
        return refused("its agent does not say what it was told of this host".into());
    };
    if world.hosts.iter().any(|host| host.name == order.name) {
        return refused(format!("there is another host `{}`", order.name));
    }
    if let Some(other) = world.hosts.iter().find(|host| host.macs.iter().any(|mac| order.macs.contains(mac)))
    {
        return refused(format!("`{}` has its network card's address", other.name));
    }
    let digest = report.digest.unwrap_or(order.version.digest);
    let in_store = || world.templates.values().flat_map(|list| &list.versions).any(|it| it.digest == digest);
    let found_too = || found.versions.iter().any(|it| it.version.digest == digest);
    if !in_store() && !found_too() {
        let cause = format!("it stands on version {}, which nobody holds verified", digest.short());
        return refused(cause);
    }
    None
}

fn versions_gone(world: &World, found: &mut Findings) {
    // Who is silent may have it: nothing is said to be gone before all have been heard.
    if !world.providers.values().all(|there| there.state.answers()) {
        return;
    }
    let held = |digest: &Digest| {
        world.replicas.iter().any(|((_, there), said)| there == digest && said.verified_at.is_some())
    };
    let all = world.templates.values().flat_map(|list| &list.versions);
    found.versions_gone.extend(all.filter(|version| !held(&version.digest)).cloned());
}
