//! Publishing: a golden machine's disks become plain files here, then a manifest.
//!
//! The source's own replica is made here too, by the same verification and the same commit as
//! everybody's: when a publication is done, the first holder is there for the others to ask.

use super::{blocking, changes, replica, trimming};
use crate::{
    board::TaskPhase,
    data,
    survey::{publishing_dir, trimming_dir},
    worker::{Ended, Job, disk_trouble, own_trouble},
};
use diecast_domain::{
    code::{Code, Problem},
    ids::PublicationId,
    report::{PublicationPhase, Published},
    template::{PublicationSource, VersionSize},
    units::ByteCount,
};
use diecast_provider::{ReadMachines, SourceMachine, layout as places};
use diecast_transfer::{
    assemble,
    manifest::Manifest,
    publish::{self, DiskInput, PublishInput},
    record::VerifiedRecord,
    spool::Spool,
    verify::Verdict,
};
use std::{fs, path::Path, sync::Arc, time::Duration};

pub async fn publish(job: &Job, id: PublicationId) -> Ended {
    let ended = read(job, id).await;
    let overlays = trimming_dir(&job.site.storage, id);
    if let Err(error) = data::remove(&overlays) {
        // The sweep comes back to it.
        tracing::warn!("what trimming left cannot be removed: {}: {error}", overlays.display());
    }
    ended
}

async fn read(job: &Job, id: PublicationId) -> Ended {
    let Some(order) = job.orders.publications.iter().find(|order| order.id == id) else { return Err(None) };
    if let PublicationSource::WorkingCopy { maintenance, base, shutdown_seconds, force } = &order.source {
        let shutdown = Duration::from_secs(u64::from(*shutdown_seconds));
        let (force, trim) = (*force, order.trim);
        let copy = changes::WorkingCopy { id: *maintenance, base, shutdown, force, trim };
        return changes::publish(job, id, copy).await;
    }
    let machine = tokio::select! {
        machine = open(job, &order.source) => machine.map_err(Some)?,
        () = job.cancel.cancelled() => return Err(None),
    };
    let staging = publishing_dir(&job.site.storage, id);
    // Whatever an earlier life left is made anew: nothing says how far it came.
    data::remove(&staging).map_err(|error| Some(disk_trouble("clear", &staging, &error)))?;
    fs::create_dir_all(&staging).map_err(|error| Some(disk_trouble("make", &staging, &error)))?;
    let made = make(job, id, order.trim, machine, &staging).await;
    if made.is_err() {
        let _ = data::remove(&staging);
    }
    made
}

async fn open(job: &Job, source: &PublicationSource) -> Result<SourceMachine, Problem> {
    match source {
        PublicationSource::Vm { name } => job.site.hypervisor.open_machine(name).await,
        PublicationSource::Image { path } => {
            let mut allowed = job.site.settings.import_dirs.clone();
            allowed.extend(job.site.storage.parent().map(Path::to_owned));
            job.site.hypervisor.open_image(Path::new(path), &allowed).await
        }
        PublicationSource::WorkingCopy { base, .. } => {
            let cause = format!("a working copy of version {} is no machine to be copied", base.number);
            Err(Problem::new(Code::V0008, cause))
        }
    }
}

async fn make(job: &Job, id: PublicationId, trim: bool, mut machine: SourceMachine, staging: &Path) -> Ended {
    let trimmed = if trim { Some(trimming::machine(job, id, &mut machine).await?) } else { None };
    room_for(job, &machine).map_err(Some)?;
    job.phase(TaskPhase::Publication(PublicationPhase::Reading));
    let disks = export(job, &machine, staging).await?;
    job.site.hypervisor.still_the_same(&machine).await.map_err(Some)?;
    let profile = serde_json::to_vec(&machine.profile).map_err(|error| Some(own_trouble(&error.into())))?;
    let files = disks.iter().map(|disk| (disk.name.clone(), disk.path.clone())).collect();
    let input = PublishInput { disks, nvram: machine.nvram.clone(), profile };
    let (profile, warnings) = (machine.profile.clone(), machine.warnings.clone());
    // From here on only our own files are read: the machine may be used again.
    drop(machine);

    job.phase(TaskPhase::Publication(PublicationPhase::Hashing));
    let manifest = Arc::new(hash(job, id, input).await?);
    let digest = manifest.digest();
    let trimming = match trimmed {
        Some(trimmed) => Some(trimmed),
        None => trimming::would_spare(files, manifest.clone()).await,
    };
    job.phase(TaskPhase::Publication(PublicationPhase::Uploading));
    let bytes = manifest.encode();
    data::write(&job.site.data.manifest(&digest), &bytes, 0o600)
        .map_err(|error| Some(own_trouble(&error)))?;
    let manifest = match job.site.server.give_manifest(&digest, bytes).await.map_err(Some)? {
        None => manifest,
        // The same content was published before: peers know it by those frames, so they are ours too.
        Some(kept) => {
            let known = Manifest::decode_as(&kept, &digest).map_err(|error| Some(error.problem()))?;
            data::write(&job.site.data.manifest(&digest), &kept, 0o600)
                .map_err(|error| Some(own_trouble(&error)))?;
            Arc::new(known)
        }
    };
    hold(job, &manifest, staging).await?;

    let size = VersionSize {
        virtual_bytes: manifest.size(),
        data_bytes: manifest.data_bytes(),
        packed_bytes: manifest.wire_bytes(),
    };
    let published = Published { digest, size, profile, warnings, new_bytes: None, trimming };
    fail::fail_point!("agent::before-published");
    data::write_json(&job.site.data.published(id), &published).map_err(|error| Some(own_trouble(&error)))?;
    job.site.board.know().published.insert(id, published);
    Ok(())
}

/// A full copy is counted before it is begun.
fn room_for(job: &Job, machine: &SourceMachine) -> Result<(), Problem> {
    let storage = &job.site.storage;
    let free =
        diecast_transfer::free_space(storage).map_err(|error| disk_trouble("look at", storage, &error))?;
    let needed: ByteCount = machine.disks.iter().map(|disk| disk.data_estimate).sum();
    let floor = replica::floor(job);
    if free >= needed + floor {
        return Ok(());
    }
    Err(Problem::new(
        Code::P0004,
        format!(
            "{} has {free} free; making its own files of {} takes up to {needed}, and {floor} must stay free",
            job.site.name, machine.name
        ),
    ))
}

async fn export(
    job: &Job,
    machine: &SourceMachine,
    staging: &Path,
) -> Result<Vec<DiskInput>, Option<Problem>> {
    let total: ByteCount = machine.disks.iter().map(|disk| disk.virtual_size).sum();
    let mut before = ByteCount::ZERO;
    let mut made = Vec::new();
    for disk in &machine.disks {
        let path = staging.join(places::disk_file(&disk.slot));
        let (board, object) = (job.site.board.clone(), job.object);
        let watched: diecast_provider::Progress = Arc::new(move |done: ByteCount, _| {
            if let Some(task) = board.know().tasks.get_mut(&object) {
                task.reading = Some((before + done, total));
            }
        });
        tokio::select! {
            exported = job.site.hypervisor.export_disk(disk, &path, &watched) => exported.map_err(Some)?,
            () = job.cancel.cancelled() => return Err(None),
        }
        before += disk.virtual_size;
        made.push(DiskInput { name: disk.slot.clone(), path });
    }
    if let Some(task) = job.site.board.know().tasks.get_mut(&job.object) {
        task.reading = None;
    }
    Ok(made)
}

async fn hash(job: &Job, id: PublicationId, input: PublishInput) -> Result<Manifest, Option<Problem>> {
    // Under the publication's name until the version's is known.
    let path = job.site.data.publishing_spool(id);
    data::remove(&path).map_err(|error| Some(disk_trouble("clear", &path, &error)))?;
    let (progress, cancel) = (job.progress.clone(), job.cancel.clone());
    let spool_path = path.clone();
    let manifest = blocking(move || {
        let spool = Spool::open(&spool_path).map_err(publish::PublishError::Spool)?;
        publish::publish(input, &spool, &progress, &cancel)
    })
    .await?
    .map_err(|error| error.problem())?;
    let named = job.site.data.spool(&manifest.digest());
    fs::rename(&path, &named).map_err(|error| Some(disk_trouble("rename", &path, &error)))?;
    Ok(manifest)
}

/// Makes the plain files this provider's replica: read back whole, then given their final name.
async fn hold(job: &Job, manifest: &Arc<Manifest>, staging: &Path) -> Ended {
    let digest = manifest.digest();
    job.phase(TaskPhase::Publication(PublicationPhase::Verifying));
    assemble::write_small_files(manifest, staging).map_err(|error| error.problem())?;
    match replica::verify(job, manifest, staging).await? {
        Verdict::Verified(verified) => replica::commit(job, verified).await?,
        Verdict::Damaged(damage) => return Err(Some(damage.problem(&digest))),
    }
    // If the same content was here before, that is what stays, and it must be well.
    let dir = places::version_dir(&job.site.storage, &digest);
    let record = VerifiedRecord::load(&job.site.data.verified(&digest));
    if record.is_some_and(|record| record.unchanged(&dir)) {
        return Ok(());
    }
    match replica::verify(job, manifest, &dir).await? {
        Verdict::Verified(verified) => replica::record(job, &verified),
        Verdict::Damaged(damage) => Err(Some(damage.changed_problem(&digest))),
    }
}
