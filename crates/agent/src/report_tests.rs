//! What may be said of a replica, and what may not.

use super::*;
use crate::board::Failure;
use diecast_domain::host::{HostKind, HostPhase, HostReport};
use diecast_domain::{
    assignment::Assignment,
    code::{Code, Problem},
    digest::Digest,
    generation::Generation,
    ids::TemplateId,
    provider::ProviderSettings,
    template::VersionRef,
    units::Timestamp,
};
use diecast_domain::{
    assignment::{Deletion, HostOrder, WorkingCopyOrder},
    ids::{HostId, MaintenanceId},
    maintenance::{WorkingCopyPhase, WorkingCopyReport},
    provider::Power,
};
use diecast_provider::{HostFound, WorkingCopyFound};
use uuid::Uuid;

fn digest() -> Digest {
    Digest::from_bytes([1; 32])
}

fn known(held: Held) -> Knowledge {
    let provider = ProviderId::from_uuid(Uuid::from_u128(1));
    let settings = ProviderSettings {
        uri: "qemu:///system".into(),
        storage: "default".into(),
        networks: Default::default(),
    };
    let mut orders = Orders::none(provider, "kvm-a".parse().unwrap(), settings);
    let version = VersionRef {
        template: TemplateId::from_uuid(Uuid::from_u128(2)),
        name: "win11".parse().unwrap(),
        number: 1,
        digest: digest(),
    };
    orders.replicas.push(ReplicaOrder { version, attempt: 2, go: true, sources: Vec::new() });
    let mut known = Knowledge {
        assignment: Some(Assignment { generation: Generation { epoch: 1, number: 4 }, orders }),
        ..Knowledge::default()
    };
    known.local.replicas.insert(digest(), held);
    known
}

fn said(known: &Knowledge) -> ReplicaReport {
    let provider = ProviderId::from_uuid(Uuid::from_u128(1));
    let session = SessionId::from_uuid(Uuid::from_u128(3));
    compose(known, provider, session, 1).replicas.remove(0)
}

fn failed(attempt: u32) -> Failure {
    let problem = Problem::new(Code::T0001, "nobody answers");
    Failure { attempt, incarnation: None, problem, at: std::time::Instant::now() }
}

#[test]
fn ready_is_said_only_of_what_was_verified_and_registered() {
    for held in [Held::Nothing, Held::Partial, Held::Verified, Held::Ready, Held::Changed] {
        for verified in [false, true] {
            let mut known = known(held);
            if verified {
                known.verified_at.insert(digest(), Timestamp(9));
            }
            let ready = said(&known).is_ready();
            assert_eq!(ready, held == Held::Ready && verified, "{held:?}, verified: {verified}");
        }
    }
}

#[test]
fn a_failure_is_told_until_the_next_attempt_is_ordered() {
    let mut known = known(Held::Partial);
    known.failures.insert(Object::Replica(digest()), failed(2));
    let told = said(&known);
    assert_eq!((told.phase, told.attempt), (Phase::Failed, 2));
    known.failures.insert(Object::Replica(digest()), failed(1));
    let queued = said(&known);
    assert_eq!(queued.phase, Phase::Queued, "attempt 2 is ordered and not begun");
    assert_eq!(queued.problem.unwrap().code, Code::T0001, "and why the last one failed is still told");
}

#[test]
fn what_no_order_names_is_reported_and_kept() {
    let mut known = known(Held::Nothing);
    let other = Digest::from_bytes([7; 32]);
    known.local.replicas.insert(other, Held::Ready);
    known.verified_at.insert(other, Timestamp(9));
    let provider = ProviderId::from_uuid(Uuid::from_u128(1));
    let report = compose(&known, provider, SessionId::from_uuid(Uuid::from_u128(3)), 1);
    assert_eq!(report.unassigned, [other]);
    assert!(report.replicas.iter().any(|replica| replica.digest == other && replica.is_ready()));
}

fn task(phase: TaskPhase) -> Task {
    Task {
        phase,
        attempt: 1,
        progress: Default::default(),
        reading: None,
        cancel: Default::default(),
        sources: None,
    }
}

#[test]
fn who_gives_it_is_told_while_a_version_is_transferred_and_is_no_news() {
    let mut known = known(Held::Nothing);
    let from = ProviderId::from_uuid(Uuid::from_u128(9));
    let report = |known: &Knowledge| compose(known, from, SessionId::from_uuid(Uuid::from_u128(3)), 1);
    let transfer = task(TaskPhase::Replica(Phase::Transferring));
    let counter = transfer.progress.clone();
    known.tasks.insert(Object::Replica(digest()), transfer);
    let before = report(&known);
    assert_eq!(before.replicas[0].sources, []);
    counter.received(from, 4096);
    let after = report(&known);
    let told: Vec<_> = after.replicas[0].sources.iter().map(|it| (it.provider, it.received.0)).collect();
    assert_eq!(told, [(from, 4096)]);
    assert!(!differs(&before, &after), "a number alone does not hurry a report");
    known.tasks.insert(
        Object::Replica(digest()),
        Task { progress: counter, ..task(TaskPhase::Replica(Phase::Verifying)) },
    );
    assert_eq!(report(&known).replicas[0].sources, [], "nobody gives anything any more");
}

/// The server takes what is named by nobody's orders and no report for gone, and forgets it.
#[test]
fn what_a_task_still_works_on_is_not_gone_although_its_order_is() {
    let mut known = known(Held::Nothing);
    let other = Digest::from_bytes([7; 32]);
    let host = diecast_domain::ids::HostId::from_uuid(Uuid::from_u128(8));
    known.tasks.insert(Object::Replica(other), task(TaskPhase::Replica(Phase::Preflight)));
    known.tasks.insert(Object::Host(host), task(TaskPhase::Host(HostPhase::Creating)));
    let provider = ProviderId::from_uuid(Uuid::from_u128(1));
    let report = compose(&known, provider, SessionId::from_uuid(Uuid::from_u128(3)), 1);
    assert!(report.replicas.iter().any(|replica| replica.digest == other && !replica.is_ready()));
    assert_eq!(report.hosts.iter().map(|told| told.id).collect::<Vec<_>>(), [host]);
}

#[test]
fn no_task_begins_on_orders_that_newer_ones_have_replaced() {
    let board = crate::board::Board::default();
    *board.know() = known(Held::Nothing);
    let object = Object::Replica(digest());
    let filling = || task(TaskPhase::Replica(Phase::Preflight));
    assert!(!board.enter(object, filling(), Generation { epoch: 1, number: 3 }));
    assert!(board.know().tasks.is_empty());
    assert!(board.enter(object, filling(), Generation { epoch: 1, number: 4 }));
    assert!(board.know().tasks.contains_key(&object));
}

#[test]
fn a_copy_that_somebody_made_of_a_host_is_not_the_host() {
    let host = diecast_domain::ids::HostId::from_uuid(Uuid::from_u128(8));
    let found = |machine| found(host, machine, 1);
    let mut known = known(Held::Ready);
    see(&mut known, vec![found(Uuid::from_u128(9))]);
    let provider = ProviderId::from_uuid(Uuid::from_u128(1));
    let report = |known: &Knowledge| compose(known, provider, SessionId::from_uuid(Uuid::from_u128(3)), 1);
    assert_eq!(report(&known).hosts, [], "or a deleted host would never be gone");
    assert_eq!(known.hypervisor.marked.iter().count(), 1, "but its version is not taken from under it");
    see(&mut known, vec![found(host.as_uuid()), found(Uuid::from_u128(9))]);
    assert_eq!((known.hypervisor.hosts().count(), known.hypervisor.marked.iter().count()), (1, 2));
}

fn found(host: HostId, machine: Uuid, incarnation: u32) -> HostFound {
    HostFound {
        id: host,
        machine,
        name: "desk-1".into(),
        template: "win11".into(),
        number: 1,
        digest: digest(),
        power: Power::Running,
        addresses: Vec::new(),
        guest_agent: true,
        guest_name: None,
        incarnation,
        users: Some(vec!["ada".into()]),
    }
}

fn see(known: &mut Knowledge, found: Vec<HostFound>) {
    let look = known.hypervisor.marked.begin();
    known.hypervisor.marked.see(look, found);
    known.hypervisor.answered = true;
}

fn orders(known: &mut Knowledge) -> &mut Orders {
    &mut known.assignment.as_mut().unwrap().orders
}

fn whole(known: &Knowledge) -> Report {
    let provider = ProviderId::from_uuid(Uuid::from_u128(1));
    compose(known, provider, SessionId::from_uuid(Uuid::from_u128(3)), 1)
}

fn host() -> HostId {
    HostId::from_uuid(Uuid::from_u128(8))
}

/// A host that stands as incarnation 1, and whose second is ordered.
fn recreating() -> Knowledge {
    let mut known = known(Held::Ready);
    let version = orders(&mut known).replicas[0].version.clone();
    orders(&mut known).hosts.push(HostOrder {
        id: host(),
        name: "desk-1".parse().unwrap(),
        version,
        kind: HostKind::Linked,
        macs: Vec::new(),
        attempt: 1,
        made: true,
        incarnation: 2,
        restores: None,
        setup: Default::default(),
    });
    known.local.hosts_made.insert(host(), 1);
    see(&mut known, vec![found(host(), host().as_uuid(), 1)]);
    known
}

fn host_said(known: &Knowledge) -> HostReport {
    whole(known).hosts.remove(0)
}

#[test]
fn a_recreation_is_told_from_the_first_to_the_last_step_and_never_as_a_host_gone() {
    let mut known = recreating();
    let waiting = host_said(&known);
    assert_eq!((waiting.phase, waiting.incarnation, waiting.digest), (HostPhase::Made, 1, Some(digest())));
    assert_eq!(waiting.users, Some(vec!["ada".to_owned()]), "whoever works there is asked about");

    known.tasks.insert(Object::Host(host()), task(TaskPhase::Host(HostPhase::Recreating)));
    known.hypervisor.marked.remove(host().as_uuid());
    assert_eq!(host_said(&known).phase, HostPhase::Recreating);
    known.tasks.clear();
    assert_eq!(host_said(&known).phase, HostPhase::Recreating, "killed in between, it goes on");

    known.local.set_aside.insert(host(), [1].into());
    known.hypervisor.marked.put(found(host(), host().as_uuid(), 2));
    known.local.hosts_made.insert(host(), 2);
    let made = host_said(&known);
    assert_eq!((made.phase, made.incarnation, made.set_aside), (HostPhase::Made, 2, vec![1]));
    known.hypervisor.marked.remove(host().as_uuid());
    assert_eq!(host_said(&known).phase, HostPhase::Gone, "now somebody took it away");
}

#[test]
fn a_failure_of_one_incarnation_says_nothing_of_the_next() {
    let mut known = recreating();
    let failure = Failure { incarnation: Some(2), ..failed(3) };
    known.failures.insert(Object::Host(host()), failure);
    let told = host_said(&known);
    assert_eq!((told.phase, told.attempt, told.incarnation), (HostPhase::Failed, 3, 1));
    assert_eq!(known.failed_attempts()[&Object::Host(host())], 3);
    orders(&mut known).hosts[0].incarnation = 3;
    let told = host_said(&known);
    assert_eq!((told.phase, told.attempt, told.problem), (HostPhase::Made, 1, None));
    assert!(known.failed_attempts().is_empty(), "its attempts are counted anew");
}

#[test]
fn a_host_stands_while_its_former_disks_are_deleted_and_says_why_they_are_not() {
    let mut known = recreating();
    known.local.hosts_made.insert(host(), 2);
    known.tasks.insert(Object::Host(host()), task(TaskPhase::Host(HostPhase::Made)));
    assert_eq!(host_said(&known).phase, HostPhase::Made);
    known.tasks.clear();
    known.set_aside_failures.insert(host(), failed(1));
    let told = host_said(&known);
    assert_eq!((told.phase, told.problem.map(|problem| problem.code)), (HostPhase::Made, Some(Code::T0001)));
}

/// The server takes for deleted what an agent does not report.
#[test]
fn what_is_to_be_deleted_from_a_storage_out_of_sight_is_not_called_gone() {
    let mut known = recreating();
    let copy = MaintenanceId::from_uuid(Uuid::from_u128(5));
    let other = HostId::from_uuid(Uuid::from_u128(6));
    orders(&mut known).deletions = vec![
        Deletion::SetAside { host: host(), incarnation: 1 },
        Deletion::Host { host: other, data: false },
        Deletion::WorkingCopy { id: copy },
    ];
    let blind = whole(&known);
    assert_eq!(blind.hosts[0].set_aside, [1]);
    assert!(blind.hosts.iter().any(|told| told.id == other));
    assert_eq!(blind.working_copies.len(), 1);
    known.storage = Some("/pool/diecast".into());
    let seen = whole(&known);
    assert_eq!(seen.hosts[0].set_aside, Vec::<u32>::new());
    assert!(!seen.hosts.iter().any(|told| told.id == other));
    assert_eq!(seen.working_copies, []);
}

/// A working copy that was made.
fn maintained(disks: bool, power: Option<Power>) -> Knowledge {
    let mut known = known(Held::Ready);
    let base = orders(&mut known).replicas[0].version.clone();
    let id = MaintenanceId::from_uuid(Uuid::from_u128(5));
    let order = WorkingCopyOrder { id, base, macs: Vec::new(), attempt: 1, made: false };
    orders(&mut known).working_copies.push(order);
    known.local.working_copies_made.insert(id);
    known.hypervisor.answered = true;
    known.hypervisor.storage_seen = true;
    let found = WorkingCopyFound { id, disks, power, addresses: Vec::new(), guest_agent: true };
    known.hypervisor.working_copies.put(found);
    known
}

fn copy_said(known: &Knowledge) -> Option<WorkingCopyReport> {
    whole(known).working_copies.pop()
}

#[test]
fn a_working_copy_says_what_became_of_its_machine_and_of_its_disks() {
    let code = |told: &WorkingCopyReport| told.problem.as_ref().map(|problem| problem.code);
    let running = copy_said(&maintained(true, Some(Power::Running))).unwrap();
    assert_eq!(
        (running.phase, running.power, code(&running)),
        (WorkingCopyPhase::Made, Some(Power::Running), None)
    );
    let undefined = copy_said(&maintained(true, None)).unwrap();
    assert_eq!((undefined.phase, code(&undefined)), (WorkingCopyPhase::Made, Some(Code::M0004)));
    let mut gone = maintained(false, Some(Power::Off));
    let told = copy_said(&gone).unwrap();
    assert_eq!((told.phase, code(&told)), (WorkingCopyPhase::Gone, Some(Code::M0003)));
    gone.hypervisor.working_copies.remove(told.id.as_uuid());
    assert_eq!(copy_said(&gone).unwrap().phase, WorkingCopyPhase::Gone);
}

#[test]
fn a_working_copy_is_not_called_gone_before_anybody_looked() {
    let mut known = maintained(false, None);
    known.hypervisor.storage_seen = false;
    assert_eq!(copy_said(&known), None);
    known.storage_problem = Some(Problem::new(Code::P0003, "the pool is off"));
    let told = copy_said(&known).unwrap();
    assert_eq!(told.phase, WorkingCopyPhase::Made);
    assert_eq!(told.problem.unwrap().code, Code::P0003);
    known.hypervisor.problem = Some(Problem::new(Code::P0002, "it is silent"));
    assert_eq!(copy_said(&known), None);
}

#[test]
fn a_version_served_from_its_parts_is_told_although_nothing_of_it_is_ready() {
    let mut known = known(Held::Partial);
    assert!(!said(&known).serves);
    known.served_from_parts.insert(digest());
    let told = said(&known);
    assert!(told.serves && !told.is_ready());
    orders(&mut known).replicas.clear();
    assert!(said(&known).serves, "before anybody ordered it, too");
}
