//! The binary `diecast-agent-mortal`, for tests alone: the agent, which dies at the durable steps that
//! `FAILPOINTS` names, as the crate `fail` writes it.

#[path = "main.rs"]
mod agent;

use std::{
    io::Write,
    process::{ExitCode, abort},
};

fn main() -> ExitCode {
    // Abort and do not unwind: nothing is tidied up, as by `kill -9`.
    std::panic::set_hook(Box::new(|panic| {
        let _ = writeln!(std::io::stderr(), "{panic}");
        abort()
    }));
    let _armed = fail::FailScenario::setup();
    agent::main()
}
