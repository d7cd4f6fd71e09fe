//! Removing exactly what was ordered by name, in an order that can be begun again anywhere.

use super::replica as replicas;
use crate::{
    data,
    survey::incoming_dir,
    worker::{Ended, Job, disk_trouble},
};
use diecast_domain::{
    assignment::Deletion,
    code::{Code, Problem},
    digest::Digest,
};
use diecast_provider::{HoldTemplates, TemplateCopy, layout as places};
use diecast_transfer::{journal, layout, parts};

pub async fn replica(job: &Job, digest: Digest) -> Ended {
    let named = job.orders.deletions.iter().find_map(|deletion| match deletion {
        Deletion::Replica { version } if version.digest == digest => Some(version),
        _ => None,
    });
    let Some(version) = named else { return Err(None) };
    let dir = places::version_dir(&job.site.storage, &digest);
    // The server forbids it; this is the last line of defence, by what stands here now.
    let dependents = dependents(job, &digest);
    if !dependents.is_empty() {
        let cause = format!("{} still stand on version {}", dependents.join(", "), version.number);
        return Err(Some(Problem::new(Code::A0007, cause)));
    }
    job.site.depots.release(&digest);
    let manifest = replicas::manifest(job, &digest).await;
    let profile = manifest.and_then(|manifest| replicas::profile(&manifest));
    if let Ok(profile) = profile {
        let copy = TemplateCopy {
            template: version.name.clone(),
            number: version.number,
            digest,
            profile,
            dir: dir.clone(),
            definitions: job.site.data.definitions(),
        };
        job.site.hypervisor.unregister(job.pool(), &copy).await.map_err(Some)?;
    }
    let _ = job.site.board.know().registered.remove(&digest);
    // First the record, so that what is half removed is never taken for verified. Last what the next
    // look at the disk finds: whoever is killed in between begins the removal again.
    for path in [
        job.site.data.verified(&digest),
        job.site.data.derived(&digest),
        job.site.data.spool(&digest),
        job.site.data.manifest(&digest),
        job.site.data.damaged(&digest),
        parts::dir(&incoming_dir(&job.site.storage), &digest),
        journal::path(&layout::version_dir(&incoming_dir(&job.site.storage), &digest)),
        layout::version_dir(&incoming_dir(&job.site.storage), &digest),
        dir,
    ] {
        fail::fail_point!("agent::removal");
        data::remove(&path).map_err(|error| Some(disk_trouble("remove", &path, &error)))?;
    }
    // Once more: it was read again above, and a manifest remembered but not kept would be missed later.
    job.site.depots.release(&digest);
    let mut known = job.site.board.know();
    known.damaged.remove(&digest);
    known.mended.remove(&digest);
    known.transfers.remove(&digest);
    // A publication of what is gone must not go on saying that it is done.
    let gone: Vec<_> =
        known.published.iter().filter(|(_, made)| made.digest == digest).map(|(id, _)| *id).collect();
    for id in gone {
        known.published.remove(&id);
        let _ = data::remove(&job.site.data.published(id));
    }
    Ok(())
}

/// Machines whose disks would lose what they stand on.
fn dependents(job: &Job, digest: &Digest) -> Vec<String> {
    let known = job.site.board.know();
    let hosts = known.hypervisor.marked.iter().filter(|host| host.digest == *digest);
    let copies = known.local.working_copies_made.iter();
    let copies = copies.filter(|copy| job.site.data.base_of(**copy).as_ref() == Some(digest));
    let derived = known.served_from_parts.iter();
    let derived = derived.filter(|version| known.derived.get(version) == Some(digest));
    hosts
        .map(|host| host.name.clone())
        .chain(copies.map(|copy| format!("working copy {copy}")))
        .chain(
            derived.map(|version| format!("version {}, which has no files of its own yet,", version.short())),
        )
        .collect()
}
