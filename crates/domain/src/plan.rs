//! From wishes and reports to orders: what each agent should hold and run. Pure, total, and run
//! unchanged in the simulator.
//!
//! ```text
//!              ┌─ turns ──────► whose turn it is, and whom to ask
//!   World ─────┼─ replicas ───► versions to hold, versions to delete, readers ──┐
//!  (one picture)─ machines ──► hosts, working copies, and what goes of them ────┴─► Orders
//! ```
//!
//! [`World`] is one consistent picture, read afresh each time. [`orders`] says what one provider is
//! told; the server stores it under a new generation when it differs from what was told before.
//!
//! **Promise:** whatever is to be deleted is named, and nothing is named that something stands on: a
//! host's disks or its former ones, a working copy, or what is left of one.
//! **Promise:** while a restored server learns what differs, nothing is deleted and nothing begun.
//! **Promise:** what a working copy held is deleted only when somebody holds it elsewhere, verified.

mod limits;
mod machines;
mod replicas;
mod turns;
mod world;

pub use turns::{SOURCES_MAX, turns};
pub use world::{ProviderInWorld, TemplateInWorld, World};

use crate::{
    assignment::{Orders, PublicationOrder},
    ids::ProviderId,
    recovery,
    template::TemplateStatus,
};

/// Providers that receive one template at a time, unless the operator says otherwise. Peers carry
/// for each other, so more at once does not load the source more.
pub const CONCURRENCY_DEFAULT: u32 = 8;

/// What `provider` is told. None if there is no such provider.
pub fn orders(world: &World, provider: ProviderId) -> Option<Orders> {
    let there = world.providers.get(&provider)?;
    let mut orders = Orders::none(provider, there.name.clone(), there.settings.clone());
    for (id, template) in &world.templates {
        publication(template, provider, &mut orders);
        replicas::replicas(world, *id, template, provider, &mut orders);
        machines::working_copies(world, template, provider, &mut orders);
    }
    machines::hosts(world, provider, &mut orders);
    orders.operations = world.operations.get(&provider).cloned().unwrap_or_default();
    orders.consoles = world.consoles.get(&provider).cloned().unwrap_or_default();
    orders.scrub = there.scrub.clone();
    replicas::same_content(world, &mut orders);
    orders.limits = limits::limits(world, &orders);
    orders.deletions.sort();
    recovery::hold_back(world, &mut orders);
    Some(orders)
}

fn publication(template: &TemplateInWorld, provider: ProviderId, orders: &mut Orders) {
    let due = template.publication.as_ref().filter(|publication| {
        publication.provider == provider && template.status != TemplateStatus::Deleting
    });
    if let Some(publication) = due {
        orders.publications.push(PublicationOrder {
            id: publication.id,
            template: template.name.clone(),
            source: publication.source.clone(),
            attempt: publication.attempt,
        });
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
