//! The agent as a service of its machine: whose it is, and how it is started where there is systemd, an init
//! script, or neither.

use crate::{
    data::DataDir,
    settings::{AgentCommand, JoinArgs},
};
use diecast_config::user::{go_on_as_owner_of, owner_to_be, this_program_as};
use diecast_domain::code::{Code, Problem};
use std::{
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::Path,
    process::Command,
};

const ROOT: u32 = 0;
const UNIT: &str = "diecast-agent.service";
/// systemd makes it before it starts anything.
const SYSTEMD_RUNS: &str = "/run/systemd/system";
const INIT_SCRIPT: &str = "/etc/init.d/diecast-agent";
/// Where the token is read from besides its flag.
pub const TOKEN_VARIABLE: &str = "DIECAST_JOIN_TOKEN";

enum Way {
    Systemd,
    InitScript,
    ByHand,
}

fn way(data: &Path) -> Way {
    let unit = |folder| Path::new(folder).join(UNIT).exists();
    // The service has a user of its own, and so has its folder.
    if std::fs::metadata(data).map_or(ROOT, |found| found.uid()) == ROOT {
        Way::ByHand
    } else if Path::new(SYSTEMD_RUNS).exists()
        && ["/usr/lib/systemd/system", "/lib/systemd/system", "/etc/systemd/system"].into_iter().any(unit)
    {
        Way::Systemd
    } else if Path::new(INIT_SCRIPT).exists() {
        Way::InitScript
    } else {
        Way::ByHand
    }
}

pub fn how_to_start(data: &Path) -> String {
    match way(data) {
        Way::Systemd => "systemctl enable --now diecast-agent".to_owned(),
        Way::InitScript => "service diecast-agent start".to_owned(),
        Way::ByHand => format!("diecast-agent run --data {}", data.display()),
    }
}

/// Starts the service; where there is none, goes on as the agent and returns only if that cannot be.
pub fn start(data: &Path) -> Result<(), Problem> {
    let mut command = match way(data) {
        Way::Systemd => program("systemctl", &["enable", "--now", UNIT]),
        Way::InitScript => program(INIT_SCRIPT, &["start"]),
        Way::ByHand => {
            let this = std::env::current_exe().map_err(|error| not_started(data, &error))?;
            let error = Command::new(this).arg("run").arg("--data").arg(data).exec();
            return Err(not_started(data, &error));
        }
    };
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(not_started(data, &status)),
        Err(error) => Err(not_started(data, &error)),
    }
}

fn program(name: &str, words: &[&str]) -> Command {
    let mut command = Command::new(name);
    command.args(words);
    command
}

fn not_started(data: &Path, why: &dyn std::fmt::Display) -> Problem {
    let cause = format!("the agent has joined, but it could not be started: {why}");
    let hint = format!("look in its log, then start it with `{}`", how_to_start(data));
    Problem::new(Code::S0003, cause).with_hint(hint)
}

/// Has the user that the folder belongs to do it. False if that is who this is.
pub fn join_as_its_user(args: &JoinArgs) -> Result<bool, Problem> {
    let data = &args.data.data;
    let Some(owner) = owner_to_be(data) else { return Ok(false) };
    let trouble = |error: std::io::Error| not_its_user(data, &error);
    let mut command = this_program_as(owner).map_err(trouble)?;
    command.args(["join", "--server", &args.server, "--ca-fingerprint", &args.ca_fingerprint, "--data"]);
    // Out of the table of processes, once at least.
    command.arg(data).env(TOKEN_VARIABLE, &args.token);
    let status = command.status().map_err(trouble)?;
    if !status.success() {
        // It has said why.
        std::process::exit(status.code().unwrap_or(1));
    }
    Ok(true)
}

/// Root that does by hand what works in the service's folder is the service's user. But for running: that needs
/// rights that only the service is given.
pub fn go_on_as_its_user(command: &AgentCommand) -> Result<(), Problem> {
    match command {
        AgentCommand::Status(args) => {
            let data = &args.data.data;
            go_on_as_owner_of(data).map_err(|error| not_its_user(data, &error))
        }
        AgentCommand::SetServer(args) => {
            let data = &args.data.data;
            go_on_as_owner_of(data).map_err(|error| not_its_user(data, &error))
        }
        AgentCommand::Run(args) if owner_to_be(&args.data.data).is_some() => {
            let data = &args.data.data;
            // Whether it runs already is the plainer answer. The folder is complete by then: nothing is made in it.
            if data.join("lock").exists() {
                DataDir::open(data)?.lock()?;
            }
            let cause =
                format!("{} belongs to the agent's service, and root would lock it out", data.display());
            let hint = format!("start the service: `{}`", how_to_start(data));
            Err(Problem::new(Code::S0003, cause).with_hint(hint))
        }
        _ => Ok(()),
    }
}

fn not_its_user(data: &Path, error: &std::io::Error) -> Problem {
    let cause = format!("this cannot be done as the user that {} belongs to: {error}", data.display());
    Problem::new(Code::S0003, cause).with_hint("run it as that user")
}
