//! What agents are told, told as stories.

use super::*;
use crate::ids::PublicationId;
use crate::{
    assignment::{Deletion, ReplicaOrder},
    digest::Digest,
    distribution::{Desire, Distribution, Member},
    host::Host,
    ids::TemplateId,
    provider::{ProviderSettings, ProviderState},
    replica::{Phase, ReplicaReport},
    template::{Publication, TemplateStatus, VersionRef},
    units::Timestamp,
};
use crate::{
    host::SetAside,
    ids::MaintenanceId,
    maintenance::{Discarded, Maintenance, Stage},
};
use crate::{replica::Progress, template::PublicationSource};
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use uuid::Uuid;

fn id(number: u128) -> ProviderId {
    ProviderId::from_uuid(Uuid::from_u128(number))
}

fn template() -> TemplateId {
    TemplateId::from_uuid(Uuid::from_u128(77))
}

fn version() -> VersionRef {
    VersionRef {
        template: template(),
        name: "win11".parse().unwrap(),
        number: 1,
        digest: Digest::from_bytes([1; 32]),
    }
}

/// Providers 1 to `count`; the first holds version 1, all are on the list.
fn world(count: u128, concurrency: u32) -> World {
    let mut world = World::default();
    for number in 1..=count {
        let provider = ProviderInWorld {
            name: format!("kvm-{number}").parse().unwrap(),
            state: ProviderState::Available,
            since: Timestamp(0),
            settings: ProviderSettings {
                uri: "qemu:///system".into(),
                storage: "default".into(),
                networks: BTreeMap::new(),
            },
            addresses: vec![format!("10.0.0.{number}:7444")],
            problem: None,
            storage_free: None,
            storage_capacity: None,
            limit: None,
            scrub: Default::default(),
            site: None,
        };
        world.providers.insert(id(number), provider);
    }
    let members = (1..=count).map(|number| (id(number), Member::new(false, Timestamp(0))));
    let list = TemplateInWorld {
        maintenance: None,
        discarded: Vec::new(),
        deleting: Default::default(),
        tags: Default::default(),
        numbered: 0,
        keep: 0,
        name: "win11".parse().unwrap(),
        status: TemplateStatus::Ready,
        concurrency,
        limit: None,
        current: Some(version()),
        versions: vec![version()],
        publication: None,
        members: members.collect(),
    };
    world.templates.insert(template(), list);
    says(&mut world, 1, Phase::Ready);
    world
}

fn says(world: &mut World, provider: u128, phase: Phase) {
    let report = ReplicaReport {
        serves: false,
        damage: None,
        sources: Vec::new(),
        digest: version().digest,
        phase,
        attempt: 1,
        progress: Progress::default(),
        verified_at: matches!(phase, Phase::Ready | Phase::Registering).then_some(Timestamp(1)),
        problem: None,
    };
    world.replicas.insert((id(provider), version().digest), report);
}

fn told(world: &World, provider: u128) -> ReplicaOrder {
    orders(world, id(provider)).unwrap().replicas.remove(0)
}

fn going(world: &World) -> Vec<u128> {
    turns(world, template()).iter().map(|id| id.as_uuid().as_u128()).collect()
}

#[test]
fn concurrency_lets_some_go_and_queues_the_others() {
    let mut world = world(5, 2);
    assert_eq!(going(&world), [2, 3]);
    assert!(told(&world, 2).go && !told(&world, 4).go);
    says(&mut world, 2, Phase::Ready);
    assert_eq!(going(&world), [3, 4], "a turn that is free is taken");
    says(&mut world, 5, Phase::Transferring);
    assert_eq!(going(&world), [3, 5], "what is under way keeps its turn");
}

#[test]
fn one_providers_trouble_holds_up_nobody() {
    let mut world = world(4, 1);
    assert_eq!(going(&world), [2]);
    let list = world.templates.get_mut(&template()).unwrap();
    list.members.get_mut(&id(2)).unwrap().next_attempt_at = Some(Timestamp(9));
    assert_eq!(going(&world), [3], "who waits for a retry gives up the turn");
    world.providers.get_mut(&id(3)).unwrap().state = ProviderState::NotAvailable;
    assert_eq!(going(&world), [4], "who does not answer takes none");
}

#[test]
fn every_holder_of_few_is_a_source_and_receivers_begin_with_different_ones() {
    let mut world = world(12, 8);
    says(&mut world, 2, Phase::Ready);
    says(&mut world, 3, Phase::Registering);
    let first = |provider| told(&world, provider).sources[0].name.clone();
    assert_eq!(told(&world, 5).sources.len(), 3, "those with every byte verified");
    assert!((4..=12).map(first).collect::<BTreeSet<_>>().len() > 1);
}

#[test]
fn readers_are_the_list_and_nobody_else() {
    let world = world(3, 8);
    let orders = orders(&world, id(1)).unwrap();
    assert!(orders.may_read(&version().digest, id(2)));
    assert!(!orders.may_read(&version().digest, id(9)));
    assert!(!orders.may_read(&Digest::from_bytes([9; 32]), id(2)));
}

fn host_on(provider: u128) -> Host {
    Host {
        id: crate::ids::HostId::from_uuid(Uuid::from_u128(500)),
        name: "desk-1".parse().unwrap(),
        provider: id(provider),
        template: template(),
        version: 1,
        digest: version().digest,
        kind: crate::host::HostKind::Linked,
        macs: Vec::new(),
        attempt: 1,
        next_attempt_at: None,
        problem: None,
        made: true,
        deleting: false,
        delete_data: false,
        created_at: Timestamp(0),
        setup: Default::default(),
        pool: None,
        incarnation: 1,
        restores: None,
        previous: None,
    }
}

#[test]
fn a_replica_that_hosts_depend_on_is_kept_until_they_are_gone() {
    let mut world = world(2, 8);
    says(&mut world, 2, Phase::Ready);
    world.hosts.push(host_on(2));
    let list = world.templates.get_mut(&template()).unwrap();
    list.members.get_mut(&id(2)).unwrap().desire = Desire::Remove { when_free: true };
    let kept = orders(&world, id(2)).unwrap();
    assert!(kept.deletions.is_empty() && kept.replicas.len() == 1);
    world.hosts.clear();
    let freed = orders(&world, id(2)).unwrap();
    assert_eq!(freed.deletions, [Deletion::Replica { version: version() }]);
    assert!(freed.replicas.is_empty());
}

#[test]
fn a_host_to_be_deleted_is_named() {
    let mut world = world(1, 8);
    world.hosts.push(Host { deleting: true, ..host_on(1) });
    let orders = orders(&world, id(1)).unwrap();
    assert_eq!(orders.deletions, [Deletion::Host { data: false, host: world.hosts[0].id }]);
    assert!(orders.hosts.is_empty());
}

#[test]
fn an_empty_world_orders_no_deletion() {
    let mut world = world(2, 8);
    world.templates.clear();
    let orders = orders(&world, id(1)).unwrap();
    assert!(orders.deletions.is_empty() && orders.replicas.is_empty());
}

#[test]
fn a_publication_is_ordered_of_its_source_alone() {
    let mut world = world(2, 8);
    let publication = Publication {
        id: PublicationId::from_uuid(Uuid::from_u128(4)),
        provider: id(1),
        source: PublicationSource::Vm { name: "golden".into() },
        trim: true,
        attempt: 1,
        next_attempt_at: None,
        problem: None,
    };
    world.templates.get_mut(&template()).unwrap().publication = Some(publication);
    let ordered = orders(&world, id(1)).unwrap().publications;
    assert!(matches!(&ordered[..], [one] if one.trim), "and as it was wished: {ordered:?}");
    assert!(orders(&world, id(2)).unwrap().publications.is_empty());
}

#[test]
fn the_last_verified_replica_is_not_deleted_although_its_provider_leaves() {
    let mut world = world(2, 8);
    let list = world.templates.get_mut(&template()).unwrap();
    list.members.get_mut(&id(1)).unwrap().desire = Desire::Remove { when_free: false };
    let kept = orders(&world, id(1)).unwrap();
    assert!(kept.deletions.is_empty(), "kvm-2 has nothing yet");
    assert!(kept.may_read(&version().digest, id(2)), "and fetches it from here");
    says(&mut world, 2, Phase::Ready);
    assert_eq!(orders(&world, id(1)).unwrap().deletions.len(), 1);
}

#[test]
fn two_templates_of_the_same_content_share_one_replica_that_neither_takes_from_the_other() {
    let mut world = world(2, 8);
    let other = TemplateId::from_uuid(Uuid::from_u128(78));
    let mut twin = world.templates[&template()].clone();
    let version = VersionRef { template: other, name: "twin".parse().unwrap(), ..version() };
    (twin.current, twin.versions) = (Some(version.clone()), vec![version]);
    world.templates.insert(other, twin);
    assert_eq!(orders(&world, id(2)).unwrap().replicas.len(), 1, "it is fetched once");
    world.templates.get_mut(&other).unwrap().status = TemplateStatus::Deleting;
    let shared = orders(&world, id(1)).unwrap();
    assert!(shared.deletions.is_empty() && shared.replicas.len() == 1);
}

#[test]
fn a_transfer_is_not_stopped_because_its_hypervisor_is_silent_for_a_moment() {
    let mut world = world(2, 8);
    says(&mut world, 2, Phase::Transferring);
    world.providers.get_mut(&id(2)).unwrap().state = ProviderState::HypervisorSilent;
    assert!(told(&world, 2).go);
}

#[test]
fn a_template_goes_although_another_ones_hosts_stand_on_the_same_content() {
    let mut world = world(2, 8);
    let other = TemplateId::from_uuid(Uuid::from_u128(76));
    let mut twin = world.templates[&template()].clone();
    let version = VersionRef { template: other, name: "twin".parse().unwrap(), ..version() };
    (twin.current, twin.versions) = (Some(version.clone()), vec![version]);
    twin.status = TemplateStatus::Deleting;
    world.templates.insert(other, twin);
    world.hosts.push(host_on(1));
    let kept = orders(&world, id(1)).unwrap();
    let kept_for: Vec<_> = kept.replicas.iter().map(|order| order.version.template).collect();
    assert_eq!(kept_for, [template()], "for the one that stays, so that the other can go");
}

#[test]
fn a_deleted_template_keeps_its_bytes_until_a_twin_elsewhere_has_them() {
    let mut world = world(2, 8);
    let other = TemplateId::from_uuid(Uuid::from_u128(78));
    let mut twin = world.templates[&template()].clone();
    let version = VersionRef { template: other, name: "twin".parse().unwrap(), ..version() };
    (twin.current, twin.versions) = (Some(version.clone()), vec![version]);
    twin.members.remove(&id(1));
    world.templates.insert(other, twin);
    world.templates.get_mut(&template()).unwrap().status = TemplateStatus::Deleting;
    let last = orders(&world, id(1)).unwrap();
    assert!(last.deletions.is_empty() && last.may_read(&Digest::from_bytes([1; 32]), id(2)));
    says(&mut world, 2, Phase::Ready);
    assert_eq!(orders(&world, id(1)).unwrap().deletions.len(), 1);
}

#[test]
fn a_failed_publication_is_why_nothing_moves_on_the_whole_list() {
    let mut world = world(3, 8);
    world.replicas.clear();
    let problem = crate::code::Problem::new(crate::code::Code::V0003, "the disk is in use");
    let list = world.templates.get_mut(&template()).unwrap();
    (list.current, list.versions, list.status) = (None, Vec::new(), TemplateStatus::Failed);
    list.publication = Some(Publication {
        id: PublicationId::from_uuid(Uuid::from_u128(5)),
        provider: id(1),
        source: PublicationSource::Vm { name: "golden".into() },
        trim: false,
        attempt: 2,
        next_attempt_at: Some(Timestamp(9000)),
        problem: Some(problem.clone()),
    });
    let views: Vec<_> = world.views(template()).into_iter().map(|(_, desire, view)| (desire, view)).collect();
    for (_, view) in &views {
        assert_eq!((view.progress, view.moving), (Distribution::Failed, false));
        assert_eq!((&view.problem, view.next_attempt_at), (&Some(problem.clone()), Some(Timestamp(9000))));
    }
    assert_eq!(
        crate::distribution::status(&views).to_string(),
        "Failed to distribute (3 failed, 0 of 3 ready)"
    );
    // The next attempt has begun: everybody waits for it.
    world.templates.get_mut(&template()).unwrap().status = TemplateStatus::Creating;
    assert!(world.views(template()).iter().all(|(.., view)| view.moving));
}

fn number(number: u32) -> VersionRef {
    VersionRef { number, digest: Digest::from_bytes([number as u8; 32]), ..version() }
}

fn list(world: &mut World) -> &mut TemplateInWorld {
    world.templates.get_mut(&template()).unwrap()
}

/// Version 2 is current and ready on provider 1, which works on a copy of it.
fn in_maintenance(stage: Stage) -> World {
    let mut world = world(2, 8);
    let maintenance = Maintenance {
        id: MaintenanceId::from_uuid(Uuid::from_u128(9)),
        provider: id(1),
        base: version(),
        stage,
        macs: Vec::new(),
        attempt: 1,
        next_attempt_at: None,
        problem: None,
        author: "anna".into(),
        since: Timestamp(0),
        leave: None,
    };
    list(&mut world).maintenance = Some(maintenance);
    world
}

fn ready(world: &mut World, provider: u128, digest: Digest) {
    let report = ReplicaReport { digest, ..world.replicas[&(id(1), version().digest)].clone() };
    world.replicas.insert((id(provider), digest), report);
}

#[test]
fn a_working_copy_is_ordered_of_its_provider_alone_and_made_once() {
    let world = in_maintenance(Stage::Entering);
    let copies = |world: &World, provider| orders(world, id(provider)).unwrap().working_copies;
    assert!(copies(&world, 2).is_empty());
    assert_eq!((copies(&world, 1).len(), copies(&world, 1)[0].made), (1, false));
    assert!(copies(&in_maintenance(Stage::Open), 1)[0].made);
    assert!(copies(&in_maintenance(Stage::Leaving), 1)[0].made);
}

#[test]
fn the_base_of_a_working_copy_stays_although_its_provider_leaves_or_its_version_goes() {
    let mut world = in_maintenance(Stage::Open);
    says(&mut world, 2, Phase::Ready);
    let member = list(&mut world).members.get_mut(&id(1)).unwrap();
    member.desire = Desire::Remove { when_free: false };
    let kept = orders(&world, id(1)).unwrap();
    assert!(kept.deletions.is_empty() && kept.replicas.len() == 1);
    let two = number(2);
    let list = list(&mut world);
    list.versions.push(two.clone());
    (list.current, list.deleting) = (Some(two), BTreeSet::from([1]));
    assert!(orders(&world, id(1)).unwrap().deletions.is_empty());
    assert_eq!(orders(&world, id(2)).unwrap().deletions.len(), 1, "nobody works on it there");
}

#[test]
fn a_working_copy_is_deleted_only_when_somebody_holds_what_was_published_from_it() {
    let mut world = world(2, 8);
    let two = number(2);
    let copy = MaintenanceId::from_uuid(Uuid::from_u128(9));
    let left = Discarded { id: copy, provider: id(1), base: version().digest, after: Some(two.digest) };
    let there = list(&mut world);
    there.versions.push(two.clone());
    (there.current, there.discarded) = (Some(two.clone()), vec![left]);
    let named = |world: &World| !orders(world, id(1)).unwrap().deletions.is_empty();
    assert!(!named(&world));
    ready(&mut world, 2, two.digest);
    assert!(named(&world));
    world.providers.get_mut(&id(2)).unwrap().state = ProviderState::NotAvailable;
    assert!(!named(&world), "what is silent is a hope");
    list(&mut world).discarded[0].after = None;
    assert!(named(&world), "it was cancelled: nobody wants it");
}

#[test]
fn what_was_just_published_is_had_from_its_maker_before_its_own_files_are_whole() {
    let mut world = world(3, 8);
    let two = number(2);
    let there = list(&mut world);
    there.versions.push(two.clone());
    there.current = Some(two.clone());
    let report = ReplicaReport {
        digest: two.digest,
        phase: Phase::Transferring,
        verified_at: None,
        serves: true,
        damage: None,
        sources: Vec::new(),
        ..world.replicas[&(id(1), version().digest)].clone()
    };
    world.replicas.insert((id(1), two.digest), report);
    let sources =
        |provider| orders(&world, id(provider)).unwrap().replica(&two.digest).unwrap().sources.len();
    assert_eq!((sources(2), sources(3), sources(1)), (1, 1, 0));
    assert!(!world.is_ready_somewhere(two.digest));
}

#[test]
fn a_version_that_goes_is_named_to_everybody_but_where_something_stands_on_it() {
    let mut world = world(3, 8);
    let two = number(2);
    let there = list(&mut world);
    there.versions.push(two.clone());
    (there.current, there.deleting) = (Some(two.clone()), BTreeSet::from([1]));
    there.members.remove(&id(3));
    let former = SetAside { incarnation: 1, version: 1, digest: version().digest, dropping: false };
    let moved = Host { version: 2, digest: two.digest, previous: Some(former), ..host_on(2) };
    world.hosts.push(moved);
    let named = |world: &World, provider| orders(world, id(provider)).unwrap().deletions;
    let deletion = Deletion::Replica { version: version() };
    assert_eq!(named(&world, 1), std::slice::from_ref(&deletion));
    assert_eq!(named(&world, 2), [], "a host may go back to it there");
    assert_eq!(named(&world, 3), std::slice::from_ref(&deletion), "member or not");
    world.hosts[0].previous.as_mut().unwrap().dropping = true;
    let aside = Deletion::SetAside { host: world.hosts[0].id, incarnation: 1 };
    assert_eq!(named(&world, 2), [aside], "first the former disks, then what they stand on");
    world.hosts[0].previous = None;
    assert_eq!(named(&world, 2), [deletion]);
}

#[test]
fn an_older_version_is_kept_where_it_is_for_it_is_a_seed_and_the_way_back() {
    let mut world = world(2, 8);
    let two = number(2);
    let there = list(&mut world);
    there.versions.push(two.clone());
    there.current = Some(two);
    let holds = |provider| orders(&world, id(provider)).unwrap().replica(&version().digest).is_some();
    assert!(holds(1) && !holds(2));
}

#[test]
fn a_provider_is_told_its_own_limit_and_those_of_the_templates_it_receives() {
    let mut world = world(3, 8);
    world.providers.get_mut(&id(2)).unwrap().limit = Some("8Mbit/s".parse().unwrap());
    world.templates.get_mut(&template()).unwrap().limit = Some("4MB/s 08:00-18:00; off".parse().unwrap());
    let limits = |number| orders(&world, id(number)).unwrap().limits;
    assert_eq!(limits(2).provider, Some("8Mbit/s".parse().unwrap()));
    assert_eq!(limits(3).provider, None);
    let transfer = &limits(3).transfers[0];
    assert_eq!(
        (transfer.digest, transfer.limit.to_string().as_str()),
        (version().digest, "4MB/s 08:00-18:00 UTC; off")
    );
}

#[test]
fn whoever_receives_is_shown_what_holds_it_back_and_who_is_done_is_not() {
    let mut world = world(3, 8);
    let noon = Timestamp(12 * 3_600_000);
    let said = |world: &World, number| {
        Plan::of(world).limited(template(), id(number), noon).map(|limited| limited.to_string())
    };
    assert_eq!(said(&world, 2), None);
    world.providers.get_mut(&id(1)).unwrap().limit = Some("5Mbit/s".parse().unwrap());
    assert_eq!(said(&world, 2).as_deref(), Some("limited to 5 Mbit/s by its source kvm-1"));
    world.providers.get_mut(&id(2)).unwrap().limit = Some("9Mbit/s".parse().unwrap());
    assert_eq!(said(&world, 2).as_deref(), Some("limited to 5 Mbit/s by its source kvm-1"));
    world.templates.get_mut(&template()).unwrap().limit = Some("2Mbit/s 08:00-18:00; off".parse().unwrap());
    assert_eq!(said(&world, 2).as_deref(), Some("limited to 2 Mbit/s by template win11 until 18:00 UTC"));
    assert_eq!(said(&world, 1), None, "it holds it already");
    says(&mut world, 3, Phase::Ready);
    world.templates.get_mut(&template()).unwrap().limit = None;
    assert_eq!(
        said(&world, 2).as_deref(),
        Some("limited to 9 Mbit/s by provider kvm-2"),
        "one source has no limit"
    );
    says(&mut world, 2, Phase::Verifying);
    assert_eq!(said(&world, 2), None, "nothing travels any more");
}
