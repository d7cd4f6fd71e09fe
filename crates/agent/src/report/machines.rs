//! What is said of hosts and working copies: what stands, which incarnation, and what is being done.

use crate::board::{Failure, Knowledge, TaskPhase};
use diecast_domain::{
    agent::Object,
    assignment::{Deletion, HostOrder, Orders, WorkingCopyOrder},
    code::{Code, Problem},
    host::{HostPhase, HostReport},
    ids::{HostId, MaintenanceId},
    maintenance::{WorkingCopyPhase, WorkingCopyReport},
};
use std::collections::BTreeSet;

/// Every host that is ordered, and every one of which something is there or being done.
pub fn hosts(known: &Knowledge, orders: Option<&Orders>) -> Vec<HostReport> {
    let ordered = orders.map(|orders| &orders.hosts[..]).unwrap_or_default();
    let reports = ordered.iter().filter_map(|order| host(known, order));
    // A host still being made is not gone, although its order is and nothing of it may be seen yet.
    let worked_on = known.tasks.keys().filter_map(|object| match object {
        Object::Host(id) => Some(*id),
        _ => None,
    });
    let mut extra: BTreeSet<HostId> = known.local.host_remains.iter().copied().chain(worked_on).collect();
    extra.extend(unseen(known, orders).filter_map(|deletion| match deletion {
        Deletion::Host { host, .. } => Some(*host),
        _ => None,
    }));
    extra.retain(|id| !ordered.iter().any(|order| order.id == *id));
    reports
        .chain(extra.into_iter().map(|id| unordered_host(known, id)))
        .map(|report| kept(known, report))
        .collect()
}

/// What is to be deleted from a storage that is not in sight is not gone.
fn unseen<'o>(known: &Knowledge, orders: Option<&'o Orders>) -> impl Iterator<Item = &'o Deletion> {
    let out_of_sight = orders.filter(|_| known.storage.is_none());
    out_of_sight.into_iter().flat_map(|orders| &orders.deletions)
}

fn unordered_host(known: &Knowledge, id: HostId) -> HostReport {
    let object = Object::Host(id);
    let failure = known.failure(object);
    let mut report = found(known, id, HostPhase::Deleting);
    report.problem = failure.map(|failure| failure.problem.clone());
    let deleting = known.tasks.contains_key(&object) || failure.is_some();
    if !deleting && stands(known, id) {
        report.phase = HostPhase::Made;
    }
    report
}

/// None until something can be said of it.
fn host(known: &Knowledge, order: &HostOrder) -> Option<HostReport> {
    let object = Object::Host(order.id);
    let made = known.local.hosts_made.get(&order.id).copied();
    let mut report = found(known, order.id, HostPhase::Creating);
    report.attempt = order.attempt;
    if let Some(TaskPhase::Host(phase)) = known.tasks.get(&object).map(|task| task.phase)
        && phase != HostPhase::Made
    {
        report.phase = phase;
        return Some(report);
    }
    let stood = order.made || made.is_some();
    if stood && !known.hypervisor.answers() {
        return None;
    }
    let awaited = made.is_some_and(|made| made < order.incarnation);
    let failure = known.failure(object);
    match failure {
        Some(failure) if awaited || !stood => tell(failure, &mut report),
        _ => {}
    }
    report.phase = match (failure, stands(known, order.id)) {
        (Some(failure), _) if (awaited || !stood) && failure.attempt >= order.attempt => HostPhase::Failed,
        _ if !stood => HostPhase::Creating,
        (_, true) => HostPhase::Made,
        (_, false) if awaited => HostPhase::Recreating,
        (_, false) => HostPhase::Gone,
    };
    if report.problem.is_none() {
        let failure = known.set_aside_failures.get(&order.id);
        report.problem = failure.map(|failure| failure.problem.clone());
    }
    Some(report)
}

fn tell(failure: &Failure, report: &mut HostReport) {
    report.attempt = failure.attempt;
    report.problem = Some(failure.problem.clone());
}

fn stands(known: &Knowledge, id: HostId) -> bool {
    known.hypervisor.host(id).is_some()
}

fn found(known: &Knowledge, id: HostId, phase: HostPhase) -> HostReport {
    let seen = known.hypervisor.host(id);
    HostReport {
        id,
        phase,
        attempt: 1,
        power: seen.map(|host| host.power),
        addresses: seen.map(|host| host.addresses.clone()).unwrap_or_default(),
        guest_agent: seen.is_some_and(|host| host.guest_agent),
        guest_name: seen.and_then(|host| host.guest_name.clone()),
        problem: None,
        incarnation: known.local.hosts_made.get(&id).copied().unwrap_or_default(),
        digest: seen.map(|host| host.digest),
        users: seen.and_then(|host| host.users.clone()),
        set_aside: Vec::new(),
    }
}

/// Says which former disks are there; of a storage that is not in sight, those that are to be deleted.
fn kept(known: &Knowledge, mut report: HostReport) -> HostReport {
    let mut there = known.local.set_aside.get(&report.id).cloned().unwrap_or_default();
    let orders = known.assignment.as_ref().map(|told| &told.orders);
    there.extend(unseen(known, orders).filter_map(|deletion| match deletion {
        Deletion::SetAside { host, incarnation } if *host == report.id => Some(*incarnation),
        _ => None,
    }));
    report.set_aside = there.into_iter().collect();
    report
}

/// Every working copy that is ordered, and every one of which something is there or being done.
pub fn working_copies(known: &Knowledge, orders: Option<&Orders>) -> Vec<WorkingCopyReport> {
    let ordered = orders.map(|orders| &orders.working_copies[..]).unwrap_or_default();
    let reports = ordered.iter().filter_map(|order| working_copy(known, order));
    let worked_on = known.tasks.keys().filter_map(|object| match object {
        Object::WorkingCopy(id) => Some(*id),
        _ => None,
    });
    let remains = known.local.working_copy_remains.iter().copied();
    let mut extra: BTreeSet<MaintenanceId> = remains.chain(worked_on).collect();
    extra.extend(unseen(known, orders).filter_map(|deletion| match deletion {
        Deletion::WorkingCopy { id } => Some(*id),
        _ => None,
    }));
    extra.retain(|id| !ordered.iter().any(|order| order.id == *id));
    reports.chain(extra.into_iter().map(|id| unordered_copy(known, id))).collect()
}

fn unordered_copy(known: &Knowledge, id: MaintenanceId) -> WorkingCopyReport {
    let object = Object::WorkingCopy(id);
    let failure = known.failure(object);
    let busy = known.tasks.contains_key(&object);
    let (mut report, disks) = copy_found(known, id, WorkingCopyPhase::Deleting);
    if !busy && failure.is_none() && disks {
        report.phase = WorkingCopyPhase::Made;
    }
    report.problem = failure.map(|failure| failure.problem.clone());
    report
}

/// None until something can be said of it.
fn working_copy(known: &Knowledge, order: &WorkingCopyOrder) -> Option<WorkingCopyReport> {
    let object = Object::WorkingCopy(order.id);
    let (mut report, disks) = copy_found(known, order.id, WorkingCopyPhase::Creating);
    report.attempt = order.attempt;
    if let Some(TaskPhase::WorkingCopy(phase)) = known.tasks.get(&object).map(|task| task.phase) {
        report.phase = phase;
        return Some(report);
    }
    let stood = order.made || known.local.working_copies_made.contains(&order.id);
    if !stood {
        if let Some(failure) = known.failure(object) {
            report.attempt = failure.attempt;
            report.problem = Some(failure.problem.clone());
            if failure.attempt >= order.attempt {
                report.phase = WorkingCopyPhase::Failed;
            }
        }
        return Some(report);
    }
    if !known.hypervisor.answers() {
        return None;
    }
    report.phase = WorkingCopyPhase::Made;
    if !known.hypervisor.storage_seen {
        // Its storage is not in sight: what is not seen there is not gone.
        report.problem = known.storage_problem.clone();
        return report.problem.is_some().then_some(report);
    }
    if !disks {
        report.phase = WorkingCopyPhase::Gone;
        report.problem = Some(Problem::new(
            Code::M0003,
            format!("the disks of the working copy of `{}` are not where they were made", order.base.name),
        ));
    } else if report.power.is_none() {
        report.problem = Some(Problem::new(
            Code::M0004,
            format!(
                "somebody undefined the machine of the working copy of `{}`; its disks are all there",
                order.base.name
            ),
        ));
    }
    Some(report)
}

/// What was seen of it, and whether its disks are all there.
fn copy_found(known: &Knowledge, id: MaintenanceId, phase: WorkingCopyPhase) -> (WorkingCopyReport, bool) {
    let seen = known.hypervisor.working_copies.get(id.as_uuid());
    let report = WorkingCopyReport {
        id,
        phase,
        attempt: 1,
        power: seen.and_then(|copy| copy.power),
        addresses: seen.map(|copy| copy.addresses.clone()).unwrap_or_default(),
        guest_agent: seen.is_some_and(|copy| copy.guest_agent),
        problem: None,
    };
    (report, seen.is_some_and(|copy| copy.disks))
}
