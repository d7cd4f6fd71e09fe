//! Looking at the disk: what is truly held, for `domain::agent::decide`.

use crate::{
    board::{Board, Knowledge},
    data::DataDir,
};
use anyhow::Context;
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
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::{MutexGuard, PoisonError},
};

/// Versions that are being filled, below Diecast's directory in the pool.
pub fn incoming_dir(storage: &Path) -> PathBuf {
    storage.join("incoming")
}

/// Where a publication makes its plain files.
pub fn publishing_dir(storage: &Path, publication: PublicationId) -> PathBuf {
    storage.join("publishing").join(publication.to_string())
}

/// What one look at the disk found.
struct Seen {
    storage: PathBuf,
    partial: BTreeSet<Digest>,
    /// Versions under their final names, with the time of their verification if they look as then.
    versions: BTreeMap<Digest, Option<Timestamp>>,
    host_dirs: BTreeSet<HostId>,
    hosts_made: BTreeSet<HostId>,
    operations_ended: BTreeSet<OperationId>,
}

/// Reads the disk and writes what it found on the board, which is returned locked. While the disk is
/// read the board is free: a disk that hangs holds up no report. Looks follow one after the other, so
/// that an older one never replaces a newer.
pub fn survey<'b>(board: &'b Board, data: &DataDir) -> MutexGuard<'b, Knowledge> {
    let _turn = board.looking.lock().unwrap_or_else(PoisonError::into_inner);
    let storage = board.know().storage.clone();
    let seen = storage.map(|storage| look(storage, data));
    let mut known = board.know();
    let failed_before = std::mem::replace(&mut known.look_failed, matches!(seen, Some(Err(_))));
    match seen {
        Some(Ok(seen)) if known.storage.as_ref() == Some(&seen.storage) => tell(seen, &mut known),
        // What cannot be looked at is not gone: what the last look found stands.
        Some(Err(error)) if !failed_before => tracing::warn!("what is held is not known anew: {error:#}"),
        Some(_) | None => {}
    }
    known
}

fn look(storage: PathBuf, data: &DataDir) -> anyhow::Result<Seen> {
    let versions = names::<Digest>(&places::versions_dir(&storage))?.into_iter();
    Ok(Seen {
        partial: names(&incoming_dir(&storage))?,
        versions: versions.map(|digest| (digest, verified_at(data, &storage, &digest))).collect(),
        host_dirs: names(&places::hosts_dir(&storage))?,
        hosts_made: data.names("made").into_iter().collect(),
        operations_ended: data.names("operations").into_iter().collect(),
        storage,
    })
}

fn verified_at(data: &DataDir, storage: &Path, digest: &Digest) -> Option<Timestamp> {
    let dir = layout::version_dir(&places::versions_dir(storage), digest);
    let record = VerifiedRecord::load(&data.verified(digest)).filter(|record| record.version == *digest)?;
    record.unchanged(&dir).then_some(record.verified_at)
}

fn tell(seen: Seen, known: &mut Knowledge) {
    let mut local = Local::default();
    let mut verified_at = BTreeMap::new();
    local.replicas.extend(seen.partial.into_iter().map(|digest| (digest, Held::Partial)));
    for (digest, verified) in seen.versions {
        let verified = verified.filter(|_| !known.damaged.contains_key(&digest));
        let held = match verified {
            Some(_) if known.registered.contains(&digest) => Held::Ready,
            Some(_) => Held::Verified,
            None => Held::Changed,
        };
        local.replicas.insert(digest, held);
        verified_at.extend(verified.map(|at| (digest, at)));
    }
    let standing: BTreeSet<HostId> = known.hypervisor.hosts.iter().map(|host| host.id).collect();
    local.hosts = seen.hosts_made.intersection(&standing).copied().collect();
    local.host_remains = seen.host_dirs;
    local.host_remains.extend(standing.iter().chain(&seen.hosts_made));
    local.hosts_made = seen.hosts_made;
    local.published = known.published.iter().map(|(id, published)| (*id, published.digest)).collect();
    local.operations_ended = seen.operations_ended;
    local.failed = known.failures.iter().map(|(object, failure)| (*object, failure.attempt)).collect();
    local.busy = known.tasks.keys().copied().collect();
    let removing = known.tasks.iter().filter(|(_, task)| task.phase.is_removal());
    local.removing = removing.map(|(object, _)| *object).collect();
    known.local = local;
    known.verified_at = verified_at;
}

/// The entries of a directory whose names parse; none if it is not there.
fn names<T: std::str::FromStr + Ord>(dir: &Path) -> anyhow::Result<BTreeSet<T>> {
    let listed = match fs::read_dir(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeSet::new()),
        listed => listed.and_then(Iterator::collect::<io::Result<Vec<_>>>),
    };
    let entries = listed.with_context(|| format!("{} cannot be listed", dir.display()))?;
    Ok(entries.iter().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect())
}

#[cfg(test)]
#[path = "survey_tests.rs"]
mod tests;
