//! `diecast-lab`: real hypervisors on one Linux machine, for developers.

mod args;
mod commands;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    match commands::run(args::Args::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("diecast-lab: {error:#}");
            ExitCode::FAILURE
        }
    }
}
