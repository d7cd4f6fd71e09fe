//! Which machines a provider is to have: hosts and working copies, and what is to go of them.

use super::{TemplateInWorld, World};
use crate::{
    assignment::{Deletion, HostOrder, Orders, WorkingCopyOrder},
    ids::ProviderId,
    maintenance::{Discarded, Stage},
    template::TemplateStatus,
};

pub(super) fn hosts(world: &World, provider: ProviderId, orders: &mut Orders) {
    for host in world.hosts.iter().filter(|host| host.provider == provider) {
        if host.deleting {
            orders.deletions.push(Deletion::Host { host: host.id, data: host.delete_data });
            continue;
        }
        if let Some(former) = host.previous.filter(|former| former.dropping) {
            orders.deletions.push(Deletion::SetAside { host: host.id, incarnation: former.incarnation });
        }
        let version = world
            .templates
            .get(&host.template)
            .and_then(|template| template.versions.iter().find(|version| version.digest == host.digest));
        if let Some(version) = version {
            orders.hosts.push(HostOrder {
                id: host.id,
                name: host.name.clone(),
                version: version.clone(),
                kind: host.kind,
                macs: host.macs.clone(),
                attempt: host.attempt,
                made: host.made,
                incarnation: host.incarnation,
                restores: host.restores,
                setup: host.setup.clone(),
            });
        }
    }
}

pub(super) fn working_copies(
    world: &World,
    template: &TemplateInWorld,
    provider: ProviderId,
    orders: &mut Orders,
) {
    let here = template.maintenance.as_ref().filter(|it| it.provider == provider);
    if let Some(maintenance) = here.filter(|_| template.status != TemplateStatus::Deleting) {
        orders.working_copies.push(WorkingCopyOrder {
            id: maintenance.id,
            base: maintenance.base.clone(),
            macs: maintenance.macs.clone(),
            attempt: maintenance.attempt,
            made: maintenance.stage != Stage::Entering,
        });
    }
    let going = template.discarded.iter().filter(|left| left.provider == provider);
    for left in going.filter(|left| may_go(world, template, left)) {
        orders.deletions.push(Deletion::WorkingCopy { id: left.id });
    }
}

/// What was published from a working copy must be held by somebody, verified, before its files go;
/// unless nobody wants it any more.
fn may_go(world: &World, template: &TemplateInWorld, left: &Discarded) -> bool {
    let Some(published) = left.after else { return true };
    let wanted = template.status != TemplateStatus::Deleting
        && template
            .versions
            .iter()
            .any(|version| version.digest == published && !template.deleting.contains(&version.number));
    !wanted || world.is_ready_somewhere(published)
}
