//! What may be done with a working copy, told as stories.

use super::*;
use crate::{
    digest::Digest,
    ids::{MaintenanceId, ProviderId, PublicationId},
    maintenance::WorkingCopyReport,
    plan::ProviderInWorld,
    provider::{ProviderSettings, ProviderState},
    template::{Publication, PublicationSource, TemplateStatus, VersionRef},
    units::Timestamp,
};
use uuid::Uuid;

const PROVIDER: ProviderId = ProviderId::from_uuid(Uuid::from_u128(1));
const TEMPLATE: TemplateId = TemplateId::from_uuid(Uuid::from_u128(2));
const COPY: MaintenanceId = MaintenanceId::from_uuid(Uuid::from_u128(3));

fn world(stage: Stage) -> World {
    let mut world = World::default();
    let settings =
        ProviderSettings { uri: String::new(), storage: "default".into(), networks: Default::default() };
    let provider = ProviderInWorld {
        name: "kvm-a".parse().unwrap(),
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
    world.providers.insert(PROVIDER, provider);
    let base = VersionRef {
        template: TEMPLATE,
        name: "win11".parse().unwrap(),
        number: 1,
        digest: Digest::from_bytes([1; 32]),
    };
    let stay = Maintenance {
        id: COPY,
        provider: PROVIDER,
        base: base.clone(),
        stage,
        macs: Vec::new(),
        attempt: 1,
        next_attempt_at: None,
        problem: None,
        author: "ada".into(),
        since: Timestamp(0),
        leave: None,
    };
    let list = TemplateInWorld {
        name: "win11".parse().unwrap(),
        status: TemplateStatus::Ready,
        concurrency: 8,
        limit: None,
        current: Some(base.clone()),
        versions: vec![base],
        publication: None,
        maintenance: Some(stay),
        discarded: Vec::new(),
        deleting: Default::default(),
        tags: Default::default(),
        numbered: 0,
        keep: 0,
        members: Default::default(),
    };
    world.templates.insert(TEMPLATE, list);
    says(&mut world, WorkingCopyPhase::Made, Some(Power::Running));
    world
}

fn says(world: &mut World, phase: WorkingCopyPhase, power: Option<Power>) {
    let report = WorkingCopyReport {
        id: COPY,
        phase,
        attempt: 1,
        power,
        addresses: Vec::new(),
        guest_agent: false,
        problem: None,
    };
    world.working_copies.insert(COPY, report);
}

fn silence(world: &mut World) {
    world.providers.get_mut(&PROVIDER).unwrap().state = ProviderState::NotAvailable;
}

fn code(refused: Result<(), Problem>) -> Code {
    refused.unwrap_err().code
}

#[test]
fn maintenance_is_left_once_it_is_open_and_again_only_with_force_or_after_a_failure() {
    assert_eq!(code(may_leave_maintenance(&world(Stage::Entering), TEMPLATE, true)), Code::A0010);
    assert_eq!(may_leave_maintenance(&world(Stage::Open), TEMPLATE, false), Ok(()));
    let mut world = world(Stage::Leaving);
    assert_eq!(code(may_leave_maintenance(&world, TEMPLATE, false)), Code::A0010);
    assert_eq!(may_leave_maintenance(&world, TEMPLATE, true), Ok(()));
    let failed = Publication {
        id: PublicationId::from_uuid(Uuid::nil()),
        provider: PROVIDER,
        source: PublicationSource::Vm { name: "x".into() },
        trim: false,
        attempt: 1,
        next_attempt_at: None,
        problem: Some(Problem::new(Code::M0002, "it does not shut down")),
    };
    world.templates.get_mut(&TEMPLATE).unwrap().publication = Some(failed);
    assert_eq!(may_leave_maintenance(&world, TEMPLATE, false), Ok(()));
}

#[test]
fn a_working_copy_on_a_dead_provider_is_given_up_only_if_somebody_says_so() {
    let mut world = world(Stage::Open);
    assert_eq!(may_cancel_maintenance(&world, TEMPLATE, false), Ok(()));
    assert_eq!(code(may_cancel_maintenance(&world, TEMPLATE, true)), Code::A0010);
    silence(&mut world);
    let refused = may_cancel_maintenance(&world, TEMPLATE, false).unwrap_err();
    assert!(refused.code == Code::P0001 && refused.hint.contains("--forget"), "{refused:?}");
    assert_eq!(may_cancel_maintenance(&world, TEMPLATE, true), Ok(()));
    assert_eq!(code(may_leave_maintenance(&world, TEMPLATE, false)), Code::P0001);
}

#[test]
fn whoever_lost_the_disks_is_told_so_instead_of_waiting() {
    let mut world = world(Stage::Open);
    says(&mut world, WorkingCopyPhase::Gone, None);
    assert_eq!(code(may_leave_maintenance(&world, TEMPLATE, false)), Code::M0003);
    assert_eq!(code(may_start_working_copy(&world, TEMPLATE)), Code::M0003);
    assert_eq!(may_cancel_maintenance(&world, TEMPLATE, false), Ok(()));
}

#[test]
fn a_machine_that_is_off_is_started_and_shows_no_screen() {
    let mut world = world(Stage::Open);
    assert_eq!(may_see_working_copy(&world, TEMPLATE), Ok(()));
    says(&mut world, WorkingCopyPhase::Made, Some(Power::Off));
    assert_eq!(code(may_see_working_copy(&world, TEMPLATE)), Code::M0008);
    assert_eq!(may_start_working_copy(&world, TEMPLATE), Ok(()));
    let stay = world.templates.get_mut(&TEMPLATE).unwrap();
    stay.maintenance.as_mut().unwrap().stage = Stage::Leaving;
    assert_eq!(code(may_start_working_copy(&world, TEMPLATE)), Code::A0010);
    world.templates.get_mut(&TEMPLATE).unwrap().maintenance = None;
    assert_eq!(code(may_see_working_copy(&world, TEMPLATE)), Code::A0010, "there is none");
}
