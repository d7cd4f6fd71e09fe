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
//! Start at [`after_report`] and [`due()`]; one file a record: `member`, `host`, `publication`,
//! `maintenance`, `version`, `hearing`. Recreations, pools and schedules decide in modules of their own.

mod changes;
mod damage;
mod due;
mod hearing;
mod host;
mod maintenance;
mod member;
mod publication;
mod version;

pub use changes::Changes;
pub use due::due;

pub use hearing::{Hearing, Heed};
pub use host::{host_after_report, host_due};
pub use maintenance::{MaintenanceOutcome, maintenance_after_report, maintenance_due};
pub use member::{member_after_report, member_due, member_retried};
pub use publication::{PublicationOutcome, publication_after_report, publication_due};

use crate::{
    assignment::{Assignment, Orders},
    code::{Code, Retry},
    generation::Generation,
    ids::{HostId, PoolId, ProviderId, RecreationId, ScheduleId, TemplateId},
    names::ProviderName,
    plan::{TemplateInWorld, World},
    provider::SILENCE_MAX,
    report::{Outcome, Report},
    retry,
    template::PublicationSource,
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
    /// A wave of a recreation is well.
    WavePassed,
    /// An attempt is over without success.
    Failed,
    /// What was wished for later begins: a recreation, and that of each of its hosts.
    Begun,
    /// The next attempt begins.
    Retried,
    /// What was there and intact is no longer.
    Lost,
    /// A copy that was verified has wrong bytes, or cannot be read.
    Damaged,
    /// Every byte of it matches again.
    Healed,
    /// What was to be removed is gone.
    Removed,
}

impl TransitionKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::WavePassed => "wave passed",
            Self::Failed => "failed",
            Self::Begun => "begun",
            Self::Retried => "retried",
            Self::Lost => "lost",
            Self::Damaged => "damaged",
            Self::Healed => "healed",
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

/// Everything that a report changes in what is remembered. `world.replicas` need not hold it yet.
pub fn after_report(world: &World, heard: &Heard<'_>) -> Changes {
    let provider = heard.report.provider;
    let mut changes = Changes::default();
    for (id, list) in &world.templates {
        of_template(world, heard, *id, list, &mut changes);
        let Some(member) = list.members.get(&provider) else { continue };
        let mut change = member_after_report(heard, *id, list, member);
        if let Some(next) = &mut change.record {
            change.transitions.extend(damage::damage_told(world, heard, *id, list, next));
        }
        // Another template of the same content may keep the bytes there: that is not the same as gone.
        if change.record.is_none() && is_needed_on(world, *id, list, provider) {
            continue;
        }
        if let Some(member) = changes.take(member, change) {
            changes.members.push((*id, provider, member));
        }
    }
    for host in world.hosts.iter().filter(|host| host.provider == provider) {
        let change = host_after_report(heard, world.templates.get(&host.template), host);
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

/// Hosts of the template are on that provider, or a working copy of it, or what is left of one.
fn is_needed_on(world: &World, id: TemplateId, list: &TemplateInWorld, provider: ProviderId) -> bool {
    world.hosts.iter().any(|host| host.template == id && host.provider == provider)
        || list.maintenance.as_ref().is_some_and(|there| there.provider == provider)
        || list.discarded.iter().any(|left| left.provider == provider)
}

/// What a report says of a template's publication, its maintenance and its versions that go.
fn of_template(
    world: &World,
    heard: &Heard<'_>,
    id: TemplateId,
    list: &TemplateInWorld,
    changes: &mut Changes,
) {
    let mut outcome = maintenance_after_report(heard, id, list);
    let published = publication_after_report(heard, id, list);
    if let Some(published) = published {
        let source = list.publication.as_ref().map(|publication| &publication.source);
        let of_a_copy = matches!(source, Some(PublicationSource::WorkingCopy { .. }));
        if let Some(maintenance) = list.maintenance.as_ref().filter(|_| of_a_copy) {
            let next = outcome.get_or_insert_with(|| MaintenanceOutcome::of(list));
            match &published.publication {
                Some(publication) => next.shows(publication.problem.clone()),
                None => {
                    let version = published.version.as_ref().map(|(version, _)| version);
                    let now_current = version.or(published.again.as_ref()).cloned();
                    let left = maintenance::Left { maintenance, now_current };
                    changes.recreations.extend(maintenance::recreation(world, &left, heard.now));
                    next.is_left(&left);
                }
            }
        }
        changes.transitions.extend(published.transitions);
        changes.publications.push((id, published.status, published.publication));
        changes.versions.extend(published.version);
        changes.current.extend(published.again.map(|version| (id, version.number)));
    }
    changes.maintained(id, list, outcome);
    version::gone(world, heard, id, list, changes);
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

#[cfg(test)]
#[path = "reconcile_rolling_tests.rs"]
mod rolling_tests;
