//! Which limits one agent is told, and which of them a transfer feels now.

use super::{Plan, World};
use crate::{
    assignment::Orders,
    ids::{ProviderId, TemplateId},
    limit::{Limited, LimitedBy, Limits, TransferLimit},
    replica::Phase,
    units::Timestamp,
};

impl Plan<'_> {
    /// The limits that `orders` are to be followed under. A version is limited by every template that has
    /// its content and this provider on its list, or that it is ordered for.
    pub(super) fn limits(&self, orders: &Orders) -> Limits {
        let world = self.world;
        let mut transfers = Vec::new();
        for order in &orders.replicas {
            let digest = order.version.digest;
            for (id, template) in &world.templates {
                let has_it = template.versions.iter().any(|version| version.digest == digest);
                let is_meant =
                    *id == order.version.template || template.members.contains_key(&orders.provider);
                let limit = template.limit.as_ref().filter(|_| has_it && is_meant);
                transfers.extend(limit.map(|limit| TransferLimit { digest, limit: limit.clone() }));
            }
        }
        let provider = world.providers.get(&orders.provider).and_then(|there| there.limit.clone());
        Limits { provider, transfers, links: self.links.limits(world, orders) }
    }

    /// What keeps the transfer of a template's current version to a provider from going faster now, if
    /// there is one.
    pub fn limited(&self, template: TemplateId, provider: ProviderId, now: Timestamp) -> Option<Limited> {
        let world = self.world;
        let view = world.view(template, provider)?;
        let travels = |phase| matches!(phase, Phase::Queued | Phase::Preflight | Phase::Transferring);
        if !view.moving || !view.phase.is_some_and(travels) {
            return None;
        }
        let list = world.templates.get(&template)?;
        let own = world.provider_limit(provider, now);
        let by = LimitedBy::Template(list.name.clone());
        let of_template = list.limit.as_ref().and_then(|limit| Limited::now(by, limit, now));
        let of_sources = list.current.as_ref().and_then(|current| {
            let all = self.sources(current.digest, provider).into_iter().filter(|it| !it.reserve);
            let all: Option<Vec<_>> = all.map(|it| world.provider_limit(it.provider, now)).collect();
            Limited::sources(all?)
        });
        let current = list.current.as_ref().filter(|_| !world.links.is_empty());
        let of_links = current.and_then(|current| {
            let (gateway, from) = self.swarms.get(&current.digest)?.way_to(provider)?;
            self.links.felt(world, gateway, &from, now)
        });
        Limited::strictest(own.into_iter().chain(of_template).chain(of_sources).chain(of_links))
    }
}

impl World {
    /// What a provider may receive now, and as much again that it may send.
    pub fn provider_limit(&self, provider: ProviderId, now: Timestamp) -> Option<Limited> {
        let there = self.providers.get(&provider)?;
        Limited::now(LimitedBy::Provider(there.name.clone()), there.limit.as_ref()?, now)
    }
}
