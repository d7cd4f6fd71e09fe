//! Giving a verified version its final name: the last step, and the only way there.

use crate::{durable, journal, layout, record::Stamp, verify::Verified};
use diecast_domain::code::{Code, Problem};
use std::{
    fs::{self, File, Permissions},
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    #[error("could not {doing} {path}")]
    Write {
        doing: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{path} changed after it was verified")]
    Changed { path: PathBuf },
    #[error("{path} is there already")]
    Exists { path: PathBuf },
}

impl CommitError {
    pub fn problem(&self) -> Problem {
        match self {
            Self::Write { source, .. } => crate::write_problem(self, Some(source)),
            Self::Changed { .. } | Self::Exists { .. } => {
                Problem::new(Code::T0006, format!("the copy was not accepted: {self}"))
            }
        }
    }
}

/// Moves the verified directory to `versions/<hex>/`, read-only, and returns where that is.
///
/// Killed before the rename, it leaves `incoming`; killed after it, a version without a record,
/// which is verified in place. The record is the caller's next step: [`Verified::record`].
pub fn commit(verified: &Verified, versions: &Path) -> Result<PathBuf, CommitError> {
    let from = &verified.dir;
    let to = layout::version_dir(versions, &verified.version);
    if to.exists() {
        return Err(CommitError::Exists { path: to });
    }
    for (name, stamp) in &verified.stamps {
        let path = from.join(name);
        if Stamp::of_path(&path).map_err(failed("look at", &path))?.as_ref() != Some(stamp) {
            return Err(CommitError::Changed { path });
        }
    }
    protect(verified)?;
    // QEMU's own user must be able to enter.
    fs::set_permissions(from, Permissions::from_mode(0o755)).map_err(failed("open up", from))?;
    durable::sync_dir(from).map_err(failed("flush", from))?;
    fs::create_dir_all(versions).map_err(failed("make", versions))?;
    fail::fail_point!("transfer::before-rename");
    journal::discard(from).map_err(failed("remove the journal of", from))?;
    fail::fail_point!("transfer::journal-gone");
    fs::rename(from, &to).map_err(failed("rename", from))?;
    fail::fail_point!("transfer::after-rename");
    for parent in [versions, from.parent().unwrap_or(versions)] {
        durable::sync_dir(parent).map_err(failed("flush", parent))?;
    }
    Ok(to)
}

/// Makes the files of a verified version readable by everybody and writable by nobody. Also after a
/// repair in place: a file that was gone and was made anew is private until then, and no guest could
/// start from it.
pub fn protect(verified: &Verified) -> Result<(), CommitError> {
    for name in verified.stamps.keys() {
        let path = verified.dir.join(name);
        let read_only = Permissions::from_mode(0o444);
        fs::set_permissions(&path, read_only).map_err(failed("protect", &path))?;
        File::open(&path).and_then(|file| file.sync_all()).map_err(failed("flush", &path))?;
    }
    durable::sync_dir(&verified.dir).map_err(failed("flush", &verified.dir))
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> CommitError {
    move |source| CommitError::Write { doing, path: path.to_owned(), source }
}
