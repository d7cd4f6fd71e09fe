//! The agent's own folder: who it is, what it was told, and what it wrote down.
//!
//! ```text
//! lock                     held while the agent runs
//! identity.json key.pem    who it is and where its server is; key.pem is 0600
//! certificate.pem ca.pem
//! assignment.json          the highest generation seen
//! storage.json             where the pool's directory was found last, and its mark
//! manifests/<hex>          of versions held or being brought here
//! verified/<hex>.json      what was verified, when, and how it looked then
//! damaged/<hex>.json       what was found wrong with it, until all of it matches again
//! scrub.json               how far the slow reading of what is held is
//! spool/<hex>              compressed frames: a cache, but for what is in `derived`
//! derived/<hex>.json       published from a working copy, and of which version: served from the spool
//!                          and that version's files until it has files of its own
//! made/<host>              the host was made and started once; which incarnation last (empty: 1)
//! made-working/<id>        the same of a working copy; the version that it stands on
//! published/<id>.json      a publication that is done and not yet forgotten by the server
//! operations/<id>.json     the same of a one-time act
//! definitions/             the templates' definitions as the hypervisor would take them
//! ```
//!
//! Every file is replaced whole: written under another name, flushed, renamed.

use anyhow::{Context, Result};
use diecast_domain::{
    code::{Code, Problem},
    digest::Digest,
    ids::{HostId, MaintenanceId, OperationId, ProviderId, PublicationId},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    fs::{self, File, Permissions, TryLockError},
    io::{ErrorKind, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// What enrolment settled.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Identity {
    pub provider: ProviderId,
    pub name: String,
    /// `https://host:port`
    pub server: String,
}

/// What frames are called while a publication makes them.
const PUBLISHING_SUFFIX: &str = ".publishing";

const FOLDERS: [&str; 10] = [
    "manifests",
    "verified",
    "damaged",
    "spool",
    "derived",
    "made",
    "made-working",
    "published",
    "operations",
    "definitions",
];

/// What is written down of a version that was published from a working copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Derivation {
    /// The version whose files have all that the spool has not.
    pub base: Digest,
}

/// The agent's folder.
#[derive(Clone, Debug)]
pub struct DataDir(PathBuf);

impl DataDir {
    /// Makes what is missing, readable by its owner alone.
    pub fn open(path: &Path) -> Result<Self, Problem> {
        let unusable = |error: std::io::Error| {
            Problem::new(
                Code::S0003,
                format!("the agent's data folder {} cannot be used: {error}", path.display()),
            )
        };
        fs::create_dir_all(path).map_err(unusable)?;
        fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(unusable)?;
        let path = path.canonicalize().map_err(unusable)?;
        for folder in FOLDERS {
            fs::create_dir_all(path.join(folder)).map_err(unusable)?;
        }
        Ok(Self(path))
    }

    /// Nobody else may act on this folder while the answer lives.
    pub fn lock(&self) -> Result<File, Problem> {
        let path = self.0.join("lock");
        let file = File::create(&path).map_err(|error| {
            Problem::new(Code::S0003, format!("{} cannot be opened: {error}", path.display()))
        })?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(Problem::new(
                Code::S0006,
                format!("another agent uses the data folder {}", self.0.display()),
            )),
            Err(TryLockError::Error(error)) => {
                Err(Problem::new(Code::S0003, format!("{} cannot be locked: {error}", path.display())))
            }
        }
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn definitions(&self) -> PathBuf {
        self.0.join("definitions")
    }

    pub fn manifest(&self, digest: &Digest) -> PathBuf {
        self.0.join("manifests").join(digest.hex())
    }

    pub fn verified(&self, digest: &Digest) -> PathBuf {
        self.0.join("verified").join(format!("{}.json", digest.hex()))
    }

    pub fn damaged(&self, digest: &Digest) -> PathBuf {
        self.0.join("damaged").join(format!("{}.json", digest.hex()))
    }

    /// Takes back, durably, that a version was verified.
    pub fn forget_verified(&self, digest: &Digest) -> std::io::Result<()> {
        remove(&self.verified(digest))?;
        File::open(self.0.join("verified"))?.sync_all()
    }

    pub fn spool(&self, digest: &Digest) -> PathBuf {
        self.0.join("spool").join(digest.hex())
    }

    pub fn derived(&self, digest: &Digest) -> PathBuf {
        self.0.join("derived").join(format!("{}.json", digest.hex()))
    }

    /// The frames of a publication whose digest is not known yet.
    pub fn publishing_spool(&self, publication: PublicationId) -> PathBuf {
        self.0.join("spool").join(format!("{publication}{PUBLISHING_SUFFIX}"))
    }

    pub fn made(&self, host: HostId) -> PathBuf {
        self.0.join("made").join(host.to_string())
    }

    /// Which incarnation of a host was made last. None if none was.
    pub fn incarnation_made(&self, host: HostId) -> Result<Option<u32>> {
        let path = self.made(host);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            read => read.with_context(|| format!("{} cannot be read", path.display()))?,
        };
        // Releases before incarnations wrote nothing into it.
        let number = if text.is_empty() { Ok(1) } else { text.trim().parse() };
        number.map(Some).with_context(|| format!("{} is not as it was written", path.display()))
    }

    pub fn write_made(&self, host: HostId, incarnation: u32) -> Result<()> {
        write(&self.made(host), incarnation.to_string().as_bytes(), 0o600)
    }

    pub fn made_working(&self, copy: MaintenanceId) -> PathBuf {
        self.0.join("made-working").join(copy.to_string())
    }

    /// The version that a working copy made here stands on. None if it cannot be told.
    pub fn base_of(&self, copy: MaintenanceId) -> Option<Digest> {
        fs::read_to_string(self.made_working(copy)).ok()?.trim().parse().ok()
    }

    pub fn published(&self, publication: PublicationId) -> PathBuf {
        self.0.join("published").join(format!("{publication}.json"))
    }

    pub fn operation(&self, operation: OperationId) -> PathBuf {
        self.0.join("operations").join(format!("{operation}.json"))
    }

    /// What a folder's files are called, up to the first dot, as far as they parse.
    pub fn names<T: std::str::FromStr>(&self, folder: &str) -> Vec<T> {
        let Ok(entries) = fs::read_dir(self.0.join(folder)) else { return Vec::new() };
        entries
            .filter_map(|entry| {
                let name = entry.ok()?.file_name().into_string().ok()?;
                name.split('.').next()?.parse().ok()
            })
            .collect()
    }
}

/// Reads a JSON file that this agent wrote. None if it is not there.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        read => read.with_context(|| format!("{} cannot be read", path.display()))?,
    };
    let value = serde_json::from_slice(&bytes)
        .with_context(|| format!("{} is not as it was written", path.display()))?;
    Ok(Some(value))
}

pub fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<()> {
    write(path, &serde_json::to_vec_pretty(value)?, 0o600)
}

/// Replaces a file whole and makes that durable.
pub fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let parent = path.parent().context("a file has a folder")?;
    let name = path.file_name().context("a file has a name")?.to_string_lossy().into_owned();
    let other = parent.join(format!(".{name}.new"));
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&other)?;
        file.set_permissions(Permissions::from_mode(mode))?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fail::fail_point!("agent::before-rename");
        fs::rename(&other, path)?;
        fail::fail_point!("agent::after-rename");
        File::open(parent)?.sync_all()
    };
    write().with_context(|| format!("{} cannot be written", path.display()))
}

/// Removes a file or a folder with all that is in it. What is not there is removed already.
pub fn remove(path: &Path) -> std::io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    if found.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_serves_one_agent_at_a_time() {
        let place = tempfile::tempdir().unwrap();
        let data = DataDir::open(place.path()).unwrap();
        let held = data.lock().unwrap();
        assert_eq!(data.lock().unwrap_err().code, Code::S0006);
        drop(held);
        assert!(data.lock().is_ok());
    }

    #[test]
    fn a_file_is_replaced_whole_and_found_by_its_name() {
        let place = tempfile::tempdir().unwrap();
        let data = DataDir::open(place.path()).unwrap();
        let id = OperationId::from_uuid(uuid::Uuid::from_u128(7));
        write_json(&data.operation(id), &"one").unwrap();
        write_json(&data.operation(id), &"two").unwrap();
        assert_eq!(read_json::<String>(&data.operation(id)).unwrap().as_deref(), Some("two"));
        assert_eq!(data.names::<OperationId>("operations"), [id]);
        remove(&data.operation(id)).unwrap();
        remove(&data.operation(id)).unwrap();
        assert_eq!(read_json::<String>(&data.operation(id)).unwrap(), None);
    }

    #[test]
    fn a_mark_of_the_last_release_says_the_first_incarnation() {
        let place = tempfile::tempdir().unwrap();
        let data = DataDir::open(place.path()).unwrap();
        let host = HostId::from_uuid(uuid::Uuid::from_u128(7));
        assert_eq!(data.incarnation_made(host).unwrap(), None);
        write(&data.made(host), b"", 0o600).unwrap();
        assert_eq!(data.incarnation_made(host).unwrap(), Some(1));
        data.write_made(host, 4).unwrap();
        assert_eq!(data.incarnation_made(host).unwrap(), Some(4));
        assert_eq!(data.names::<HostId>("made"), [host]);
        fs::write(data.made(host), "many").unwrap();
        assert!(data.incarnation_made(host).is_err(), "nobody guesses what was made");
    }

    #[test]
    fn a_data_folder_that_cannot_be_is_named() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("file");
        fs::write(&file, "").unwrap();
        let problem = DataDir::open(&file).unwrap_err();
        assert_eq!(problem.code, Code::S0003);
        assert!(problem.cause.contains("file"), "{problem}");
    }
}
