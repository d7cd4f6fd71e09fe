//! The lab's server: in the root namespace, on the bridge's address.

use crate::{
    paths::{Paths, text},
    process::{Process, spawn_detached, tail, until},
    run::{attempt, output_of, succeeded},
    state::Server,
    tools::{self, Life},
};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::{fs, io::Read, process::Command, time::Duration};

pub const PORT: u16 = 7443;
/// The name of the administrator that the server makes at its first start.
const ADMINISTRATOR: &str = "admin";
/// A first start makes keys and hashes a password, unoptimised, beside busy hypervisors.
const START_PATIENCE: Duration = Duration::from_secs(120);
/// A server that is asked to stop finishes what it answers.
const STOP_PATIENCE: Duration = Duration::from_secs(30);

/// A server that was never started, with a password of its own.
pub fn fresh(address: &str) -> Result<Server> {
    let mut random = [0; 18];
    let mut source = fs::File::open("/dev/urandom").context("drawing a password")?;
    source.read_exact(&mut random).context("drawing a password")?;
    let password = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let url = format!("https://{address}:{PORT}");
    Ok(Server { url, password, token: None, process: None })
}

/// Starts it; it may not answer yet.
pub fn start(paths: &Paths, server: &mut Server, life: Life<'_>) -> Result<()> {
    if server.process.is_some_and(Process::alive) {
        return Ok(());
    }
    let listen = server.url.trim_start_matches("https://");
    let mut command = Command::new(life.program("diecast")?);
    life.arm(&mut command);
    command.args(["server", "run", "--data", text(&paths.server()), "--listen", listen]);
    command.env("DIECAST_ADMIN_PASSWORD", &server.password).env("DIECAST_LOG_FORMAT", "json");
    server.process = Some(spawn_detached(&mut command, &paths.server_log())?);
    Ok(())
}

/// Waits until it is healthy.
pub fn wait(paths: &Paths, server: &Server) -> Result<()> {
    let (log, process) = (paths.server_log(), server.process.context("the server was not started")?);
    let (ca, health) = (paths.ca(), format!("{}/healthz", server.url));
    let healthy = until(START_PATIENCE, || {
        let asked = ["curl", "-fsS", "--noproxy", "*", "--max-time", "5", "--cacert", text(&ca), &health];
        (ca.exists() && attempt(&asked)) || !process.alive()
    });
    if !process.alive() {
        bail!("the server ended{}", tail(&log));
    }
    if !healthy {
        bail!("the server at {health} is not healthy{}", tail(&log));
    }
    Ok(())
}

/// Asks it to end, and insists.
pub fn stop(server: &Server) {
    if let Some(process) = server.process {
        process.terminate();
        if !process.gone_within(STOP_PATIENCE) {
            kill(server);
        }
    }
}

pub fn kill(server: &Server) {
    if let Some(process) = server.process {
        process.kill();
        process.gone_within(STOP_PATIENCE);
    }
}

/// Signs in and keeps the token, which every command of the command line then uses.
pub fn sign_in(paths: &Paths, server: &mut Server) -> Result<()> {
    let mut command = Command::new(tools::find("diecast")?);
    command.args(["login", "--url", &server.url, "--ca", text(&paths.ca())]);
    command.args(["--user", ADMINISTRATOR, "--print-token", "--json"]);
    command.env("DIECAST_PASSWORD", &server.password);
    command.env("XDG_CONFIG_HOME", paths.cli()).env("NO_PROXY", "*");
    let output = output_of(&mut command, "")?;
    succeeded("diecast login", &output)?;
    let said: Value = serde_json::from_slice(&output.stdout).context("reading what `diecast login` says")?;
    let token = said["token"].as_str().context("`diecast login --json` gives no token")?;
    server.token = Some(token.to_owned());
    Ok(())
}

/// What the command line needs to find the server: shown by `diecast-lab env` too.
pub fn environment(paths: &Paths, server: &Server) -> Vec<(&'static str, String)> {
    let mut all = vec![("DIECAST_URL", server.url.clone()), ("DIECAST_CA", text(&paths.ca()).to_owned())];
    all.extend(server.token.clone().map(|token| ("DIECAST_TOKEN", token)));
    all
}
