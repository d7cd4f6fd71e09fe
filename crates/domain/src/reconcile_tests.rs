//! What is remembered after a report, told as stories.

use super::*;
use crate::{
    assignment::Deletion,
    assignment::Orders,
    code::Problem,
    digest::Digest,
    distribution::{Desire, Member},
    host::{Host, HostKind, HostPhase, HostReport},
    ids::{PublicationId, SessionId},
    plan::TemplateInWorld,
    profile::{Firmware, HardwareProfile, MachineType},
    provider::ProviderSettings,
    replica::{Phase, Progress, ReplicaReport},
    report::{PublicationPhase, PublicationReport},
    report::{Published, Report},
    template::TemplateStatus,
    template::{Publication, VersionRef},
    template::{PublicationSource, VersionSize},
    units::ByteCount,
};
use std::collections::BTreeMap;
use uuid::Uuid;

const DIGEST: Digest = Digest::from_bytes([1; 32]);
const NOW: Timestamp = Timestamp(1_000_000);

fn provider() -> ProviderId {
    ProviderId::from_uuid(Uuid::from_u128(1))
}

fn template() -> TemplateId {
    TemplateId::from_uuid(Uuid::from_u128(77))
}

fn version() -> VersionRef {
    VersionRef { template: template(), name: "win11".parse().unwrap(), number: 1, digest: DIGEST }
}

fn list() -> TemplateInWorld {
    TemplateInWorld {
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
        current: Some(version()),
        versions: vec![version()],
        publication: None,
        members: BTreeMap::new(),
    }
}

fn report(number: u64) -> Report {
    Report {
        working_copies: Vec::new(),
        provider: provider(),
        session: SessionId::from_uuid(Uuid::from_u128(9)),
        sequence: 1,
        agent_version: String::new(),
        generation: Generation { epoch: 1, number },
        addresses: Vec::new(),
        facts: None,
        hypervisor_problem: None,
        vms: Vec::new(),
        publications: Vec::new(),
        replicas: Vec::new(),
        hosts: Vec::new(),
        operations: Vec::new(),
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

fn says(phase: Phase, attempt: u32, code: Option<Code>) -> Report {
    let replica = ReplicaReport {
        serves: false,
        damage: None,
        sources: Vec::new(),
        digest: DIGEST,
        phase,
        attempt,
        progress: Progress::default(),
        verified_at: (phase == Phase::Ready).then_some(Timestamp(5)),
        problem: code.map(|code| Problem::new(code, "it went wrong")),
    };
    Report { replicas: vec![replica], ..report(3) }
}

fn told(deletions: Vec<Deletion>) -> Assignment {
    let settings = ProviderSettings { uri: String::new(), storage: String::new(), networks: BTreeMap::new() };
    let orders = Orders { deletions, ..Orders::none(provider(), "kvm-a".parse().unwrap(), settings) };
    Assignment { generation: Generation { epoch: 1, number: 3 }, orders }
}

fn member_after(member: &Member, report: &Report, told: &Assignment) -> Change<Member> {
    let name = "kvm-a".parse().unwrap();
    let heard = Heard { report, name: &name, told: Some(told), now: NOW, draw: 0 };
    member_after_report(&heard, template(), &list(), member)
}

#[test]
fn ready_is_remembered_once_and_ends_all_trouble() {
    let before = Member { attempt: 4, joined_later: true, ..Member::new(true, Timestamp(0)) };
    let change = member_after(&before, &says(Phase::Ready, 4, None), &told(vec![]));
    let after = change.record.unwrap();
    assert_eq!(after.held.unwrap().verified_at, Timestamp(5));
    assert_eq!((after.attempt, after.joined_later, after.since), (1, false, NOW));
    assert_eq!(change.transitions[0].sentence, "v1 of `win11` is ready on kvm-a");
    let again = member_after(&after, &says(Phase::Ready, 4, None), &told(vec![]));
    assert_eq!(again, Change { record: Some(after), transitions: vec![] });
}

#[test]
fn a_failure_waits_for_a_pause_and_then_counts_one_further() {
    let failure = says(Phase::Failed, 1, Some(Code::T0001));
    let change = member_after(&Member::new(false, Timestamp(0)), &failure, &told(vec![]));
    let waits = change.record.unwrap();
    assert_eq!(waits.next_attempt_at, Some(NOW + retry::PAUSE_FIRST));
    assert_eq!(change.transitions[0].code, Some(Code::T0001));
    assert_eq!(member_after(&waits, &failure, &told(vec![])).transitions, []);

    let early = member_due(template(), &list(), provider(), "kvm-a", &waits, NOW);
    assert_eq!(early.record, Some(waits.clone()));
    let late = NOW + retry::PAUSE_FIRST;
    let due = member_due(template(), &list(), provider(), "kvm-a", &waits, late).record.unwrap();
    assert_eq!((due.attempt, due.next_attempt_at), (2, None));
    let still_old = member_after(&due, &failure, &told(vec![]));
    assert_eq!(still_old.record, Some(due), "the old failure says nothing of the new attempt");
}

#[test]
fn what_can_never_succeed_is_not_tried_again_by_itself() {
    let failure = says(Phase::Failed, 1, Some(Code::T0007));
    let change = member_after(&Member::new(false, Timestamp(0)), &failure, &told(vec![]));
    let after = change.record.unwrap();
    assert_eq!((after.next_attempt_at, change.transitions.len()), (None, 1));
    assert_eq!(member_after(&after, &failure, &told(vec![])).transitions, []);
}

#[test]
fn a_restored_server_catches_up_with_an_agent_that_failed_more_often() {
    let failure = says(Phase::Failed, 7, Some(Code::T0001));
    let after = member_after(&Member::new(false, Timestamp(0)), &failure, &told(vec![])).record.unwrap();
    assert_eq!(after.attempt, 7, "the agent acts on numbers above 7 only");
    assert!(after.next_attempt_at.is_some());
}

#[test]
fn a_member_is_gone_only_after_orders_that_name_it_were_seen_and_carried_out() {
    let leaving = Member { desire: Desire::Remove { when_free: false }, ..Member::new(false, NOW) };
    let named = told(vec![Deletion::Replica { version: version() }]);
    let stays = |report: &Report, told: &Assignment| member_after(&leaving, report, told).record.is_some();
    assert!(stays(&report(2), &named), "it has not seen the order");
    assert!(stays(&says(Phase::Removing, 1, None), &named), "it is at it");
    assert!(stays(&Report { unassigned: vec![DIGEST], ..report(3) }, &named), "it still has it");
    assert!(stays(&report(3), &told(vec![])), "no order names it: absence proves nothing");
    let change = member_after(&leaving, &report(3), &named);
    assert_eq!(change.record, None);
    assert_eq!(change.transitions[0].kind, TransitionKind::Removed);
}

#[test]
fn a_copy_found_damaged_is_no_longer_remembered_as_held() {
    let ready = member_after(&Member::new(false, NOW), &says(Phase::Ready, 1, None), &told(vec![])).record;
    let change = member_after(&ready.unwrap(), &says(Phase::Damaged, 1, Some(Code::T0008)), &told(vec![]));
    assert_eq!(change.record.unwrap().held, None);
    assert_eq!(change.transitions[0].code, Some(Code::T0008));
}

fn host() -> Host {
    Host {
        id: HostId::from_uuid(Uuid::from_u128(500)),
        name: "desk-1".parse().unwrap(),
        provider: provider(),
        template: template(),
        version: 1,
        digest: DIGEST,
        kind: HostKind::Linked,
        macs: Vec::new(),
        attempt: 1,
        next_attempt_at: None,
        problem: None,
        made: false,
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

fn host_after(host: &Host, phase: Option<HostPhase>, told: &Assignment) -> Change<Host> {
    let said = phase.map(|phase| HostReport {
        incarnation: 1,
        digest: None,
        users: None,
        set_aside: Vec::new(),
        id: host.id,
        phase,
        attempt: 1,
        power: None,
        addresses: Vec::new(),
        guest_agent: false,
        guest_name: None,
        problem: (phase == HostPhase::Failed).then(|| Problem::new(Code::H0001, "it went wrong")),
    });
    let report = Report { hosts: said.into_iter().collect(), ..report(3) };
    let name = "kvm-a".parse().unwrap();
    host_after_report(
        &Heard { report: &report, name: &name, told: Some(told), now: NOW, draw: 0 },
        Some(&list()),
        host,
    )
}

#[test]
fn a_host_is_made_is_lost_and_comes_back_and_each_is_said_once() {
    let mut there = host();
    let mut sentences = Vec::new();
    for phase in [HostPhase::Failed, HostPhase::Made, HostPhase::Gone, HostPhase::Made] {
        for _ in 0..2 {
            let change = host_after(&there, Some(phase), &told(vec![]));
            sentences.extend(change.transitions.into_iter().map(|transition| transition.sentence));
            there = change.record.unwrap();
        }
    }
    assert!(there.made && there.problem.is_none());
    assert_eq!(
        sentences,
        [
            "host `desk-1` could not be made on kvm-a: it went wrong",
            "host `desk-1` is made on kvm-a",
            "host `desk-1` is gone from kvm-a",
            "host `desk-1` is back on kvm-a"
        ]
    );
}

#[test]
fn a_host_taken_away_before_it_was_heard_of_counts_as_made_and_is_missed() {
    let gone = host_after(&host(), Some(HostPhase::Gone), &told(vec![]));
    let there = gone.record.unwrap();
    assert!(there.made && there.problem.as_ref().is_some_and(|problem| problem.code == Code::H0005));
    assert_eq!(gone.transitions.len(), 1);
    assert!(host_after(&there, Some(HostPhase::Gone), &told(vec![])).transitions.is_empty(), "said once");
}

#[test]
fn a_deleted_host_is_gone_when_nothing_is_left_of_it() {
    let host = Host { deleting: true, ..host() };
    let named = told(vec![Deletion::Host { data: false, host: host.id }]);
    assert!(host_after(&host, Some(HostPhase::Deleting), &named).record.is_some());
    assert!(host_after(&host, None, &told(vec![])).record.is_some());
    assert_eq!(host_after(&host, None, &named).record, None);
}

#[test]
fn a_publication_makes_version_1_once_although_it_is_reported_again() {
    let id = PublicationId::from_uuid(Uuid::from_u128(4));
    let mut world = World::default();
    let publication = Publication {
        id,
        provider: provider(),
        source: PublicationSource::Vm { name: "golden".into() },
        trim: false,
        attempt: 1,
        next_attempt_at: None,
        problem: None,
    };
    let creating = TemplateInWorld {
        status: TemplateStatus::Creating,
        current: None,
        versions: Vec::new(),
        publication: Some(publication),
        ..list()
    };
    world.templates.insert(template(), creating);
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
    let said = |phase, code: Option<Code>| PublicationReport {
        id,
        phase,
        attempt: 1,
        progress: Progress::default(),
        problem: code.map(|code| Problem::new(code, "the machine runs")),
        published: (phase == PublicationPhase::Done).then(|| Published {
            new_bytes: None,
            trimming: None,
            digest: DIGEST,
            size: VersionSize::default(),
            profile: profile.clone(),
            warnings: Vec::new(),
        }),
    };
    let name = "kvm-a".parse().unwrap();
    let hear = |world: &mut World, said| {
        let report = Report { publications: vec![said], ..report(3) };
        let heard = Heard { report: &report, name: &name, told: None, now: NOW, draw: 0 };
        let changes = after_report(world, &heard);
        let count = changes.transitions.len();
        changes.apply(world, NOW);
        count
    };
    let failed = || said(PublicationPhase::Failed, Some(Code::V0001));
    assert_eq!((hear(&mut world, failed()), hear(&mut world, failed())), (1, 0));
    assert_eq!(world.templates[&template()].status, TemplateStatus::Failed);
    due(&world, NOW + retry::PAUSE_MAX).apply(&mut world, NOW);
    assert_eq!(world.templates[&template()].status, TemplateStatus::Creating);
    let done = || said(PublicationPhase::Done, None);
    world.templates.get_mut(&template()).unwrap().members.values_mut().for_each(|it| it.since = Timestamp(0));
    assert_eq!((hear(&mut world, done()), hear(&mut world, done())), (1, 0));
    assert_eq!(world.templates[&template()].current, Some(version()));
    assert_eq!(world.templates[&template()].publication, None);
    let members = &world.templates[&template()].members;
    assert!(members.values().all(|it| it.since == NOW), "they lack this version since now: {members:?}");
}

#[test]
fn reports_are_believed_in_the_order_they_were_sent() {
    let mut hearing = Hearing::default();
    let from = |session: u128, sequence| Report {
        session: SessionId::from_uuid(Uuid::from_u128(session)),
        sequence,
        ..report(1)
    };
    assert_eq!(hearing.heed(&from(1, 2), NOW), Heed::Fresh);
    assert_eq!(hearing.heed(&from(1, 2), NOW), Heed::Late);
    assert_eq!(hearing.heed(&from(1, 1), NOW), Heed::Late);
    assert_eq!(hearing.heed(&from(2, 1), NOW), Heed::Fresh, "a restarted agent is believed at once");
    assert_eq!(hearing.heed(&from(1, 3), NOW), Heed::Rival);
    assert_eq!(hearing.heed(&from(1, 4), NOW + SILENCE_MAX), Heed::Fresh, "the other fell silent");
}

#[test]
fn the_same_orders_are_told_once_in_each_epoch() {
    let first = told(vec![]);
    assert_eq!(tell(1, Some(&first), first.orders.clone()), None);
    let restored = tell(2, Some(&first), first.orders.clone()).unwrap();
    assert_eq!(restored.generation, Generation { epoch: 2, number: 1 });
    let changed = told(vec![Deletion::Host { data: false, host: host().id }]).orders;
    assert_eq!(tell(1, Some(&first), changed).unwrap().generation.number, 4);
}
