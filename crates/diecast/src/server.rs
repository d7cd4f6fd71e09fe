//! `diecast server`: handed to the crate `diecast-server`; how it ends is told as any command's end is.

use super::{Command, Diecast};
use diecast_cli::Globals;
use diecast_domain::code::Problem;
use diecast_server::ServerArgs;
use std::process::ExitCode;

/// What was typed wrongly: a unit that restarts what fails does not restart this.
const TYPED_WRONGLY: u8 = 2;

/// The command line read again over the server's file of settings. None if it is no command of the server's.
pub(crate) fn with_file(command: &Command) -> Option<Result<Diecast, Problem>> {
    let Command::Server(args) = command else { return None };
    Some(diecast_config::reparse(&diecast_server::SETTINGS, args.config.as_deref()))
}

pub(crate) fn misconfigured(globals: &Globals, problem: Problem) -> ExitCode {
    diecast_cli::conclude(globals, Err(problem));
    ExitCode::from(TYPED_WRONGLY)
}

/// Runs until it is told to stop, or cannot go on.
pub(crate) async fn run(globals: &Globals, args: ServerArgs) -> ExitCode {
    diecast_cli::conclude(globals, diecast_server::execute(args).await)
}
