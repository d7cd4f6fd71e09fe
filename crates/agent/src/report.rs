//! From the board to a report. Pure but for the lock: what is said is what is known.

mod machines;

use crate::{
    board::{Knowledge, Task, TaskPhase},
    finding::Finding,
};
use diecast_domain::{
    agent::{Held, Object},
    assignment::{Orders, PublicationOrder, ReplicaOrder},
    damage::Damage,
    digest::Digest,
    generation::Generation,
    ids::{ProviderId, SessionId},
    replica::{Phase, Progress, ReplicaReport},
    report::{OperationReport, Outcome, PublicationPhase, PublicationReport, Report},
};

/// The agent's release, as reports name it.
pub const AGENT_VERSION: &str = env!("CARGO_PKG_VERSION");

/// The whole truth as of now.
pub fn compose(known: &Knowledge, provider: ProviderId, session: SessionId, sequence: u64) -> Report {
    let orders = known.assignment.as_ref().map(|assignment| &assignment.orders);
    let named = |digest| orders.is_some_and(|orders| orders.replica(digest).is_some());
    Report {
        provider,
        session,
        sequence,
        agent_version: AGENT_VERSION.to_owned(),
        generation: generation(known),
        addresses: known.addresses.clone(),
        facts: known.hypervisor.facts.clone(),
        hypervisor_problem: known.hypervisor.problem.clone(),
        vms: known.hypervisor.vms.clone(),
        publications: each(orders, |orders| &orders.publications, |order| publication(known, order)),
        replicas: replicas(known, orders),
        hosts: machines::hosts(known, orders),
        operations: operations(known, orders),
        working_copies: machines::working_copies(known, orders),
        protocol: diecast_domain::protocol::PROTOCOL,
        name: orders.map(|orders| orders.name.clone()),
        settings: orders.map(|orders| orders.settings.clone()),
        former: known.former.clone().map(Box::new),
        unassigned: known.local.replicas.keys().filter(|digest| !named(digest)).copied().collect(),
        floor: known.floor,
        load: known.load,
        traffic: diecast_transfer::totals::traffic(),
        scrub: known.scrub,
    }
}

/// Before the disk was looked at nothing can be said of orders: that something is not told of must
/// not be taken for its being gone.
fn generation(known: &Knowledge) -> Generation {
    let looked = known.storage.is_some() || known.storage_problem.is_some();
    let held = known.assignment.as_ref().filter(|_| looked);
    held.map(|assignment| assignment.generation).unwrap_or_default()
}

fn each<'o, T: 'o, R>(
    orders: Option<&'o Orders>,
    list: impl Fn(&'o Orders) -> &'o Vec<T>,
    say: impl Fn(&'o T) -> R,
) -> Vec<R> {
    orders.map(|orders| list(orders).iter().map(say).collect()).unwrap_or_default()
}

/// How far a task is, in the words of reports.
pub fn progress_of(task: &Task) -> Progress {
    let view = task.progress.view();
    if let Some((done, total)) = task.reading {
        return Progress { done, total, ..Progress::default() };
    }
    Progress {
        done: view.bytes_done,
        total: view.bytes_total,
        network: view.bytes_network,
        local: view.bytes_local,
        by_difference: view.bytes_by_difference,
        rate: view.rate,
        seconds_left: view.time_left.map(|left| left.as_secs()),
    }
}

fn publication(known: &Knowledge, order: &PublicationOrder) -> PublicationReport {
    let object = Object::Publication(order.id);
    let mut report = PublicationReport {
        id: order.id,
        phase: PublicationPhase::Queued,
        attempt: order.attempt,
        progress: Progress::default(),
        problem: None,
        published: None,
    };
    if let Some(published) = known.published.get(&order.id) {
        report.phase = PublicationPhase::Done;
        report.published = Some(published.clone());
    } else if let Some(task) = known.tasks.get(&object) {
        if let TaskPhase::Publication(phase) = task.phase {
            report.phase = phase;
        }
        report.attempt = task.attempt;
        report.progress = progress_of(task);
    } else if let Some(failure) = known.failure(object) {
        report.attempt = failure.attempt;
        report.problem = Some(failure.problem.clone());
        if failure.attempt >= order.attempt {
            report.phase = PublicationPhase::Failed;
        }
    }
    report
}

/// Every version that is ordered, and every one that is there or being worked on.
fn replicas(known: &Knowledge, orders: Option<&Orders>) -> Vec<ReplicaReport> {
    let mut reports = each(orders, |orders| &orders.replicas, |order| replica(known, order));
    let mut there = known.local.replicas.clone();
    // What a task works on is not gone, although its order is and nothing of it may be on the disk yet.
    let worked_on = known.tasks.keys().filter_map(|object| match object {
        Object::Replica(digest) => Some(*digest),
        _ => None,
    });
    for digest in worked_on {
        there.entry(digest).or_insert(Held::Partial);
    }
    for (digest, held) in &there {
        if *held == Held::Nothing || reports.iter().any(|report| report.digest == *digest) {
            continue;
        }
        let busy = known.tasks.contains_key(&Object::Replica(*digest));
        let failure = known.failure(Object::Replica(*digest));
        reports.push(ReplicaReport {
            digest: *digest,
            phase: match held {
                _ if busy => Phase::Removing,
                Held::Ready if known.verified_at.contains_key(digest) => Phase::Ready,
                Held::Changed => Phase::Damaged,
                // Just published, and not ordered yet: others may ask for it already.
                Held::Verified if known.verified_at.contains_key(digest) => Phase::Registering,
                _ => Phase::Queued,
            },
            attempt: failure.map_or(1, |failure| failure.attempt),
            progress: Progress::default(),
            verified_at: known.verified_at.get(digest).copied(),
            problem: failure.map(|failure| failure.problem.clone()),
            serves: known.served_from_parts.contains(digest),
            damage: damage(known, digest, *held),
            sources: Vec::new(),
        });
    }
    reports
}

/// What is known to be wrong; of what only looks changed, that nobody has looked yet; of what is whole,
/// what was mended last.
fn damage(known: &Knowledge, digest: &Digest, held: Held) -> Option<Damage> {
    if held != Held::Changed {
        return known.mended.get(digest).map(Finding::told);
    }
    Some(known.damaged.get(digest).map(Finding::told).unwrap_or_default())
}

fn replica(known: &Knowledge, order: &ReplicaOrder) -> ReplicaReport {
    let digest = order.version.digest;
    let object = Object::Replica(digest);
    let held = known.local.replicas.get(&digest).copied().unwrap_or_default();
    let failure = known.failure(object);
    let failed = failure.is_some_and(|failure| failure.attempt >= order.attempt);
    let mut report = ReplicaReport {
        digest,
        phase: match held {
            // Only what was read back whole and is registered, and only with the time of it.
            Held::Ready if known.verified_at.contains_key(&digest) => Phase::Ready,
            _ if failed => Phase::Failed,
            Held::Changed => Phase::Damaged,
            Held::Verified if known.verified_at.contains_key(&digest) => Phase::Registering,
            _ => Phase::Queued,
        },
        attempt: order.attempt,
        progress: known.transfers.get(&digest).copied().unwrap_or_default(),
        verified_at: match held {
            Held::Ready | Held::Verified => known.verified_at.get(&digest).copied(),
            Held::Nothing | Held::Partial | Held::Changed => None,
        },
        problem: failure.map(|failure| failure.problem.clone()),
        serves: known.served_from_parts.contains(&digest),
        damage: damage(known, &digest, held),
        sources: Vec::new(),
    };
    if let Some(failure) = failure.filter(|_| failed) {
        report.attempt = failure.attempt;
    }
    if let Some(finding) = known.damaged.get(&digest) {
        report.problem = Some(finding.problem());
    }
    match known.tasks.get(&object) {
        Some(task) => {
            if let TaskPhase::Replica(phase) = task.phase {
                report.phase = phase;
            }
            report.attempt = task.attempt;
            report.progress = progress_of(task);
            if report.phase == Phase::Transferring {
                report.sources = task.progress.sources();
            }
            if let Some(notice) = task.progress.notices().pop() {
                report.problem = Some(notice);
            }
        }
        None if report.phase == Phase::Ready => report.problem = None,
        None => {}
    }
    report
}

fn operations(known: &Knowledge, orders: Option<&Orders>) -> Vec<OperationReport> {
    let say = |operation: &diecast_domain::assignment::Operation| {
        let outcome = match known.operations.get(&operation.id) {
            Some(outcome) => outcome.clone(),
            None if known.tasks.contains_key(&Object::Operation(operation.id)) => Outcome::Running,
            None => return None,
        };
        Some(OperationReport { id: operation.id, outcome })
    };
    each(orders, |orders| &orders.operations, say).into_iter().flatten().collect()
}

/// Whether a transition happened between the two: what should not wait for the next report.
pub fn differs(before: &Report, after: &Report) -> bool {
    let replicas = |report: &Report| -> Vec<_> {
        report
            .replicas
            .iter()
            .map(|replica| (replica.digest, replica.phase, replica.attempt, replica.damage.clone()))
            .collect()
    };
    let publications = |report: &Report| -> Vec<_> {
        report.publications.iter().map(|publication| (publication.id, publication.phase)).collect()
    };
    let serving = |report: &Report| -> Vec<_> {
        report.replicas.iter().filter(|replica| replica.serves).map(|replica| replica.digest).collect()
    };
    let hosts = |report: &Report| -> Vec<_> {
        let hosts = report.hosts.iter();
        hosts.map(|host| (host.id, host.phase, host.power, host.guest_agent, host.incarnation)).collect()
    };
    let set_aside = |report: &Report| -> Vec<_> {
        report.hosts.iter().map(|host| (host.id, host.set_aside.clone())).collect()
    };
    let working_copies = |report: &Report| -> Vec<_> {
        let copies = report.working_copies.iter();
        copies.map(|copy| (copy.id, copy.phase, copy.power, copy.guest_agent)).collect()
    };
    let vms = |report: &Report| -> Vec<_> { report.vms.iter().map(|vm| (vm.uuid, vm.power)).collect() };
    before.generation != after.generation
        || vms(before) != vms(after)
        || before.hypervisor_problem != after.hypervisor_problem
        || before.operations != after.operations
        || replicas(before) != replicas(after)
        || publications(before) != publications(after)
        || serving(before) != serving(after)
        || hosts(before) != hosts(after)
        || set_aside(before) != set_aside(after)
        || working_copies(before) != working_copies(after)
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
