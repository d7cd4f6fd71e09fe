//! What each agent is told: stored under a new number when it differs from what was told before.

use super::Pass;
use crate::picture::Picture;
use diecast_domain::{
    assignment::Assignment,
    ids::ProviderId,
    plan::{Plan, ToldLinks},
};
use diecast_store::{Change, StoreError};
use std::collections::BTreeMap;

pub(super) async fn reconcile(
    change: &mut Change,
    picture: &mut Picture,
    told: &BTreeMap<ProviderId, Assignment>,
    pass: &mut Pass,
) -> Result<(), StoreError> {
    let epoch = change.epoch().await?;
    if !picture.world.links.is_empty() {
        picture.world.told_links = told_links(picture, told);
    }
    let plan = Plan::of(&picture.world);
    for id in picture.providers.keys() {
        let Some(orders) = plan.orders(*id) else { continue };
        let same = |before: &Assignment| before.orders == orders && before.generation.epoch == epoch;
        // An agent holds its orders as far as its release understood them: another one is told them anew.
        if told.get(id).is_some_and(same) && !pass.replaced.contains(id) {
            continue;
        }
        pass.told.push((*id, change.assign(orders).await?));
        pass.dirty = true;
    }
    Ok(())
}

/// What share of limited site links each agent was told last, and whether it says that it follows that.
fn told_links(picture: &Picture, told: &BTreeMap<ProviderId, Assignment>) -> BTreeMap<ProviderId, ToldLinks> {
    let told = told.iter().filter(|(_, it)| !it.orders.limits.links.is_empty());
    let links = told.map(|(id, it)| {
        let is_followed = picture.report(*id).is_some_and(|report| report.generation == it.generation);
        (*id, ToldLinks { is_followed, links: it.orders.limits.links.clone() })
    });
    links.collect()
}
