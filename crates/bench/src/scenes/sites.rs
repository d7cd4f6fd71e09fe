//! The slice to targets on several sites: what crosses the links between them.

use super::{RATE, Stage, spread};
use crate::{
    args::Peers,
    ours::Template,
    peers::{Input, Share, peers},
    sample::{OURS, Sample},
    world::World,
};
use anyhow::{Context, Result};
use std::path::Path;

/// A star, a cast, and a swarm that knows no sites.
const PEERS: [&str; 3] = ["curl", "udpcast", "transmission"];

pub fn play(stage: &mut Stage<'_>, world: &mut World, slice: &Path) -> Result<()> {
    let counts = stage.plan.sites.clone();
    let missing = |stage: &Stage<'_>, n: &u32| {
        stage.ledger.count(&Sample::new("sites", OURS, "", *n)) < stage.plan.runs
    };
    for n in counts.iter().copied().filter(|n| missing(stage, n)).collect::<Vec<_>>() {
        world.make_sites(n, RATE)?;
        let world = &*world;
        let (template, _) = Template::publish(world, spread::NAME, slice)?;
        let like = Sample::new("sites", OURS, "", n);
        stage.ours(&like, || {
            let before = world.site_bytes()?;
            let sample = spread::ours(world, &template, world.targets(2 * n)?, RATE, &like)?;
            Ok(sample.with("link_bytes", busiest(&before, &world.site_bytes()?)?))
        })?;
        template.delete()?;
    }
    if stage.plan.peers != Peers::All {
        return Ok(());
    }
    let first = counts[0];
    world.make_sites(first, RATE)?;
    let share = Share::of(world, slice)?;
    for peer in peers().into_iter().filter(|it| it.input == Input::Packed && PEERS.contains(&it.name)) {
        let like = Sample::new("sites", peer.name, peer.input.name(), first);
        stage.peer(&like, || {
            let before = world.site_bytes()?;
            let gave = spread::run_peer(&share, &peer, world.targets(2 * first)?)?;
            let link = busiest(&before, &world.site_bytes()?)?;
            Ok(spread::told(&like, &gave, RATE).with("link_bytes", link))
        })?;
    }
    share.clear()
}

fn busiest(before: &[u64], after: &[u64]) -> Result<f64> {
    let each = before.iter().zip(after).map(|(before, after)| after - before);
    Ok(each.max().context("there is no site beside the first")? as f64)
}
