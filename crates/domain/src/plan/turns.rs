//! Whose turn it is to receive a template.

use super::World;
use crate::{
    distribution::Desire,
    ids::{ProviderId, TemplateId},
    replica::Phase,
};
use std::collections::BTreeSet;

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
