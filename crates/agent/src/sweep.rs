//! Sweeping: what nobody needs any more and nobody would order away, because only this agent knows
//! of it. Frames kept for peers that have long got theirs, and what publications left half made.

use crate::{
    board::Knowledge,
    data,
    survey::{names, publishing_dir, publishings_dir, trimming_dir, trimmings_dir},
    worker::Site,
};
use diecast_domain::{agent::Object, assignment::Orders, digest::Digest, ids::PublicationId};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

/// How long frames are kept after the last that needed or asked for them. A provider that was away
/// for less finds them packed; one that comes later has them packed anew from the plain files.
const SPOOL_LIFE: Duration = Duration::from_secs(3600);

/// Looks once. Reads and removes files: call it from a thread that may block.
pub fn sweep(site: &Site) {
    let (publications, spools) = {
        let mut known = site.board.know();
        let Some(told) = known.assignment.clone().filter(|_| known.storage.is_some()) else { return };
        (left_over(site, &known, &told.orders), unneeded(site, &mut known, &told.orders))
    };
    for publication in publications {
        for path in [
            trimming_dir(&site.storage, publication),
            publishing_dir(&site.storage, publication),
            site.data.publishing_spool(publication),
        ] {
            if let Err(error) = data::remove(&path) {
                tracing::warn!("what a publication left cannot be removed: {}: {error}", path.display());
            }
        }
    }
    for version in spools {
        tracing::debug!(version = %version, "the packed frames of a version are dropped");
        if let Err(error) = site.depots.drop_spool(&site.storage, &site.data, &version) {
            tracing::warn!(version = %version, "they cannot be removed: {error}");
        }
    }
}

/// Publications of which something lies here, that no order names and no task works on.
fn left_over(site: &Site, known: &Knowledge, orders: &Orders) -> BTreeSet<PublicationId> {
    let mut found: BTreeSet<PublicationId> =
        names(&publishings_dir(&site.storage)).unwrap_or_default().into_iter().collect();
    found.extend(names::<PublicationId>(&trimmings_dir(&site.storage)).unwrap_or_default());
    found.extend(site.data.names::<PublicationId>("spool"));
    found.retain(|id| {
        let named = orders.publications.iter().any(|order| order.id == *id);
        !named && !known.tasks.contains_key(&Object::Publication(*id))
    });
    found
}

/// Versions whose frames nothing has needed for an hour.
fn unneeded(site: &Site, known: &mut Knowledge, orders: &Orders) -> Vec<Digest> {
    let now = Instant::now();
    let spooled: BTreeSet<Digest> = site.data.names("spool").into_iter().collect();
    let asked = site.depots.asked();
    known.spools_needed.retain(|version, _| spooled.contains(version));
    let mut drop = Vec::new();
    for version in spooled {
        let needed = known.needs_spool(orders, &version);
        let last = known.spools_needed.entry(version).or_insert(now);
        if needed {
            *last = now;
        }
        if let Some(asked) = asked.get(&version) {
            *last = (*last).max(*asked);
        }
        if now.duration_since(*last) >= SPOOL_LIFE {
            drop.push(version);
        }
    }
    drop
}

impl Knowledge {
    /// Its frames are made, brought or handed over now, or are nowhere else.
    fn needs_spool(&self, orders: &Orders, version: &Digest) -> bool {
        let publishing = orders
            .publications
            .iter()
            .any(|order| self.published.get(&order.id).is_some_and(|published| published.digest == *version));
        let whole = self.verified_at.contains_key(version);
        let filling = orders.replica(version).is_some_and(|order| order.go) && !whole;
        let busy = self.tasks.contains_key(&Object::Replica(*version));
        let imported = orders.bundles.iter().any(|order| order.act.imports() == Some(*version));
        publishing || filling || busy || imported || self.is_only_source(orders, version)
    }

    /// What is new in it is nowhere but in its spool, and somebody may still ask for it. The working copy
    /// that it was made of stays until a provider holds it whole: once that is gone, and no order names
    /// the version, nobody will.
    fn is_only_source(&self, orders: &Orders, version: &Digest) -> bool {
        let named = orders.replica(version).is_some()
            || orders.readers.iter().any(|readers| readers.digest == *version);
        let unfinished = !orders.publications.is_empty() || !self.local.working_copy_remains.is_empty();
        self.derived.contains_key(version) && (named || unfinished)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use diecast_domain::{
        assignment::{Readers, ReplicaOrder},
        ids::{ProviderId, TemplateId},
        provider::ProviderSettings,
        template::VersionRef,
        units::Timestamp,
    };
    use uuid::Uuid;

    #[test]
    fn frames_that_are_nowhere_else_are_never_dropped() {
        let settings = ProviderSettings {
            uri: "qemu:///system".into(),
            storage: "default".into(),
            networks: Default::default(),
        };
        let digest = Digest::from_bytes([1; 32]);
        let provider = ProviderId::from_uuid(Uuid::from_u128(1));
        let mut orders = Orders::none(provider, "kvm-a".parse().unwrap(), settings);
        let mut known = Knowledge::default();
        assert!(!known.needs_spool(&orders, &digest));
        known.derived.insert(digest, Digest::from_bytes([2; 32]));
        assert!(!known.needs_spool(&orders, &digest), "its maintenance was cancelled");
        let copy = diecast_domain::ids::MaintenanceId::from_uuid(Uuid::from_u128(5));
        known.local.working_copy_remains.insert(copy);
        assert!(known.needs_spool(&orders, &digest), "nobody else holds it, although no order names it");
        known.local.working_copy_remains.clear();
        orders.readers.push(Readers { digest, providers: vec![provider] });
        assert!(known.needs_spool(&orders, &digest), "others are to fetch it");
        orders.readers.clear();
        known.derived.clear();
        let version = VersionRef {
            template: TemplateId::from_uuid(Uuid::from_u128(2)),
            name: "win11".parse().unwrap(),
            number: 2,
            digest,
        };
        orders.replicas.push(ReplicaOrder { version, attempt: 1, go: true, sources: Vec::new() });
        assert!(known.needs_spool(&orders, &digest), "it is being brought here");
        known.verified_at.insert(digest, Timestamp(9));
        assert!(!known.needs_spool(&orders, &digest), "whole, it is packed anew when somebody asks");
    }
}
