//! A provider's agent: enrolled once, then run inside its machine.

use crate::{
    golden,
    machine::{inside, run_inside},
    paths::{Paths, text},
    process::{Process, spawn_detached, tail, until},
    run::succeeded,
    tools::{self, Life},
};
use anyhow::{Context, Result};
use serde_json::Value;
use std::{path::Path, time::Duration};

/// What agents keep free on a lab's small disks, far less than on a real one.
const FLOOR: &str = "64MiB";
/// The user that agents are, as `machine.sh` makes it: nobody in particular, as the package's is.
const USER: &str = "64100";
/// What the unit in `packaging/systemd` gives beside; a test compares the two.
pub const RIGHTS: &str = "-all,+dac_override,+fowner,+setgid,+setuid,+sys_ptrace";
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
    own_by_service(&data)?;
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
    let argv = as_service(&argv);
    succeeded(&format!("diecast-agent join` on `{name}"), &run_inside(machine, &argv)?)?;
    Ok(())
}

/// A command as the packaged unit runs it: its user, its groups, its rights, and no others.
fn as_service<'a>(argv: &[&'a str]) -> Vec<&'a str> {
    let setpriv = ["setpriv", "--reuid", USER, "--regid", USER, "--groups", "libvirt,kvm", "--no-new-privs"];
    let rights = ["--inh-caps", RIGHTS, "--ambient-caps", RIGHTS, "--bounding-set", RIGHTS, "--"];
    [setpriv.as_slice(), rights.as_slice(), argv].concat()
}

/// Gives the agent's folder to the agent's user, as the package does.
fn own_by_service(data: &Path) -> Result<()> {
    let user = USER.parse().expect("a number was written there");
    std::os::unix::fs::chown(data, Some(user), Some(user))
        .with_context(|| format!("giving {} to the agent", data.display()))
}

/// Starts the agent; gives it as seen from outside its machine.
pub fn start(paths: &Paths, name: &str, machine: Process, life: Life<'_>) -> Result<Process> {
    let (agent, own) = (life.program("diecast-agent")?, paths.provider(name));
    let (data, import, log) = (own.agent_data(), paths.import(), own.agent_log());
    let kernel = golden::kernel_root(paths)?;
    let settings = ["--floor", FLOOR, "--import-dir", text(&import), "--kernel-root", text(&kernel)];
    let argv = [&[text(&agent), "run", "--data", text(&data)][..], &settings].concat();
    let argv = as_service(&argv);
    // `nsenter` stays, outside the machine; its child is the agent.
    let mut command = inside(machine, &argv);
    life.arm(&mut command);
    command.env("DIECAST_AGENT_LOG_FORMAT", "json");
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
