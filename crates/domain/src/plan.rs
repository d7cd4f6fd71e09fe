//! From wishes and reports to orders: what each agent should hold and run. Pure, total, and run
//! unchanged in the simulator.
//!
//! ```text
//!              ┌─ turns ──────► whose turn it is
//!              ├─ swarm ──────► whom to ask, and who brings a version into a site
//!              ├─ links ──────► who has which share of a site link's limit
//!   World ─────┼─ replicas ───► versions to hold, versions to delete, readers ──┐
//!  (one picture)─ machines ──► hosts, working copies, and what goes of them ────┴─► Orders
//! ```
//!
//! [`World`] is one consistent picture, read afresh each time. A [`Plan`] is worked out from it once for all
//! providers; [`Plan::orders`] says what one of them is told; the server stores it under a new generation when it differs from what was told before.
//!
//! **Promise:** whatever is to be deleted is named, and nothing is named that something stands on: a
//! host's disks or its former ones, a working copy, or what is left of one.
//! **Promise:** while a restored server learns what differs, nothing is deleted and nothing begun.
//! **Promise:** what a working copy held is deleted only when somebody holds it elsewhere, verified.

mod choice;
mod limits;
mod links;
mod machines;
mod replicas;
mod swarm;
mod turns;
mod world;

pub use links::ToldLinks;
pub use swarm::PEERS_MAX;
pub use turns::turns;
pub use world::{ProviderInWorld, TemplateInWorld, World};

use crate::{
    assignment::{Orders, PublicationOrder},
    digest::Digest,
    ids::{ProviderId, TemplateId},
    provider::Source,
    recovery,
    template::TemplateStatus,
};
use links::Links;
use std::collections::{BTreeMap, BTreeSet};
use swarm::Swarm;

/// Providers that receive one template at a time, unless the operator says otherwise. Peers carry
/// for each other, so more at once does not load the source more.
pub const CONCURRENCY_DEFAULT: u32 = 8;

/// What all orders of one picture have in common, worked out once: thousands of providers are planned at a time.
pub struct Plan<'a> {
    world: &'a World,
    turns: BTreeMap<TemplateId, BTreeSet<ProviderId>>,
    swarms: BTreeMap<Digest, Swarm<'a>>,
    links: Links<'a>,
    readers: BTreeMap<Digest, BTreeSet<ProviderId>>,
}

impl<'a> Plan<'a> {
    pub fn of(world: &'a World) -> Self {
        let turns: BTreeMap<_, _> = world.templates.keys().map(|id| (*id, turns(world, *id))).collect();
        let mut said: BTreeMap<Digest, Vec<_>> = BTreeMap::new();
        for ((provider, digest), report) in &world.replicas {
            said.entry(*digest).or_default().push((*provider, report));
        }
        let swarm = |(digest, said): (Digest, Vec<_>)| {
            let is_current = |id: &TemplateId| {
                world.templates[id].current.as_ref().is_some_and(|current| current.digest == digest)
            };
            let turn = turns.iter().filter(|(id, _)| is_current(id)).flat_map(|(_, turn)| turn);
            (digest, Swarm::new(world, digest, turn.copied(), &said))
        };
        let swarms = said.into_iter().map(swarm).collect();
        let links = Links::of(world, &swarms);
        let versions = world.templates.values().flat_map(|template| &template.versions);
        let readers = versions.map(|version| (version.digest, world.readers(version.digest))).collect();
        Self { world, turns, swarms, links, readers }
    }

    /// What `provider` is told. None if there is no such provider.
    pub fn orders(&self, provider: ProviderId) -> Option<Orders> {
        let world = self.world;
        let there = world.providers.get(&provider)?;
        let mut orders = Orders::none(provider, there.name.clone(), there.settings.clone());
        for (id, template) in &world.templates {
            publication(template, provider, &mut orders);
            replicas::replicas(self, *id, template, provider, &mut orders);
            machines::working_copies(world, template, provider, &mut orders);
        }
        machines::hosts(world, provider, &mut orders);
        orders.operations = world.operations.get(&provider).cloned().unwrap_or_default();
        orders.consoles = world.consoles.get(&provider).cloned().unwrap_or_default();
        orders.bundles = world.bundles.get(&provider).cloned().unwrap_or_default();
        orders.scrub = there.scrub.clone();
        replicas::same_content(world, &mut orders);
        orders.limits = self.limits(&orders);
        orders.deletions.sort();
        recovery::hold_back(world, &mut orders);
        Some(orders)
    }

    /// Whom a provider is to ask for a version, in this order.
    pub fn sources(&self, digest: Digest, receiver: ProviderId) -> Vec<Source> {
        self.swarms.get(&digest).map(|swarm| swarm.sources(receiver)).unwrap_or_default()
    }

    fn is_its_turn(&self, template: TemplateId, provider: ProviderId) -> bool {
        self.turns.get(&template).is_some_and(|turn| turn.contains(&provider))
    }
}

/// What one `provider` is told. Whoever asks for more than one makes a [`Plan`].
pub fn orders(world: &World, provider: ProviderId) -> Option<Orders> {
    Plan::of(world).orders(provider)
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
            trim: publication.trim,
            attempt: publication.attempt,
        });
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
