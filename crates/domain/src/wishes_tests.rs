//! Which wishes are refused, told as stories.

use super::*;
use crate::{
    digest::Digest,
    distribution::{HeldVersion, Member},
    host::{Host, HostKind},
    plan::{ProviderInWorld, TemplateInWorld},
    provider::{ProviderSettings, ProviderState},
    replica::{Phase, Progress, ReplicaReport},
    template::VersionRef,
    units::Timestamp,
};
use uuid::Uuid;

const DIGEST: Digest = Digest::from_bytes([1; 32]);

fn id(number: u128) -> ProviderId {
    ProviderId::from_uuid(Uuid::from_u128(number))
}

fn template() -> TemplateId {
    TemplateId::from_uuid(Uuid::from_u128(77))
}

/// A template on providers 1 to `count`, ready on all of them.
fn world(count: u128) -> World {
    let mut world = World::default();
    let version =
        VersionRef { template: template(), name: "win11".parse().unwrap(), number: 1, digest: DIGEST };
    let mut members = std::collections::BTreeMap::new();
    for number in 1..=count {
        let settings =
            ProviderSettings { uri: String::new(), storage: "default".into(), networks: Default::default() };
        let provider = ProviderInWorld {
            name: format!("kvm-{number}").parse().unwrap(),
            state: ProviderState::Available,
            since: Timestamp(0),
            settings,
            addresses: Vec::new(),
            problem: None,
            storage_free: None,
            storage_capacity: None,
            limit: None,
            scrub: Default::default(),
            site: None,
        };
        world.providers.insert(id(number), provider);
        let held = HeldVersion { number: 1, digest: DIGEST, verified_at: Timestamp(1) };
        members.insert(id(number), Member { held: Some(held), ..Member::new(false, Timestamp(0)) });
        let report = ReplicaReport {
            serves: false,
            damage: None,
            sources: Vec::new(),
            digest: DIGEST,
            phase: Phase::Ready,
            attempt: 1,
            progress: Progress::default(),
            verified_at: Some(Timestamp(1)),
            problem: None,
        };
        world.replicas.insert((id(number), DIGEST), report);
    }
    let list = TemplateInWorld {
        maintenance: None,
        discarded: Vec::new(),
        deleting: Default::default(),
        tags: Default::default(),
        numbered: 0,
        keep: 0,
        name: "win11".parse().unwrap(),
        status: TemplateStatus::Ready,
        concurrency: 8,
        limit: None,
        current: Some(version.clone()),
        versions: vec![version],
        publication: None,
        members,
    };
    world.templates.insert(template(), list);
    world
}

fn host(provider: u128) -> Host {
    Host {
        id: crate::ids::HostId::from_uuid(Uuid::from_u128(500)),
        name: "desk-1".parse().unwrap(),
        provider: id(provider),
        template: template(),
        version: 1,
        digest: DIGEST,
        kind: HostKind::Linked,
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

fn set_desire(world: &mut World, provider: u128, desire: Desire) {
    let list = world.templates.get_mut(&template()).unwrap();
    list.members.get_mut(&id(provider)).unwrap().desire = desire;
}

#[test]
fn a_replica_that_hosts_depend_on_is_not_removed_and_they_are_listed() {
    let mut world = world(2);
    world.hosts.push(host(2));
    let refused = may_remove_member(&world, template(), id(2), false).unwrap_err();
    assert_eq!(refused.to_string(), "hosts depend on it: `desk-1`");
    assert_eq!(refused.problem().code, Code::A0007);
    assert_eq!(may_remove_member(&world, template(), id(2), true), Ok(()), "`--when-free` waits for them");
    assert_eq!(may_remove_member(&world, template(), id(1), false), Ok(()));
    assert!(may_delete_template(&world, template()).is_err());
}

#[test]
fn the_last_verified_replica_is_kept() {
    let mut world = world(2);
    assert_eq!(may_remove_member(&world, template(), id(1), false), Ok(()));
    set_desire(&mut world, 1, Desire::Remove { when_free: false });
    let refused = may_remove_member(&world, template(), id(2), false).unwrap_err();
    assert!(matches!(refused, Refusal::LastReplica { .. }), "the other one is leaving: {refused}");
    set_desire(&mut world, 1, Desire::Hold);
    world.providers.get_mut(&id(1)).unwrap().state = ProviderState::NotAvailable;
    let refused = may_remove_member(&world, template(), id(2), false).unwrap_err();
    assert!(matches!(refused, Refusal::LastReplica { .. }), "what is silent is a hope: {refused}");
    assert_eq!(may_delete_template(&world, template()), Ok(()), "with the whole template it may go");
}

#[test]
fn whoever_lacks_the_version_may_leave_while_its_holder_is_silent() {
    let mut world = world(2);
    world.providers.get_mut(&id(1)).unwrap().state = ProviderState::NotAvailable;
    world.replicas.remove(&(id(2), DIGEST));
    let list = world.templates.get_mut(&template()).unwrap();
    list.members.get_mut(&id(2)).unwrap().held = None;
    assert_eq!(may_remove_member(&world, template(), id(2), false), Ok(()));
}

#[test]
fn only_what_died_is_forgotten() {
    let mut world = world(2);
    assert!(matches!(may_remove_provider(&world, id(1), true), Err(Refusal::Answers { .. })));
    assert!(matches!(may_remove_provider(&world, id(1), false), Err(Refusal::OnLists { .. })));
    world.providers.get_mut(&id(1)).unwrap().state = ProviderState::NotAvailable;
    assert_eq!(may_remove_provider(&world, id(1), true), Ok(()));
}

#[test]
fn a_host_is_wished_for_only_where_its_template_is_to_stay() {
    let mut world = world(2);
    assert_eq!(may_create_host(&world, template(), id(1)), Ok(()));
    set_desire(&mut world, 1, Desire::Remove { when_free: true });
    assert!(matches!(may_create_host(&world, template(), id(1)), Err(Refusal::NotOnTheList { .. })));
}

#[test]
fn a_provider_changes_its_storage_only_while_it_holds_nothing() {
    let mut world = world(2);
    let provider = *world.providers.keys().next().unwrap();
    for list in world.templates.values_mut() {
        list.members.values_mut().for_each(|member| member.held = None);
    }
    world.hosts.clear();
    assert_eq!(may_move_storage(&world, provider), Ok(()));
    let held = crate::distribution::HeldVersion {
        number: 1,
        digest: crate::digest::Digest::from_bytes([1; 32]),
        verified_at: crate::units::Timestamp(1),
    };
    for list in world.templates.values_mut() {
        list.members.get_mut(&provider).unwrap().held = Some(held);
    }
    let refused = may_move_storage(&world, provider).unwrap_err();
    assert!(matches!(refused, Refusal::HoldsThere { .. }), "{refused}");
    assert_eq!(refused.problem().code, Code::A0007);
}

#[test]
fn what_a_bundle_brings_is_the_newest_or_known_and_never_another_history() {
    let mut world = world(1);
    let other = Digest::from_bytes([2; 32]);
    let asked = |world: &World, number, digest| may_import_version(world, template(), number, digest);
    assert_eq!(asked(&world, 4, other), Ok(Import::New));
    assert_eq!(asked(&world, 4, DIGEST), Ok(Import::Known(1)));
    let refused = asked(&world, 1, other).unwrap_err();
    assert_eq!(refused.problem().code, Code::T0023);
    let list = world.templates.get_mut(&template()).unwrap();
    list.numbered = 4;
    let refused = asked(&world, 3, other).unwrap_err().problem();
    assert_eq!(refused.cause, "template `win11` has had v4 already, and the bundle has v3");
    world.templates.get_mut(&template()).unwrap().status = TemplateStatus::Deleting;
    assert_eq!(asked(&world, 5, other).unwrap_err().problem().code, Code::A0010);
}
