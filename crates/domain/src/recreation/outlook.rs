//! What a recreation would do, and what stands in its way: shown before it is begun.

use super::{HostProgress, Recreation, Terms, Wish};
use crate::{
    code::{Code, Problem},
    host::{Host, HostKind, InUse},
    ids::{HostId, ProviderId},
    names::HostName,
    plan::World,
    template::VersionRef,
    units::{ByteCount, Timestamp},
};
use std::collections::BTreeMap;

/// A provider that does not answer as its hosts are to be recreated.
#[derive(Clone, Debug, PartialEq)]
pub struct Silent {
    pub provider: ProviderId,
    pub name: String,
    pub since: Timestamp,
    /// Why, and what to check.
    pub problem: Problem,
    pub hosts: Vec<HostName>,
}

/// The providers of `hosts` that do not answer, by name.
pub fn silent<'a>(world: &World, hosts: impl Iterator<Item = &'a Host>) -> Vec<Silent> {
    let mut found: BTreeMap<ProviderId, Silent> = BTreeMap::new();
    for host in hosts {
        let Some(there) = world.providers.get(&host.provider).filter(|there| !there.state.answers()) else {
            continue;
        };
        let entry = found.entry(host.provider).or_insert_with(|| Silent {
            provider: host.provider,
            name: there.name.to_string(),
            since: there.since,
            problem: there.silence(),
            hosts: Vec::new(),
        });
        entry.hosts.push(host.name.clone());
    }
    let mut found: Vec<Silent> = found.into_values().collect();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    found
}

/// What a recreation would do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outlook {
    /// Wave by wave, as it would go if every host came up well and nobody signed in or out.
    pub waves: Vec<Vec<PlannedHost>>,
    /// Wait until nobody uses them, or for the deadline.
    pub in_use: Vec<PlannedHost>,
    pub blockers: Vec<Blocker>,
    /// What is written: linked hosts cost next to nothing, full ones a disk each.
    pub bytes: ByteCount,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PlannedHost {
    pub id: HostId,
    pub name: HostName,
    pub provider: ProviderId,
    pub version: u32,
    pub in_use: InUse,
    pub users: Vec<String>,
}

/// What keeps the hosts of one provider from being recreated now.
#[derive(Clone, Debug, PartialEq)]
pub struct Blocker {
    pub provider: ProviderId,
    pub name: String,
    pub problem: Problem,
    pub hosts: Vec<HostName>,
}

/// What recreating `hosts` on `target` would do now. `data` is what a full host of it occupies.
pub fn outlook(
    world: &World,
    hosts: &[HostId],
    target: &VersionRef,
    terms: &Terms,
    data: ByteCount,
    now: Timestamp,
) -> Outlook {
    let chosen: Vec<&Host> = world.hosts.iter().filter(|host| hosts.contains(&host.id)).collect();
    let mut outlook = Outlook { blockers: blockers(world, &chosen, target), ..Outlook::default() };
    let late = terms.deadline.is_some_and(|deadline| deadline <= now);
    let mut ready = Vec::new();
    for host in chosen {
        if host.kind == HostKind::Full {
            outlook.bytes += data;
        }
        let planned = planned(world, host);
        if outlook.blockers.iter().any(|blocker| blocker.provider == host.provider) {
            continue;
        }
        if planned.in_use == InUse::No || late { ready.push(planned) } else { outlook.in_use.push(planned) }
    }
    ready.sort_by_key(|host| (host.in_use != InUse::No, host.name.clone()));
    outlook.waves = waves(ready, hosts, target, terms, now);
    outlook
}

fn planned(world: &World, host: &Host) -> PlannedHost {
    let report = world.host_reports.get(&host.id);
    let users = report.and_then(|report| report.users.clone()).unwrap_or_default();
    PlannedHost {
        id: host.id,
        name: host.name.clone(),
        provider: host.provider,
        version: host.version,
        in_use: world.in_use(host),
        users,
    }
}

fn blockers(world: &World, hosts: &[&Host], target: &VersionRef) -> Vec<Blocker> {
    let silent = silent(world, hosts.iter().copied()).into_iter();
    let mut found: Vec<Blocker> = silent
        .map(|there| Blocker {
            provider: there.provider,
            name: there.name,
            problem: there.problem,
            hosts: there.hosts,
        })
        .collect();
    for host in hosts.iter().filter(|host| world.answers(host.provider)) {
        if world.is_ready_on(host.provider, target.digest) {
            continue;
        }
        match found.iter_mut().find(|blocker| blocker.provider == host.provider) {
            Some(blocker) => blocker.hosts.push(host.name.clone()),
            None => {
                let name = world.name_of(host.provider);
                let cause = format!("v{} of `{}` is not ready on {name} yet", target.number, target.name);
                let hint = "nothing to do: its hosts follow as soon as it is ready there";
                let problem = Problem::new(Code::H0006, cause).with_hint(hint);
                let hosts = vec![host.name.clone()];
                found.push(Blocker { provider: host.provider, name, problem, hosts });
            }
        }
    }
    found
}

/// Lets an imagined recreation run, in which every host comes up well.
fn waves(
    mut ready: Vec<PlannedHost>,
    hosts: &[HostId],
    target: &VersionRef,
    terms: &Terms,
    now: Timestamp,
) -> Vec<Vec<PlannedHost>> {
    let wish = Wish {
        id: crate::ids::RecreationId::from_uuid(uuid::Uuid::nil()),
        target: target.clone(),
        hosts: hosts.to_vec(),
        terms: terms.clone(),
        refresh: false,
        if_unavailable: Default::default(),
        begins_at: now,
        author: String::new(),
    };
    let mut imagined = Recreation { wave: 1, ..Recreation::new(wish, now) };
    let mut waves = Vec::new();
    while !ready.is_empty() {
        imagined.skip_empty_waves();
        let rest = ready.split_off(imagined.room().clamp(1, ready.len()));
        for host in &ready {
            imagined.hosts.insert(host.id, HostProgress::Passed);
        }
        waves.push(std::mem::replace(&mut ready, rest));
        imagined.wave += 1;
    }
    waves
}
