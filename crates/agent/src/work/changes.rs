//! Publishing a working copy: its guest is shut down, what it changed is read, and the version that
//! results is served from the spool and the base's files. Its own plain files are made afterwards, by
//! the order that every provider on the list gets.
//!
//! ```text
//!   shut down ─► lock the overlays ─► (trim) ─► read what changed ─► spool, manifest, `derived` on the disk
//!      └─► manifest to the server ─► published
//! ```

use super::{blocking, replica, trimming};
use crate::{
    board::TaskPhase,
    data::{self, Derivation},
    finding::Finding,
    worker::{Ended, Job, disk_trouble, own_trouble},
};
use diecast_domain::{
    code::{Code, Problem},
    digest::Digest,
    ids::{MaintenanceId, PublicationId},
    profile::HardwareProfile,
    report::{PublicationPhase, Published},
    template::{VersionRef, VersionSize},
};
use diecast_provider::{MaintainTemplates, Stop, WorkingChanges, layout as places};
use diecast_transfer::{
    changes::{self, At, ChangedDisk, ChangesInput, Derived, Extent},
    fetch::{self, FetchOrder},
    manifest::Manifest,
    publish::PublishError,
    spool::Spool,
    verify::{Damage, Verdict},
};
use std::{
    fs::{self, File},
    path::Path,
    sync::Arc,
    time::Duration,
};
use tokio::sync::watch;

/// What is to be published, and how its guest is asked to make way.
pub struct WorkingCopy<'a> {
    pub id: MaintenanceId,
    pub base: &'a VersionRef,
    pub shutdown: Duration,
    /// A guest that does not shut down is switched off.
    pub force: bool,
    /// What its file systems do not use is given back first, on overlays above its own.
    pub trim: bool,
}

pub async fn publish(job: &Job, id: PublicationId, copy: WorkingCopy<'_>) -> Ended {
    job.phase(TaskPhase::Publication(PublicationPhase::ShuttingDown));
    shut_down(job, &copy).await?;
    fail::fail_point!("agent::working-copy-is-off");
    let base_digest = copy.base.digest;
    if !job.site.board.know().verified_at.contains_key(&base_digest) {
        let cause = format!(
            "{} does not hold version {} whole, which the working copy stands on",
            job.site.name, copy.base.number
        );
        return Err(Some(Problem::new(Code::T0010, cause)));
    }
    let base = replica::manifest(job, &base_digest).await.map_err(Some)?;
    let base_profile = replica::profile(&base).map_err(Some)?;
    let base_dir = places::version_dir(&job.site.storage, &base_digest);
    let opened = job.site.hypervisor.open_changes(job.pool(), copy.id, &base_profile, &base_dir);
    let mut changes = opened.await.map_err(Some)?;
    let trimmed = if copy.trim { Some(trimming::changes(job, id, &mut changes).await?) } else { None };
    let profile = grown(&base_profile, &changes);

    job.phase(TaskPhase::Publication(PublicationPhase::Hashing));
    let spool = job.site.data.publishing_spool(id);
    let read = input(&changes, &base, &base_profile, &profile).map_err(Some)?;
    let derived = hash(job, &spool, &base, read).await;
    let disks = changes.disks.clone();
    // From here on only what was read counts: the working copy may be used again.
    drop(changes);
    let derived = match derived {
        Ok(derived) => derived,
        Err(problem) => {
            let _ = data::remove(&spool);
            return Err(problem);
        }
    };
    let manifest = Arc::new(derived.manifest);
    let digest = manifest.digest();
    let trimming = match trimmed {
        Some(trimmed) => Some(trimmed),
        None => trimming::would_spare_of(disks, base.clone(), manifest.clone()).await,
    };
    let published = Published {
        digest,
        size: size_of(if digest == base_digest { &base } else { &manifest }),
        profile,
        warnings: Vec::new(),
        new_bytes: Some(derived.new_bytes),
        trimming,
    };
    if digest == base_digest {
        data::remove(&spool).map_err(|error| Some(disk_trouble("remove", &spool, &error)))?;
    } else {
        hand_over(job, &spool, manifest, base_digest).await?;
    }
    fail::fail_point!("agent::before-published");
    data::write_json(&job.site.data.published(id), &published).map_err(|error| Some(own_trouble(&error)))?;
    job.site.board.know().published.insert(id, published);
    Ok(())
}

async fn shut_down(job: &Job, copy: &WorkingCopy<'_>) -> Ended {
    let hypervisor = &job.site.hypervisor;
    let politely = Stop::Politely { deadline: copy.shutdown };
    let stopped = tokio::select! {
        stopped = hypervisor.stop_working_copy(copy.id, politely) => stopped,
        () = job.cancel.cancelled() => return Err(None),
    };
    match stopped {
        Err(problem) if copy.force && problem.code != Code::P0002 => {
            tracing::warn!(code = %problem.code, "a working copy is switched off: {}", problem.cause);
            hypervisor.stop_working_copy(copy.id, Stop::Force).await.map_err(Some)
        }
        stopped => stopped.map_err(Some),
    }
}

/// The base's hardware, with the disks as large as they are now.
fn grown(base: &HardwareProfile, changes: &WorkingChanges) -> HardwareProfile {
    let mut profile = base.clone();
    for slot in &mut profile.disks {
        if let Some(disk) = changes.disks.iter().find(|disk| disk.slot == slot.name) {
            slot.size = disk.virtual_size;
        }
    }
    profile
}

fn input(
    changes: &WorkingChanges,
    base: &Manifest,
    base_profile: &HardwareProfile,
    profile: &HardwareProfile,
) -> Result<ChangesInput, Problem> {
    let disks = changes.disks.iter().map(|disk| {
        let extents = disk.extents.iter();
        let extent = |extent: &diecast_provider::Extent| Extent {
            start: extent.start,
            length: extent.length,
            at: extent.at.map(|at| At { overlay: at.overlay, offset: at.offset }),
        };
        ChangedDisk {
            name: disk.slot.clone(),
            base: disk.base.clone(),
            overlays: disk.overlays.clone(),
            size: disk.virtual_size,
            extents: extents.map(extent).collect(),
        }
    });
    // The bytes count: another release may write the same hardware in another way.
    let profile = if profile == base_profile {
        base.profile().to_vec()
    } else {
        serde_json::to_vec(profile).map_err(|error| own_trouble(&error.into()))?
    };
    Ok(ChangesInput { disks: disks.collect(), nvram: changes.nvram.clone(), profile })
}

/// The frames of what is new lie in the spool, durably, when this is done.
async fn hash(
    job: &Job,
    spool: &Path,
    base: &Arc<Manifest>,
    input: ChangesInput,
) -> Result<Derived, Option<Problem>> {
    data::remove(spool).map_err(|error| Some(disk_trouble("clear", spool, &error)))?;
    let (path, base) = (spool.to_owned(), base.clone());
    let (progress, cancel) = (job.progress.clone(), job.cancel.clone());
    blocking(move || {
        let spool = Spool::open(&path).map_err(PublishError::Spool)?;
        changes::publish_changes(&base, input, &spool, &progress, &cancel)
    })
    .await?
    .map_err(|error| {
        if let PublishError::Damaged { version, leaf } = &error {
            let damage = Damage { leaves: vec![leaf.clone()], ..Damage::default() };
            job.site.board.found_damaged(&job.site.data, *version, Finding::of(*version, damage));
        }
        error.problem()
    })
}

fn size_of(manifest: &Manifest) -> VersionSize {
    VersionSize {
        virtual_bytes: manifest.size(),
        data_bytes: manifest.data_bytes(),
        packed_bytes: manifest.wire_bytes(),
    }
}

/// All that peers will ask for is on this disk, and survives a crash, before the server hears of it.
async fn hand_over(job: &Job, spool: &Path, manifest: Arc<Manifest>, base: Digest) -> Ended {
    let (site, digest) = (&job.site, manifest.digest());
    let is_whole = || site.board.know().verified_at.contains_key(&digest);
    if is_whole() {
        // The content of an older version, which is here.
        data::remove(spool).map_err(|error| Some(disk_trouble("remove", spool, &error)))?;
    } else {
        let named = site.data.spool(&digest);
        rename(spool, &named).map_err(|error| Some(disk_trouble("rename", spool, &error)))?;
        fail::fail_point!("agent::changes-spooled");
    }
    let bytes = manifest.encode();
    if !is_whole() {
        let own_trouble = |error: anyhow::Error| Some(own_trouble(&error));
        data::write(&site.data.manifest(&digest), &bytes, 0o600).map_err(own_trouble)?;
        data::write_json(&site.data.derived(&digest), &Derivation { base }).map_err(own_trouble)?;
        site.depots.release(&digest);
    }
    job.phase(TaskPhase::Publication(PublicationPhase::Uploading));
    let kept = site.server.give_manifest(&digest, bytes).await.map_err(Some)?;
    fail::fail_point!("agent::changes-handed-over");
    match kept {
        Some(kept) if !is_whole() => take_on(job, &manifest, &base, &kept).await,
        Some(_) | None => Ok(()),
    }
}

fn rename(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::rename(from, to)?;
    let Some(parent) = to.parent() else { return Ok(()) };
    File::open(parent)?.sync_all()
}

/// The same content was published before: peers know it by the frames of that time. If those are not
/// in our spool, they are made from plain files, which are made here and now from what we have.
async fn take_on(job: &Job, ours: &Arc<Manifest>, base: &Digest, kept: &[u8]) -> Ended {
    let (site, digest) = (&job.site, ours.digest());
    let theirs = Manifest::decode_as(kept, &digest).map_err(|error| Some(error.problem()))?;
    if !site.depots.is_covered(&site.data, &theirs, base) {
        job.phase(TaskPhase::Publication(PublicationPhase::Verifying));
        let order = FetchOrder { sources: watch::channel(Vec::new()).1, ..replica::order(job, ours) };
        let fetched = fetch::fetch(order).await.map_err(|error| error.problem())?;
        match replica::verify(job, ours, &fetched.dir).await? {
            Verdict::Verified(verified) => replica::commit(job, verified).await?,
            Verdict::Damaged(damage) => return Err(Some(damage.problem(&digest))),
        }
    }
    data::write(&site.data.manifest(&digest), kept, 0o600).map_err(|error| Some(own_trouble(&error)))?;
    site.depots.release(&digest);
    Ok(())
}
