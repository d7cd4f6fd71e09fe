//! The loop that acts: look at the disk, decide, start what is to be done, and again when anything
//! changes. It holds no plan and no queue: `domain::agent::decide` says it anew each time.

use crate::{
    board::{Board, Failure, Knowledge, Task, TaskPhase, incarnation_of},
    data::{self, DataDir},
    depot::Depots,
    finding::Finding,
    report::progress_of,
    settings::AgentSettings,
    survey, sweep,
    watch::Driver,
    work,
};
use diecast_domain::{
    agent::{Local, Object, Step, decide},
    assignment::{Assignment, Deletion, Orders},
    code::Problem,
    host::HostPhase,
    ids::{HostId, ProviderId},
    maintenance::WorkingCopyPhase,
    provider::{ProviderSettings, Source},
    replica::{Phase, Progress},
    report::PublicationPhase,
    units::ByteCount,
};
use diecast_provider::Libvirt;
use diecast_transfer::{progress::Progress as Counter, wire::FrameClient};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, MutexGuard},
    time::{Duration, Instant},
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// The longest time without a look at the disk.
const TICK: Duration = Duration::from_secs(2);
/// How long it is believed that the hypervisor still sees what was shown to it.
const REGISTRATION_LIFE: Duration = Duration::from_secs(60);
/// Between two tries of a removal that fails, or of an operation whose outcome cannot be kept.
const UNCOUNTED_PAUSE: Duration = Duration::from_secs(5);

/// What every task is handed.
#[derive(Clone)]
pub struct Site {
    pub board: Arc<Board>,
    pub data: DataDir,
    pub settings: Arc<AgentSettings>,
    pub provider: ProviderId,
    pub name: String,
    pub hypervisor: Arc<Libvirt>,
    pub provider_settings: ProviderSettings,
    /// Diecast's directory in the pool.
    pub storage: PathBuf,
    pub server: crate::server::Server,
    pub frames: Arc<FrameClient>,
    pub depots: Arc<Depots>,
}

/// One task's own things.
pub struct Job {
    pub site: Site,
    pub object: Object,
    pub orders: Orders,
    pub progress: Arc<Counter>,
    pub cancel: CancellationToken,
    pub sources: watch::Receiver<Vec<Source>>,
}

/// How a task ends: done, stopped because somebody wanted it, or with a problem.
pub type Ended = Result<(), Option<Problem>>;

impl Job {
    pub fn phase(&self, phase: TaskPhase) {
        self.site.board.phase(self.object, phase);
    }

    pub fn pool(&self) -> &str {
        &self.site.provider_settings.storage
    }
}

/// Runs for as long as the agent does. `make_site` gives what tasks need once the hypervisor is known.
pub async fn run(
    board: Arc<Board>,
    data: DataDir,
    depots: Arc<Depots>,
    driver: watch::Receiver<Driver>,
    make_site: impl Fn(Arc<Libvirt>, ProviderSettings, PathBuf) -> Site,
) {
    let mut looked_again = Instant::now();
    loop {
        let steps = {
            let mut known = tokio::task::block_in_place(|| look_around(&board, &data, &depots));
            forget_what_is_over(&mut known, &data);
            take_on_hosts(&mut known, &data);
            let ready = known.hypervisor.answers();
            let storage = known.storage.clone();
            match (known.assignment.clone(), storage, driver.borrow().clone()) {
                (Some(told), Some(storage), Some((hypervisor, used)))
                    if ready && used == told.orders.settings =>
                {
                    let steps = decide(&told.orders, &known.local);
                    Some((steps, told, make_site(hypervisor, used, storage)))
                }
                (Some(told), None, Some((hypervisor, used))) if ready && used == told.orders.settings => {
                    let steps = without_storage(&mut known, &told.orders);
                    Some((steps, told, make_site(hypervisor, used, PathBuf::new())))
                }
                _ => None,
            }
        };
        if let Some((steps, told, site)) = steps {
            if looked_again.elapsed() >= REGISTRATION_LIFE {
                looked_again = Instant::now();
                tokio::spawn(work::look_again(site.clone(), told.orders.clone()));
                tokio::task::spawn_blocking({
                    let site = site.clone();
                    move || sweep::sweep(&site)
                });
            }
            for step in steps.into_iter().filter(|step| !failed_just_now(step, &board)) {
                begin(step, &told, &site);
            }
        }
        tokio::select! {
            () = board.changed.notified() => {}
            () = tokio::time::sleep(TICK) => {}
        }
    }
}

/// Looks at the disk, and serves to peers what is there.
fn look_around<'b>(board: &'b Board, data: &DataDir, depots: &Depots) -> MutexGuard<'b, Knowledge> {
    let known = survey::survey(board, data);
    let Some(storage) = known.storage.clone() else { return known };
    let whole = known.verified_at.keys().copied().collect();
    let derived = known.derived.clone();
    drop(known);
    let from_parts = depots.follow(&storage, &whole, &derived, data);
    let mut known = board.know();
    known.served_from_parts = from_parts;
    known
}

/// Hosts that the server knows as made and that no mark of this agent names: its folder was lost. What
/// stands was made as it stands; of what does not stand, all that is ordered now was made once. Only a
/// higher incarnation makes it again.
fn take_on_hosts(known: &mut Knowledge, data: &DataDir) {
    let Some(told) = known.assignment.as_ref().filter(|_| known.hypervisor.answers()) else { return };
    let unmarked = told.orders.hosts.iter().filter(|order| {
        let busy = known.tasks.contains_key(&Object::Host(order.id));
        let marked = known.local.hosts_made.contains_key(&order.id);
        order.made && !busy && !marked && matches!(data.incarnation_made(order.id), Ok(None))
    });
    let stood = |id: HostId| known.hypervisor.host(id).map(|found| found.incarnation);
    let made: Vec<_> =
        unmarked.map(|order| (order.id, stood(order.id).unwrap_or(order.incarnation))).collect();
    for (host, incarnation) in made {
        match data.write_made(host, incarnation) {
            Ok(()) => drop(known.local.hosts_made.insert(host, incarnation)),
            Err(error) => tracing::error!("{error:#}"),
        }
    }
}

/// There is no pool yet: what needs one fails, with the reason; a check can still be made.
fn without_storage(known: &mut Knowledge, orders: &Orders) -> Vec<Step> {
    let Some(problem) = known.storage_problem.clone() else { return Vec::new() };
    known.local.busy = known.tasks.keys().copied().collect();
    known.local.operations_ended = known.operations.keys().copied().collect();
    known.local.failed = known.failed_attempts();
    let mut steps = Vec::new();
    for step in decide(orders, &known.local) {
        let object = match step {
            Step::Publish(id) => Object::Publication(id),
            Step::Fill(digest) => Object::Replica(digest),
            Step::Operate(_) => {
                steps.push(step);
                continue;
            }
            _ => continue,
        };
        let failure = Failure {
            attempt: attempt_of(orders, object),
            incarnation: None,
            problem: problem.clone(),
            at: Instant::now(),
        };
        known.failures.insert(object, failure);
    }
    steps
}

/// Removals and operations have no attempts to count: they are tried again until they succeed, with
/// a pause.
fn failed_just_now(step: &Step, board: &Board) -> bool {
    let known = board.know();
    let failure = match step {
        Step::RemoveReplica(_) | Step::RemoveHost(_) | Step::RemoveWorkingCopy(_) | Step::Operate(_) => {
            known.failures.get(&step.object())
        }
        Step::RemoveSetAside(host) => known.set_aside_failures.get(host),
        _ => None,
    };
    failure.is_some_and(|failure| failure.at.elapsed() < UNCOUNTED_PAUSE)
}

/// Outcomes are kept until the server has stopped asking for them.
fn forget_what_is_over(known: &mut Knowledge, data: &DataDir) {
    let Some(orders) = known.assignment.as_ref().map(|assignment| assignment.orders.clone()) else { return };
    let over = |operation: &diecast_domain::ids::OperationId| {
        !orders.operations.iter().any(|ordered| ordered.id == *operation)
    };
    for operation in known.local.operations_ended.iter().filter(|operation| over(operation)) {
        let _ = data::remove(&data.operation(*operation));
        known.operations.remove(operation);
    }
    let done = |publication: &diecast_domain::ids::PublicationId| {
        !orders.publications.iter().any(|ordered| ordered.id == *publication)
    };
    known.failures.retain(|object, _| ordered(&orders, *object));
    known.bundles_ended.retain(|id| orders.bundle(*id).is_some());
    known.set_aside_failures.retain(|host, _| {
        let named =
            |deletion: &Deletion| matches!(deletion, Deletion::SetAside { host: of, .. } if of == host);
        orders.deletions.iter().any(named)
    });
    let over: Vec<_> = known.published.keys().filter(|publication| done(publication)).copied().collect();
    for publication in over {
        let _ = data::remove(&data.published(publication));
        known.published.remove(&publication);
    }
}

/// Whether anything is wanted of it.
fn ordered(orders: &Orders, object: Object) -> bool {
    let deleted = |deletion: &Deletion| match (deletion, object) {
        (Deletion::Host { host, .. }, Object::Host(id)) => *host == id,
        (Deletion::WorkingCopy { id }, Object::WorkingCopy(copy)) => *id == copy,
        (Deletion::Replica { version }, Object::Replica(digest)) => version.digest == digest,
        _ => false,
    };
    orders.deletions.iter().any(deleted)
        || match object {
            Object::Publication(id) => orders.publications.iter().any(|order| order.id == id),
            Object::Replica(digest) => orders.replica(&digest).is_some(),
            Object::Host(host) => orders.hosts.iter().any(|order| order.id == host),
            Object::Operation(id) => orders.operations.iter().any(|order| order.id == id),
            Object::Bundle(id) => orders.bundle(id).is_some(),
            Object::WorkingCopy(id) => orders.working_copies.iter().any(|order| order.id == id),
        }
}

/// Starts a step's task, or stops one. The task reports on the board and clears itself from it.
fn begin(step: Step, told: &Assignment, site: &Site) {
    let (object, orders) = (step.object(), &told.orders);
    let phase = match step {
        Step::Cancel(object) => {
            if let Some(task) = site.board.know().tasks.get(&object) {
                task.cancel.cancel();
            }
            return;
        }
        Step::Publish(_) => TaskPhase::Publication(PublicationPhase::Preflight),
        Step::Fill(_) => TaskPhase::Replica(Phase::Preflight),
        Step::Mend(_) => TaskPhase::Replica(Phase::Verifying),
        Step::Register(_) => TaskPhase::Replica(Phase::Registering),
        Step::RemoveReplica(_) => TaskPhase::Replica(Phase::Removing),
        Step::MakeHost(_) => TaskPhase::Host(HostPhase::Creating),
        Step::RecreateHost(_) => TaskPhase::Host(HostPhase::Recreating),
        Step::RemoveHost(_) => TaskPhase::Host(HostPhase::Deleting),
        // The host itself stands as it did.
        Step::RemoveSetAside(_) => TaskPhase::Host(HostPhase::Made),
        Step::MakeWorkingCopy(_) => TaskPhase::WorkingCopy(WorkingCopyPhase::Creating),
        Step::RemoveWorkingCopy(_) => TaskPhase::WorkingCopy(WorkingCopyPhase::Deleting),
        Step::Operate(_) => TaskPhase::Operation,
        Step::CarryBundle(_) => TaskPhase::Bundle,
    };
    let attempt = attempt_of(orders, object);
    let incarnation = match object {
        Object::Host(host) => incarnation_of(orders, host),
        _ => None,
    };
    let sources = match object {
        Object::Replica(digest) => orders.replica(&digest).map(|order| order.sources.clone()),
        _ => None,
    };
    let (sender, sources) = watch::channel(sources.unwrap_or_default());
    let job = Job {
        site: site.clone(),
        object,
        orders: orders.clone(),
        progress: Arc::new(Counter::of(told.generation)),
        cancel: CancellationToken::new(),
        sources,
    };
    let task = Task {
        phase,
        attempt,
        progress: job.progress.clone(),
        reading: None,
        cancel: job.cancel.clone(),
        sources: Some(sender),
    };
    if !site.board.enter(object, task, told.generation) {
        return;
    }
    let site = site.clone();
    let progress = job.progress.clone();
    // Every line of the task names the assignment; so do those of the server that gave it, and of peers
    // that are asked for it.
    let span = tracing::info_span!("task", assignment = %told.generation, object = %object, attempt);
    let task = async move {
        tracing::info!("a task begins");
        let ended = tokio::spawn(work::perform(step.clone(), job).in_current_span()).await;
        let ended = ended.unwrap_or_else(|failed| {
            let cause = format!("a task of the agent ended unexpectedly: {failed}");
            Err(Some(Problem::new(diecast_domain::code::Code::S0004, cause)))
        });
        for (version, damage) in progress.damaged_seeds() {
            site.board.found_damaged(&site.data, version, Finding::of(version, damage));
        }
        finish(&site, &step, ended, Tried { attempt, incarnation });
    };
    tokio::spawn(task.instrument(span));
}

/// Which try of what a task was.
struct Tried {
    attempt: u32,
    incarnation: Option<u32>,
}

fn finish(site: &Site, step: &Step, ended: Ended, Tried { attempt, incarnation }: Tried) {
    let object = step.object();
    if ended.is_ok() {
        tracing::info!("the task is done");
    }
    let mut known = site.board.know();
    if let Object::Bundle(id) = object {
        known.bundles_ended.insert(id);
    }
    if let (Object::Replica(digest), Some(task)) = (object, known.tasks.get(&object)) {
        let took = Progress { rate: Default::default(), seconds_left: None, ..progress_of(task) };
        if took.total > ByteCount::ZERO {
            known.transfers.insert(digest, took);
        }
    }
    match (ended, step) {
        (Ok(()), Step::RemoveSetAside(host)) => drop(known.set_aside_failures.remove(host)),
        (Ok(()), _) => drop(known.failures.remove(&object)),
        (Err(None), _) => tracing::info!("{object} was stopped"),
        (Err(Some(problem)), _) => {
            tracing::warn!(code = %problem.code, attempt, "{object} failed: {}", problem.cause);
            let failure = Failure { attempt, incarnation, problem, at: Instant::now() };
            match step {
                Step::RemoveSetAside(host) => known.set_aside_failures.insert(*host, failure),
                // Who ordered it was told.
                Step::CarryBundle(_) => None,
                _ => known.failures.insert(object, failure),
            };
        }
    }
    drop(known);
    // One look before the task is taken off, so that no report falls between the two.
    let mut known = tokio::task::block_in_place(|| look_around(&site.board, &site.data, &site.depots));
    known.tasks.remove(&object);
    let Local { busy, removing, .. } = &mut known.local;
    busy.remove(&object);
    removing.remove(&object);
    drop(known);
    site.board.nudge();
}

fn attempt_of(orders: &Orders, object: Object) -> u32 {
    let found = match object {
        Object::Publication(id) => {
            orders.publications.iter().find(|order| order.id == id).map(|order| order.attempt)
        }
        Object::Replica(digest) => orders.replica(&digest).map(|order| order.attempt),
        Object::Host(host) => orders.hosts.iter().find(|order| order.id == host).map(|order| order.attempt),
        Object::WorkingCopy(id) => {
            orders.working_copies.iter().find(|order| order.id == id).map(|order| order.attempt)
        }
        Object::Operation(_) | Object::Bundle(_) => None,
    };
    found.unwrap_or(1)
}

/// A failure of this agent's own files.
pub fn own_trouble(error: &anyhow::Error) -> Problem {
    use diecast_domain::code::Code;
    let full = error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>()).any(|error| {
        matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
    });
    Problem::new(if full { Code::T0003 } else { Code::S0003 }, format!("{error:#}"))
}

/// A failure to change something in the pool.
pub fn disk_trouble(doing: &str, path: &Path, error: &std::io::Error) -> Problem {
    use diecast_domain::code::Code;
    let code = match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Code::T0003,
        _ => Code::T0004,
    };
    Problem::new(code, format!("could not {doing} {}: {error}", path.display()))
}

#[cfg(test)]
#[path = "worker_tests.rs"]
mod tests;
