//! Looking at the disk: what is truly held, for `domain::agent::decide`.

use crate::{board::Knowledge, data::DataDir};
use diecast_domain::{
    agent::{Held, Local},
    digest::Digest,
    ids::{HostId, OperationId, PublicationId},
    units::Timestamp,
};
use diecast_provider::layout as places;
use diecast_transfer::{layout, record::VerifiedRecord};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Versions that are being filled, below Diecast's directory in the pool.
pub fn incoming_dir(storage: &Path) -> PathBuf {
    storage.join("incoming")
}

/// Where a publication makes its plain files.
pub fn publishing_dir(storage: &Path, publication: PublicationId) -> PathBuf {
    storage.join("publishing").join(publication.to_string())
}

/// Reads the disk and writes what it found on the board.
pub fn survey(known: &mut Knowledge, data: &DataDir) {
    let Some(storage) = known.storage.clone() else { return };
    let mut local = Local::default();
    let mut verified_at = BTreeMap::new();
    for digest in names::<Digest>(&incoming_dir(&storage)) {
        local.replicas.insert(digest, Held::Partial);
    }
    for digest in names::<Digest>(&places::versions_dir(&storage)) {
        let (held, verified) = version(known, data, &storage, &digest);
        local.replicas.insert(digest, held);
        verified_at.extend(verified.map(|at| (digest, at)));
    }
    local.hosts_made = data.names::<HostId>("made").into_iter().collect();
    let standing: BTreeSet<HostId> = known.hypervisor.hosts.iter().map(|host| host.id).collect();
    local.hosts = local.hosts_made.intersection(&standing).copied().collect();
    local.host_remains = names::<HostId>(&places::hosts_dir(&storage));
    local.host_remains.extend(standing.iter().chain(&local.hosts_made));
    local.published = known.published.iter().map(|(id, published)| (*id, published.digest)).collect();
    local.operations_ended = data.names::<OperationId>("operations").into_iter().collect();
    local.failed = known.failures.iter().map(|(object, failure)| (*object, failure.attempt)).collect();
    local.busy = known.tasks.keys().copied().collect();
    let removing = known.tasks.iter().filter(|(_, task)| task.phase.is_removal());
    local.removing = removing.map(|(object, _)| *object).collect();
    known.local = local;
    known.verified_at = verified_at;
}

fn version(known: &Knowledge, data: &DataDir, storage: &Path, digest: &Digest) -> (Held, Option<Timestamp>) {
    let dir = layout::version_dir(&places::versions_dir(storage), digest);
    let record = VerifiedRecord::load(&data.verified(digest)).filter(|record| record.version == *digest);
    let intact = record.as_ref().is_some_and(|record| record.unchanged(&dir));
    let held = match (intact, known.damaged.contains_key(digest)) {
        (true, false) if known.registered.contains(digest) => Held::Ready,
        (true, false) => Held::Verified,
        _ => Held::Changed,
    };
    (held, record.filter(|_| held != Held::Changed).map(|record| record.verified_at))
}

/// The entries of a directory whose names parse; none if it is not there.
fn names<T: std::str::FromStr + Ord>(dir: &Path) -> BTreeSet<T> {
    let Ok(entries) = fs::read_dir(dir) else { return BTreeSet::new() };
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect()
}

#[cfg(test)]
#[path = "survey_tests.rs"]
mod tests;
