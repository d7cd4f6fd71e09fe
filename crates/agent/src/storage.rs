//! Knowing the pool's directory again: an unmounted disk leaves an empty directory of the same name,
//! and nothing may be filled there as if everything had been lost.
//!
//! A mark lies in the directory, and the agent keeps what it says. Where the mark is missing or is
//! another one, the pool counts as missing until somebody says otherwise.

use crate::data::{self, DataDir};
use anyhow::Result;
use diecast_domain::code::{Code, Problem};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    path::{Path, PathBuf},
};
use uuid::Uuid;

/// The mark, in Diecast's directory of the pool.
const MARK: &str = "storage-id";
/// What the agent keeps of it, in its own folder.
const KEPT: &str = "storage.json";

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Place {
    path: PathBuf,
    id: Uuid,
}

/// The directory used last, if it can be recognised now.
pub fn recall(data: &DataDir) -> Option<PathBuf> {
    let place: Place = data::read_json(&data.file(KEPT)).ok()??;
    (mark(&place.path) == Some(place.id)).then_some(place.path)
}

/// Whether `storage` is the directory that this agent knows under that path. One that it has not met
/// yet is marked, or taken on with the mark that an earlier agent left.
pub fn recognise(data: &DataDir, storage: &Path) -> Result<(), Problem> {
    let kept: Option<Place> = data::read_json(&data.file(KEPT)).unwrap_or_default();
    let kept = kept.filter(|place| place.path == storage);
    let found = mark(storage);
    match (kept, found) {
        (Some(kept), Some(found)) if kept.id == found => Ok(()),
        (Some(_), _) => {
            let cause = format!(
                "{} is not the storage that was there before: its mark is missing",
                storage.display()
            );
            Err(Problem::new(Code::P0003, cause).with_hint(format!(
                "mount the pool's disk; if it was replaced on purpose, remove {} and restart the agent",
                data.file(KEPT).display()
            )))
        }
        (None, found) => adopt(data, storage, found).map_err(|error| {
            Problem::new(Code::P0003, format!("the storage could not be marked: {error:#}"))
        }),
    }
}

fn adopt(data: &DataDir, storage: &Path, found: Option<Uuid>) -> Result<()> {
    let id = found.unwrap_or_else(Uuid::new_v4);
    if found.is_none() {
        data::write(&storage.join(MARK), id.to_string().as_bytes(), 0o644)?;
    }
    data::write_json(&data.file(KEPT), &Place { path: storage.to_owned(), id })
}

fn mark(storage: &Path) -> Option<Uuid> {
    fs::read_to_string(storage.join(MARK)).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unmounted_disk_is_not_taken_for_an_empty_one() {
        let place = tempfile::tempdir().unwrap();
        let data = DataDir::open(&place.path().join("agent")).unwrap();
        let storage = place.path().join("pool");
        fs::create_dir(&storage).unwrap();
        recognise(&data, &storage).unwrap();
        recognise(&data, &storage).unwrap();
        assert_eq!(recall(&data), Some(storage.clone()));

        let away = place.path().join("away");
        fs::rename(&storage, &away).unwrap();
        fs::create_dir(&storage).unwrap();
        assert_eq!(recognise(&data, &storage).unwrap_err().code, Code::P0003);
        assert_eq!(recall(&data), None);

        fs::remove_dir(&storage).unwrap();
        fs::rename(&away, &storage).unwrap();
        recognise(&data, &storage).unwrap();
        assert_eq!(recall(&data), Some(storage));
    }

    #[test]
    fn a_new_agent_takes_on_the_storage_of_an_earlier_one() {
        let place = tempfile::tempdir().unwrap();
        let storage = place.path().join("pool");
        fs::create_dir(&storage).unwrap();
        for agent in ["first", "second"] {
            let data = DataDir::open(&place.path().join(agent)).unwrap();
            recognise(&data, &storage).unwrap();
            assert_eq!(recall(&data), Some(storage.clone()));
        }
    }
}
