//! Making a host from a version held here: its files, its machine, its first start.

use super::replica;
use crate::{
    data,
    worker::{Ended, Job, own_trouble},
};
use diecast_domain::ids::HostId;
use diecast_provider::{HostSpec, RunHosts, layout as places};

pub async fn make(job: &Job, id: HostId) -> Ended {
    let Some(order) = job.orders.hosts.iter().find(|order| order.id == id) else { return Err(None) };
    let digest = order.version.digest;
    let manifest = replica::manifest(job, &digest).await.map_err(Some)?;
    let profile = replica::profile(&manifest).map_err(Some)?;
    let spec = HostSpec {
        id,
        name: order.name.clone(),
        template: order.version.name.clone(),
        number: order.version.number,
        digest,
        kind: order.kind,
        macs: order.macs.clone(),
    };
    let dir = places::version_dir(&job.site.storage, &digest);
    let networks = &job.site.provider_settings.networks;
    let hypervisor = &job.site.hypervisor;
    hypervisor.create_host(job.pool(), &spec, &profile, networks, &dir).await.map_err(Some)?;
    fail::fail_point!("agent::host-before-start");
    hypervisor.start_host(id).await.map_err(Some)?;
    fail::fail_point!("agent::host-before-made");
    // From now on its power is its own business: nobody starts it again unasked.
    data::write(&job.site.data.made(id), b"", 0o600).map_err(|error| Some(own_trouble(&error)))?;
    if let Ok(hosts) = hypervisor.hosts().await {
        job.site.board.know().hypervisor.see(hosts);
    }
    Ok(())
}
