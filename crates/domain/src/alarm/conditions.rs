//! What is not well, read from everything that is known. One function a kind.

use super::{Alarm, AlarmKind, Severity};
use crate::{
    code::{Code, Problem},
    damage,
    digest::Digest,
    distribution::{Desire, Distribution, ReplicaState},
    ids::{ProviderId, TemplateId},
    names::NotificationName,
    plan::{TemplateInWorld, World},
    preflight,
    provider::ProviderState,
    recreation::{Stage, is_outdated},
    replica::ReplicaReport,
    template::{TemplateStatus, VersionRef},
    units::{ByteCount, Timestamp},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// An agent renews its certificate when a third of its life is left: less than this means that it does
/// not succeed.
const CERTIFICATE_WARNING: Duration = Duration::from_secs(14 * 24 * 3600);
/// Everybody who trusts the authority has to be told of another: that is planned, not done in a night.
const AUTHORITY_WARNING: Duration = Duration::from_secs(365 * 24 * 3600);
/// Then the next working day may be too late.
const CERTIFICATE_CRITICAL: Duration = Duration::from_secs(3 * 24 * 3600);
/// How long a recreation that stopped is called so, if nobody begins another.
const STOPPED_LIFE: Duration = Duration::from_secs(7 * 24 * 3600);
/// A storage is well again when this much more than the floor is free, in parts of the floor: one at
/// its edge does not come and go.
const FLOOR_SLACK_PARTS: u64 = 10;
/// How long damage that was mended is still called so. It may have been so for a second, and somebody is to
/// look at the disk: longer than any message waits for others.
const MENDED_LIFE: Duration = Duration::from_secs(2 * 3600);
/// Releases that an agent may be behind.
const RELEASES_BEHIND_MAX: u64 = 1;

/// What is needed beside the world.
#[derive(Clone, Debug, Default)]
pub struct Facts<'a> {
    pub agents: BTreeMap<ProviderId, AgentFacts>,
    /// The server's own release.
    pub release: &'a str,
    /// Of a certificate that somebody gave the server; it renews its own by itself.
    pub server_certificate_expires_at: Option<Timestamp>,
    /// Of the server's own authority, which nothing renews.
    pub authority_expires_at: Option<Timestamp>,
    /// Notifications whose messages do not arrive.
    pub failing: Vec<(NotificationName, Problem)>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentFacts {
    /// As its agent said it last.
    pub release: Option<String>,
    pub certificate_expires_at: Option<Timestamp>,
    /// Free space that it leaves alone, if somebody told it how much.
    pub floor: Option<ByteCount>,
}

/// By key. None: it cannot be told now, so it stays as it is.
pub(super) struct Found<'a> {
    found: BTreeMap<String, Option<Alarm>>,
    standing: BTreeSet<&'a str>,
    now: Timestamp,
}

pub(super) fn found(
    world: &World,
    facts: &Facts<'_>,
    standing: &[Alarm],
    now: Timestamp,
) -> BTreeMap<String, Option<Alarm>> {
    let keys = standing.iter().map(|alarm| alarm.key.as_str()).collect();
    let mut found = Found { found: BTreeMap::new(), standing: keys, now };
    found.providers(world, facts);
    found.replicas(world);
    for (id, list) in &world.templates {
        if list.status != TemplateStatus::Deleting {
            found.publication(*id, list);
            found.members(world, *id, list);
        }
    }
    found.recreations(world, standing);
    found.server(facts);
    found.found
}

impl Found<'_> {
    /// It is not well: so says `problem`.
    fn stands(&mut self, kind: AlarmKind, about: &str, name: &str, problem: Problem) {
        self.stands_as(kind, kind.severity(), kind.object(), about, name, problem);
    }

    fn stands_as(
        &mut self,
        kind: AlarmKind,
        severity: Severity,
        object: &str,
        about: &str,
        name: &str,
        problem: Problem,
    ) {
        let key = key(kind, about);
        let (object, name) = (object.to_owned(), name.to_owned());
        let alarm = Alarm { key: key.clone(), kind, severity, object, name, since: self.now, problem };
        self.found.insert(key, Some(alarm));
    }

    /// It cannot be told: what stands, stands.
    fn unknown(&mut self, kind: AlarmKind, about: &str) {
        let key = key(kind, about);
        if self.standing.contains(key.as_str()) {
            self.found.insert(key, None);
        }
    }

    fn stood(&self, kind: AlarmKind, about: &str) -> bool {
        self.standing.contains(key(kind, about).as_str())
    }

    fn providers(&mut self, world: &World, facts: &Facts<'_>) {
        for (id, there) in &world.providers {
            let (about, name) = (id.to_string(), there.name.as_str());
            match there.state {
                ProviderState::NotAvailable | ProviderState::HypervisorSilent => {
                    self.stands(AlarmKind::ProviderLost, &about, name, there.silence());
                }
                ProviderState::Available | ProviderState::AwaitingAgent => {}
            }
            if there.state.answers() {
                let (free, capacity) = (there.storage_free, there.storage_capacity);
                if let Some((free, capacity)) = free.zip(capacity) {
                    let set = facts.agents.get(id).and_then(|agent| agent.floor);
                    let floor = preflight::floor(capacity, set);
                    self.storage(&about, name, &there.settings.storage, free, capacity, floor);
                }
            } else {
                self.unknown(AlarmKind::StorageLow, &about);
            }
            let Some(agent) = facts.agents.get(id) else { continue };
            if let Some(at) = agent.certificate_expires_at {
                let whose = format!("the certificate of the agent of {name}");
                self.certificate(Code::P0015, "provider", (&about, name), &whose, at, CERTIFICATE_WARNING);
            }
            if let Some(release) = &agent.release {
                self.release(&about, name, release, facts.release);
            }
        }
    }

    fn storage(
        &mut self,
        about: &str,
        name: &str,
        storage: &str,
        free: ByteCount,
        capacity: ByteCount,
        floor: ByteCount,
    ) {
        let stood = self.stood(AlarmKind::StorageLow, about);
        let wanted = if stood { floor + ByteCount(floor.0 / FLOOR_SLACK_PARTS) } else { floor };
        // A storage smaller than the floor was made so on purpose.
        if free >= wanted || capacity <= floor {
            return;
        }
        let cause = format!(
            "{name} has {free} free in `{storage}`; {floor} are left alone for what the hosts write, and nothing new is brought there"
        );
        self.stands(AlarmKind::StorageLow, about, name, Problem::new(Code::P0004, cause));
    }

    fn certificate(
        &mut self,
        code: Code,
        object: &str,
        (about, name): (&str, &str),
        whose: &str,
        at: Timestamp,
        warning: Duration,
    ) {
        let left = at.since(self.now);
        if left > warning {
            return;
        }
        let cause = match left.as_secs() / DAY.as_secs() {
            0 if left.is_zero() => format!("{whose} has run out"),
            0 => format!("{whose} runs out within a day"),
            1 => format!("{whose} runs out in 1 day"),
            days => format!("{whose} runs out in {days} days"),
        };
        let kind = AlarmKind::CertificateExpiring;
        let severity = if left <= CERTIFICATE_CRITICAL { Severity::Critical } else { kind.severity() };
        self.stands_as(kind, severity, object, about, name, Problem::new(code, cause));
    }

    fn release(&mut self, about: &str, name: &str, release: &str, server: &str) {
        if is_far_behind(release, server) {
            let cause = format!("the agent of {name} is of release {release}, and the server of {server}");
            self.stands(AlarmKind::AgentOutdated, about, name, Problem::new(Code::P0016, cause));
        }
    }

    /// Copies that were verified and are not as they were.
    fn replicas(&mut self, world: &World) {
        for ((provider, digest), report) in &world.replicas {
            let mut versions = world.templates.values().flat_map(|list| &list.versions);
            let Some(version) = versions.find(|version| version.digest == *digest) else { continue };
            let about = format!("{provider}/{}", digest.hex());
            let kinds = [AlarmKind::ReplicaDamaged, AlarmKind::LastCopyDamaged];
            if !world.answers(*provider) {
                kinds.iter().for_each(|kind| self.unknown(*kind, &about));
                continue;
            }
            if report.is_ready() {
                self.mended(world, *provider, version, report);
                continue;
            }
            let Some(damage) = damage::found(report) else {
                // It is read anew.
                kinds.iter().for_each(|kind| self.unknown(*kind, &about));
                continue;
            };
            let (name, stands) = (world.name_of(*provider), who_stands(world, *provider, *digest));
            let (template, number) = (&version.name, version.number);
            let cause = format!("v{number} of `{template}` on {name} is damaged: {damage}; {stands}");
            let kind = kinds[usize::from(damage.last_copy)];
            let code = if damage.last_copy { Code::T0011 } else { Code::T0008 };
            self.stands(kind, &about, &name, Problem::new(code, cause));
        }
    }

    /// A copy that was damaged a moment ago.
    fn mended(&mut self, world: &World, provider: ProviderId, version: &VersionRef, report: &ReplicaReport) {
        let Some((damage, found_at)) = damage::mended(report).and_then(|it| Some((it, it.found_at?))) else {
            return;
        };
        if self.now.since(found_at) > MENDED_LIFE {
            return;
        }
        let (template, number, name) = (&version.name, version.number, world.name_of(provider));
        let stands = who_stands(world, provider, version.digest);
        let cause = format!(
            "v{number} of `{template}` on {name} was damaged, and every byte of it matches again: {damage}; {stands}"
        );
        let problem = Problem::new(Code::T0008, cause).with_hint("look at the disk: `dmesg`, `smartctl`");
        let kind = AlarmKind::ReplicaDamaged;
        let about = format!("{provider}/{}/{}", version.digest.hex(), found_at.0);
        self.stands_as(kind, Severity::Warning, kind.object(), &about, &name, problem);
    }

    /// A template of which no version is to be had.
    fn publication(&mut self, id: TemplateId, list: &TemplateInWorld) {
        let (kind, about) = (AlarmKind::DistributionFailed, id.to_string());
        let Some(publication) = &list.publication else { return };
        match &publication.problem {
            Some(problem) if list.status == TemplateStatus::Failed => {
                self.stands(kind, &about, list.name.as_str(), problem.clone());
            }
            _ => self.unknown(kind, &about),
        }
    }

    /// A provider that does not get it. It is well again when it is ready there, not when the next
    /// attempt begins.
    fn members(&mut self, world: &World, id: TemplateId, list: &TemplateInWorld) {
        let kind = AlarmKind::DistributionFailed;
        for (provider, member) in list.members.iter().filter(|(_, it)| it.desire == Desire::Hold) {
            let Some(view) = world.view(id, *provider) else { continue };
            let about = format!("{id}/{provider}");
            let digest = list.current.as_ref().map(|current| current.digest);
            // A damaged copy, a silent provider and a publication have alarms of their own.
            let damaged = digest.is_some_and(|digest| world.damage(*provider, digest).is_some());
            let elsewhere = damaged || list.publication.is_some();
            let failed = view.progress == Distribution::Failed || member.problem.is_some();
            match view.state {
                ReplicaState::Ready => {}
                ReplicaState::NeedsUpdate if failed && !elsewhere => {
                    let Some(problem) = view.problem.or_else(|| member.problem.clone()) else { continue };
                    let Problem { code, cause, hint } = problem;
                    let on = world.name_of(*provider);
                    let cause = format!("`{}` does not get to {on}: {cause}", list.name);
                    self.stands(kind, &about, list.name.as_str(), Problem { code, cause, hint });
                }
                ReplicaState::NeedsUpdate | ReplicaState::NotAvailable => self.unknown(kind, &about),
            }
        }
    }

    /// Recreations that stopped are no longer looked at by anybody: the alarm stands until another
    /// begins, or nothing is left to do.
    fn recreations(&mut self, world: &World, standing: &[Alarm]) {
        let kind = AlarmKind::RecreationStopped;
        for (id, list) in &world.templates {
            let about = id.to_string();
            let mut of_it = world.recreations.iter().filter(|it| it.template == *id);
            let troubled =
                of_it.clone().find(|it| matches!(it.stage, Stage::Stopped | Stage::AwaitingDecision));
            if let Some(recreation) = troubled {
                let waits = recreation.stage == Stage::AwaitingDecision;
                let (code, otherwise) = match waits {
                    true => (Code::L0003, "somebody has to decide whether it goes on"),
                    false => (Code::L0002, "too many hosts failed"),
                };
                let note = recreation.note.as_deref().unwrap_or(otherwise);
                let (number, name) = (recreation.version, &list.name);
                let verb = if waits { "waits" } else { "stopped" };
                let cause = format!("the recreation of hosts of `{name}` on v{number} {verb}: {note}");
                let hint = format!("`diecast recreation show {}`", recreation.id);
                let problem = Problem::new(code, cause);
                let hint = format!("{hint}; {}", problem.hint);
                self.stands(kind, &about, list.name.as_str(), problem.with_hint(hint));
                continue;
            }
            let Some(stood) = standing.iter().find(|alarm| alarm.key == key(kind, &about)) else { continue };
            let over = self.now.since(stood.since) > STOPPED_LIFE;
            let outdated = world.hosts.iter().any(|host| host.template == *id && is_outdated(world, host));
            let stopped = stood.problem.code == Code::L0002;
            if stopped && of_it.next().is_none() && outdated && !over {
                self.unknown(kind, &about);
            }
        }
    }

    fn server(&mut self, facts: &Facts<'_>) {
        if let Some(at) = facts.server_certificate_expires_at {
            let whose = "the server's certificate";
            self.certificate(Code::S0008, "server", ("server", "server"), whose, at, CERTIFICATE_WARNING);
        }
        if let Some(at) = facts.authority_expires_at {
            let whose = "the certificate of the server's authority";
            self.certificate(Code::S0010, "server", ("authority", "server"), whose, at, AUTHORITY_WARNING);
        }
        for (name, problem) in &facts.failing {
            self.stands(AlarmKind::NotificationFailed, name.as_str(), name.as_str(), problem.clone());
        }
    }
}

/// For the end of a sentence.
fn who_stands(world: &World, provider: ProviderId, digest: Digest) -> String {
    let hosts: Vec<&str> = world.hosts_on(provider, digest).map(|host| host.name.as_str()).collect();
    match hosts.len() {
        0 => "no host stands on it".to_owned(),
        1..=3 => format!("on it: {}", hosts.join(", ")),
        count => format!("on it: {} and {} other hosts", hosts[..2].join(", "), count - 2),
    }
}

fn key(kind: AlarmKind, about: &str) -> String {
    format!("{kind}/{about}")
}

/// More than a release lies between them. Of different first numbers only their difference is known.
fn is_far_behind(release: &str, server: &str) -> bool {
    let numbers = |text: &str| -> Option<(u64, u64)> {
        let mut numbers = text.split(['.', '-', '+']).map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    };
    let Some((agent, server)) = numbers(release).zip(numbers(server)) else { return false };
    let behind = if agent.0 == server.0 { (server.1, agent.1) } else { (server.0, agent.0) };
    behind.0.saturating_sub(behind.1) > RELEASES_BEHIND_MAX
}
