//! Which versions a provider is to hold, which are to go, and who may read them.

use super::{Plan, TemplateInWorld, World, turns::under_way};
use crate::{
    assignment::{Deletion, Orders, Readers, ReplicaOrder},
    damage,
    distribution::Desire,
    ids::{ProviderId, TemplateId},
    maintenance::Discarded,
    template::{TemplateStatus, VersionRef},
};

/// What is ordered of one template's versions at `provider`. A version that is to go everywhere is
/// named to everybody, member or not: who holds it unasked holds it too. Nothing goes from under
/// what stands on it.
pub(super) fn replicas(
    plan: &Plan<'_>,
    id: TemplateId,
    template: &TemplateInWorld,
    provider: ProviderId,
    orders: &mut Orders,
) {
    let world = plan.world;
    for version in &template.versions {
        let stood_on = world.hosts_on(provider, version.digest).any(|host| host.template == id)
            || template.worked_on(provider, version.digest)
            || is_awaited(world, template, provider, version);
        let leaves = leaves(world, id, template, provider, version);
        if leaves && !stood_on {
            orders.deletions.push(Deletion::Replica { version: version.clone() });
            continue;
        }
        let Some(member) = template.members.get(&provider) else { continue };
        let is_current = template.current.as_ref() == Some(version);
        // An older version is kept where it is, and not brought where it is not.
        let said = world.replicas.get(&(provider, version.digest));
        // What changed under its final name is there, to be mended.
        let holds = said.is_some_and(|said| said.is_ready() || damage::is_changed(said));
        // Silence takes nobody's turn: what runs there is not stopped because nobody hears of it.
        let unheard = !world.answers(provider) && said.is_some_and(|said| under_way(said.phase));
        if !is_current && !holds && !stood_on {
            continue;
        }
        orders.replicas.push(ReplicaOrder {
            version: version.clone(),
            attempt: member.attempt,
            go: holds || unheard || stood_on || (is_current && plan.is_its_turn(id, provider)),
            sources: plan.sources(version.digest, provider),
        });
        let readers = plan.readers.get(&version.digest).into_iter().flatten();
        let readers: Vec<ProviderId> = readers.copied().filter(|reader| *reader != provider).collect();
        if !readers.is_empty() {
            orders.readers.push(Readers { digest: version.digest, providers: readers });
        }
    }
}

/// Only what is left of a working copy there has this content so far: whatever is current by now, its
/// maker makes it whole, so that the working copy can go.
fn is_awaited(world: &World, template: &TemplateInWorld, provider: ProviderId, version: &VersionRef) -> bool {
    let waits = |left: &Discarded| left.provider == provider && left.after == Some(version.digest);
    let stays = template.status != TemplateStatus::Deleting && !template.deleting.contains(&version.number);
    stays && template.discarded.iter().any(waits) && !world.is_ready_somewhere(version.digest)
}

/// Whether the version is to leave this provider, as far as nothing there needs it.
fn leaves(
    world: &World,
    id: TemplateId,
    template: &TemplateInWorld,
    provider: ProviderId,
    version: &VersionRef,
) -> bool {
    if template.deleting.contains(&version.number) {
        return template.current.as_ref() != Some(version);
    }
    let Some(member) = template.members.get(&provider) else { return false };
    let going = template.status == TemplateStatus::Deleting || member.desire != Desire::Hold;
    going && !world.holds_the_last(provider, id, version)
}

/// Two templates may have the very same content, and an agent holds it once: it is ordered once,
/// and kept while either of them wants it, or anything there stands on it.
pub(super) fn same_content(world: &World, orders: &mut Orders) {
    let mut once: Vec<ReplicaOrder> = Vec::new();
    for order in orders.replicas.drain(..) {
        match once.iter_mut().find(|there| there.version.digest == order.version.digest) {
            Some(there) => {
                there.go |= order.go;
                there.attempt = there.attempt.max(order.attempt);
            }
            None => once.push(order),
        }
    }
    let provider = orders.provider;
    let stood_on =
        |digest| world.hosts_on(provider, digest).next().is_some() || world.worked_on(provider, digest);
    orders.deletions.retain(|deletion| match deletion {
        Deletion::Replica { version: VersionRef { digest, .. } } => {
            !once.iter().any(|order| order.version.digest == *digest) && !stood_on(*digest)
        }
        Deletion::Host { .. } | Deletion::SetAside { .. } | Deletion::WorkingCopy { .. } => true,
    });
    orders.replicas = once;
}
