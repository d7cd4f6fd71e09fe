//! `diecast server`: handed to the crate `diecast-server` as it was typed.

use std::process::ExitCode;

/// What the server's own crate takes.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _rest: Vec<String>,
}

pub(crate) async fn run(_: Args) -> ExitCode {
    ExitCode::FAILURE
}
