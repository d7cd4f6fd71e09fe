//! `diecast server`: handed to the crate `diecast-server`; how it ends is told as any command's end is.

use diecast_cli::Globals;
use diecast_server::ServerArgs;
use std::process::ExitCode;

/// Runs until it is told to stop, or cannot go on.
pub(crate) async fn run(globals: &Globals, args: ServerArgs) -> ExitCode {
    diecast_cli::conclude(globals, diecast_server::execute(args).await)
}
