//! The binary `diecast-agent-mortal`, for tests alone: the agent, which dies at the durable steps that
//! `FAILPOINTS` names, as the crate `fail` writes it.

#[path = "main.rs"]
mod agent;

use std::process::{ExitCode, abort};

fn main() -> ExitCode {
    // Abort and do not unwind: nothing is tidied up, as by `kill -9`.
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        tell(panic);
        abort()
    }));
    let _armed = fail::FailScenario::setup();
    agent::main()
}
