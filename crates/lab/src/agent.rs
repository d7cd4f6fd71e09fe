//! A provider's agent: enrolled once, then run inside its machine.

use crate::{
    machine::{inside, run_inside},
    paths::{Paths, text},
    process::{Process, spawn_detached, tail, until},
    run::succeeded,
    tools::{self, Life},
};
use anyhow::{Context, Result};
use serde_json::Value;
use std::time::Duration;

/// What agents keep free on a lab's small disks, far less than on a real one.
const FLOOR: &str = "64MiB";
/// The time between the start of an agent and its showing up in the table of processes.
const START_PATIENCE: Duration = Duration::from_secs(30);
const STOP_PATIENCE: Duration = Duration::from_secs(30);

/// Uses the one-time token that `diecast provider add --json` gave.
pub fn join(paths: &Paths, name: &str, machine: Process, added: &Value) -> Result<()> {
    let field = |key: &str| {
        added[key].as_str().with_context(|| format!("`diecast provider add --json` gives no `{key}`"))
    };
    let (agent, own) = (tools::find("diecast-agent")?, paths.provider(name));
    let data = own.agent_data();
    let argv = [
        text(&agent),
        "join",
        "--server",
        field("server")?,
        "--ca-fingerprint",
        field("ca_fingerprint")?,
        "--token",
        field("token")?,
        "--data",
        text(&data),
    ];
    // The token stays out of the error: `succeeded` is told a name only.
    succeeded(&format!("diecast-agent join` on `{name}"), &run_inside(machine, &argv)?)?;
    Ok(())
}

/// Starts the agent; gives it as seen from outside its machine.
pub fn start(paths: &Paths, name: &str, machine: Process, life: Life<'_>) -> Result<Process> {
    let (agent, own) = (life.program("diecast-agent")?, paths.provider(name));
    let (data, import, log) = (own.agent_data(), paths.import(), own.agent_log());
    let argv = [text(&agent), "run", "--data", text(&data), "--floor", FLOOR, "--import-dir", text(&import)];
    // `nsenter` stays, outside the machine; its child is the agent.
    let mut command = inside(machine, &argv);
    life.arm(&mut command);
    let outer = spawn_detached(&mut command, &log)?;
    let mut found = None;
    until(START_PATIENCE, || {
        found = outer.child();
        found.is_some() || !outer.alive()
    });
    found.with_context(|| format!("the agent of `{name}` did not start{}", tail(&log)))
}

/// Asks an agent to end, and insists.
pub fn stop(agent: Process) {
    agent.terminate();
    if !agent.gone_within(STOP_PATIENCE) {
        kill(agent);
    }
}

pub fn kill(agent: Process) {
    agent.kill();
    agent.gone_within(STOP_PATIENCE);
}
