//! What the demonstration says, and how it shows a command: as typed, then as it runs.

use super::Names;
use crate::{lab::Lab, run::RunError};
use anyhow::{Context, Result, ensure};
use std::{
    io::{self, IsTerminal},
    os::fd::AsFd,
    process::Stdio,
};

pub(super) fn say(text: &str) {
    eprintln!("demo: {text}");
}

/// Runs the command line as a user would, on this terminal. Its data is talk here, so that standard
/// output stays free for `--json`.
pub(super) fn show(lab: &Lab, args: &[&str]) -> Result<()> {
    let typed: Vec<String> = args.iter().map(|word| quoted(word)).collect();
    let line = format!("diecast {}", typed.join(" "));
    if io::stderr().is_terminal() {
        eprintln!("\n\x1b[1m$ {line}\x1b[0m");
    } else {
        eprintln!("\n$ {line}");
    }
    let talk = io::stderr().as_fd().try_clone_to_owned().context("using standard error")?;
    let mut command = lab.diecast_command(args)?;
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::from(talk))
        .status()
        .map_err(|source| RunError::Start { command: line.clone(), source })?;
    ensure!(status.success(), "`{line}` failed ({status}); what it said stands above");
    eprintln!();
    Ok(())
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./,=:".contains(c);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{word}'") }
}

/// The last words.
pub(super) fn how_to_go_on(lab: &Lab, url: &str, names: &Names) -> Result<()> {
    let first = lab.list()?.into_iter().next().map(|item| item.name).unwrap_or_default();
    eprintln!(
        "\
The lab goes on running. Its API: {url}/api/v1/ (described in {url}/api/v1/openapi.json)

  eval \"$(./demo --env)\"                        this shell talks to it
  diecast provider list
  diecast distribution show {template} --watch
  diecast host list
  diecast-lab list                              the hypervisors behind it
  diecast-lab cut {first}; diecast-lab mend {first}    pull a network cable, put it back
  diecast-lab --help                            stop, kill, slow down, fill a disk ...
  ./demo --down                                 leave nothing behind
",
        template = &names.template,
    );
    Ok(())
}
