//! Trimming before a publication; and where there was none, what it would have spared.
//!
//! The one is asked for, and fails the publication if it fails. The other is a hint: it reads a few blocks,
//! waits for nothing, and is left out if it does not come.

use super::blocking;
use crate::{board::TaskPhase, survey::trimming_dir, worker::Job};
use diecast_domain::{
    code::Problem,
    ids::PublicationId,
    report::PublicationPhase,
    trim::{PLACES_MAX, Trimming},
    units::ByteCount,
};
use diecast_provider::{
    OverlayDisk, SourceMachine, TrimDisks, TrimPlace, Trimmed, WorkingChanges,
    free::{self, FreeSpace},
};
use diecast_transfer::{limits::LEAF_SIZE, manifest::Manifest};
use std::{io, path::PathBuf, sync::Arc, time::Duration};

/// Nobody waits longer for a hint.
const HINT_DEADLINE: Duration = Duration::from_secs(10);

/// From then on its disks are read as they are trimmed.
pub async fn machine(
    job: &Job,
    id: PublicationId,
    machine: &mut SourceMachine,
) -> Result<Trimming, Option<Problem>> {
    let place = begin(job, id);
    let trimmed = tokio::select! {
        trimmed = job.site.hypervisor.trim_machine(machine, &place) => trimmed.map_err(Some)?,
        () = job.cancel.cancelled() => return Err(None),
    };
    fail::fail_point!("agent::trimmed");
    Ok(done(trimmed))
}

/// From then on what it gave back is a change too.
pub async fn changes(
    job: &Job,
    id: PublicationId,
    changes: &mut WorkingChanges,
) -> Result<Trimming, Option<Problem>> {
    let place = begin(job, id);
    let trimmed = tokio::select! {
        trimmed = job.site.hypervisor.trim_changes(changes, &place) => trimmed.map_err(Some)?,
        () = job.cancel.cancelled() => return Err(None),
    };
    fail::fail_point!("agent::trimmed");
    Ok(done(trimmed))
}

fn begin(job: &Job, id: PublicationId) -> TrimPlace {
    job.phase(TaskPhase::Publication(PublicationPhase::Trimming));
    let dir = trimming_dir(&job.site.storage, id);
    TrimPlace { dir, kernel_root: job.site.settings.kernel_root.clone() }
}

fn done(trimmed: Trimmed) -> Trimming {
    let Trimmed { bytes, places } = trimmed;
    tracing::info!(bytes = bytes.0, "what no file holds was given back");
    Trimming { trimmed: true, bytes, places }
}

/// What trimming would have spared of plain files that were just published as `manifest`.
pub async fn would_spare(files: Vec<(String, PathBuf)>, manifest: Arc<Manifest>) -> Option<Trimming> {
    hint(move || {
        let look = |(slot, path): &(String, PathBuf)| {
            Ok((slot.clone(), free::look(slot, &free::Plain::open(path)?)))
        };
        let found = files.iter().map(look).collect::<io::Result<Vec<_>>>()?;
        Ok(counted(found, |slot, leaf| holds(&manifest, slot, leaf)))
    })
    .await
}

/// What trimming would have spared of these changes of `base`, which made `manifest` of it.
pub async fn would_spare_of(
    disks: Vec<OverlayDisk>,
    base: Arc<Manifest>,
    manifest: Arc<Manifest>,
) -> Option<Trimming> {
    hint(move || {
        let look =
            |disk: &OverlayDisk| Ok((disk.slot.clone(), free::look(&disk.slot, &free::Changed::open(disk)?)));
        let found = disks.iter().map(look).collect::<io::Result<Vec<_>>>()?;
        let content = |manifest: &Manifest, slot: &str, leaf| {
            manifest.disks().iter().find(|disk| disk.name() == slot).and_then(|disk| disk.leaf(leaf).copied())
        };
        Ok(counted(found, |slot, leaf| {
            let now = content(&manifest, slot, leaf);
            now.is_some() && now != content(&base, slot, leaf)
        }))
    })
    .await
}

async fn hint(look: impl FnOnce() -> io::Result<Trimming> + Send + 'static) -> Option<Trimming> {
    match tokio::time::timeout(HINT_DEADLINE, blocking(look)).await {
        Ok(Ok(Ok(trimming))) => Some(trimming),
        Ok(Ok(Err(error))) => {
            tracing::debug!("what trimming would spare cannot be told: {error}");
            None
        }
        Ok(Err(_)) | Err(_) => None,
    }
}

fn holds(manifest: &Manifest, slot: &str, leaf: u32) -> bool {
    manifest.disks().iter().any(|disk| disk.name() == slot && disk.leaf(leaf).is_some())
}

/// Free leaves that cost something, as `costs` says.
fn counted(found: Vec<(String, FreeSpace)>, costs: impl Fn(&str, u32) -> bool) -> Trimming {
    let mut trimming = Trimming::default();
    for (slot, space) in found {
        let leaves = space.leaves.into_iter().flatten().filter_map(|leaf| u32::try_from(leaf).ok());
        let count = leaves.filter(|leaf| costs(&slot, *leaf)).count() as u64;
        trimming.bytes += ByteCount(count * LEAF_SIZE as u64);
        trimming.places.extend(space.places);
    }
    trimming.places.truncate(PLACES_MAX);
    trimming
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_free_counts_only_where_it_costs_something() {
        assert_eq!(free::LEAF_BYTES, LEAF_SIZE as u64, "or leaves of the one are not leaves of the other");
        let space = |leaves| FreeSpace { leaves, places: Vec::new() };
        let found = vec![
            ("disk0".to_owned(), space(vec![2..5, 7..9])),
            ("disk1".to_owned(), space(vec![0..60, 60..100])),
        ];
        let trimming = counted(found, |slot, leaf| slot == "disk0" && leaf > 3);
        assert_eq!((trimming.trimmed, trimming.bytes), (false, ByteCount(3 * LEAF_SIZE as u64)));
    }
}
