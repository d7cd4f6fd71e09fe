//! What is written down of a verification, so that a later start need not read everything again.
//!
//! It says which files were verified and how they looked then. It is a hint about change, never a
//! proof: a changed size, time or inode means that the version must be verified anew.

use crate::{durable, scrub::Scrubbed, verify::Verified};
use diecast_domain::{
    digest::Digest,
    units::{ByteCount, Timestamp},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// How a plain file looked: it is taken for unchanged while this is the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    pub size: ByteCount,
    pub mtime_seconds: i64,
    pub mtime_nanoseconds: i64,
    pub inode: u64,
}

impl Stamp {
    /// None where no plain file is.
    pub(crate) fn of_path(path: &Path) -> io::Result<Option<Self>> {
        let found = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            found => found?,
        };
        Ok(found.is_file().then(|| Self {
            size: ByteCount(found.size()),
            mtime_seconds: found.mtime(),
            mtime_nanoseconds: found.mtime_nsec(),
            inode: found.ino(),
        }))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedRecord {
    pub version: Digest,
    pub verified_at: Timestamp,
    files: BTreeMap<String, Stamp>,
}

#[derive(Debug, thiserror::Error)]
#[error("could not keep the record {path} of a verification")]
pub struct RecordError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

impl Verified {
    pub fn record(&self, verified_at: Timestamp) -> VerifiedRecord {
        VerifiedRecord { version: self.version, verified_at, files: self.stamps.clone() }
    }
}

impl VerifiedRecord {
    /// Durable when this returns. `path` is in the agent's own folder, not in the version's.
    pub fn save(&self, path: &Path) -> Result<(), RecordError> {
        let json = serde_json::to_vec_pretty(self).map_err(io::Error::other);
        let saved = json.and_then(|json| durable::replace(path, &json));
        saved.map_err(|source| RecordError { path: path.to_owned(), source })
    }

    /// None if there is none, or none that can be read: then the version is verified again.
    pub fn load(path: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    /// The same, read back once more since `since`: only time passes. None if its files do not look as
    /// they did when this record was made.
    pub fn renewed(self, scrubbed: &Scrubbed, since: Timestamp) -> Option<Self> {
        let same = self.version == scrubbed.version && self.unchanged(&scrubbed.dir);
        same.then_some(Self { verified_at: since, ..self })
    }

    /// Whether the version's files still look as they did when they were verified.
    pub fn unchanged(&self, dir: &Path) -> bool {
        let same = |(name, stamp): (&String, &Stamp)| {
            Stamp::of_path(&dir.join(name)).is_ok_and(|found| found.as_ref() == Some(stamp))
        };
        !self.files.is_empty() && self.files.iter().all(same)
    }
}
