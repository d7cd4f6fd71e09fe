//! What is done to get figures, scene by scene; each gives lines for the ledger.
//!
//! | Scene | What happens | For |
//! |---|---|---|
//! | spread, spread slowly | a slice of the image to N targets at once, over shaped links | R1, R2, R3 |
//! | sites | the same to targets behind the links of 2 to 4 sites | R4 |
//! | image | the whole image is published, and fetched by one target | R5, R8, R9, R10 |
//! | read | fio on what that target holds, and on a copy by hand | R13 |
//! | patched, rebuilt | the image's successors, to a target that holds the image, as templates of their own | R6, R7, R14 |
//! | version | the patched image again, as the template's next version by maintenance | R6, R14 |
//! | memory | the slice to as many targets as the run has | R10 |
//! | resume | the agent is killed at half, and started again | R11 |
//! | trouble | one of four targets is slow, far away, or dies | R12 |
//! | gateway | the one through which all comes into a site becomes slow | R12 |
//! | swarm | the simulator's 10,000 targets | R15 |

mod differences;
mod gateway;
mod image;
mod maintenance;
mod memory;
mod resume;
mod sites;
mod spread;
mod swarm;
mod trouble;

use crate::{
    args::Plan,
    images::Images,
    measure::Measure,
    report::Report,
    sample::{Ledger, Sample},
    say,
    world::World,
};
use anyhow::Result;
use std::{
    path::{Path, PathBuf},
    time::Instant,
};

/// What Diecast and packed inputs are measured with: a copy of the slice takes a dozen seconds.
pub const RATE: f64 = 50e6;
/// What raw inputs are measured with: a copy of the slice takes as long.
pub const RATE_OF_RAW: f64 = 200e6;

/// Measured with whole images.
const OF_WHOLE_IMAGES: &[Measure] = {
    use Measure::*;
    &[R5, R6, R7, R8, R9, R10, R13, R14]
};

/// All that scenes share.
pub struct Stage<'a> {
    pub plan: &'a Plan,
    pub images: &'a Images,
    pub ledger: Ledger,
    pub report: &'a Report,
}

impl Stage<'_> {
    /// Does one thing as often as wanted, unless it was done already; each run is written down at once.
    pub fn ours(&mut self, like: &Sample, run: impl FnMut() -> Result<Sample>) -> Result<()> {
        self.repeat(like, (f64::INFINITY, f64::INFINITY), run)
    }

    /// The same for a peer, which is not repeated for ever if it is slow.
    pub fn peer(&mut self, like: &Sample, run: impl FnMut() -> Result<Sample>) -> Result<()> {
        self.repeat(like, (self.plan.run_seconds_max, self.plan.runs_seconds_max), run)
    }

    fn repeat(
        &mut self,
        like: &Sample,
        (one_max, all_max): (f64, f64),
        mut run: impl FnMut() -> Result<Sample>,
    ) -> Result<()> {
        let all = Instant::now();
        while self.ledger.count(like) < self.plan.runs && !self.ledger.gave_up(like) {
            let number = self.ledger.count(like) + 1;
            let is_slow = self.ledger.longest_seconds(like).is_some_and(|seconds| seconds > one_max);
            if number > 1 && (is_slow || all.elapsed().as_secs_f64() > all_max) {
                break;
            }
            say(&format!("{}, N={}: {}, run {number}", like.scene, like.n, like.contender()));
            let begun = Instant::now();
            let sample = run().unwrap_or_else(|error| like.clone().failed(&error));
            if let Some(error) = &sample.error {
                say(&format!("{} could not: {error}", like.contender()));
            }
            self.add(sample.with("took_seconds", begun.elapsed().as_secs_f64()))?;
        }
        Ok(())
    }

    /// Writes a run down, and what follows from it.
    pub fn add(&mut self, sample: Sample) -> Result<()> {
        self.ledger.add(sample)?;
        self.report.write(self.ledger.samples())
    }

    /// A scene that cannot even begin says so in the results, and the others go on.
    fn attempt(&mut self, scene: &str, n: u32, run: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let begun = Instant::now();
        let result = run(self);
        say(&format!("{scene}: {:.0} s", begun.elapsed().as_secs_f64()));
        if let Err(error) = result {
            say(&format!("{scene}: {error:#}"));
            self.add(Sample::new(scene, crate::sample::OURS, "", n).failed(&error))?;
        }
        Ok(())
    }
}

/// Targets to which the wanted measures spread the slice; 0: none do.
fn targets_of_slice(plan: &Plan) -> u32 {
    use Measure::{R1, R2, R3, R4, R11, R12};
    let most = |of: &[u32]| of.iter().copied().max().unwrap_or(1);
    let needs = [
        (plan.wants(&[R1, R11]), 1),
        (plan.wants(&[R2, R3]), most(&plan.targets)),
        (plan.wants(&[R4]), 2 * most(&plan.sites)),
        (plan.wants(&[R12]), crate::ratios::PEER_TARGETS),
    ];
    needs.into_iter().filter(|(wanted, _)| *wanted).map(|(_, targets)| targets).max().unwrap_or(0)
}

/// Plays all scenes that the wanted measures need. A lab has no more hypervisors than its scenes need: those that idle
/// take a part of the processors too.
pub fn play(stage: &mut Stage<'_>, work: &Path) -> Result<()> {
    use Measure::*;
    let plan = stage.plan;
    if plan.wants(&[R15]) {
        stage.attempt("swarm", 10_000, swarm::play)?;
    }
    // Before the lab: it takes minutes, and needs nothing of it.
    let Some(slice) = make_images(plan, stage.images)? else { return Ok(()) };
    let targets = targets_of_slice(plan);
    if targets > 0 {
        of_the_slice(stage, &mut lab(work, targets)?, &slice)?;
    }
    if plan.wants(&[R10]) {
        let world = lab(work, plan.memory_targets)?;
        stage.attempt("memory", plan.memory_targets, |stage| memory::play(stage, &world, &slice))?;
    }
    if plan.wants(OF_WHOLE_IMAGES) {
        let world = lab(work, 1)?;
        stage.attempt("image", 1, |stage| image::play(stage, &world))?;
    }
    Ok(())
}

fn lab(work: &Path, targets: u32) -> Result<World> {
    say(&format!("starting {} hypervisors with their agents, and a server", targets + 1));
    World::start(work, targets)
}

/// What goes over shaped links.
fn of_the_slice(stage: &mut Stage<'_>, world: &mut World, slice: &Path) -> Result<()> {
    use Measure::*;
    let plan = stage.plan;
    if plan.wants(&[R1, R2, R3, R4, R11]) {
        stage.attempt("spread", 1, |stage| spread::play(stage, world, slice))?;
    }
    if plan.wants(&[R4]) {
        let played = stage.attempt("sites", 2, |stage| sites::play(stage, world, slice));
        world.one_site()?;
        played?;
    }
    if plan.wants(&[R11]) {
        stage.attempt("resume", 1, |stage| resume::play(stage, world, slice))?;
    }
    if plan.wants(&[R12]) {
        stage.attempt("trouble slow", 4, |stage| trouble::play(stage, world, slice))?;
        let played = stage.attempt("gateway slow", 4, |stage| gateway::play(stage, world, slice));
        world.one_site()?;
        played?;
    }
    Ok(())
}

/// Makes what is not there yet of the images that the wanted measures need, and gives the slice; None if they need
/// none.
pub fn make_images(plan: &Plan, images: &Images) -> Result<Option<PathBuf>> {
    if plan.measures == [Measure::R15] {
        return Ok(None);
    }
    let slice = images.slice(plan.slice_bytes)?;
    if plan.wants(OF_WHOLE_IMAGES) {
        images.trimmed()?;
        images.rebuilt()?;
    }
    Ok(Some(slice))
}
