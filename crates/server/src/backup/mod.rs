//! Backup and restore: everything that the server knows, in one encrypted file.
//!
//! ```text
//!   backup:   database ── one moment of it ──► copy ── zstd ── age ──► FILE.new ── rename ──► FILE
//!   restore:  FILE ── age ── zstd ──► DATA/restoring/ ── migrate, new epoch ── rename ──► DATA/diecast.db
//! ```
//!
//! The database is all there is: wishes, the certificate authority with its key, administrators, tokens,
//! manifests. Templates and hosts are with the providers, and are not in here.
//!
//! # What it promises
//!
//! - The server goes on meanwhile; the copy is of one moment.
//! - A backup is there under its name only when it is whole and on the disk.
//! - A restore puts a database in place only when every byte of it was authenticated. Whatever fails
//!   leaves nothing behind, and nothing is ever written over.
//! - A restored server deletes nothing and begins nothing until an operator says so (`app/recovery.rs`).
//!
//! # What it does not do
//!
//! It takes no copy of configuration files, nor of a certificate of one's own: those lie in `/etc`.
//!
//! Start at [`format`] for what the file is, then `make.rs` and `restore.rs`.

pub(crate) mod format;
mod keys;
mod make;
mod restore;

pub(crate) use make::backup;
pub(crate) use restore::restore;

use diecast_domain::code::{Code, Problem};
use std::{fs, io, path::Path};

/// Makes a folder for its owner alone, and removes it with all that is in it.
struct Workshop(std::path::PathBuf);

impl Workshop {
    /// What an earlier try left there is cleared away: a process that was killed could not.
    fn open(path: std::path::PathBuf) -> io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        remove(&path)?;
        fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.0) {
            tracing::warn!("{} stays behind: {error}", self.0.display());
        }
    }
}

/// The name, before the process id, of the folder in the data folder in which a copy of the database lies
/// for a moment, in plain.
const WORKSHOP: &str = "backup-";

/// Clears away what backups that were killed left in the data folder: copies that nobody would look for.
pub(crate) fn sweep(data: &Path) {
    for entry in fs::read_dir(data).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix(WORKSHOP)?.parse::<u32>().ok());
        let dead = process.is_some_and(|id| !Path::new(&format!("/proc/{id}")).exists());
        if dead && let Err(error) = remove(&entry.path()) {
            tracing::warn!("{} stays behind: {error}", entry.path().display());
        }
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// A failure to write `path`.
fn unwritten(path: &Path, error: &io::Error) -> Problem {
    Problem::new(Code::B0005, format!("{} could not be written: {error}", path.display()))
}

#[cfg(test)]
mod tests;
