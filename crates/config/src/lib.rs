//! Where settings come from: a flag, else the environment, else the file in `/etc/diecast`, else the default.
//!
//! ```text
//!   clap::Command ──► keys: the flags of `run` that have a variable ─┐
//!   server.toml ────► settings, each with its line ──────────────────┴─► clap::Command with other defaults
//! ```
//!
//! **How it is cut.** Nothing is said twice: a flag of `run` that can be set by a variable is a key of the file, under
//! the flag's own name and checked by the flag's own parser. What the file says becomes the flag's default, so the
//! order of precedence is the command line's own. [`file`] reads a file into settings with their lines, [`keys`] says
//! what may be set, [`apply`] brings both together; [`user`] says as whom.
//!
//! **Promises.** A key that is not known, or a value that cannot be, is refused with the file, the line, the key and
//! what may have been meant; nothing is ignored silently. A file that is not there is one that says nothing, unless
//! it was asked for by name.
//!
//! **What it does not do.** It knows no setting by name, and keeps nothing.

mod apply;
#[cfg(any(test, feature = "doors"))]
pub mod doors;
mod file;
mod keys;
pub mod shipped;
pub mod user;

pub use apply::{apply, reparse};
pub use keys::{Key, keys};

/// Which file sets what.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    /// Where the file is unless another is named.
    pub path: &'static str,
    /// The command that holds `run` and its neighbours; none if it is the program itself.
    pub within: Option<&'static str>,
}

/// The command whose flags are the keys.
pub(crate) const RUN: &str = "run";
