//! Whose turn it is to receive a template, and whom a receiver asks.

use super::World;
use crate::{
    digest::Digest,
    distribution::Desire,
    ids::{ProviderId, TemplateId},
    provider::Source,
    replica::Phase,
};
use std::collections::BTreeSet;

/// Sources named to one receiver: enough to survive the loss of some, few enough to be probed fast.
pub const SOURCES_MAX: usize = 4;

/// The members whose turn it is, under the template's concurrency. Those under way keep their turn;
/// those that wait for a retry or do not answer take none, so nobody's trouble holds up another.
pub fn turns(world: &World, template: TemplateId) -> BTreeSet<ProviderId> {
    let Some(list) = world.templates.get(&template) else {
        return BTreeSet::new();
    };
    let mut moving: Vec<_> = world
        .views(template)
        .into_iter()
        .filter(|(_, desire, view)| *desire == Desire::Hold && view.moving)
        .collect();
    moving.sort_by_key(|(_, _, view)| !view.phase.is_some_and(under_way));
    moving.into_iter().take(list.concurrency.max(1) as usize).map(|(id, ..)| id).collect()
}

/// Begun and not over.
pub(super) fn under_way(phase: Phase) -> bool {
    phase.is_moving() && phase != Phase::Queued
}

/// Whom to ask for `digest`: holders, each receiver beginning with another one.
pub(super) fn sources(world: &World, digest: Digest, receiver: ProviderId) -> Vec<Source> {
    let mut holders: Vec<ProviderId> = world.holders(digest).filter(|id| *id != receiver).collect();
    if !holders.is_empty() {
        let first = world.providers.keys().position(|id| *id == receiver).unwrap_or(0);
        let count = holders.len();
        holders.rotate_left(first % count);
    }
    holders
        .into_iter()
        .filter_map(|id| {
            let there = world.providers.get(&id)?;
            Some(Source {
                provider: id,
                name: there.name.clone(),
                addresses: there.addresses.clone(),
                whole: true,
                reserve: false,
            })
        })
        .take(SOURCES_MAX)
        .collect()
}
