//! Ten thousand targets, in the simulator: the product's real scheduler, in virtual time.

use super::Stage;
use crate::sample::{OURS, Sample};
use anyhow::{Context, Result, bail};
use diecast_lab::{repository, run::run};
use serde_json::Value;

const TARGETS: u32 = 10_000;
const EXAMPLE: &str = "crates/testkit/examples/swarm.rs";

pub fn play(stage: &mut Stage<'_>) -> Result<()> {
    let like = Sample::new("swarm", OURS, "", TARGETS);
    // The same seed would say the same again.
    let mut seed = stage.ledger.count(&like);
    stage.ours(&like, || {
        seed += 1;
        let root = repository();
        if !root.join(EXAMPLE).exists() {
            bail!("skipped: the simulator has no such story yet ({EXAMPLE})");
        }
        let manifest = root.join("Cargo.toml");
        let (targets, seed) = (TARGETS.to_string(), seed.to_string());
        let said = run(&[
            "cargo",
            "run",
            "--quiet",
            "--release",
            "--manifest-path",
            &manifest.display().to_string(),
            "-p",
            "diecast-testkit",
            "--example",
            "swarm",
            "--",
            "--targets",
            &targets,
            "--seed",
            &seed,
            "--json",
        ])?;
        let said: Value = serde_json::from_str(&said).context("reading what the simulator says")?;
        let over = said["over_bound"].as_f64().context("the simulator's answer has no `over_bound`")?;
        Ok(like.clone().with("over_bound", over))
    })
}
