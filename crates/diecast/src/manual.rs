//! The manual pages that a package brings, made from the command line itself.

use super::Diecast;
use clap::CommandFactory;
use diecast_cli::Globals;
use diecast_domain::code::{Code, Problem};
use std::{path::Path, process::ExitCode};

/// One page for each command.
pub(crate) fn write(globals: &Globals, folder: &Path) -> ExitCode {
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(Diecast::command(), folder))
        .map_err(|error| {
            Problem::new(Code::S0003, format!("{} cannot be written to: {error}", folder.display()))
                .with_hint("name a folder that you may write to")
        });
    diecast_cli::conclude(globals, written)
}
