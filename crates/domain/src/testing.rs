//! A small world for stories: some providers, one template, some hosts that run.

use crate::{
    digest::Digest,
    distribution::Member,
    host::{Host, HostKind, HostPhase, HostReport, HostSetup},
    ids::{HostId, ProviderId, RecreationId, TemplateId},
    plan::{ProviderInWorld, TemplateInWorld, World},
    provider::{Power, ProviderSettings, ProviderState},
    replica::{Phase, Progress, ReplicaReport},
    template::{TemplateStatus, VersionRef},
    units::{ByteCount, Timestamp},
};
use uuid::Uuid;

pub(crate) const NOW: Timestamp = Timestamp(1_000_000);

pub(crate) fn provider(number: u128) -> ProviderId {
    ProviderId::from_uuid(Uuid::from_u128(number))
}

pub(crate) fn host(number: u128) -> HostId {
    HostId::from_uuid(Uuid::from_u128(500 + number))
}

pub(crate) fn template() -> TemplateId {
    TemplateId::from_uuid(Uuid::from_u128(77))
}

pub(crate) fn recreation(number: u128) -> RecreationId {
    RecreationId::from_uuid(Uuid::from_u128(900 + number))
}

pub(crate) fn version(number: u32) -> VersionRef {
    let digest = Digest::from_bytes([number as u8; 32]);
    VersionRef { template: template(), name: "win11".parse().unwrap(), number, digest }
}

pub(crate) fn seconds(from: Timestamp, seconds: i64) -> Timestamp {
    Timestamp(from.0 + 1000 * seconds)
}

/// Providers 1 to `providers`, which hold versions 1 to `versions` ready; the last is current.
pub(crate) fn world(providers: u128, versions: u32) -> World {
    let mut world = World::default();
    let all: Vec<VersionRef> = (1..=versions).map(version).collect();
    for number in 1..=providers {
        let there = ProviderInWorld {
            name: format!("kvm-{number}").parse().unwrap(),
            state: ProviderState::Available,
            since: Timestamp(0),
            settings: ProviderSettings {
                uri: "qemu:///system".into(),
                storage: "default".into(),
                networks: Default::default(),
            },
            addresses: Vec::new(),
            problem: None,
            storage_free: Some(ByteCount::gib(100)),
            storage_capacity: Some(ByteCount::gib(200)),
            limit: None,
            scrub: Default::default(),
            site: None,
        };
        world.providers.insert(provider(number), there);
    }
    let list = TemplateInWorld {
        name: "win11".parse().unwrap(),
        status: TemplateStatus::Ready,
        concurrency: 8,
        limit: None,
        current: all.last().cloned(),
        versions: all.clone(),
        publication: None,
        maintenance: None,
        discarded: Vec::new(),
        deleting: Default::default(),
        tags: Default::default(),
        numbered: 0,
        keep: 0,
        members: (1..=providers).map(|number| (provider(number), Member::new(false, NOW))).collect(),
    };
    world.templates.insert(template(), list);
    for number in 1..=providers {
        all.iter().for_each(|version| replica(&mut world, number, version.number, Phase::Ready));
    }
    world
}

pub(crate) fn list(world: &mut World) -> &mut TemplateInWorld {
    world.templates.get_mut(&template()).unwrap()
}

pub(crate) fn replica(world: &mut World, on: u128, number: u32, phase: Phase) {
    let digest = version(number).digest;
    let report = ReplicaReport {
        digest,
        phase,
        attempt: 1,
        progress: Progress::default(),
        verified_at: (phase == Phase::Ready).then_some(Timestamp(1)),
        problem: None,
        serves: false,
        damage: None,
        sources: Vec::new(),
    };
    world.replicas.insert((provider(on), digest), report);
}

pub(crate) fn silence(world: &mut World, number: u128, silent: bool) {
    let there = world.providers.get_mut(&provider(number)).unwrap();
    there.state = if silent { ProviderState::NotAvailable } else { ProviderState::Available };
}

/// A host of version 1 that stands, runs and is used by nobody.
pub(crate) fn add_host(world: &mut World, number: u128, on: u128) {
    let there = Host {
        id: host(number),
        name: format!("desk-{number}").parse().unwrap(),
        provider: provider(on),
        template: template(),
        version: 1,
        digest: version(1).digest,
        kind: HostKind::Linked,
        macs: Vec::new(),
        attempt: 1,
        next_attempt_at: None,
        problem: None,
        made: true,
        deleting: false,
        delete_data: false,
        created_at: NOW,
        setup: HostSetup::default(),
        pool: None,
        incarnation: 1,
        restores: None,
        previous: None,
    };
    world.hosts.push(there);
    says(world, number, |_| {});
}

pub(crate) fn host_mut(world: &mut World, number: u128) -> &mut Host {
    world.hosts.iter_mut().find(|there| there.id == host(number)).unwrap()
}

/// The host's agent says that it stands as wished, is well and free, but for what `change` does.
pub(crate) fn says(world: &mut World, number: u128, change: impl FnOnce(&mut HostReport)) {
    let there = host_mut(world, number).clone();
    let mut report = HostReport {
        id: there.id,
        phase: HostPhase::Made,
        attempt: there.attempt,
        power: Some(Power::Running),
        addresses: vec!["10.0.0.9".into()],
        guest_agent: true,
        guest_name: None,
        problem: None,
        incarnation: there.incarnation,
        digest: Some(there.digest),
        users: Some(Vec::new()),
        set_aside: there.previous.iter().map(|former| former.incarnation).collect(),
    };
    change(&mut report);
    world.host_reports.insert(there.id, report);
}

pub(crate) fn used_by(world: &mut World, number: u128, user: &str) {
    says(world, number, |report| report.users = Some(vec![user.into()]));
}
