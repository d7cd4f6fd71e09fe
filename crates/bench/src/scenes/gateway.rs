//! Two targets on each of two sites: what the others notice when the one through which all comes into the second
//! becomes slow.

use super::{RATE, Stage, spread};
use crate::{
    ours::{Template, wait_ready},
    ratios::PEER_TARGETS,
    sample::{OURS, Sample},
    world::{SOURCE, World},
};
use anyhow::{Context, Result};
use diecast_lab::Item;
use std::{path::Path, thread::sleep, time::Duration};

const KINDS: [&str; 2] = ["calm", "slow"];
const SITES: u32 = 2;
/// It becomes slow when it has received this much of what the calm run took.
const SLOW_AT: f64 = 0.35;
const SLOW: f64 = 0.1;

pub fn play(stage: &mut Stage<'_>, world: &mut World, slice: &Path) -> Result<()> {
    let likes = KINDS.map(|kind| (kind, Sample::new(&format!("gateway {kind}"), OURS, "", PEER_TARGETS)));
    if likes.iter().all(|(_, like)| stage.ledger.count(like) >= stage.plan.runs) {
        return Ok(());
    }
    world.make_sites(SITES, RATE)?;
    let world = &*world;
    let (template, _) = Template::publish(world, spread::NAME, slice)?;
    let mut calm = 10.0;
    for (kind, like) in likes {
        stage.ours(&like, || {
            let seconds = run(world, &template, (kind == "slow").then_some(calm))?;
            if kind == "calm" {
                calm = seconds;
            }
            Ok(like.clone().with("seconds", seconds))
        })?;
    }
    template.delete()
}

/// Until all have it but the gateway, which becomes slow if it is said what a calm run takes.
fn run(world: &World, template: &Template<'_>, calm: Option<f64>) -> Result<f64> {
    let targets = world.targets(PEER_TARGETS)?;
    let names: Vec<&str> = targets.iter().map(|target| target.name.as_str()).collect();
    world.shape(Some(RATE))?;
    let mut spreading = template.spread(&names)?;
    if let Some(calm) = calm {
        sleep(Duration::from_secs_f64((calm * SLOW_AT - spreading.elapsed()).max(0.0)));
        let gateway = gateway(template, targets)?;
        world.shape_one(gateway, RATE * SLOW)?;
        spreading.give_up(gateway);
    }
    let seconds = spreading.finish(spread::patience(RATE, names.len()));
    world.shape(None)?;
    // The slow one gets all of it too, so that every run begins in the same way.
    let done = wait_ready(template, spread::patience(RATE, names.len()));
    template.take_from(&names)?;
    let seconds = seconds?.into_iter().map(|(_, seconds)| seconds).fold(0.0, f64::max);
    done.context("the slow gateway never got it")?;
    Ok(seconds)
}

/// Who of the second site has most from beyond it.
fn gateway<'a>(template: &Template<'_>, targets: &'a [Item]) -> Result<&'a str> {
    let (here, there) = targets.split_at(2);
    let beyond: Vec<&str> = here.iter().map(|item| item.name.as_str()).chain([SOURCE]).collect();
    let brought = there.iter().map(|item| Ok((template.given_by(&item.name, &beyond)?, item.name.as_str())));
    let brought = brought.collect::<Result<Vec<_>>>()?.into_iter().max();
    brought.map(|(_, name)| name).context("there are targets beyond the link")
}
