//! The command line, as a user of the lab's server would run it.

use crate::{
    lab::Lab,
    run::{output_of, succeeded},
    server, tools,
};
use anyhow::{Context, Result};
use serde_json::Value;
use std::process::{Command, Output};

impl Lab {
    /// What the command line needs to reach this lab's server.
    pub fn environment(&self) -> Result<Vec<(&'static str, String)>> {
        Ok(server::environment(&self.paths, &self.server()?))
    }

    /// The command line, ready to run against this lab.
    pub fn diecast_command(&self, args: &[&str]) -> Result<Command> {
        let mut command = Command::new(tools::find("diecast")?);
        command.args(args).envs(self.environment()?);
        // A proxy of the machine around knows nothing of the lab's addresses.
        command.env("XDG_CONFIG_HOME", self.paths.cli()).env("NO_PROXY", "*").env("no_proxy", "*");
        Ok(command)
    }

    /// Runs the command line to its end, whatever its exit code.
    pub fn diecast(&self, args: &[&str]) -> Result<Output> {
        Ok(output_of(&mut self.diecast_command(args)?, "")?)
    }

    /// Runs the command line with `--json`; it must succeed and print one document.
    pub fn diecast_json(&self, args: &[&str]) -> Result<Value> {
        let shown = format!("diecast {} --json", args.join(" "));
        let output = self.diecast(&[args, &["--json"]].concat())?;
        succeeded(&shown, &output)?;
        serde_json::from_slice(&output.stdout).with_context(|| format!("reading what `{shown}` says"))
    }
}
