//! Stories of an agent's decisions.

use super::*;
use crate::{
    assignment::{Operation, ReplicaOrder, WorkingCopyOrder},
    ids::{ProviderId, TemplateId},
    provider::ProviderSettings,
    template::VersionRef,
};
use proptest::prelude::*;
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
        trim: false,
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

fn desk(number: u128, incarnation: u32, restores: Option<u32>) -> HostOrder {
    HostOrder { incarnation, restores, ..host(number, true) }
}

fn copy(number: u128, made: bool) -> WorkingCopyOrder {
    let id = MaintenanceId::from_uuid(Uuid::from_u128(number));
    WorkingCopyOrder { id, base: version(1), macs: Vec::new(), attempt: 1, made }
}

fn publication_of(number: u128, copy: MaintenanceId) -> PublicationOrder {
    let source = PublicationSource::WorkingCopy {
        maintenance: copy,
        base: version(1),
        shutdown_seconds: 60,
        force: false,
    };
    let id = PublicationId::from_uuid(Uuid::from_u128(number));
    PublicationOrder { id, template: "win11".parse().unwrap(), source, trim: false, attempt: 1 }
}

fn with_version_1() -> Local {
    Local { replicas: [(digest(1), Held::Ready)].into(), ..Local::default() }
}

#[test]
fn a_host_is_made_anew_once_for_each_higher_incarnation_even_if_somebody_took_it_away() {
    let mut orders = orders();
    orders.hosts = vec![desk(7, 1, None)];
    let id = orders.hosts[0].id;
    let mut local = with_version_1();
    local.hosts_made.insert(id, 1);
    for stands in [true, false] {
        local.hosts = stands.then_some(id).into_iter().collect();
        orders.hosts[0].incarnation = 1;
        assert_eq!(decide(&orders, &local), [], "what was made once is nobody's to make again");
        orders.hosts[0].incarnation = 2;
        assert_eq!(decide(&orders, &local), [Step::RecreateHost(id)]);
    }
    local.hosts_made.insert(id, 2);
    assert_eq!(decide(&orders, &local), []);
    local.hosts_made.insert(id, 3);
    assert_eq!(decide(&orders, &local), [], "a lower one never replaces a higher one");
}

#[test]
fn a_recreation_waits_for_its_version_but_what_was_set_aside_needs_none() {
    let mut orders = orders();
    orders.hosts = vec![desk(7, 2, None)];
    let id = orders.hosts[0].id;
    let mut local = Local::default();
    local.hosts_made.insert(id, 1);
    for held in [Held::Nothing, Held::Partial, Held::Verified, Held::Changed] {
        local.replicas.insert(digest(1), held);
        assert_eq!(decide(&orders, &local), [], "{held:?}");
    }
    orders.hosts[0] = desk(7, 3, Some(1));
    assert_eq!(decide(&orders, &local), [Step::RecreateHost(id)]);
}

#[test]
fn a_host_is_not_recreated_while_an_act_on_it_is_under_way() {
    let mut orders = orders();
    orders.hosts = vec![desk(7, 2, None)];
    let host = orders.hosts[0].id;
    let id = OperationId::from_uuid(Uuid::from_u128(3));
    orders.operations.push(Operation { id, act: Act::StopHost { host, force: false } });
    let mut local = with_version_1();
    local.hosts_made.insert(host, 1);
    local.busy.insert(Object::Operation(id));
    assert_eq!(decide(&orders, &local), []);
    local.busy.clear();
    assert_eq!(decide(&orders, &local), [Step::RecreateHost(host)], "and the act waits for the host");
}

#[test]
fn former_disks_go_only_by_name_and_neither_while_the_host_is_busy_nor_before_they_came_back() {
    let mut orders = orders();
    orders.hosts = vec![desk(7, 2, None)];
    let host = orders.hosts[0].id;
    let mut local = with_version_1();
    local.hosts_made.insert(host, 2);
    local.set_aside.insert(host, [1, 5].into());
    assert_eq!(decide(&orders, &local), []);
    orders.deletions =
        [1, 5].into_iter().map(|incarnation| Deletion::SetAside { host, incarnation }).collect();
    assert_eq!(decide(&orders, &local), [Step::RemoveSetAside(host)], "one task for both");
    local.busy.insert(Object::Host(host));
    assert_eq!(decide(&orders, &local), [], "it is waited for, not stopped");
    local.busy.clear();
    orders.deletions.truncate(1);
    orders.hosts[0] = desk(7, 3, Some(1));
    assert_eq!(decide(&orders, &local), [Step::RecreateHost(host)]);
    local.failed.insert(Object::Host(host), 1);
    assert_eq!(decide(&orders, &local), [], "the next attempt needs them");
}

#[test]
fn a_host_that_is_to_go_is_neither_recreated_nor_are_its_former_disks_a_task_of_their_own() {
    let mut orders = orders();
    orders.hosts = vec![desk(7, 2, None)];
    let host = orders.hosts[0].id;
    orders.deletions =
        vec![Deletion::SetAside { host, incarnation: 1 }, Deletion::Host { host, data: false }];
    let mut local = with_version_1();
    local.hosts_made.insert(host, 1);
    local.set_aside.insert(host, [1].into());
    assert_eq!(decide(&orders, &local), []);
    local.host_remains.insert(host);
    assert_eq!(decide(&orders, &local), [Step::RemoveHost(host)]);
    local.busy.insert(Object::Host(host));
    assert_eq!(decide(&orders, &local), [Step::Cancel(Object::Host(host))]);
}

#[test]
fn many_hosts_are_made_at_once_but_few_that_copy_whole_disks() {
    let mut orders = orders();
    let full = |number| HostOrder { kind: HostKind::Full, ..host(number, false) };
    orders.hosts = (1..=9).map(full).chain((10..=40).map(|number| host(number, false))).collect();
    let made = decide(&orders, &with_version_1());
    assert_eq!(made.len(), HOST_MAKINGS_MAX);
    let full = orders.hosts.iter().filter(|order| order.kind == HostKind::Full);
    let full = full.filter(|order| made.contains(&Step::MakeHost(order.id))).count();
    assert_eq!(full, FULL_MAKINGS_MAX);
}

#[test]
fn a_working_copy_is_made_once_from_a_ready_version() {
    let mut orders = orders();
    orders.working_copies = vec![copy(6, false)];
    let id = orders.working_copies[0].id;
    let mut local = Local::default();
    assert_eq!(decide(&orders, &local), []);
    local.replicas.insert(digest(1), Held::Ready);
    assert_eq!(decide(&orders, &local), [Step::MakeWorkingCopy(id)]);
    local.failed.insert(Object::WorkingCopy(id), 1);
    assert_eq!(decide(&orders, &local), []);
    local.failed.clear();
    orders.working_copies[0].made = true;
    assert_eq!(decide(&orders, &local), [], "an empty one would look as if the work were still there");
    orders.working_copies[0].made = false;
    local.working_copies_made.insert(id);
    assert_eq!(decide(&orders, &local), [], "made before the server knew");
    orders.working_copies.clear();
    local.working_copy_remains.insert(id);
    assert_eq!(decide(&orders, &local), [], "absence removes nothing");
    orders.deletions = vec![Deletion::WorkingCopy { id }];
    assert_eq!(decide(&orders, &local), [Step::RemoveWorkingCopy(id)]);
}

#[test]
fn a_working_copy_is_read_by_one_task_and_neither_started_nor_removed_meanwhile() {
    let mut orders = orders();
    orders.working_copies = vec![copy(6, true)];
    let maintenance = orders.working_copies[0].id;
    let start = OperationId::from_uuid(Uuid::from_u128(3));
    orders.publications = vec![publication_of(4, maintenance)];
    orders.operations.push(Operation { id: start, act: Act::StartWorkingCopy { maintenance } });
    let publication = orders.publications[0].id;
    let mut local = with_version_1();
    local.working_copies_made.insert(maintenance);
    local.working_copy_remains.insert(maintenance);
    assert_eq!(decide(&orders, &local), [Step::Publish(publication)]);
    local.busy = [Object::Operation(start)].into();
    assert_eq!(decide(&orders, &local), [], "its machine is just being started");

    local.busy = [Object::Publication(publication)].into();
    assert_eq!(decide(&orders, &local), []);
    orders.deletions = vec![Deletion::WorkingCopy { id: maintenance }];
    assert_eq!(decide(&orders, &local), []);
    orders.publications.clear();
    let stopped = [Step::Cancel(Object::Publication(publication))];
    assert_eq!(decide(&orders, &local), stopped, "cancelled, it still reads until it has ended");
    local.busy.clear();
    let removed = [Step::RemoveWorkingCopy(maintenance)];
    assert_eq!(decide(&orders, &local), removed, "and then it goes rather than be started");
}

/// A small world in which everything meets everything: one of few objects of each kind.
#[test]
fn a_bundle_is_carried_once_and_shares_its_version_with_no_other_task() {
    let id = BundleId::from_uuid(Uuid::from_u128(8));
    let mut orders = orders();
    let act = crate::bundle::BundleAct::Import { digest: digest(1) };
    orders.bundles.push(crate::bundle::BundleOrder { id, act });
    let mut local = Local::default();
    assert_eq!(decide(&orders, &local), vec![Step::CarryBundle(id)]);
    orders.replicas = vec![replica(1, 1, true), replica(2, 1, true)];
    assert_eq!(decide(&orders, &local), vec![Step::Fill(digest(1)), Step::Fill(digest(2))]);
    local.busy.insert(Object::Bundle(id));
    assert_eq!(decide(&orders, &local), vec![Step::Fill(digest(2))]);
    local.busy.clear();
    local.bundles_ended.insert(id);
    orders.replicas.clear();
    assert_eq!(decide(&orders, &local), vec![]);
    local.busy.insert(Object::Bundle(id));
    orders.bundles.clear();
    assert_eq!(decide(&orders, &local), vec![Step::Cancel(Object::Bundle(id))]);
}

fn any_orders() -> impl Strategy<Value = Orders> {
    let host = (1..4_u128, 1..4_u32, proptest::option::of(1..4_u32), any::<bool>(), any::<bool>());
    let host = host.prop_map(|(number, incarnation, restores, made, full)| HostOrder {
        kind: if full { HostKind::Full } else { HostKind::Linked },
        made,
        ..desk(number, incarnation, restores)
    });
    let deletion = (0..4_u8, 1..4_u128, 1..4_u32).prop_map(|(kind, number, incarnation)| {
        let host = HostId::from_uuid(Uuid::from_u128(number));
        match kind {
            0 => Deletion::Host { host, data: false },
            1 => Deletion::SetAside { host, incarnation },
            2 => Deletion::Replica { version: version(number as u8) },
            _ => Deletion::WorkingCopy { id: MaintenanceId::from_uuid(Uuid::from_u128(number)) },
        }
    });
    let operation = (1..4_u128, 0..4_u8, 1..4_u128).prop_map(|(id, kind, number)| {
        let host = HostId::from_uuid(Uuid::from_u128(number));
        let act = match kind {
            0 => Act::StartHost { host },
            1 => Act::StopHost { host, force: true },
            2 => Act::VerifyReplica { digest: digest(number as u8) },
            _ => Act::StartWorkingCopy { maintenance: MaintenanceId::from_uuid(host.as_uuid()) },
        };
        Operation { id: OperationId::from_uuid(Uuid::from_u128(id)), act }
    });
    let few = 0..4_usize;
    (
        proptest::collection::vec(host, few.clone()),
        proptest::collection::vec(deletion, few.clone()),
        proptest::collection::vec(operation, few.clone()),
        proptest::collection::vec((1..4_u8, any::<bool>()), few.clone()),
        proptest::collection::vec((1..4_u128, any::<bool>()), few.clone()),
        proptest::collection::vec((1..4_u128, 1..4_u128), few),
    )
        .prop_map(|(hosts, deletions, operations, replicas, copies, publications)| {
            let copy_id = |number| MaintenanceId::from_uuid(Uuid::from_u128(number));
            Orders {
                hosts,
                deletions,
                operations,
                replicas: replicas.into_iter().map(|(byte, go)| replica(byte, 1, go)).collect(),
                working_copies: copies.into_iter().map(|(number, made)| copy(number, made)).collect(),
                publications: publications
                    .into_iter()
                    .map(|(id, number)| publication_of(id, copy_id(number)))
                    .collect(),
                ..orders()
            }
        })
}

fn any_local() -> impl Strategy<Value = Local> {
    let held = prop_oneof![Just(Held::Partial), Just(Held::Verified), Just(Held::Ready), Just(Held::Changed)];
    let number = || proptest::collection::btree_set(1..4_u128, 0..4);
    let busy = proptest::collection::btree_set((0..5_u8, 1..4_u128), 0..4);
    (
        proptest::collection::btree_map(1..4_u8, held, 0..4),
        proptest::collection::btree_map(1..4_u128, 1..4_u32, 0..4),
        proptest::collection::btree_map(1..4_u128, proptest::collection::btree_set(1..4_u32, 0..3), 0..4),
        (number(), number(), number()),
        busy,
    )
        .prop_map(|(replicas, made, aside, (remains, copies, copy_remains), busy)| {
            let host = |number| HostId::from_uuid(Uuid::from_u128(number));
            let copy = |number| MaintenanceId::from_uuid(Uuid::from_u128(number));
            let object = |(kind, number): (u8, u128)| match kind {
                0 => Object::Host(host(number)),
                1 => Object::Operation(OperationId::from_uuid(Uuid::from_u128(number))),
                2 => Object::Publication(PublicationId::from_uuid(Uuid::from_u128(number))),
                3 => Object::Replica(digest(number as u8)),
                _ => Object::WorkingCopy(copy(number)),
            };
            Local {
                replicas: replicas.into_iter().map(|(byte, held)| (digest(byte), held)).collect(),
                host_remains: remains.into_iter().map(host).collect(),
                hosts_made: made.into_iter().map(|(number, made)| (host(number), made)).collect(),
                set_aside: aside.into_iter().map(|(number, kept)| (host(number), kept)).collect(),
                working_copies_made: copies.into_iter().map(copy).collect(),
                working_copy_remains: copy_remains.into_iter().map(copy).collect(),
                busy: busy.into_iter().map(object).collect(),
                ..Local::default()
            }
        })
}

proptest! {
    #[test]
    fn one_object_is_never_given_two_tasks(orders in any_orders(), local in any_local()) {
        let steps = decide(&orders, &local);
        let objects: BTreeSet<_> = steps.iter().map(Step::object).collect();
        prop_assert_eq!(objects.len(), steps.len(), "{:?}", steps);
        for step in steps {
            let stops = matches!(step, Step::Cancel(_));
            prop_assert_eq!(local.busy.contains(&step.object()), stops, "{:?}", step);
        }
    }

    #[test]
    fn only_what_is_named_is_removed(mut orders in any_orders(), local in any_local()) {
        for step in decide(&orders, &local) {
            let named = |deletion: &Deletion| match (deletion, &step) {
                (Deletion::Host { host, .. }, Step::RemoveHost(id)) => host == id,
                (Deletion::Replica { version }, Step::RemoveReplica(digest)) => version.digest == *digest,
                (Deletion::SetAside { host, incarnation }, Step::RemoveSetAside(id)) => {
                    host == id && local.set_aside[host].contains(incarnation)
                }
                (Deletion::WorkingCopy { id }, Step::RemoveWorkingCopy(copy)) => id == copy,
                _ => false,
            };
            let removes = matches!(
                step,
                Step::RemoveHost(_) | Step::RemoveReplica(_) | Step::RemoveSetAside(_)
                    | Step::RemoveWorkingCopy(_)
            );
            prop_assert_eq!(removes, orders.deletions.iter().any(named), "{:?}", step);
        }
        orders.deletions.clear();
        for step in decide(&orders, &local) {
            prop_assert!(matches!(
                step,
                Step::Publish(_) | Step::Fill(_) | Step::Mend(_) | Step::Register(_) | Step::MakeHost(_)
                    | Step::RecreateHost(_) | Step::MakeWorkingCopy(_) | Step::Operate(_) | Step::Cancel(_)
            ), "{:?}", step);
        }
    }

    #[test]
    fn a_lower_incarnation_never_replaces_a_higher_one(orders in any_orders(), local in any_local()) {
        for step in decide(&orders, &local) {
            let wished = |id: HostId| {
                orders.hosts.iter().filter(move |order| order.id == id).map(|order| order.incarnation).max()
            };
            match step {
                Step::RecreateHost(id) => prop_assert!(wished(id) > local.hosts_made.get(&id).copied()),
                Step::MakeHost(id) => prop_assert!(!local.hosts_made.contains_key(&id)),
                _ => {}
            }
        }
    }
}
