//! What may be said of a replica, and what may not.

use super::*;
use crate::board::Failure;
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
    Failure { attempt, problem, at: std::time::Instant::now() }
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
    let found = |machine| diecast_provider::HostFound {
        id: host,
        machine,
        name: "desk-1".into(),
        template: "win11".into(),
        number: 1,
        digest: digest(),
        power: diecast_domain::provider::Power::Running,
        addresses: Vec::new(),
        guest_agent: false,
        guest_name: None,
    };
    let mut known = known(Held::Ready);
    known.hypervisor.see(vec![found(Uuid::from_u128(9))]);
    let provider = ProviderId::from_uuid(Uuid::from_u128(1));
    let report = |known: &Knowledge| compose(known, provider, SessionId::from_uuid(Uuid::from_u128(3)), 1);
    assert_eq!(report(&known).hosts, [], "or a deleted host would never be gone");
    assert_eq!(known.hypervisor.copies.len(), 1, "but its version is not taken from under it");
    known.hypervisor.see(vec![found(host.as_uuid()), found(Uuid::from_u128(9))]);
    assert_eq!((known.hypervisor.hosts.len(), known.hypervisor.copies.len()), (1, 1));
}
