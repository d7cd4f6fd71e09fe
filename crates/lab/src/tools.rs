//! The project's own programs, as the lab runs them.

use anyhow::{Result, bail};
use std::{env, path::PathBuf, process::Command};

/// How the life of a program is to end.
#[derive(Clone, Copy, Debug)]
pub enum Life<'a> {
    Plain,
    /// At durable steps, as `FAILPOINTS` names them to a program that was built mortal.
    DiesAt(&'a str),
}

impl Life<'_> {
    pub fn program(self, name: &str) -> Result<PathBuf> {
        match self {
            Self::Plain => find(name),
            Self::DiesAt(_) => find(&format!("{name}-mortal")),
        }
    }

    pub fn arm(self, command: &mut Command) {
        if let Self::DiesAt(points) = self {
            command.env("FAILPOINTS", points);
        }
    }
}

/// Finds `diecast` or `diecast-agent`: where `DIECAST_BIN_DIR` says, else beside this program, which
/// for a test is one folder further up.
pub fn find(program: &str) -> Result<PathBuf> {
    let mut folders: Vec<PathBuf> = env::var_os("DIECAST_BIN_DIR").map(Into::into).into_iter().collect();
    if let Ok(this) = env::current_exe() {
        folders.extend(this.ancestors().skip(1).take(2).map(Into::into));
    }
    let found = folders.iter().map(|folder| folder.join(program)).find(|path| path.is_file());
    match found {
        Some(path) => Ok(path),
        None => bail!("`{program}` is not built; `cargo build --bins` builds it (or set DIECAST_BIN_DIR)"),
    }
}

/// The folder that holds them, for a shell's `PATH`.
pub fn programs() -> Result<PathBuf> {
    Ok(find("diecast")?.parent().map(Into::into).unwrap_or_default())
}
