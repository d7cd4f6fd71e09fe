//! What the server knows while one version moves to everybody.

use diecast_domain::{
    digest::Digest,
    distribution::Member,
    ids::{ProviderId, TemplateId},
    plan::{ProviderInWorld, TemplateInWorld, World},
    provider::{ProviderSettings, ProviderState},
    replica::{Phase, Progress, ReplicaReport, SourceReport},
    template::{TemplateStatus, VersionRef},
    units::{ByteCount, BytesPerSecond, Timestamp},
};
use std::collections::BTreeMap;
use uuid::Uuid;

/// How one of them stands.
pub(super) struct Standing {
    pub site: Option<usize>,
    pub whole: bool,
    /// As far as the server knows.
    pub answers: bool,
    /// Pieces that came from other sites.
    pub from_elsewhere: usize,
}

pub(super) fn provider(number: usize) -> ProviderId {
    ProviderId::from_uuid(Uuid::from_u128(number as u128 + 1))
}

pub(super) fn version() -> VersionRef {
    VersionRef {
        template: TemplateId::from_uuid(Uuid::from_u128(1)),
        name: "golden".parse().expect("it is a label"),
        number: 1,
        digest: Digest::from_bytes([7; 32]),
    }
}

/// Everybody's turn has come; the first is the source.
pub(super) fn world(standings: impl Iterator<Item = Standing>) -> World {
    let mut world = World::default();
    let mut members = BTreeMap::new();
    for (number, standing) in standings.enumerate() {
        let id = provider(number);
        world.providers.insert(id, there(number, &standing));
        world.replicas.insert((id, version().digest), said(&standing));
        members.insert(id, Member::new(false, Timestamp(0)));
    }
    let list = TemplateInWorld {
        name: version().name,
        status: TemplateStatus::Ready,
        concurrency: u32::MAX,
        limit: None,
        current: Some(version()),
        versions: vec![version()],
        publication: None,
        maintenance: None,
        discarded: Vec::new(),
        deleting: Default::default(),
        tags: Default::default(),
        numbered: 1,
        keep: 0,
        members,
    };
    world.templates.insert(version().template, list);
    world
}

fn there(number: usize, standing: &Standing) -> ProviderInWorld {
    ProviderInWorld {
        name: format!("kvm-{number}").parse().expect("it is a label"),
        state: if standing.answers { ProviderState::Available } else { ProviderState::NotAvailable },
        since: Timestamp(0),
        settings: ProviderSettings {
            uri: "qemu:///system".into(),
            storage: "default".into(),
            networks: BTreeMap::new(),
        },
        addresses: Vec::new(),
        problem: None,
        storage_free: None,
        storage_capacity: None,
        limit: None,
        scrub: Default::default(),
        site: standing.site.map(|site| format!("site-{site}")),
    }
}

fn said(standing: &Standing) -> ReplicaReport {
    let phase = if standing.whole { Phase::Ready } else { Phase::Transferring };
    let far = SourceReport {
        provider: provider(0),
        received: ByteCount(standing.from_elsewhere as u64),
        rate: BytesPerSecond::default(),
        held_up: false,
    };
    ReplicaReport {
        digest: version().digest,
        phase,
        attempt: 1,
        progress: Progress::default(),
        verified_at: standing.whole.then_some(Timestamp(1)),
        problem: None,
        serves: false,
        damage: None,
        sources: vec![far],
    }
}
