//! What is told of damage, and to whom it happened.

use super::*;
use crate::{
    code::Problem,
    damage::{Place, Span},
    generation::Generation,
    ids::SessionId,
    plan,
    reconcile::{after_report, due},
    replica::Phase,
    report::Report,
    testing::*,
    units::{ByteCount, Timestamp},
};
use uuid::Uuid;

fn report(world: &World, from: u128) -> Report {
    let of_provider = |(id, _): &(&(ProviderId, _), _)| id.0 == provider(from);
    Report {
        provider: provider(from),
        session: SessionId::from_uuid(Uuid::from_u128(9)),
        sequence: 1,
        agent_version: String::new(),
        generation: Generation { epoch: 1, number: 3 },
        addresses: Vec::new(),
        facts: None,
        hypervisor_problem: None,
        vms: Vec::new(),
        publications: Vec::new(),
        replicas: world.replicas.iter().filter(of_provider).map(|(_, said)| said.clone()).collect(),
        hosts: Vec::new(),
        operations: Vec::new(),
        working_copies: Vec::new(),
        protocol: crate::protocol::PROTOCOL,
        name: None,
        settings: None,
        former: None,
        unassigned: Vec::new(),
        traffic: Default::default(),
        floor: None,
        load: None,
        scrub: None,
    }
}

/// Provider 1's copy of that version has one bad leaf.
fn damage(world: &mut World, number: u32, last_copy: bool) {
    replica(world, 1, number, Phase::Damaged);
    let span = Some(Span { offset: 65_536, length: ByteCount(65_536) });
    let places = vec![Place { file: "disk0".into(), span, unreadable: false }];
    let code = if last_copy { Code::T0011 } else { Code::T0008 };
    let report = world.replicas.get_mut(&(provider(1), version(number).digest)).unwrap();
    report.damage = Some(Damage { found_at: Some(NOW), places, count: 1, last_copy, mended: false });
    report.problem = Some(Problem::new(code, "a byte is wrong"));
    if last_copy {
        report.phase = Phase::Failed;
    }
}

/// Kinds, codes and sentences of what provider 1's report makes known.
fn hears(world: &mut World) -> Vec<(TransitionKind, Option<Code>, String)> {
    let said = report(world, 1);
    let name = "kvm-1".parse().unwrap();
    let heard = Heard { report: &said, name: &name, told: None, now: NOW, draw: 0 };
    let changes = after_report(world, &heard);
    let told = changes.transitions.iter().map(|it| (it.kind, it.code, it.sentence.clone())).collect();
    changes.apply(world, NOW);
    told
}

#[test]
fn damage_is_told_once_with_its_places_and_hosts_and_its_end_too() {
    let mut world = world(2, 2);
    add_host(&mut world, 1, 1);
    add_host(&mut world, 2, 2);
    hears(&mut world);
    // Of an older version, on which a host stands.
    damage(&mut world, 1, false);
    let sentence = "v1 of `win11` is damaged on kvm-1: 64.0 KiB at offset 65536 of disk0; hosts that stand on it: desk-1";
    assert_eq!(hears(&mut world), [(TransitionKind::Damaged, Some(Code::T0008), sentence.to_owned())]);
    assert_eq!(hears(&mut world), []);
    let affected: Vec<_> =
        world.affected(provider(1), version(1).digest).map(|it| it.name.as_str()).collect();
    assert_eq!(affected, ["desk-1"]);
    replica(&mut world, 1, 1, Phase::Ready);
    let told = hears(&mut world);
    assert_eq!((told.len(), told[0].0), (1, TransitionKind::Healed), "{told:?}");
    assert_eq!(hears(&mut world), []);
}

#[test]
fn what_was_mended_between_two_reports_is_told_all_the_same_and_once() {
    let mut world = world(2, 1);
    add_host(&mut world, 1, 1);
    hears(&mut world);
    damage(&mut world, 1, false);
    let report = world.replicas.get_mut(&(provider(1), version(1).digest)).unwrap();
    (report.phase, report.verified_at, report.problem) = (Phase::Ready, Some(NOW), None);
    report.damage.as_mut().unwrap().mended = true;
    let told = hears(&mut world);
    assert_eq!(
        told.iter().map(|it| it.0).collect::<Vec<_>>(),
        [TransitionKind::Damaged, TransitionKind::Healed]
    );
    assert!(told[0].2.contains("desk-1"), "{told:?}");
    assert_eq!(hears(&mut world), []);
    assert!(world.damage(provider(1), version(1).digest).is_none());
}

#[test]
fn an_old_version_that_is_damaged_is_ordered_to_be_mended_from_who_has_it() {
    let mut world = world(2, 2);
    damage(&mut world, 1, false);
    let orders = plan::orders(&world, provider(1)).unwrap();
    let order = orders.replica(&version(1).digest).unwrap();
    assert!(order.go && order.sources.iter().map(|it| it.provider).eq([provider(2)]));
}

#[test]
fn the_last_good_copy_cries_once_and_is_tried_at_once_when_a_peer_appears() {
    let mut world = world(2, 1);
    hears(&mut world);
    silence(&mut world, 2, true);
    damage(&mut world, 1, false);
    assert_eq!(hears(&mut world).len(), 1);
    damage(&mut world, 1, true);
    let told = hears(&mut world);
    let cried = told.iter().find(|(kind, ..)| *kind == TransitionKind::Damaged).unwrap();
    assert_eq!(cried.1, Some(Code::T0011));
    assert!(cried.2.starts_with("the last good copy of v1 of `win11` is damaged on kvm-1"), "{}", cried.2);
    assert_eq!(hears(&mut world), []);
    let retried = |world: &World| {
        let changes = due(world, Timestamp(NOW.0 + 1));
        changes.transitions.iter().any(|it| it.kind == TransitionKind::Retried)
    };
    assert!(!retried(&world), "it waits for its pause");
    silence(&mut world, 2, false);
    assert!(retried(&world), "somebody has it now");
}
