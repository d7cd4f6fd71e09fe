//! What the programs of the system say, without waiting for any of them for long.

use crate::Archive;
use std::{process::Stdio, time::Duration};
use tokio::process::Command;

/// A program that takes longer hangs, as what it looks at does.
const PATIENCE: Duration = Duration::from_secs(10);

impl Archive {
    /// Puts in what a program prints, under `name`; or that there is none.
    pub async fn command(&mut self, name: &str, program: &str, args: &[&str]) {
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::null()).env("LC_ALL", "C").kill_on_drop(true);
        match tokio::time::timeout(PATIENCE, command.output()).await {
            Ok(Ok(output)) => {
                let said = [output.stdout, output.stderr].concat();
                let said = String::from_utf8_lossy(&said);
                if output.status.success() || !said.trim().is_empty() {
                    self.text(name, &said);
                } else {
                    self.missing(name, &format!("{program} ended with {}", output.status));
                }
            }
            Ok(Err(error)) => self.missing(name, &format!("{program}: {error}")),
            Err(_) => self.missing(name, &format!("{program} did not answer")),
        }
    }
}
