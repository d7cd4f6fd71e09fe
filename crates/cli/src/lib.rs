//! What one types: the client commands of `diecast`.
//!
//! ```text
//!   argv ──► args ──► commands::<noun> ──► api::client ──► the server
//!                          │
//!                          ├─ render    API values → text, pure
//!                          └─ printer   the only place that prints
//! ```
//!
//! **How it is cut.** [`args`] says what may be typed and is checked at the door with `domain`'s own
//! types; [`connection`] finds the server (flags, then environment, then the stored login); one file
//! a noun in `commands` asks the server through the typed client and hands what comes back to the
//! [`printer`]; `render` holds the tables and sentences as pure functions, so that every one of them
//! is a snapshot in a test. `wait` follows work until it has ended.
//!
//! **Promises.** stdout is data and stderr is talk. With `--json` stdout is exactly one JSON document
//! (for streams: one a line), also when the command fails: then it is `{"error": ...}`. Exit 0 means
//! done, 1 refused or failed, 2 typed wrongly. Nothing is destroyed without a yes: typed, or `--yes`.
//! A token goes only to the server that it came from, and a file with it is readable by its owner
//! alone. Piped output has no colours and nothing cut off.
//!
//! **What it does not do.** It decides nothing about templates or hosts, and words no status: those
//! come from the server. It knows no store, no transfer and no hypervisor. `diecast server` is not
//! here: the crate `diecast` joins both.
//!
//! Read next: `args/mod.rs` for the command tree, `commands/template.rs` for a command with a plan
//! and a wait, `failure.rs` for how things end badly.

#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod args;
mod commands;
mod confirm;
mod connection;
#[cfg(any(test, feature = "doors"))]
pub mod doors;
mod failure;
pub mod printer;
mod render;
mod suggest;
mod wait;

pub use args::{ClientCommand, Globals};
pub use failure::Failure;

use diecast_api::{client::ClientError, problem::ProblemDetails};
use diecast_domain::code::Problem;
use std::process::ExitCode;

/// Runs one client command to its end. `whole` is the full command tree, for completions.
pub async fn run(globals: &Globals, command: ClientCommand, whole: clap::Command) -> ExitCode {
    let mut printer = printer::Printer::standard(globals.json);
    let outcome = commands::run(globals, command, whole, &mut printer).await;
    ExitCode::from(failure::conclude(outcome, &mut printer))
}

/// The end of a command that is not here, told as the ends of those here are.
pub fn conclude(globals: &Globals, outcome: Result<(), Problem>) -> ExitCode {
    let mut printer = printer::Printer::standard(globals.json);
    let outcome = outcome
        .map_err(|problem| Failure::Client(ClientError::Problem(Box::new(ProblemDetails::from(&problem)))));
    ExitCode::from(failure::conclude(outcome, &mut printer))
}
