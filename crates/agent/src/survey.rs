//! Looking at the disk: what is truly held, for `domain::agent::decide`.

use crate::{
    board::{Board, Knowledge},
    data::{self, DataDir, Derivation},
};
use anyhow::Context;
use diecast_domain::{
    agent::{Held, Local},
    digest::Digest,
    ids::{HostId, MaintenanceId, OperationId, PublicationId},
    units::Timestamp,
};
use diecast_provider::layout as places;
use diecast_transfer::{layout, record::VerifiedRecord};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    str::FromStr,
    sync::{MutexGuard, PoisonError},
};

/// Versions that are being filled, below Diecast's directory in the pool.
pub fn incoming_dir(storage: &Path) -> PathBuf {
    storage.join("incoming")
}

/// Where a publication makes its plain files.
pub fn publishing_dir(storage: &Path, publication: PublicationId) -> PathBuf {
    publishings_dir(storage).join(publication.to_string())
}

pub fn publishings_dir(storage: &Path) -> PathBuf {
    storage.join("publishing")
}

/// Where the overlays of a publication lie that are trimmed in the place of its disks.
pub fn trimming_dir(storage: &Path, publication: PublicationId) -> PathBuf {
    trimmings_dir(storage).join(publication.to_string())
}

pub fn trimmings_dir(storage: &Path) -> PathBuf {
    storage.join("trimming")
}

/// What one look at the disk found.
struct Seen {
    storage: PathBuf,
    partial: BTreeSet<Digest>,
    /// Versions under their final names, with the time of their verification if they look as then.
    versions: BTreeMap<Digest, Option<Timestamp>>,
    /// Published from a working copy, and of which version.
    derived: BTreeMap<Digest, Digest>,
    host_dirs: BTreeSet<HostId>,
    hosts_made: BTreeMap<HostId, u32>,
    set_aside: BTreeMap<HostId, BTreeSet<u32>>,
    working_dirs: BTreeSet<MaintenanceId>,
    working_copies_made: BTreeSet<MaintenanceId>,
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
    let mut set_aside: BTreeMap<HostId, BTreeSet<u32>> = BTreeMap::new();
    for AsideDir { host, incarnation } in names(&places::hosts_dir(&storage))? {
        set_aside.entry(host).or_default().insert(incarnation);
    }
    Ok(Seen {
        partial: names(&incoming_dir(&storage))?,
        versions: versions.map(|digest| (digest, verified_at(data, &storage, &digest))).collect(),
        derived: derived(data)?,
        host_dirs: names(&places::hosts_dir(&storage))?,
        hosts_made: hosts_made(data)?,
        set_aside,
        working_dirs: names(&places::working_dir(&storage))?,
        working_copies_made: data.names("made-working").into_iter().collect(),
        operations_ended: data.names("operations").into_iter().collect(),
        storage,
    })
}

/// The directory of a host's former disks, by its name.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct AsideDir {
    host: HostId,
    incarnation: u32,
}

impl FromStr for AsideDir {
    type Err = ();
    fn from_str(name: &str) -> Result<Self, ()> {
        let (host, incarnation) = places::set_aside_of(name).ok_or(())?;
        Ok(Self { host, incarnation })
    }
}

fn derived(data: &DataDir) -> anyhow::Result<BTreeMap<Digest, Digest>> {
    let mut derived = BTreeMap::new();
    for digest in data.names("derived") {
        let written: Option<Derivation> = data::read_json(&data.derived(&digest))?;
        derived.extend(written.map(|derivation| (digest, derivation.base)));
    }
    Ok(derived)
}

fn hosts_made(data: &DataDir) -> anyhow::Result<BTreeMap<HostId, u32>> {
    let mut made = BTreeMap::new();
    for host in data.names("made") {
        made.extend(data.incarnation_made(host)?.map(|incarnation| (host, incarnation)));
    }
    Ok(made)
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
    // What has no files of its own yet is begun all the same: its frames lie in the spool.
    for digest in seen.derived.keys() {
        local.replicas.entry(*digest).or_insert(Held::Partial);
    }
    let standing: BTreeSet<HostId> = known.hypervisor.hosts().map(|host| host.id).collect();
    local.hosts = standing.iter().filter(|id| seen.hosts_made.contains_key(id)).copied().collect();
    local.host_remains = seen.host_dirs;
    local.host_remains.extend(standing.iter().chain(seen.hosts_made.keys()).chain(seen.set_aside.keys()));
    local.hosts_made = seen.hosts_made;
    local.set_aside = seen.set_aside;
    local.working_copy_remains = seen.working_dirs;
    local.working_copy_remains.extend(&seen.working_copies_made);
    local.working_copy_remains.extend(known.hypervisor.working_copies.iter().map(|copy| copy.id));
    local.working_copies_made = seen.working_copies_made;
    local.published = known.published.iter().map(|(id, published)| (*id, published.digest)).collect();
    local.operations_ended = seen.operations_ended;
    local.bundles_ended.clone_from(&known.bundles_ended);
    local.failed = known.failed_attempts();
    local.busy = known.tasks.keys().copied().collect();
    let removing = known.tasks.iter().filter(|(_, task)| task.phase.is_removal());
    local.removing = removing.map(|(object, _)| *object).collect();
    known.local = local;
    known.verified_at = verified_at;
    known.derived = seen.derived;
}

/// The entries of a directory whose names parse; none if it is not there.
pub fn names<T: FromStr + Ord>(dir: &Path) -> anyhow::Result<BTreeSet<T>> {
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
