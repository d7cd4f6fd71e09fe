//! What becomes of maintenance, versions and incarnations after reports, told as stories.

use super::*;
use crate::{
    assignment::Deletion,
    code::Problem,
    generation::Generation,
    host::Host,
    host::{HostPhase, HostReport, SetAside},
    ids::{MaintenanceId, PublicationId, SessionId},
    maintenance::{
        Discarded, IfUnavailable, Leave, Maintenance, RecreateWish, Stage, WorkingCopyPhase,
        WorkingCopyReport,
    },
    profile::{Firmware, HardwareProfile, MachineType},
    recreation::Terms,
    replica::{Phase, Progress},
    report::{PublicationPhase, PublicationReport, Published},
    template::{Publication, VersionRef, VersionSize},
    testing::*,
    units::ByteCount,
};
use uuid::Uuid;

const COPY: MaintenanceId = MaintenanceId::from_uuid(Uuid::from_u128(600));
const PUBLICATION: PublicationId = PublicationId::from_uuid(Uuid::from_u128(601));

fn maintenance(stage: Stage) -> Maintenance {
    Maintenance {
        id: COPY,
        provider: provider(1),
        base: version(1),
        stage,
        macs: Vec::new(),
        attempt: 1,
        next_attempt_at: None,
        problem: None,
        author: "anna".into(),
        since: NOW,
        leave: None,
    }
}

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

/// The world after a report whose agent has accepted what the world orders of it now. What was told.
fn hear(world: &mut World, report: &Report) -> Vec<String> {
    let orders = crate::plan::orders(world, report.provider).unwrap();
    let told = Assignment { generation: report.generation, orders };
    let name = world.providers[&report.provider].name.clone();
    let heard = Heard { report, name: &name, told: Some(&told), now: NOW, draw: 0 };
    let changes = after_report(world, &heard);
    let ours = |changes: &Changes| -> Vec<String> {
        let ours = changes.transitions.iter().filter(|it| !matches!(it.subject, Subject::Replica { .. }));
        ours.map(|transition| transition.sentence.clone()).collect()
    };
    let sentences = ours(&changes);
    changes.apply(world, NOW);
    let heard = Heard { report, name: &name, told: Some(&told), now: NOW, draw: 0 };
    let again = after_report(world, &heard);
    assert!(ours(&again).is_empty(), "the same report twice says nothing more: {again:?}");
    sentences
}

fn copy(phase: WorkingCopyPhase, attempt: u32) -> WorkingCopyReport {
    let failed = phase == WorkingCopyPhase::Failed;
    WorkingCopyReport {
        id: COPY,
        phase,
        attempt,
        power: None,
        addresses: Vec::new(),
        guest_agent: false,
        problem: failed.then(|| Problem::new(Code::H0001, "the storage is busy")),
    }
}

fn says_copy(world: &mut World, phase: WorkingCopyPhase, attempt: u32) -> Vec<String> {
    let report = Report { working_copies: vec![copy(phase, attempt)], ..report(world, 1) };
    hear(world, &report)
}

fn there(world: &World) -> &Maintenance {
    world.templates[&template()].maintenance.as_ref().unwrap()
}

#[test]
fn a_working_copy_that_could_not_be_made_is_tried_again_and_then_open() {
    let mut world = world(2, 1);
    list(&mut world).maintenance = Some(maintenance(Stage::Entering));
    let told = says_copy(&mut world, WorkingCopyPhase::Failed, 1);
    assert_eq!(told, ["the working copy of `win11` could not be made on kvm-1: the storage is busy"]);
    due(&world, seconds(NOW, 5)).apply(&mut world, NOW);
    assert_eq!((there(&world).attempt, there(&world).stage), (2, Stage::Entering));
    assert_eq!(says_copy(&mut world, WorkingCopyPhase::Failed, 1).len(), 0, "that was the first attempt");
    let told = says_copy(&mut world, WorkingCopyPhase::Made, 2);
    assert_eq!(told, ["the working copy of `win11` is ready on kvm-1"]);
    assert_eq!((there(&world).stage, &there(&world).problem), (Stage::Open, &None));
}

#[test]
fn a_working_copy_that_was_destroyed_is_told_of_and_stays_until_somebody_cancels() {
    let mut world = world(2, 1);
    list(&mut world).maintenance = Some(maintenance(Stage::Open));
    let told = says_copy(&mut world, WorkingCopyPhase::Gone, 1);
    assert_eq!(told, ["the working copy of `win11` is no longer on kvm-1"]);
    assert_eq!(there(&world).problem.as_ref().map(|problem| problem.code), Some(Code::M0003));
    assert!(
        crate::plan::orders(&world, provider(1)).unwrap().working_copies[0].made,
        "nobody makes it again"
    );
    assert_eq!(
        says_copy(&mut world, WorkingCopyPhase::Made, 1),
        ["the working copy of `win11` is back on kvm-1"]
    );
}

/// Version `versions` is worked on, its copy is being published, and all hosts are to move at once.
fn leaving(versions: u32) -> World {
    let mut world = world(2, versions);
    (1..=2).for_each(|number| add_host(&mut world, number, number));
    let leave = Leave {
        note: None,
        author: "ben".into(),
        recreate: RecreateWish::Now,
        if_unavailable: IfUnavailable::Proceed,
        terms: Terms::default(),
        recreation: recreation(1),
    };
    let base = version(versions);
    let there = Maintenance { base: base.clone(), leave: Some(leave), ..maintenance(Stage::Leaving) };
    let source =
        PublicationSource::WorkingCopy { maintenance: COPY, base, shutdown_seconds: 1, force: false };
    let publication = Publication {
        id: PUBLICATION,
        provider: provider(1),
        source,
        trim: false,
        attempt: 1,
        next_attempt_at: None,
        problem: None,
    };
    let list = list(&mut world);
    (list.maintenance, list.publication) = (Some(there), Some(publication));
    world
}

fn publishes(world: &World, of: u32) -> Report {
    let profile = HardwareProfile {
        vcpus: 1,
        memory: ByteCount::gib(1),
        machine: MachineType::Q35,
        firmware: Firmware::Bios,
        cpu_model: None,
        disks: Vec::new(),
        nics: Vec::new(),
        tpm: false,
        clock_localtime: false,
    };
    let published = Published {
        digest: version(of).digest,
        size: VersionSize::default(),
        profile,
        warnings: Vec::new(),
        new_bytes: Some(ByteCount::mib(1)),
        trimming: None,
    };
    let publication = PublicationReport {
        id: PUBLICATION,
        phase: PublicationPhase::Done,
        attempt: 1,
        progress: Progress::default(),
        problem: None,
        published: Some(published),
    };
    Report { publications: vec![publication], ..report(world, 1) }
}

#[test]
fn leaving_makes_a_version_and_begins_the_recreation_that_was_asked_for() {
    let mut world = leaving(1);
    let done = publishes(&world, 2);
    assert_eq!(hear(&mut world, &done), ["v2 of template `win11` is published"]);
    let list = &world.templates[&template()];
    assert_eq!((list.current.as_ref().unwrap().number, &list.maintenance), (2, &None));
    let left = Discarded {
        id: COPY,
        provider: provider(1),
        base: version(1).digest,
        after: Some(version(2).digest),
    };
    assert_eq!(list.discarded, [left]);
    let begun = &world.recreations[0];
    assert_eq!((begun.id, begun.version, begun.hosts.len()), (recreation(1), 2, 2));
    due(&world, NOW).apply(&mut world, NOW);
    assert_eq!(world.recreations[0].stage, crate::recreation::Stage::Running);
    assert!(world.hosts.iter().all(|host| host.version == 1), "nobody holds it ready yet");
    replica(&mut world, 1, 2, Phase::Ready);
    due(&world, NOW).apply(&mut world, NOW);
    assert_eq!(world.hosts.iter().filter(|host| host.version == 2).count(), 1);
}

#[test]
fn a_working_copy_in_which_nothing_was_changed_makes_no_version() {
    let mut world = leaving(1);
    let done = publishes(&world, 1);
    assert_eq!(hear(&mut world, &done), ["nothing was changed in `win11`: v1 stays as it is"]);
    let list = &world.templates[&template()];
    assert_eq!((list.versions.len(), &list.maintenance, list.discarded[0].after), (1, &None, None));
    assert!(world.recreations.is_empty());
}

#[test]
fn what_was_changed_back_to_an_older_version_is_that_version() {
    let mut world = leaving(3);
    let done = publishes(&world, 1);
    let told = hear(&mut world, &done);
    assert_eq!(told, ["what was published of `win11` is v1 to the byte: it is current again"]);
    let list = &world.templates[&template()];
    assert_eq!((list.versions.len(), list.current.as_ref().unwrap().number), (3, 1));
}

#[test]
fn a_publication_that_failed_shows_in_the_maintenance_until_it_is_tried_again() {
    let mut world = leaving(1);
    let mut failed = publishes(&world, 2);
    let said = &mut failed.publications[0];
    (said.phase, said.published) = (PublicationPhase::Failed, None);
    said.problem = Some(Problem::new(Code::M0002, "the guest does not shut down"));
    hear(&mut world, &failed);
    assert_eq!(there(&world).problem.as_ref().map(|problem| problem.code), Some(Code::M0002));
    assert_eq!(there(&world).stage, Stage::Leaving);
    due(&world, seconds(NOW, 60)).apply(&mut world, NOW);
    assert_eq!(there(&world).problem, None);
}

#[test]
fn what_a_working_copy_left_is_over_when_its_agent_was_told_and_has_nothing_of_it() {
    let mut world = world(2, 1);
    let left = Discarded { id: COPY, provider: provider(1), base: version(1).digest, after: None };
    list(&mut world).discarded = vec![left];
    says_copy(&mut world, WorkingCopyPhase::Deleting, 1);
    assert_eq!(world.templates[&template()].discarded.len(), 1);
    let elsewhere = report(&world, 2);
    hear(&mut world, &elsewhere);
    assert_eq!(world.templates[&template()].discarded.len(), 1, "another one's report says nothing");
    let nothing = report(&world, 1);
    hear(&mut world, &nothing);
    assert!(world.templates[&template()].discarded.is_empty());
}

#[test]
fn retention_marks_what_nobody_needs_and_it_is_gone_when_nobody_has_it() {
    let mut world = world(3, 4);
    list(&mut world).keep = 2;
    add_host(&mut world, 1, 1);
    due(&world, NOW).apply(&mut world, NOW);
    let deleting = |world: &World| world.templates[&template()].deleting.iter().copied().collect::<Vec<_>>();
    assert_eq!(deleting(&world), [2], "v3 and v4 are the newest, a host stands on v1");
    let empty = |world: &mut World, from: u128| {
        world.replicas.remove(&(provider(from), version(2).digest));
        let report = report(world, from);
        hear(world, &report)
    };
    assert!(empty(&mut world, 1).is_empty());
    silence(&mut world, 3, true);
    world.replicas.remove(&(provider(3), version(2).digest));
    assert!(empty(&mut world, 2).is_empty(), "kvm-3 does not answer, and may have it");
    silence(&mut world, 3, false);
    assert_eq!(empty(&mut world, 3), ["v2 of `win11` is gone everywhere"]);
    let numbers: Vec<_> = world.templates[&template()].versions.iter().map(|it| it.number).collect();
    assert_eq!(numbers, [1, 3, 4]);
}

#[test]
fn retention_waits_while_the_current_version_is_on_its_way() {
    let mut world = world(2, 4);
    list(&mut world).keep = 1;
    replica(&mut world, 2, 4, Phase::Transferring);
    assert!(due(&world, NOW).versions_deleting.is_empty(), "differences are taken from what is older");
    replica(&mut world, 2, 4, Phase::Ready);
    assert_eq!(due(&world, NOW).versions_deleting.len(), 3);
}

fn host_says(world: &mut World, change: impl FnOnce(&mut HostReport)) -> Vec<String> {
    says(world, 1, change);
    let hosts = vec![world.host_reports[&host(1)].clone()];
    let report = Report { hosts, ..report(world, 1) };
    hear(world, &report)
}

#[test]
fn a_new_incarnation_that_fails_is_tried_again_and_the_old_one_is_no_news() {
    let mut world = world(1, 2);
    add_host(&mut world, 1, 1);
    *host_mut(&mut world, 1) = world.hosts[0].recreated(2, version(2).digest);
    let old = |report: &mut HostReport| (report.incarnation, report.attempt) = (1, 1);
    assert!(host_says(&mut world, old).is_empty());
    let told = host_says(&mut world, |report| {
        (report.phase, report.incarnation) = (HostPhase::Failed, 1);
        report.problem = Some(Problem::new(Code::H0001, "the storage is busy"));
    });
    assert_eq!(told, ["host `desk-1` could not be recreated on kvm-1: the storage is busy"]);
    due(&world, seconds(NOW, 60)).apply(&mut world, NOW);
    assert_eq!(world.hosts[0].attempt, 3);
    host_says(&mut world, |_| {});
    assert_eq!((&world.hosts[0].problem, world.hosts[0].next_attempt_at), (&None, None));
    assert!(world.hosts[0].previous.is_some());
}

#[test]
fn a_host_that_went_back_stands_as_before_and_nothing_is_set_aside() {
    let mut world = world(1, 2);
    add_host(&mut world, 1, 1);
    let back = world.hosts[0].recreated(2, version(2).digest).rolled_back().unwrap();
    *host_mut(&mut world, 1) = back;
    let told = host_says(&mut world, |report| report.set_aside.clear());
    assert_eq!(told, ["host `desk-1` is back on v1 on kvm-1, as it was before"]);
    let host = &world.hosts[0];
    assert_eq!((host.previous, host.restores, host.incarnation, host.version), (None, None, 3, 1));
}

#[test]
fn former_disks_are_forgotten_when_they_were_ordered_away_and_are_gone() {
    let mut world = world(1, 2);
    add_host(&mut world, 1, 1);
    let former = SetAside { incarnation: 1, version: 1, digest: version(1).digest, dropping: true };
    *host_mut(&mut world, 1) =
        Host { previous: Some(former), ..world.hosts[0].recreated(2, version(2).digest) };
    host_says(&mut world, |_| {});
    assert!(world.hosts[0].previous.is_some(), "they are still there");
    host_says(&mut world, |report| report.set_aside.clear());
    assert_eq!(world.hosts[0].previous, None);
}

#[test]
fn a_restored_server_believes_the_incarnation_that_stands() {
    let mut world = world(1, 2);
    add_host(&mut world, 1, 1);
    host_says(&mut world, |report| {
        (report.incarnation, report.digest) = (4, Some(version(2).digest));
        report.set_aside = vec![3];
    });
    let host = &world.hosts[0];
    assert_eq!((host.incarnation, host.version), (4, 2));
    assert!(host.previous.is_some_and(|former| former.incarnation == 3 && former.dropping));
    let deletion = Deletion::SetAside { host: host.id, incarnation: 3 };
    assert!(crate::plan::orders(&world, provider(1)).unwrap().deletions.contains(&deletion));
}

#[test]
fn an_agent_of_the_release_before_names_no_incarnation_and_is_understood() {
    let mut world = world(1, 1);
    add_host(&mut world, 1, 1);
    world.hosts[0].made = false;
    assert_eq!(host_says(&mut world, |report| report.incarnation = 0), ["host `desk-1` is made on kvm-1"]);
    let status = crate::host::status(&world.hosts[0], world.host_reports.get(&host(1)), true);
    assert_eq!(status, crate::host::HostStatus::Ready);
}

#[test]
fn what_an_agent_just_said_to_stand_was_made_before_that_is_written_down() {
    let mut world = world(1, 1);
    add_host(&mut world, 1, 1);
    host_says(&mut world, |_| {});
    let (unwritten, report) = (Host { made: false, ..world.hosts[0].clone() }, &world.host_reports[&host(1)]);
    assert!(unwritten.was_made(Some(report)) && !unwritten.was_made(None));
    let creating = HostReport { phase: HostPhase::Creating, ..report.clone() };
    assert!(!unwritten.was_made(Some(&creating)), "one that is being made may run already");
}

#[test]
fn a_pool_that_is_deleted_takes_its_hosts_along_and_then_is_gone() {
    let mut world = world(1, 1);
    add_host(&mut world, 1, 1);
    let mut pool = crate::pool::tests::pool(1, 1, 0);
    host_mut(&mut world, 1).pool = Some(pool.id);
    pool.deleting = true;
    world.pools.push(pool);
    due(&world, NOW).apply(&mut world, NOW);
    assert!(world.hosts[0].deleting && !world.hosts[0].delete_data);
    world.hosts.clear();
    let changes = due(&world, NOW);
    assert_eq!(changes.transitions[0].sentence, "pool `desks` is gone");
    changes.apply(&mut world, NOW);
    assert!(world.pools.is_empty());
}

#[test]
fn a_pools_missing_host_is_made_again_and_anybody_elses_is_not() {
    let mut world = world(1, 1);
    (1..=2).for_each(|number| add_host(&mut world, number, 1));
    let pool = crate::pool::tests::pool(1, 1, 0);
    host_mut(&mut world, 1).pool = Some(pool.id);
    world.pools.push(pool);
    for number in [1, 2] {
        says(&mut world, number, |report| (report.phase, report.power) = (HostPhase::Gone, None));
    }
    due(&world, NOW).apply(&mut world, NOW);
    let incarnations: Vec<_> = world.hosts.iter().map(|host| host.incarnation).collect();
    assert_eq!(incarnations, [2, 1]);
}

#[test]
fn hosts_wanted_are_named_with_their_places_and_trouble_is_said_once() {
    let mut world = world(2, 1);
    world.pools.push(crate::pool::tests::pool(2, 2, 0));
    silence(&mut world, 2, true);
    world.pools[0].placement.cap = Some(1);
    let changes = due(&world, NOW);
    assert_eq!(changes.hosts_wanted, [(world.pools[0].id, provider(1))]);
    assert_eq!(changes.transitions.len(), 1);
    changes.apply(&mut world, NOW);
    assert!(due(&world, NOW).transitions.is_empty());
}

/// Whatever a version was derived from, its reference names the template it is of.
#[test]
fn a_version_keeps_its_templates_name() {
    let mut world = leaving(1);
    let done = publishes(&world, 2);
    hear(&mut world, &done);
    let made: &VersionRef = world.templates[&template()].current.as_ref().unwrap();
    assert_eq!((made.name.as_str(), made.template), ("win11", template()));
}

#[test]
fn an_older_version_that_a_host_needs_is_tried_again_although_the_current_one_is_there() {
    let mut world = world(1, 2);
    add_host(&mut world, 1, 1);
    replica(&mut world, 1, 1, Phase::Failed);
    world.replicas.get_mut(&(provider(1), version(1).digest)).unwrap().attempt = 4;
    let ill = report(&world, 1);
    hear(&mut world, &ill);
    let member = |world: &World| world.templates[&template()].members[&provider(1)].clone();
    assert!(member(&world).attempt == 4 && member(&world).next_attempt_at.is_some());
    assert_eq!(world.view(template(), provider(1)).unwrap().progress, crate::distribution::Distribution::Ok);
    due(&world, seconds(NOW, 600)).apply(&mut world, NOW);
    let orders = crate::plan::orders(&world, provider(1)).unwrap();
    assert_eq!(orders.replica(&version(1).digest).unwrap().attempt, 5);
}
