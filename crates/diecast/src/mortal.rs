//! The binary `diecast-mortal`, for tests alone: `diecast`, which dies at the commits that `FAILPOINTS`
//! names, as the crate `fail` writes it.

#[path = "main.rs"]
mod diecast;

use std::{
    io::Write,
    process::{ExitCode, abort},
};

fn main() -> ExitCode {
    // The server itself reads `FAILPOINTS`. Abort and do not unwind: nothing is tidied up, as by `kill -9`.
    std::panic::set_hook(Box::new(|panic| {
        let _ = writeln!(std::io::stderr(), "{panic}");
        abort()
    }));
    diecast::main()
}
