//! The memory of server and agents while as many targets as the run has fetch at once.

use super::{RATE, Stage, spread};
use crate::{
    ours::Template,
    sample::{OURS, Sample},
    world::World,
};
use anyhow::{Context, Result};
use std::path::Path;

/// Two cores carry no more.
const ALL_LINKS_BITS: f64 = 1.4e9;

pub fn play(stage: &mut Stage<'_>, world: &World, slice: &Path) -> Result<()> {
    let n = stage.plan.memory_targets;
    let like = Sample::new("memory", OURS, "", n);
    if stage.ledger.count(&like) >= stage.plan.runs {
        return Ok(());
    }
    let (template, _) = Template::publish(world, spread::NAME, slice)?;
    let rate = RATE.min(ALL_LINKS_BITS / f64::from(n));
    stage.ours(&like, || {
        let mut sample = spread::ours(world, &template, world.targets(n)?, rate, &like)?;
        let peak =
            sample.values.remove("server_peak_bytes_then").context("the server's peak was looked at")?;
        Ok(sample.with("server_peak_bytes", peak))
    })?;
    template.delete()
}
