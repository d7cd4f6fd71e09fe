//! How many hosts a pool should have, and which of those that are there are too many.

use super::{Follow, Pool, places::Places};
use crate::{
    code::{Code, Problem, Retry},
    host::{Host, HostPhase, InUse, in_use},
    ids::{HostId, ProviderId},
    names::HostName,
    pattern::HOSTS_PER_REQUEST_MAX,
    plan::{TemplateInWorld, World},
    recreation::{self, HostProgress},
    template::{TemplateStatus, VersionRef},
    units::Timestamp,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Failed attempts after which a host that was never made is given up for one elsewhere.
pub const ATTEMPTS_MAX: u32 = 3;

/// What a pool wants done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decision {
    /// A host on each of these; a provider may be named several times.
    pub make: Vec<ProviderId>,
    /// Hosts to delete. Nobody uses them.
    pub remove: Vec<HostId>,
    /// Hosts that are gone from their hypervisor, to be made again where they were.
    pub remake: Vec<HostId>,
    /// Why it cannot have the hosts that it should have.
    pub why: Option<Problem>,
}

/// How many hosts it should have now.
pub fn wanted(pool: &Pool, world: &World, now: Timestamp) -> usize {
    wanted_with(pool, world, &there(pool, world, now))
}

fn wanted_with(pool: &Pool, world: &World, there: &[&Host]) -> usize {
    let used = there.iter().filter(|host| is_used(world, host)).count();
    let most = pool.max.max(pool.min) as usize;
    (used + pool.spare as usize).clamp(pool.min as usize, most)
}

/// Its hosts, but for those that it makes up for elsewhere.
pub fn there<'a>(pool: &Pool, world: &'a World, now: Timestamp) -> Vec<&'a Host> {
    let of_pool = |host: &&Host| host.pool == Some(pool.id) && !host.deleting;
    world.hosts.iter().filter(of_pool).filter(|host| !is_lost(pool, world, now, host)).collect()
}

/// Its provider is silent for so long that the pool makes up for it.
fn is_lost(pool: &Pool, world: &World, now: Timestamp, host: &Host) -> bool {
    let Some(grace) = pool.replace_elsewhere else { return false };
    world.providers.get(&host.provider).is_none_or(|there| {
        !there.state.answers() && now.since(there.since) >= Duration::from_secs(u64::from(grace))
    })
}

/// As its agent said last: whom nobody hears of now was not sent home.
fn is_used(world: &World, host: &Host) -> bool {
    in_use(world.host_reports.get(&host.id), true) == InUse::Yes
}

/// What the pool wants now. The same again changes nothing once it is carried out.
pub fn reconcile(pool: &Pool, world: &World, now: Timestamp) -> Decision {
    let Some(list) = world.templates.get(&pool.template) else { return Decision::default() };
    if pool.deleting || list.status == TemplateStatus::Deleting {
        return Decision::default();
    }
    let Some(version) = super::version(pool, list) else {
        return Decision { why: Some(follows_nothing(pool, list)), ..Decision::default() };
    };
    Size { pool, world, now, list, version, decision: Decision::default() }.decide()
}

struct Size<'a> {
    pool: &'a Pool,
    world: &'a World,
    now: Timestamp,
    list: &'a TemplateInWorld,
    version: &'a VersionRef,
    decision: Decision,
}

impl<'a> Size<'a> {
    fn decide(mut self) -> Decision {
        let there: Vec<&'a Host> = there(self.pool, self.world, self.now);
        let wanted = wanted_with(self.pool, self.world, &there);
        // Right after a start of the server many are not heard of yet: they may be in use, so they are
        // no reason to make more, and none to remove others.
        let unheard = |host: &&&Host| host.made && !self.world.host_reports.contains_key(&host.id);
        let unheard = there.iter().filter(unheard).count();
        let surplus = there.len().saturating_sub(wanted + unheard);
        self.too_many(&there, surplus);
        let failing: Vec<&Host> = there.iter().copied().filter(|host| is_failing(host)).collect();
        let trouble = failing.iter().map(|host| host.provider).collect();
        let mut places = Places::of(self.pool, self.world, self.list, self.version, &trouble);
        self.remake(&there);
        let mut lacking = wanted.saturating_sub(there.len());
        if there.len() <= wanted && !places.is_empty() {
            for host in failing.iter().filter(|host| self.world.answers(host.provider)) {
                self.decision.remove.push(host.id);
                lacking += 1;
            }
        }
        self.make(&mut places, lacking, wanted);
        if self.decision.why.is_none()
            && let Some(host) = failing.iter().find(|host| !self.decision.remove.contains(&host.id))
        {
            let cause = host.problem.as_ref().map_or("", |problem| problem.cause.as_str());
            let sentence = format!("pool `{}` cannot make host `{}`: {cause}", self.pool.name, host.name);
            self.decision.why = Some(Problem::new(Code::L0001, sentence));
        }
        self.decision
    }

    fn is_missing(&self, host: &Host) -> bool {
        let report = self.world.host_reports.get(&host.id);
        let gone = report
            .is_some_and(|report| report.phase == HostPhase::Gone && report.stood() >= host.incarnation);
        gone && self.world.answers(host.provider)
    }

    /// A recreation has it in hand, or will.
    fn is_moving(&self, host: &Host) -> bool {
        self.world.recreations.iter().filter(|it| !it.stage.is_over()).any(|it| {
            let progress = it.hosts.get(&host.id);
            progress.is_some_and(|it| it.wave().is_some() || *it == HostProgress::Waiting)
        })
    }

    fn too_many(&mut self, there: &[&Host], surplus: usize) {
        let may_go = |host: &&&Host| {
            let free = self.world.in_use(host) == InUse::No;
            free && host.setup.data_disk.is_none() && !self.is_moving(host)
        };
        let mut going: Vec<&Host> = there.iter().filter(may_go).copied().collect();
        let mut load: BTreeMap<ProviderId, usize> = BTreeMap::new();
        there.iter().for_each(|host| *load.entry(host.provider).or_default() += 1);
        for _ in 0..surplus {
            let outdated = |host: &Host| recreation::is_outdated(self.world, host);
            let next = going.iter().enumerate().max_by_key(|(_, host)| {
                let stands = host.made && !self.is_missing(host);
                (!stands, outdated(host), load.get(&host.provider).copied(), host.created_at, host.id)
            });
            let Some((at, _)) = next else { break };
            let host = going.swap_remove(at);
            load.entry(host.provider).and_modify(|hosts| *hosts -= 1);
            self.decision.remove.push(host.id);
        }
    }

    /// What another hand took away is made again, as the version that the pool follows now.
    fn remake(&mut self, there: &[&Host]) {
        for host in there {
            let may = host.previous.is_none() && self.world.is_ready_on(host.provider, self.version.digest);
            let going = self.decision.remove.contains(&host.id);
            if may && !going && self.is_missing(host) && !self.is_moving(host) {
                self.decision.remake.push(host.id);
            }
        }
    }

    fn make(&mut self, places: &mut Places, lacking: usize, wanted: usize) {
        if lacking == 0 {
            return;
        }
        let at_once = lacking.min(HOSTS_PER_REQUEST_MAX as usize);
        let taken: BTreeSet<HostName> = self.world.hosts.iter().map(|host| host.name.clone()).collect();
        let names = (1..=at_once).rev().find(|count| self.pool.pattern.free_names(&taken, *count).is_ok());
        let named = names.unwrap_or(0);
        self.decision.make = places.take(self.pool, self.world, named);
        let name = &self.pool.name;
        if named < at_once {
            let cause = format!(
                "pool `{name}` lacks {lacking} hosts, and `{}` has {named} names left",
                self.pool.pattern
            );
            self.decision.why = Some(Problem::new(Code::L0005, cause));
        } else if self.decision.make.len() < at_once {
            let will_have = wanted.saturating_sub(lacking) + self.decision.make.len();
            let why = if places.obstacles.is_empty() {
                "no provider is named for it".to_owned()
            } else {
                places.obstacles.join("; ")
            };
            let cause =
                format!("pool `{name}` has {will_have} of {wanted} hosts, and nobody takes more: {why}");
            self.decision.why = Some(Problem::new(Code::L0001, cause));
        }
    }
}

/// It was never made, and trying again where it is does not help.
fn is_failing(host: &Host) -> bool {
    let hopeless = |problem: &Problem| problem.code.retry() != Retry::Later || host.attempt >= ATTEMPTS_MAX;
    !host.made && host.problem.as_ref().is_some_and(hopeless)
}

fn follows_nothing(pool: &Pool, list: &TemplateInWorld) -> Problem {
    let (name, template) = (&pool.name, &list.name);
    let cause = match &pool.follow {
        Follow::Newest => format!("pool `{name}` waits for the first version of `{template}`"),
        Follow::Tag(tag) => {
            format!("pool `{name}` follows `{tag}`, which no version of `{template}` carries")
        }
        Follow::Pinned(number) => {
            format!("pool `{name}` is pinned to v{number} of `{template}`, which is gone")
        }
    };
    Problem::new(Code::L0001, cause)
}
