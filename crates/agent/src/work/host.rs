//! Making a host from a version held here: its files, its machine, its first start. And making it
//! anew: what stands is set aside, or brought back.
//!
//! ```text
//!   stop ─► set hosts/<id>.aside-<made> aside ─► make the new one ─┐
//!   bring hosts/<id>.aside-<former> back ──────────────────────────┴─► start ─► mark
//! ```
//!
//! The mark says which incarnation was made last, and is written last. What stands says itself which
//! one it is: whoever is killed in between finds both again.

use super::replica;
use crate::worker::{Ended, Job, disk_trouble, own_trouble};
use diecast_domain::{
    assignment::{Deletion, HostOrder},
    code::{Code, Problem},
    ids::HostId,
    provider::Power,
};
use diecast_provider::{HostFound, HostSpec, RunHosts, Stop, layout as places};
use std::time::Duration;

/// How long a guest that is to be made anew has to shut itself down before it is switched off.
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(120);

pub async fn make(job: &Job, id: HostId) -> Ended {
    let order = order(job, id)?;
    create(job, order).await.map_err(Some)?;
    fail::fail_point!("agent::host-before-start");
    start(job, order).await
}

pub async fn recreate(job: &Job, id: HostId) -> Ended {
    let order = order(job, id)?;
    let Some(made) = job.site.board.know().local.hosts_made.get(&id).copied() else { return Err(None) };
    let hypervisor = &job.site.hypervisor;
    let standing = job.site.board.know().hypervisor.host(id).map(|host| host.incarnation);
    // An earlier life may have come so far that the new one stands already.
    if standing != Some(order.incarnation) {
        clear_the_place(job, order, made, standing).await?;
        fail::fail_point!("agent::recreation-set-aside");
    }
    match order.restores {
        Some(former) => {
            hypervisor.bring_host_back(job.pool(), id, former, order.incarnation).await.map_err(Some)?;
        }
        None => create(job, order).await.map_err(Some)?,
    }
    fail::fail_point!("agent::recreation-before-start");
    start(job, order).await
}

fn order(job: &Job, id: HostId) -> Result<&HostOrder, Option<Problem>> {
    job.orders.hosts.iter().find(|order| order.id == id).ok_or(None)
}

async fn create(job: &Job, order: &HostOrder) -> Result<(), Problem> {
    let digest = order.version.digest;
    let manifest = replica::manifest(job, &digest).await?;
    let profile = replica::profile(&manifest)?;
    let spec = HostSpec {
        id: order.id,
        name: order.name.clone(),
        template: order.version.name.clone(),
        number: order.version.number,
        digest,
        kind: order.kind,
        macs: order.macs.clone(),
        incarnation: order.incarnation,
        preparation: order.setup.preparation.clone(),
        data_disk: order.setup.data_disk,
    };
    let dir = places::version_dir(&job.site.storage, &digest);
    let networks = &job.site.provider_settings.networks;
    job.site.hypervisor.create_host(job.pool(), &spec, &profile, networks, &dir).await
}

/// Once, and then it is written down: from then on its power is its own business, and nobody starts it
/// again unasked.
async fn start(job: &Job, order: &HostOrder) -> Ended {
    job.site.hypervisor.start_host(order.id).await.map_err(Some)?;
    fail::fail_point!("agent::host-before-made");
    job.site.board.know().hypervisor.marked.put(HostFound {
        id: order.id,
        machine: order.id.as_uuid(),
        name: order.name.to_string(),
        template: order.version.name.to_string(),
        number: order.version.number,
        digest: order.version.digest,
        power: Power::Running,
        addresses: Vec::new(),
        guest_agent: false,
        guest_name: None,
        incarnation: order.incarnation,
        users: None,
    });
    let marked = job.site.data.write_made(order.id, order.incarnation);
    marked.map_err(|error| Some(own_trouble(&error)))
}

/// Where the next incarnation is to stand, nothing stands after this. The one that was made last is
/// kept, unless a former one comes back in its place: that removes what stands. What was begun and
/// never finished is not kept.
async fn clear_the_place(job: &Job, order: &HostOrder, made: u32, standing: Option<u32>) -> Ended {
    let (id, pool, hypervisor) = (order.id, job.pool(), &job.site.hypervisor);
    if order.restores.is_some_and(|former| former != made) {
        return Ok(());
    }
    if let Some(incarnation) = standing {
        stop(job, id, incarnation == made).await?;
    }
    fail::fail_point!("agent::recreation-stopped");
    hypervisor.set_host_aside(pool, id, made).await.map_err(Some)?;
    job.site.board.know().hypervisor.marked.remove(id.as_uuid());
    if order.restores.is_some() {
        return Ok(());
    }
    for unfinished in made + 1..order.incarnation {
        hypervisor.set_host_aside(pool, id, unfinished).await.map_err(Some)?;
        hypervisor.delete_set_aside(pool, id, unfinished).await.map_err(Some)?;
    }
    Ok(())
}

/// Politely at first where its disks are kept and may come back.
async fn stop(job: &Job, id: HostId, politely: bool) -> Ended {
    let hypervisor = &job.site.hypervisor;
    if politely {
        let how = Stop::Politely { deadline: SHUTDOWN_DEADLINE };
        let stopped = tokio::select! {
            stopped = hypervisor.stop_host(id, how) => stopped,
            () = job.cancel.cancelled() => return Err(None),
        };
        if stopped.is_ok() {
            return Ok(());
        }
    }
    match hypervisor.stop_host(id, Stop::Force).await {
        // Somebody took it away meanwhile.
        Err(problem) if problem.code == Code::H0005 => Ok(()),
        stopped => stopped.map_err(Some),
    }
}

/// Former disks of a host: those that are ordered away by name.
pub async fn remove_set_aside(job: &Job, id: HostId) -> Ended {
    for deletion in &job.orders.deletions {
        let Deletion::SetAside { host, incarnation } = deletion else { continue };
        if *host == id {
            fail::fail_point!("agent::set-aside-removal");
            job.site.hypervisor.delete_set_aside(job.pool(), id, *incarnation).await.map_err(Some)?;
        }
    }
    Ok(())
}

/// The whole host. Its data disk goes only if that was ordered too.
pub async fn remove(job: &Job, id: HostId) -> Ended {
    let named = job.orders.deletions.iter().find_map(|deletion| match deletion {
        Deletion::Host { host, data } if *host == id => Some(*data),
        _ => None,
    });
    let Some(data) = named else { return Err(None) };
    job.site.hypervisor.delete_host(job.pool(), id, data).await.map_err(Some)?;
    fail::fail_point!("agent::host-removal");
    let made = job.site.data.made(id);
    crate::data::remove(&made).map_err(|error| Some(disk_trouble("remove", &made, &error)))?;
    job.site.board.know().hypervisor.marked.remove(id.as_uuid());
    Ok(())
}
