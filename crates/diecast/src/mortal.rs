//! The binary `diecast-mortal`, for tests alone: `diecast`, which dies at the commits that `FAILPOINTS`
//! names, as the crate `fail` writes it.

#[path = "main.rs"]
mod diecast;

use std::process::{ExitCode, abort};

fn main() -> ExitCode {
    // Abort and do not unwind: nothing is tidied up, as by `kill -9`.
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        tell(panic);
        abort()
    }));
    let _armed = fail::FailScenario::setup();
    diecast::main()
}
