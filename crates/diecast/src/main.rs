//! The binary `diecast`: the server, and everything an administrator types. It joins, and decides nothing.

#[cfg(test)]
mod documents;
mod manual;
mod server;

use clap::{CommandFactory, Parser, Subcommand};
use diecast_cli::{ClientCommand, Globals};
use std::{path::PathBuf, process::ExitCode};
use tokio::runtime::Builder;

/// Keep one golden machine identical on many hypervisors
#[derive(Parser, Debug)]
#[command(
    name = "diecast",
    version,
    propagate_version = true,
    max_term_width = 100,
    after_help = "Sign in once with `diecast login`, or set DIECAST_URL, DIECAST_TOKEN and DIECAST_CA.
Exit codes: 0 done, 1 refused or failed, 2 typed wrongly. `diecast explain CODE` tells of an error."
)]
struct Diecast {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Run the server, or look after it
    Server(diecast_server::ServerArgs),
    /// Write the manual pages into a folder
    #[command(hide = true)]
    ManPages { folder: PathBuf },
    #[command(flatten)]
    Client(ClientCommand),
}

pub fn main() -> ExitCode {
    let typed = Diecast::parse();
    let Diecast { globals, command } = match server::with_file(&typed.command) {
        None => typed,
        Some(Ok(settled)) => settled,
        Some(Err(problem)) => return server::misconfigured(&typed.globals, problem),
    };
    // Before anything speaks TLS. It fails only if there is one already, which serves as well.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match command {
        Command::Server(args) => block_on(Builder::new_multi_thread(), server::run(&globals, args)),
        Command::ManPages { folder } => manual::write(&globals, &folder),
        Command::Client(command) => {
            let whole = Diecast::command();
            block_on(Builder::new_current_thread(), diecast_cli::run(&globals, command, whole))
        }
    }
}

fn block_on(mut runtime: Builder, work: impl Future<Output = ExitCode>) -> ExitCode {
    runtime.enable_all().build().expect("a process can start a runtime, or nothing at all").block_on(work)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_command_tree_is_sound() {
        Diecast::command().debug_assert();
    }

    #[test]
    fn every_word_of_the_design_is_there() {
        let whole = Diecast::command();
        let words: Vec<_> = whole.get_subcommands().map(clap::Command::get_name).collect();
        let of_this_release = [
            "server",
            "login",
            "logout",
            "provider",
            "vm",
            "template",
            "distribution",
            "version",
            "maintenance",
            "recreation",
            "pool",
            "schedule",
            "host",
            "apply",
            "export",
            "event",
            "explain",
            "support",
            "completions",
        ];
        for word in of_this_release {
            assert!(words.contains(&word), "`diecast {word}` is missing from {words:?}");
        }
    }
}
