//! Stories of an agent's decisions.

use super::*;
use crate::{
    assignment::{HostOrder, Operation, ReplicaOrder},
    host::HostKind,
    ids::{ProviderId, TemplateId},
    provider::ProviderSettings,
    template::VersionRef,
};
use uuid::Uuid;

fn orders() -> Orders {
    let settings = ProviderSettings {
        uri: "qemu:///system".into(),
        storage: "default".into(),
        networks: BTreeMap::new(),
    };
    Orders::none(ProviderId::from_uuid(Uuid::from_u128(1)), "kvm-a".parse().unwrap(), settings)
}

fn digest(byte: u8) -> Digest {
    Digest::from_bytes([byte; 32])
}

fn version(byte: u8) -> VersionRef {
    let template = TemplateId::from_uuid(Uuid::from_u128(u128::from(byte)));
    VersionRef { template, name: "win11".parse().unwrap(), number: 1, digest: digest(byte) }
}

fn replica(byte: u8, attempt: u32, go: bool) -> ReplicaOrder {
    ReplicaOrder { version: version(byte), attempt, go, sources: Vec::new() }
}

fn host(number: u128, made: bool) -> HostOrder {
    HostOrder {
        incarnation: 1,
        restores: None,
        setup: Default::default(),
        id: HostId::from_uuid(Uuid::from_u128(number)),
        name: "desk-1".parse().unwrap(),
        version: version(1),
        kind: HostKind::Linked,
        macs: Vec::new(),
        attempt: 1,
        made,
    }
}

#[test]
fn a_replica_goes_from_nothing_to_ready_one_step_at_a_time() {
    let mut orders = orders();
    orders.replicas.push(replica(1, 1, true));
    let mut local = Local::default();
    for (held, expected) in [
        (Held::Nothing, vec![Step::Fill(digest(1))]),
        (Held::Partial, vec![Step::Fill(digest(1))]),
        (Held::Verified, vec![Step::Register(digest(1))]),
        (Held::Ready, vec![]),
        (Held::Changed, vec![Step::Mend(digest(1))]),
    ] {
        local.replicas.insert(digest(1), held);
        assert_eq!(decide(&orders, &local), expected, "{held:?}");
    }
}

#[test]
fn a_failed_attempt_is_not_repeated_until_its_number_rises() {
    let mut orders = orders();
    orders.replicas.push(replica(1, 1, true));
    let mut local = Local::default();
    local.failed.insert(Object::Replica(digest(1)), 1);
    assert_eq!(decide(&orders, &local), []);
    orders.replicas[0].attempt = 2;
    assert_eq!(decide(&orders, &local), [Step::Fill(digest(1))]);
}

#[test]
fn what_no_order_names_is_kept() {
    let mut local = Local::default();
    local.replicas.insert(digest(9), Held::Ready);
    local.hosts.insert(HostId::from_uuid(Uuid::from_u128(5)));
    local.host_remains = local.hosts.clone();
    assert_eq!(decide(&orders(), &local), [], "an empty assignment deletes nothing");
}

#[test]
fn a_removal_stops_the_transfer_first_and_then_removes_what_is_there() {
    let mut orders = orders();
    orders.deletions.push(Deletion::Replica { version: version(1) });
    let mut local = Local::default();
    local.replicas.insert(digest(1), Held::Partial);
    local.busy.insert(Object::Replica(digest(1)));
    assert_eq!(decide(&orders, &local), [Step::Cancel(Object::Replica(digest(1)))]);
    local.busy.clear();
    assert_eq!(decide(&orders, &local), [Step::RemoveReplica(digest(1))]);
    local.busy.insert(Object::Replica(digest(1)));
    local.removing = local.busy.clone();
    assert_eq!(decide(&orders, &local), [], "a removal under way is not stopped by its own order");
    (local.busy, local.removing) = Default::default();
    local.replicas.clear();
    assert_eq!(decide(&orders, &local), []);
}

#[test]
fn transfers_wait_for_their_turn() {
    let mut orders = orders();
    orders.replicas = (1..=4).map(|byte| replica(byte, 1, byte != 1)).collect();
    let steps = decide(&orders, &Local::default());
    assert_eq!(steps, [Step::Fill(digest(2)), Step::Fill(digest(3))]);
}

#[test]
fn a_host_is_made_only_from_a_ready_replica_and_never_made_again() {
    let mut orders = orders();
    orders.hosts = vec![host(7, false), host(8, true)];
    let mut local = Local::default();
    for held in [Held::Nothing, Held::Partial, Held::Verified, Held::Changed] {
        local.replicas.insert(digest(1), held);
        assert_eq!(decide(&orders, &local), [], "{held:?}");
    }
    local.replicas.insert(digest(1), Held::Ready);
    assert_eq!(decide(&orders, &local), [Step::MakeHost(orders.hosts[0].id)]);
    local.hosts_made.insert(orders.hosts[0].id, 1);
    assert_eq!(decide(&orders, &local), [], "it was made and taken away before the server knew");
}

#[test]
fn an_operation_runs_once() {
    let mut orders = orders();
    let id = OperationId::from_uuid(Uuid::from_u128(3));
    orders.operations.push(Operation { id, act: Act::CheckProvider });
    let mut local = Local::default();
    assert_eq!(decide(&orders, &local), [Step::Operate(id)]);
    local.operations_ended.insert(id);
    assert_eq!(decide(&orders, &local), []);
}

#[test]
fn what_was_just_published_again_survives_the_deletion_of_the_older_template() {
    let mut orders = orders();
    let id = PublicationId::from_uuid(Uuid::from_u128(4));
    orders.deletions.push(Deletion::Replica { version: version(1) });
    orders.publications.push(crate::assignment::PublicationOrder {
        id,
        template: "win11".parse().unwrap(),
        source: crate::template::PublicationSource::Vm { name: "golden".into() },
        attempt: 1,
    });
    let mut local = Local::default();
    local.replicas.insert(digest(1), Held::Verified);
    local.published.insert(id, digest(1));
    assert_eq!(decide(&orders, &local), []);
    orders.publications.clear();
    assert_eq!(decide(&orders, &local), [Step::RemoveReplica(digest(1))]);
}

#[test]
fn what_two_deleted_templates_name_is_removed_once() {
    let mut orders = orders();
    let twin = VersionRef { name: "twin".parse().unwrap(), ..version(1) };
    orders.deletions = vec![Deletion::Replica { version: version(1) }, Deletion::Replica { version: twin }];
    let mut local = Local::default();
    local.replicas.insert(digest(1), Held::Ready);
    assert_eq!(decide(&orders, &local), [Step::RemoveReplica(digest(1))]);
}

#[test]
fn nothing_is_verified_or_started_that_another_step_begins_to_change() {
    let mut orders = orders();
    let id = OperationId::from_uuid(Uuid::from_u128(3));
    orders.operations.push(Operation { id, act: Act::VerifyReplica { digest: digest(1) } });
    orders.deletions.push(Deletion::Replica { version: version(1) });
    let mut local = Local::default();
    local.replicas.insert(digest(1), Held::Changed);
    assert_eq!(decide(&orders, &local), [Step::RemoveReplica(digest(1))]);
    orders.deletions.clear();
    orders.replicas.push(replica(1, 1, true));
    assert_eq!(decide(&orders, &local), [Step::Mend(digest(1))]);
    local.replicas.insert(digest(1), Held::Ready);
    assert_eq!(decide(&orders, &local), [Step::Operate(id)]);
}

#[test]
fn what_no_order_names_any_more_is_stopped_and_takes_nobodys_place() {
    let mut orders = orders();
    orders.replicas.push(replica(1, 1, true));
    let publication = Object::Publication(PublicationId::from_uuid(Uuid::from_u128(4)));
    let busy = [Object::Replica(digest(1)), Object::Replica(digest(2)), publication].into();
    let mut local = Local { busy, ..Local::default() };
    assert_eq!(
        decide(&orders, &local),
        [Step::Cancel(publication), Step::Cancel(Object::Replica(digest(2)))]
    );
    local.removing = local.busy.clone();
    local.busy.remove(&publication);
    assert_eq!(decide(&orders, &local), [], "a removal is let finish");
}
