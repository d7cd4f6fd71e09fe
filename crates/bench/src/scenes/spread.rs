//! A slice of the image to one target, and to many at once, over shaped links.

use super::{RATE, RATE_OF_RAW, Stage};
use crate::{
    args::Peers,
    measure::Measure,
    ours::{Template, wait_ready},
    outside,
    peers::{Gave, Input, Peer, Share, peers},
    ratios::{PEER_TARGETS, SPREAD},
    sample::{OURS, Sample},
    world::World,
};
use anyhow::Result;
use diecast_lab::Item;
use std::{path::Path, time::Duration};

/// The template of which the slice is the disk.
pub const NAME: &str = "slice";
/// Bits a second toward all targets together: two processors carry no more without being what is measured.
const ALL_TARGETS_BITS: f64 = 0.4e9;

/// The scene with so many targets, and the links' rate in it: with one target it has the same rate.
fn scene_for(targets: u32) -> (&'static str, f64) {
    let [usual, slowly] = SPREAD;
    if RATE * f64::from(targets) <= ALL_TARGETS_BITS { (usual, RATE) } else { (slowly, RATE / 2.0) }
}

pub fn play(stage: &mut Stage<'_>, world: &World, slice: &Path) -> Result<()> {
    let many = stage.plan.wants(&[Measure::R2, Measure::R3]);
    let counts: Vec<u32> = stage.plan.targets.iter().copied().filter(|n| *n == 1 || many).collect();
    // What is done slowly has a single target at that rate of its own, to be compared with.
    let mut runs: Vec<(&str, f64, u32)> = Vec::new();
    for n in &counts {
        let (scene, rate) = scene_for(*n);
        let begins = runs.iter().all(|(other, ..)| *other != scene);
        runs.extend((begins && *n > 1).then_some((scene, rate, 1)));
        runs.push((scene, rate, *n));
    }
    let missing = |stage: &Stage<'_>| {
        runs.iter()
            .any(|(scene, _, n)| stage.ledger.count(&Sample::new(scene, OURS, "", *n)) < stage.plan.runs)
    };
    if missing(stage) {
        let (template, _) = Template::publish(world, NAME, slice)?;
        for (scene, rate, n) in &runs {
            let like = Sample::new(scene, OURS, "", *n);
            stage.ours(&like, || ours(world, &template, world.targets(*n)?, *rate, &like))?;
        }
        template.delete()?;
    }
    if stage.plan.peers == Peers::None || !stage.plan.wants(&[Measure::R1, Measure::R2, Measure::R3]) {
        return Ok(());
    }
    let share = Share::of(world, slice)?;
    let all = peers();
    let one = stage.plan.peers == Peers::All;
    for peer in all.iter().filter(|peer| stage.plan.takes(peer, &all)) {
        let at_one = one && peer.is_its_least(&all);
        for n in counts.iter().copied().filter(|n| *n == PEER_TARGETS || (*n == 1 && at_one)) {
            let like = Sample::new("spread", peer.name, peer.input.name(), n);
            stage.peer(&like, || {
                let gave = run_peer(&share, peer, world.targets(n)?)?;
                Ok(told(&like, &gave, rate_for(peer.input)))
            })?;
        }
    }
    share.clear()
}

/// Brings the template to these targets, and takes it from them again.
pub fn ours(
    world: &World,
    template: &Template<'_>,
    targets: &[Item],
    rate: f64,
    like: &Sample,
) -> Result<Sample> {
    world.shape(Some(rate))?;
    let names: Vec<&str> = targets.iter().map(|target| target.name.as_str()).collect();
    let agents: Vec<u32> = names.iter().map(|name| world.agent(name)).collect::<Result<_>>()?;
    let server = world.server()?;
    for process in agents.iter().chain([&server]) {
        outside::forget_peak(*process)?;
    }
    let before: Vec<_> = targets.iter().map(Item::crossed).collect::<Result<_>>()?;
    let source_before = world.source().crossed()?.1;
    let spreading = template.spread(&names)?;
    let begun = std::time::Instant::now();
    let seconds = spreading.finish(patience(rate, names.len()));
    let done = tell_toward(targets, &before);
    let source_bytes = (world.source().crossed()?.1 - source_before) as f64;
    let seconds = match seconds {
        Ok(seconds) => seconds,
        Err(error) => {
            // What went wrong first is what is told.
            let _ = template.take_from(&names);
            return Err(error);
        }
    };
    let last = seconds.iter().map(|(_, seconds)| *seconds).fold(0.0, f64::max);
    wait_ready(template, patience(rate, 1))?;
    let ready = begun.elapsed().as_secs_f64();
    let peaks: Vec<f64> = agents.iter().map(|agent| outside::peak_bytes(*agent)).collect::<Result<_>>()?;
    let sample = like
        .clone()
        .with("seconds", last)
        .with("ready_seconds", ready)
        .with("target_bytes", done?)
        .with("source_bytes", source_bytes)
        .with("rate_bits", rate)
        .with("agent_peak_bytes", peaks.into_iter().fold(0.0, f64::max))
        .with("server_peak_bytes_then", outside::peak_bytes(server)?);
    template.take_from(&names)?;
    Ok(sample)
}

fn tell_toward(targets: &[Item], before: &[(u64, u64)]) -> Result<f64> {
    let mut most = 0.0;
    for (target, before) in targets.iter().zip(before) {
        most = f64::max(most, (target.crossed()?.0 - before.0) as f64);
    }
    Ok(most)
}

/// Several times what one after the other would take.
pub fn patience(rate: f64, targets: usize) -> Duration {
    const SLICE_AT_MOST_BITS: f64 = 8.0 * 300e6;
    Duration::from_secs_f64(60.0 + 1.5 * targets as f64 * SLICE_AT_MOST_BITS / rate)
}

pub fn rate_for(input: Input) -> f64 {
    match input {
        Input::Raw => RATE_OF_RAW,
        Input::Packed => RATE,
    }
}

/// A peer, undisturbed.
pub fn run_peer(share: &Share<'_>, peer: &Peer, targets: &[Item]) -> Result<Gave> {
    let rate = rate_for(peer.input);
    share.world.shape(Some(rate))?;
    share.run(peer, targets, rate, patience(rate, targets.len()), None)
}

pub fn told(like: &Sample, gave: &Gave, rate: f64) -> Sample {
    like.clone()
        .with("seconds", gave.last())
        .with("target_bytes", gave.most_toward_a_target())
        .with("source_bytes", gave.source_bytes)
        .with("rate_bits", rate)
}
