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
    ids::HostId,
};
use diecast_provider::{HoldTemplates, RunHosts, TemplateCopy, layout as places};
use diecast_transfer::{layout, parts};

pub async fn replica(job: &Job, digest: Digest) -> Ended {
    let named = job.orders.deletions.iter().find_map(|deletion| match deletion {
        Deletion::Replica { version } if version.digest == digest => Some(version),
        _ => None,
    });
    let Some(version) = named else { return Err(None) };
    let dir = places::version_dir(&job.site.storage, &digest);
    // The server forbids it; this is the last line of defence, by what runs here now.
    let dependents: Vec<_> = {
        let known = job.site.board.know();
        let seen = known.hypervisor.hosts.iter().chain(&known.hypervisor.copies);
        seen.filter(|host| host.digest == digest).map(|host| host.name.clone()).collect()
    };
    if !dependents.is_empty() {
        let cause = format!("hosts still stand on version {}: {}", version.number, dependents.join(", "));
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
        job.site.data.spool(&digest),
        job.site.data.manifest(&digest),
        parts::dir(&incoming_dir(&job.site.storage), &digest),
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

pub async fn host(job: &Job, host: HostId) -> Ended {
    job.site.hypervisor.delete_host(job.pool(), host).await.map_err(Some)?;
    fail::fail_point!("agent::host-removal");
    let made = job.site.data.made(host);
    data::remove(&made).map_err(|error| Some(disk_trouble("remove", &made, &error)))?;
    job.site.board.know().hypervisor.hosts.retain(|standing| standing.id != host);
    Ok(())
}
