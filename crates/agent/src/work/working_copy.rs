//! Making and removing a template's working copy. It is started once, when it was made; from then on
//! its power is its maintainer's business.

use super::replica;
use crate::{
    data,
    worker::{Ended, Job, disk_trouble, own_trouble},
};
use diecast_domain::{
    assignment::WorkingCopyOrder,
    code::{Code, Problem},
    ids::MaintenanceId,
    provider::Power,
};
use diecast_provider::{MaintainTemplates, WorkingCopyFound, WorkingCopySpec, layout as places};

pub async fn make(job: &Job, id: MaintenanceId) -> Ended {
    let order = order(job, id).ok_or(None)?;
    create(job, order).await.map_err(Some)?;
    fail::fail_point!("agent::working-copy-before-start");
    start(job, id).await.map_err(Some)?;
    fail::fail_point!("agent::working-copy-before-made");
    let base = order.base.digest.hex();
    data::write(&job.site.data.made_working(id), base.as_bytes(), 0o600)
        .map_err(|error| Some(own_trouble(&error)))
}

/// Defines its machine again if somebody undefined it, and starts it. Its disks are never made again.
pub async fn start_again(job: &Job, id: MaintenanceId) -> Result<(), Problem> {
    let Some(order) = order(job, id) else {
        let cause = format!("working copy {id} is not wanted here any more");
        return Err(Problem::new(Code::A0010, cause));
    };
    if !order.made && !job.site.data.made_working(id).exists() {
        let cause = format!("working copy {id} is not made yet");
        return Err(Problem::new(Code::A0010, cause));
    }
    create(job, order).await?;
    start(job, id).await
}

fn order(job: &Job, id: MaintenanceId) -> Option<&WorkingCopyOrder> {
    job.orders.working_copies.iter().find(|order| order.id == id)
}

async fn create(job: &Job, order: &WorkingCopyOrder) -> Result<(), Problem> {
    let digest = order.base.digest;
    let manifest = replica::manifest(job, &digest).await?;
    let profile = replica::profile(&manifest)?;
    let spec = WorkingCopySpec {
        id: order.id,
        template: order.base.name.clone(),
        number: order.base.number,
        digest,
        macs: order.macs.clone(),
    };
    let dir = places::version_dir(&job.site.storage, &digest);
    let networks = &job.site.provider_settings.networks;
    job.site.hypervisor.create_working_copy(job.pool(), &spec, &profile, networks, &dir).await
}

async fn start(job: &Job, id: MaintenanceId) -> Result<(), Problem> {
    job.site.hypervisor.start_working_copy(id).await?;
    job.site.board.know().hypervisor.working_copies.put(WorkingCopyFound {
        id,
        disks: true,
        power: Some(Power::Running),
        addresses: Vec::new(),
        guest_agent: false,
    });
    Ok(())
}

pub async fn remove(job: &Job, id: MaintenanceId) -> Ended {
    job.site.hypervisor.delete_working_copy(job.pool(), id).await.map_err(Some)?;
    fail::fail_point!("agent::working-copy-removal");
    let made = job.site.data.made_working(id);
    data::remove(&made).map_err(|error| Some(disk_trouble("remove", &made, &error)))?;
    job.site.board.know().hypervisor.working_copies.remove(id.as_uuid());
    Ok(())
}
