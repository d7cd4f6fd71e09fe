//! The board: everything the agent knows at this moment, under one lock that is never held across
//! a wait. Tasks write their state on it, the reporter reads it, so a report is never late because
//! something else is.

use crate::{
    data::{self, DataDir},
    finding::Finding,
    paces::Paces,
    sight::Sight,
};
use diecast_domain::{
    agent::{Local, Object},
    assignment::{Assignment, ConsoleOrder, Orders},
    code::Problem,
    digest::Digest,
    generation::Generation,
    host::HostPhase,
    ids::{BundleId, HostId, OperationId, PublicationId},
    maintenance::WorkingCopyPhase,
    provider::{ProviderFacts, Source, Vm},
    replica::{Phase, Progress},
    report::{Load, Outcome, PublicationPhase, Published},
    scrub::ScrubReport,
    units::{ByteCount, Timestamp},
};
use diecast_provider::{HostFound, WorkingCopyFound};
use diecast_transfer::progress::Progress as Counter;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

#[derive(Debug, Default)]
pub struct Board {
    facts: Mutex<Knowledge>,
    /// Held by who looks at the disk; never waited for with the lock on what is known.
    pub looking: Mutex<()>,
    /// Something changed that may call for a decision.
    pub changed: Notify,
    /// Screens that the server's last word names.
    pub consoles: watch::Sender<Vec<ConsoleOrder>>,
    /// How fast versions may come and go.
    pub paces: Paces,
}

#[derive(Debug, Default)]
pub struct Knowledge {
    pub assignment: Option<Assignment>,
    pub hypervisor: Hypervisor,
    /// Diecast's directory in the storage pool, as it was found last.
    pub storage: Option<PathBuf>,
    /// Why the pool cannot be used now, if so.
    pub storage_problem: Option<Problem>,
    /// The last look at the disk that succeeded.
    pub local: Local,
    /// The very last one did not.
    pub look_failed: bool,
    pub verified_at: BTreeMap<Digest, Timestamp>,
    /// Versions published here from a working copy, and what they were derived from.
    pub derived: BTreeMap<Digest, Digest>,
    /// Versions that this process has seen in the hypervisor's sight.
    pub registered: BTreeSet<Digest>,
    /// Versions served from the spool and the files of the version that they were derived from.
    pub served_from_parts: BTreeSet<Digest>,
    /// Versions found damaged by a reading, although their files look unchanged.
    pub damaged: BTreeMap<Digest, Finding>,
    /// What was found damaged last, and matches again.
    pub mended: BTreeMap<Digest, Finding>,
    /// How busy this machine was at the last look at the hypervisor.
    pub load: Option<Load>,
    /// Free space that is left alone, if somebody said how much.
    pub floor: Option<ByteCount>,
    /// How far the scrub is that was begun.
    pub scrub: Option<ScrubReport>,
    pub tasks: BTreeMap<Object, Task>,
    /// What the last transfer of a version took, to be told after it is over.
    pub transfers: BTreeMap<Digest, Progress>,
    pub failures: BTreeMap<Object, Failure>,
    /// Former disks that could not be deleted: no attempt of anything counts that.
    pub set_aside_failures: BTreeMap<HostId, Failure>,
    pub published: BTreeMap<PublicationId, Published>,
    /// When the spooled frames of a version were last needed here, in this life.
    pub spools_needed: BTreeMap<Digest, Instant>,
    pub operations: BTreeMap<OperationId, Outcome>,
    /// Bundles that were carried, or could not be, in this life.
    pub bundles_ended: BTreeSet<BundleId>,
    pub addresses: Vec<String>,
    /// What was told before the server was restored from a backup, until it has learnt what differs.
    pub former: Option<Orders>,
}

/// What the hypervisor said last.
#[derive(Debug, Default)]
pub struct Hypervisor {
    pub facts: Option<ProviderFacts>,
    pub problem: Option<Problem>,
    pub vms: Vec<Vm>,
    /// Machines that carry a host's mark: hosts, and what somebody copied from them.
    pub marked: Sight<HostFound>,
    pub working_copies: Sight<WorkingCopyFound>,
    /// Working copies were looked for in the storage that is used.
    pub storage_seen: bool,
    /// It has answered since this process began; before that, a host not seen is not a host gone.
    pub answered: bool,
}

impl Hypervisor {
    /// The hosts that stand. What somebody copied from one is none.
    pub fn hosts(&self) -> impl Iterator<Item = &HostFound> {
        self.marked.iter().filter(|found| !found.is_copy())
    }

    pub fn host(&self, id: HostId) -> Option<&HostFound> {
        self.marked.get(id.as_uuid()).filter(|found| found.id == id)
    }

    pub fn answers(&self) -> bool {
        self.answered && self.problem.is_none()
    }
}

/// A task that runs now.
#[derive(Debug)]
pub struct Task {
    pub phase: TaskPhase,
    pub attempt: u32,
    pub progress: Arc<Counter>,
    /// While a golden machine's disks are made into plain files: done and total.
    pub reading: Option<(ByteCount, ByteCount)>,
    pub cancel: CancellationToken,
    /// Whom a transfer may ask: changed while it runs.
    pub sources: Option<watch::Sender<Vec<Source>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskPhase {
    Replica(Phase),
    Publication(PublicationPhase),
    /// [`HostPhase::Made`] while something beside a host that stands is worked on.
    Host(HostPhase),
    WorkingCopy(WorkingCopyPhase),
    Operation,
    Bundle,
}

impl TaskPhase {
    pub const fn is_removal(self) -> bool {
        matches!(
            self,
            Self::Replica(Phase::Removing)
                | Self::Host(HostPhase::Deleting)
                | Self::WorkingCopy(WorkingCopyPhase::Deleting)
        )
    }
}

#[derive(Clone, Debug)]
pub struct Failure {
    pub attempt: u32,
    /// Of a host: which incarnation was to be made. Attempts are counted anew for each.
    pub incarnation: Option<u32>,
    pub problem: Problem,
    pub at: Instant,
}

impl Board {
    /// The lock on everything. Take what is needed and let go.
    pub fn know(&self) -> MutexGuard<'_, Knowledge> {
        // A panic elsewhere cannot leave more than one field half told, and each is told anew.
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn nudge(&self) {
        self.changed.notify_one();
    }

    /// A byte of a version held here is not what it was. The record of its verification goes, so
    /// that a restart does not call intact what is known not to be; what was found stays.
    pub fn found_damaged(&self, data: &DataDir, version: Digest, finding: Finding) {
        let before = self.know().damaged.get(&version).cloned();
        let finding = finding.since(before.as_ref());
        let problem = finding.problem();
        tracing::error!(code = %problem.code, version = %version, "{}", problem.cause);
        if let Err(error) = data::write_json(&data.damaged(&version), &finding) {
            tracing::error!(version = %version, "what was found is not kept: {error:#}");
        }
        if let Err(error) = data.forget_verified(&version) {
            tracing::error!(version = %version, "the record of a verification stays behind: {error}");
        }
        let mut known = self.know();
        known.registered.remove(&version);
        known.damaged.insert(version, finding);
        drop(known);
        self.nudge();
    }

    /// Whether somebody else who answers has what is damaged of it.
    pub fn is_last_copy(&self, data: &DataDir, version: Digest, last_copy: bool) {
        let mut known = self.know();
        let Some(finding) = known.damaged.get_mut(&version) else { return };
        let told = finding.clone().as_last_copy(last_copy);
        if *finding == told {
            return;
        }
        *finding = told.clone();
        drop(known);
        if let Err(error) = data::write_json(&data.damaged(&version), &told) {
            tracing::error!(version = %version, "what was found is not kept: {error:#}");
        }
        self.nudge();
    }

    /// Every byte of a version was read and matched, and that is recorded. What was wrong is told on, as
    /// mended: it may have been so for less than a report takes.
    pub fn is_whole(&self, data: &DataDir, version: Digest) {
        let Some(finding) = self.know().damaged.remove(&version) else { return };
        tracing::info!(version = %version, "every byte matches again");
        let mended = finding.as_mended();
        if let Err(error) = data::write_json(&data.damaged(&version), &mended) {
            tracing::warn!(version = %version, "what was found wrong stays behind: {error:#}");
        }
        self.know().mended.insert(version, mended);
    }

    /// Puts a task on the board, unless newer orders than those it follows from have come meanwhile:
    /// a report may have said already that nothing of it is here. They are decided on anew at once.
    #[must_use]
    pub fn enter(&self, object: Object, task: Task, follows: Generation) -> bool {
        let mut known = self.know();
        let holds = known.assignment.as_ref().is_some_and(|told| told.generation == follows);
        if holds {
            known.tasks.insert(object, task);
        }
        holds
    }

    /// Lets a running task's phase be seen.
    pub fn phase(&self, object: Object, phase: TaskPhase) {
        if let Some(task) = self.know().tasks.get_mut(&object) {
            task.phase = phase;
        }
    }
}

impl Knowledge {
    /// What was held is not there any more, and is not said to be.
    pub fn lose_storage(&mut self, problem: Problem) {
        if self.storage.take().is_some() {
            tracing::error!(code = %problem.code, "{}", problem.cause);
        }
        self.storage_problem = Some(problem);
        self.local.replicas.clear();
        self.verified_at.clear();
        self.registered.clear();
        self.served_from_parts.clear();
        self.hypervisor.storage_seen = false;
    }

    /// Why the last attempt failed, if that is about what is ordered now.
    pub fn failure(&self, object: Object) -> Option<&Failure> {
        let wished = self.wished_incarnation(object);
        let failure = self.failures.get(&object)?;
        let about = failure.incarnation.zip(wished);
        about.is_none_or(|(failed, wished)| failed == wished).then_some(failure)
    }

    /// The last attempt that failed, of all that is ordered now.
    pub fn failed_attempts(&self) -> BTreeMap<Object, u32> {
        let failed = |object: &Object| Some((*object, self.failure(*object)?.attempt));
        self.failures.keys().filter_map(failed).collect()
    }

    fn wished_incarnation(&self, object: Object) -> Option<u32> {
        let Object::Host(host) = object else { return None };
        self.assignment.as_ref().and_then(|told| incarnation_of(&told.orders, host))
    }

    /// New orders took hold: tell running transfers whom they may ask now.
    pub fn refresh_sources(&self) {
        let Some(assignment) = &self.assignment else { return };
        for order in &assignment.orders.replicas {
            let task = self.tasks.get(&Object::Replica(order.version.digest));
            if let Some(sources) = task.and_then(|task| task.sources.as_ref()) {
                sources.send_if_modified(|known| {
                    let differ = *known != order.sources;
                    known.clone_from(&order.sources);
                    differ
                });
            }
        }
    }
}

/// Which incarnation of a host is ordered.
pub fn incarnation_of(orders: &Orders, host: HostId) -> Option<u32> {
    orders.hosts.iter().find(|order| order.id == host).map(|order| order.incarnation)
}
