//! After an old backup: what the providers hold is found and adopted, and nothing else happens meanwhile.

use super::*;
use crate::{
    assignment::{Deletion, HostOrder, ReplicaOrder},
    host::{Host, HostKind, HostReport},
    plan::orders,
    reconcile::{Changes, due},
    replica::Phase,
    template::VersionRef,
    testing::{NOW, add_host, host, list, provider, replica, template, version, world},
    units::Timestamp,
};

/// Version 2 was published after the backup of a world with version 1; both providers hold both.
fn after_restore() -> World {
    let mut world = world(2, 1);
    for on in 1..=2 {
        replica(&mut world, on, 2, Phase::Ready);
        let there = provider(on);
        let mut former = orders(&world, there).unwrap();
        former.replicas.push(ordered(version(2)));
        world.unassigned.insert(there, [version(2).digest].into());
        let recovery = world.recovery.get_or_insert_default();
        recovery.formers.insert(there, former);
    }
    world
}

fn ordered(version: VersionRef) -> ReplicaOrder {
    ReplicaOrder { version, attempt: 1, go: true, sources: Vec::new() }
}

/// A host of version 2 that stands on `on`, and that the store does not know.
fn unknown_host(world: &mut World, number: u128, on: u128) -> Host {
    add_host(world, number, on);
    let mut known = world.hosts.pop().unwrap();
    (known.version, known.digest) = (2, version(2).digest);
    world.host_reports.get_mut(&known.id).unwrap().digest = Some(known.digest);
    world.found_on.insert(known.id, provider(on));
    let order = HostOrder {
        id: known.id,
        name: known.name.clone(),
        version: version(2),
        kind: HostKind::Linked,
        macs: known.macs.clone(),
        attempt: 3,
        made: true,
        incarnation: 1,
        restores: None,
        setup: known.setup.clone(),
    };
    let recovery = world.recovery.get_or_insert_default();
    recovery.formers.get_mut(&provider(on)).unwrap().hosts.push(order);
    known
}

fn all() -> BTreeSet<ProviderId> {
    [provider(1), provider(2)].into()
}

#[test]
fn while_a_recovery_is_open_nothing_is_deleted_or_begun() {
    let mut world = after_restore();
    add_host(&mut world, 1, 1);
    add_host(&mut world, 2, 1);
    world.hosts[0].deleting = true;
    world.hosts[1].made = false;
    world.host_reports.remove(&host(2));
    list(&mut world).deleting.insert(1);
    list(&mut world).keep = 1;
    world.replicas.remove(&(provider(2), version(1).digest));
    for on in 1..=2 {
        let told = orders(&world, provider(on)).unwrap();
        assert_eq!(told.deletions, [], "nothing goes");
        assert!(told.hosts.is_empty(), "a host that was never made may have been deleted since");
        assert_eq!(told.replicas.iter().any(|order| order.go), on == 1, "only what is there is held");
        assert!(told.recovery.is_some());
    }
    assert_eq!(due(&world, Timestamp(NOW.0 * 2)), Changes::default());
    let row = world.view(template(), provider(2)).unwrap();
    assert_eq!((row.moving, row.problem.unwrap().code), (false, Code::B0006));
    world.recovery = None;
    let told = orders(&world, provider(1)).unwrap();
    assert_eq!(
        told.deletions,
        [Deletion::Host { host: host(1), data: false }],
        "what was wished comes to pass"
    );
    assert!(told.recovery.is_none() && told.hosts.len() == 1);
}

#[test]
fn a_host_that_was_moved_on_since_is_not_moved_again() {
    let mut world = after_restore();
    add_host(&mut world, 1, 1);
    world.hosts[0].incarnation = 2;
    world.host_reports.get_mut(&host(1)).unwrap().incarnation = 1;
    assert!(orders(&world, provider(1)).unwrap().hosts.is_empty(), "its recreation may have been cancelled");
    world.host_reports.get_mut(&host(1)).unwrap().incarnation = 3;
    assert_eq!(orders(&world, provider(1)).unwrap().hosts.len(), 1);
}

#[test]
fn a_version_is_asked_for_once_and_adopted_when_its_manifest_is_here() {
    let mut world = after_restore();
    let asked = |world: &World, on: u128| orders(world, provider(on)).unwrap().recovery.unwrap().manifests;
    assert_eq!((asked(&world, 1), asked(&world, 2)), (vec![version(2).digest], vec![]));
    let found = findings(&world);
    assert_eq!(found.versions.len(), 1);
    assert_eq!(found.versions[0].holders, [provider(1), provider(2)]);
    assert!(found.versions[0].newest && !found.versions[0].known && found.nameless.is_empty());
    let waiting = adopt(&world, &all(), NOW);
    assert_eq!((waiting.waiting, waiting.versions), (vec![version(2)], vec![]));
    world.recovery.as_mut().unwrap().manifests.insert(version(2).digest);
    assert_eq!(asked(&world, 1), []);
    let adoption = adopt(&world, &all(), NOW);
    assert_eq!(adoption.versions, [version(2)]);
    assert_eq!(adoption.current, [(template(), 2)]);
    assert!(adoption.members.is_empty() && adoption.templates.is_empty(), "both are on the list");
}

#[test]
fn a_template_of_after_the_backup_comes_back_with_its_list() {
    let mut world = after_restore();
    world.templates.clear();
    world.recovery.as_mut().unwrap().manifests = [version(1).digest, version(2).digest].into();
    let adoption = adopt(&world, &[provider(2)].into(), NOW);
    assert_eq!(adoption.templates.len(), 1);
    assert_eq!(adoption.versions, [version(1), version(2)]);
    assert_eq!(adoption.current, [(template(), 2)], "only the last is current");
    let members: Vec<_> = adoption.members.iter().map(|(_, provider, _)| *provider).collect();
    assert_eq!(members, [provider(2)], "nobody else was asked about");
}

#[test]
fn a_number_that_was_given_again_since_is_not_given_twice() {
    let mut world = after_restore();
    let other = VersionRef { digest: version(9).digest, ..version(2) };
    list(&mut world).versions.push(other);
    list(&mut world).numbered = 4;
    world.recovery.as_mut().unwrap().manifests.insert(version(2).digest);
    let adoption = adopt(&world, &all(), NOW);
    assert_eq!(adoption.versions, [VersionRef { number: 5, ..version(2) }]);
}

#[test]
fn a_host_is_adopted_as_it_stands_unless_something_else_is_it_already() {
    let mut world = after_restore();
    world.recovery.as_mut().unwrap().manifests.insert(version(2).digest);
    let known = unknown_host(&mut world, 1, 1);
    let adoption = adopt(&world, &all(), NOW);
    assert_eq!(adoption.hosts.len(), 1);
    let host = &adoption.hosts[0];
    assert_eq!((host.id, host.version, host.made, host.pool), (known.id, 2, true, None));
    // A host of the store has its name.
    add_host(&mut world, 2, 2);
    world.hosts[0].name = known.name.clone();
    let adoption = adopt(&world, &all(), NOW);
    assert!(adoption.hosts.is_empty());
    assert_eq!(adoption.refused[0].1.code, Code::B0007);
}

#[test]
fn what_no_agent_can_name_is_listed_and_left_alone() {
    let mut world = after_restore();
    unknown_host(&mut world, 1, 1);
    world.recovery.as_mut().unwrap().formers.clear();
    let found = findings(&world);
    assert_eq!(found.nameless.len(), 2);
    assert_eq!(found.hosts[0].problem.as_ref().unwrap().code, Code::B0007);
    let adoption = adopt(&world, &all(), NOW);
    assert!(adoption.versions.is_empty() && adoption.hosts.is_empty());
}

#[test]
fn what_is_gone_since_the_backup_is_told() {
    let mut world = after_restore();
    add_host(&mut world, 1, 1);
    let gone = |report: &mut HostReport| report.phase = HostPhase::Gone;
    gone(world.host_reports.get_mut(&host(1)).unwrap());
    world.replicas.retain(|(_, digest), _| *digest != version(1).digest);
    let found = findings(&world);
    assert_eq!((found.hosts_gone, found.versions_gone), (vec![host(1)], vec![version(1)]));
    crate::testing::silence(&mut world, 2, true);
    assert!(findings(&world).versions_gone.is_empty(), "who is silent may have it");
}

#[test]
fn what_several_epochs_told_is_remembered_until_the_recovery_is_over() {
    let world = after_restore();
    let first = world.recovery.as_ref().unwrap().formers[&provider(1)].clone();
    let told_meanwhile = orders(&world, provider(1)).unwrap();
    assert!(told_meanwhile.replica(&version(2).digest).is_none());
    let kept = remember(Some(first), &told_meanwhile);
    assert!(kept.replica(&version(2).digest).is_some() && kept.replica(&version(1).digest).is_some());
    assert_eq!(remember(Some(kept.clone()), &told_meanwhile), kept, "the same again changes nothing");
}
