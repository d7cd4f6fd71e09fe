//! A provider's machine: namespaces of its own, and in them a libvirtd of its own.
//!
//! It is a process namespace too. So the loss of its power is one `kill -9` of its first process:
//! the kernel kills libvirtd, guests, agent and dnsmasq with it, in one moment and without a trace.

use crate::{
    paths::{ProviderPaths, text},
    process::{Process, spawn_detached, tail, until},
    run::{RunError, output_of, run},
};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    process::{Command, Output},
    time::Duration,
};

const MACHINE: &str = include_str!("machine.sh");
/// How much the guests give way to everything else (19 is the most).
pub const GUEST_NICE: &str = "15";
/// libvirtd asks each QEMU binary what it can do before it answers; slow when everything is busy.
const START_PATIENCE: Duration = Duration::from_secs(120);
/// The kernel needs this long to end all processes of a namespace, at the worst.
const STOP_PATIENCE: Duration = Duration::from_secs(60);

/// Switches the machine on; its libvirtd may still be starting.
pub fn power_on(paths: &ProviderPaths, netns: &str, kvm: bool) -> Result<Process> {
    // As at every boot, what was in /run is gone: else libvirt believes it never stopped.
    let _ = fs::remove_dir_all(paths.run());
    paths.make()?;
    let script = paths.root().join("machine.sh");
    fs::write(&script, MACHINE).with_context(|| format!("writing {}", script.display()))?;
    let log = paths.machine_log();
    let mut command = Command::new("ip");
    command.args(["netns", "exec", netns, "unshare", "--mount", "--pid", "--fork", "--kill-child"]);
    command.args(["--mount-proc", "--propagation", "slave", "bash"]);
    command.args([text(&script), text(paths.root()), text(&paths.storage())]);
    command.args([if kvm { "yes" } else { "no" }, GUEST_NICE]);
    let outer = spawn_detached(&mut command, &log)?;
    let mut first = None;
    until(STOP_PATIENCE, || {
        first = outer.child();
        first.is_some() || !outer.alive()
    });
    first.with_context(|| format!("the machine of `{netns}` did not start{}", tail(&log)))
}

/// Waits until the machine's libvirtd answers.
pub fn wait_for_libvirt(paths: &ProviderPaths, machine: Process) -> Result<()> {
    let uri = paths.libvirt_uri();
    let mut last = None;
    let answered = until(START_PATIENCE, || {
        last = run(&["virsh", "-q", "-c", &uri, "list"]).err();
        last.is_none() || !machine.alive()
    });
    match last {
        None if answered => Ok(()),
        Some(error @ RunError::Missing { .. }) => Err(error.into()),
        _ if !machine.alive() => bail!("the machine ended{}", tail(&paths.machine_log())),
        _ => bail!("libvirtd at {uri} does not answer{}", tail(&paths.machine_log())),
    }
}

/// Cuts the power.
pub fn power_off(machine: Process) -> Result<()> {
    machine.kill();
    if !machine.gone_within(STOP_PATIENCE) {
        bail!("process {} does not end although it was killed", machine.pid);
    }
    Ok(())
}

/// A command that will run inside the machine.
pub fn inside(machine: Process, argv: &[&str]) -> Command {
    let mut command = Command::new("nsenter");
    command.args(["--target", &machine.pid.to_string(), "--mount", "--net", "--pid", "--"]);
    command.args(argv);
    // A proxy of the machine around knows nothing of the lab's addresses.
    command.env("NO_PROXY", "*").env("no_proxy", "*");
    command
}

/// Runs a command inside the machine to its end.
pub fn run_inside(machine: Process, argv: &[&str]) -> Result<Output> {
    Ok(output_of(&mut inside(machine, argv), "")?)
}
