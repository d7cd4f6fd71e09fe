//! From what an agent reports and what the clock says to what is remembered: the only way in which
//! a stored record changes without an operator's hand.
//!
//! ```text
//!   report ─► Hearing::heed ─► World.replicas        (what agents say: kept in memory)
//!                         └──► after_report ─► Changes ─► the store, the event log
//!   clock  ─────────────────────► due ───────┘
//! ```
//!
//! **Promise:** total and idempotent. The same report twice, or one that comes late, changes nothing
//! more, so the caller may stop anywhere and do it all again.
//! **Promise:** nothing that is to be removed counts as gone before its agent has accepted orders
//! that name it, and has said afterwards that nothing of it is left.
//!
//! It does not decide what agents are told: that is [`crate::plan`]. The caller applies [`Changes`]
//! to its store in one transaction; the simulator applies them to a [`World`].
//! Start at [`after_report`]; one file a record: `member`, `host`, `publication`, `hearing`.

mod hearing;
mod host;
mod member;
mod publication;

pub use hearing::{Hearing, Heed};
pub use host::{host_after_report, host_due};
pub use member::{member_after_report, member_due, member_retried};
pub use publication::{PublicationOutcome, publication_after_report, publication_due};

use crate::{
    assignment::{Act, Assignment, Operation, Orders},
    code::{Code, Retry},
    generation::Generation,
    host::Host,
    ids::{HostId, OperationId, PoolId, ProviderId, RecreationId, ScheduleId, TemplateId},
    maintenance::{Discarded, Maintenance},
    names::ProviderName,
    plan::World,
    pool::Pool,
    provider::SILENCE_MAX,
    recreation::Recreation,
    report::{Outcome, Published, Report},
    retry,
    schedule::Schedule,
    template::{Publication, TemplateStatus, VersionRef},
    units::Timestamp,
};

/// One report, with what is needed to judge it.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'a> {
    pub report: &'a Report,
    /// The provider's name, for the sentences.
    pub name: &'a ProviderName,
    /// What this provider was last told in this epoch. A report of a lower generation has not seen
    /// it. None right after a restore, until it is told anew.
    pub told: Option<&'a Assignment>,
    pub now: Timestamp,
    /// Any number; it spreads the retries of many providers.
    pub draw: u64,
}

impl Heard<'_> {
    /// What was told, if the agent had accepted it when it reported.
    fn seen(&self) -> Option<&Assignment> {
        self.told.filter(|told| self.report.generation >= told.generation)
    }

    /// When to try again after attempt number `attempt` failed with `code`.
    fn again_at(&self, attempt: u32, code: Option<Code>) -> Option<Timestamp> {
        let class = code.map_or(Retry::Later, Code::retry);
        retry::pause(attempt, class, self.draw).map(|pause| self.now + pause)
    }
}

/// What a transition is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    Host(HostId),
    Pool(PoolId),
    Provider(ProviderId),
    Recreation(RecreationId),
    Replica { template: TemplateId, provider: ProviderId },
    Schedule(ScheduleId),
    Template(TemplateId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TransitionKind {
    /// Done as wished: a replica verified and registered, a host made, a version published.
    Done,
    /// An attempt is over without success.
    Failed,
    /// The next attempt begins.
    Retried,
    /// What was there and intact is no longer.
    Lost,
    /// What was to be removed is gone.
    Removed,
}

impl TransitionKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Retried => "retried",
            Self::Lost => "lost",
            Self::Removed => "removed",
        }
    }
}

/// Something happened that the event log keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    pub kind: TransitionKind,
    pub subject: Subject,
    /// A sentence without a full stop.
    pub sentence: String,
    pub code: Option<Code>,
}

/// A record after something happened to it. None means that it is gone.
#[derive(Clone, Debug, PartialEq)]
pub struct Change<T> {
    pub record: Option<T>,
    pub transitions: Vec<Transition>,
}

/// Everything that one report or the clock changes: only records that differ are listed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    pub members: Vec<(TemplateId, ProviderId, Option<crate::distribution::Member>)>,
    pub hosts: Vec<(HostId, Option<Host>)>,
    /// Publications, with the status that their template has because of it.
    pub publications: Vec<(TemplateId, TemplateStatus, Option<Publication>)>,
    /// New versions. Each becomes the current one of its template.
    pub versions: Vec<(VersionRef, Published)>,
    /// One-time acts that ended. They are told nobody again.
    pub operations: Vec<(ProviderId, OperationId, Outcome)>,
    /// Stays in maintenance that changed, with what is left of former working copies.
    pub maintenances: Vec<(TemplateId, Option<Maintenance>, Vec<Discarded>)>,
    /// Versions that became current without being new: their content was published before.
    pub current: Vec<(TemplateId, u32)>,
    /// Versions that are to go everywhere, from now on.
    pub versions_deleting: Vec<(TemplateId, u32)>,
    /// Versions of which nothing is left anywhere.
    pub versions_gone: Vec<(TemplateId, u32)>,
    /// Recreations that began or changed.
    pub recreations: Vec<Recreation>,
    /// Pools that changed, and those that are gone.
    pub pools: Vec<(PoolId, Option<Pool>)>,
    /// Hosts that pools want: the caller draws their identities and addresses.
    pub hosts_wanted: Vec<(PoolId, ProviderId)>,
    pub schedules: Vec<Schedule>,
    /// One-time acts that schedules order.
    pub acts: Vec<(ProviderId, Act)>,
    pub templates_gone: Vec<TemplateId>,
    pub transitions: Vec<Transition>,
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Carries the changes into `world`, as the caller's store does into its tables.
    pub fn apply(self, world: &mut World) {
        for (version, _) in self.versions {
            if let Some(list) = world.templates.get_mut(&version.template) {
                list.versions.push(version.clone());
                list.current = Some(version);
                list.members.values_mut().for_each(member::begin_anew);
            }
        }
        for (template, status, publication) in self.publications {
            if let Some(list) = world.templates.get_mut(&template) {
                list.status = status;
                list.publication = publication;
            }
        }
        for (template, provider, member) in self.members {
            let list = world.templates.get_mut(&template);
            match (list, member) {
                (Some(list), Some(member)) => drop(list.members.insert(provider, member)),
                (Some(list), None) => drop(list.members.remove(&provider)),
                (None, _) => {}
            }
        }
        for (id, host) in self.hosts {
            world.hosts.retain(|there| there.id != id);
            world.hosts.extend(host);
        }
        world.hosts.sort_by_key(|host| host.id);
        for (provider, id, _) in self.operations {
            if let Some(waiting) = world.operations.get_mut(&provider) {
                waiting.retain(|operation: &Operation| operation.id != id);
            }
        }
        for (template, maintenance, discarded) in self.maintenances {
            if let Some(list) = world.templates.get_mut(&template) {
                (list.maintenance, list.discarded) = (maintenance, discarded);
            }
        }
        for (template, number) in self.current {
            if let Some(list) = world.templates.get_mut(&template) {
                list.current = list.versions.iter().find(|version| version.number == number).cloned();
                list.members.values_mut().for_each(member::begin_anew);
            }
        }
        for (template, number) in self.versions_deleting {
            if let Some(list) = world.templates.get_mut(&template) {
                list.deleting.insert(number);
                list.tags.retain(|_, tagged| *tagged != number);
            }
        }
        for (template, number) in self.versions_gone {
            if let Some(list) = world.templates.get_mut(&template) {
                list.deleting.remove(&number);
                list.versions.retain(|version| version.number != number);
            }
        }
        for recreation in self.recreations {
            world.recreations.retain(|there| there.id != recreation.id);
            world.recreations.push(recreation);
        }
        for (id, pool) in self.pools {
            world.pools.retain(|there| there.id != id);
            world.pools.extend(pool);
        }
        for schedule in self.schedules {
            world.schedules.retain(|there| there.id != schedule.id);
            world.schedules.push(schedule);
        }
        for template in self.templates_gone {
            world.templates.remove(&template);
        }
    }

    fn take<T: PartialEq>(&mut self, before: &T, change: Change<T>) -> Option<Option<T>> {
        self.transitions.extend(change.transitions);
        (change.record.as_ref() != Some(before)).then_some(change.record)
    }
}

/// Everything that a report changes in what is remembered. `world.replicas` need not hold it yet.
pub fn after_report(world: &World, heard: &Heard<'_>) -> Changes {
    let provider = heard.report.provider;
    let mut changes = Changes::default();
    for (id, list) in &world.templates {
        if let Some(outcome) = publication_after_report(heard, *id, list) {
            changes.transitions.extend(outcome.transitions);
            changes.publications.push((*id, outcome.status, outcome.publication));
            changes.versions.extend(outcome.version);
        }
        let Some(member) = list.members.get(&provider) else { continue };
        let change = member_after_report(heard, *id, list, member);
        if let Some(member) = changes.take(member, change) {
            changes.members.push((*id, provider, member));
        }
    }
    for host in world.hosts.iter().filter(|host| host.provider == provider) {
        let change = host_after_report(heard, host);
        if let Some(changed) = changes.take(host, change) {
            changes.hosts.push((host.id, changed));
        }
    }
    let waiting = world.operations.get(&provider).into_iter().flatten();
    for operation in waiting {
        let ended = heard.report.operations.iter().find(|report| report.id == operation.id);
        if let Some(ended) = ended.filter(|report| report.outcome != Outcome::Running) {
            changes.operations.push((provider, ended.id, ended.outcome.clone()));
        }
    }
    changes
}

/// Everything that time alone changes: attempts that are due, deleted templates of which nothing
/// is left.
pub fn due(world: &World, now: Timestamp) -> Changes {
    let mut changes = Changes::default();
    for (id, list) in &world.templates {
        if let Some(outcome) = publication_due(*id, list, now) {
            changes.transitions.extend(outcome.transitions);
            changes.publications.push((*id, outcome.status, outcome.publication));
        }
        for (provider, member) in &list.members {
            let name = world.providers.get(provider).map_or("a provider", |there| there.name.as_str());
            let change = member_due(*id, list, *provider, name, member, now);
            if let Some(member) = changes.take(member, change) {
                changes.members.push((*id, *provider, member));
            }
        }
        let has_hosts = world.hosts.iter().any(|host| host.template == *id);
        if list.status == TemplateStatus::Deleting && list.members.is_empty() && !has_hosts {
            changes.templates_gone.push(*id);
            changes.transitions.push(Transition {
                kind: TransitionKind::Removed,
                subject: Subject::Template(*id),
                sentence: format!("template `{}` is deleted everywhere", list.name),
                code: None,
            });
        }
    }
    for host in &world.hosts {
        let change = host_due(host, now);
        if let Some(changed) = changes.take(host, change) {
            changes.hosts.push((host.id, changed));
        }
    }
    changes
}

/// The assignment to store and send, if `orders` are not what this epoch has told already. What an
/// earlier epoch told counts as nothing: after a restore everybody is told anew, since the backup
/// does not know what was said after it.
pub fn tell(epoch: u64, told: Option<&Assignment>, orders: Orders) -> Option<Assignment> {
    let told = told.filter(|told| told.generation.epoch == epoch);
    let first = Generation { epoch, number: 1 };
    match told {
        Some(told) if told.orders == orders => None,
        Some(told) => Some(Assignment { generation: told.generation.next(), orders }),
        None => Some(Assignment { generation: first, orders }),
    }
}

/// Whether a server that began at `started` has heard enough to tell anybody anything new. Right
/// after a start it knows no holder and nobody's progress: orders made then would name no source
/// and take running transfers their turn. It waits until all answer, or until silence means it.
pub fn knows_enough(world: &World, started: Timestamp, now: Timestamp) -> bool {
    now.since(started) >= SILENCE_MAX || world.providers.values().all(|there| there.state.answers())
}

#[cfg(test)]
#[path = "reconcile_tests.rs"]
mod tests;
