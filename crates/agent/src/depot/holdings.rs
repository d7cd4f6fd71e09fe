//! What the depot serves: versions whole on the disk, those whose parts all are, and those on their way.
//!
//! A version published from a working copy has no plain files of its own at first. Its new frames are
//! in the spool, all else is in the files of the version that it was derived from: both are here, so
//! peers need not wait for the copy that this provider makes for itself.
//!
//! A version that is just coming is served too, as far as it has come: whoever receives it at the same
//! time takes from here what the source gave only to us.

use crate::data::{self, DataDir};
use diecast_domain::digest::Digest;
use diecast_provider::layout as places;
use diecast_transfer::{
    depot::{Depot, DepotError, Holding, is_whole_in_parts},
    frame::FrameBytes,
    manifest::Manifest,
    seeds::Seed,
    spool::Spool,
    swarm::{
        arrivals::{After, Arrivals, Told},
        claims::Claimant,
    },
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Versions without files of their own.
#[derive(Debug, Default)]
struct FromParts {
    served: BTreeSet<Digest>,
    /// Some byte of them is nowhere here: looked for once in a life.
    lacking: BTreeSet<Digest>,
}

/// The versions that are served, and the manifests read so far.
#[derive(Debug, Default)]
pub struct Depots {
    depot: Depot,
    manifests: Mutex<HashMap<Digest, Arc<Manifest>>>,
    /// Versions served from the spool and another version's files.
    from_parts: Mutex<FromParts>,
    /// Versions that are being filled, and served as far as they have come.
    arriving: Mutex<BTreeMap<Digest, Arc<Arrivals>>>,
    /// When a peer last asked for anything of a version.
    asked: Mutex<BTreeMap<Digest, Instant>>,
}

impl Depots {
    /// The manifest kept here, read once. None if there is none that can be read.
    pub fn manifest(&self, data: &DataDir, digest: &Digest) -> Option<Arc<Manifest>> {
        let mut manifests = lock(&self.manifests);
        if let Some(manifest) = manifests.get(digest) {
            return Some(manifest.clone());
        }
        let bytes = fs::read(data.manifest(digest)).ok()?;
        let manifest = match Manifest::decode_as(&bytes, digest) {
            Ok(manifest) => Arc::new(manifest),
            Err(error) => {
                tracing::warn!(version = %digest, "the manifest kept here is of no use: {error}");
                return None;
            }
        };
        manifests.insert(*digest, manifest.clone());
        Some(manifest)
    }

    /// Serves what is held whole and verified, and what was derived from such a version and is not whole
    /// itself yet, if every byte of it is here; nothing else. Gives the latter.
    pub fn follow(
        &self,
        storage: &Path,
        whole: &BTreeSet<Digest>,
        derived: &BTreeMap<Digest, Digest>,
        data: &DataDir,
    ) -> BTreeSet<Digest> {
        let mut parts = lock(&self.from_parts);
        let base_of = |version: &Digest| {
            let base = derived.get(version).filter(|_| !whole.contains(version));
            base.filter(|base| whole.contains(base))
        };
        parts.served.retain(|version| base_of(version).is_some());
        let served = self.depot.versions();
        let arriving = lock(&self.arriving);
        for version in &served {
            let is_there = whole.contains(version) || arriving.contains_key(version);
            if !is_there && !parts.served.contains(version) {
                self.depot.release(version);
            }
        }
        for version in whole.iter().filter(|version| !arriving.contains_key(*version)) {
            let has_own_files_now = derived.contains_key(version);
            if served.contains(version) && !has_own_files_now {
                continue;
            }
            let Some(manifest) = self.manifest(data, version) else { continue };
            let dir = places::version_dir(storage, version);
            let seeds = self.seeds(storage, data, &manifest, whole);
            let spool = kept_spool(data, version);
            self.depot.hold(Holding { manifest, dir, spool, arriving: None, seeds });
            if has_own_files_now && let Err(error) = data::remove(&data.derived(version)) {
                tracing::warn!(version = %version, "the note of how it was derived stays behind: {error}");
            }
        }
        for version in derived.keys() {
            let Some(base) = base_of(version) else { continue };
            let is_served = parts.served.contains(version) && served.contains(version);
            if is_served || parts.lacking.contains(version) {
                continue;
            }
            if self.hold_from_parts(storage, version, base, data) {
                parts.served.insert(*version);
            } else {
                tracing::error!(version = %version, "what was published here is not whole any more");
                parts.served.remove(version);
                parts.lacking.insert(*version);
            }
        }
        parts.served.clone()
    }

    /// What the differences of a version may stand on: the other versions that are whole here.
    fn seeds(&self, storage: &Path, data: &DataDir, of: &Manifest, whole: &BTreeSet<Digest>) -> Vec<Seed> {
        let others = whole.iter().filter(|other| !of.differences().is_empty() && **other != of.digest());
        let seed = |other: &Digest| {
            Some(Seed { manifest: self.manifest(data, other)?, dir: places::version_dir(storage, other) })
        };
        others.filter_map(seed).collect()
    }

    /// Serves a version as far as it has come, while it is filled in `dir`: until what is given back is
    /// dropped. One that is served from its parts has all, and goes on as it is.
    pub fn hold_arriving(
        self: &Arc<Self>,
        manifest: &Arc<Manifest>,
        dir: &Path,
        spool: Option<Arc<Spool>>,
        seeds: Vec<Seed>,
    ) -> Arriving {
        let version = manifest.digest();
        let arrivals = Arc::new(Arrivals::default());
        let depots = if lock(&self.from_parts).served.contains(&version) {
            None
        } else {
            lock(&self.arriving).insert(version, arrivals.clone());
            let (manifest, dir, arriving) = (manifest.clone(), dir.to_owned(), Some(arrivals.clone()));
            self.depot.hold(Holding { manifest, dir, spool, arriving, seeds });
            Some(self.clone())
        };
        Arriving { depots, version, arrivals }
    }

    /// Whether every byte is here, and is served from now on.
    fn hold_from_parts(&self, storage: &Path, version: &Digest, base: &Digest, data: &DataDir) -> bool {
        let (Some(manifest), Some(of_base)) = (self.manifest(data, version), self.manifest(data, base))
        else {
            return false;
        };
        let spool = kept_spool(data, version);
        if !is_whole_in_parts(&manifest, spool.as_deref(), &[&*of_base]) {
            return false;
        }
        let dir = places::version_dir(storage, base);
        self.depot.hold_from_parts(manifest, spool, vec![Seed { manifest: of_base, dir }]);
        true
    }

    /// Whether all that peers may ask for by `manifest` is in its version's spool and in the files of
    /// `base`.
    pub fn is_covered(&self, data: &DataDir, manifest: &Manifest, base: &Digest) -> bool {
        let spool = kept_spool(data, &manifest.digest());
        self.manifest(data, base).is_some_and(|base| is_whole_in_parts(manifest, spool.as_deref(), &[&*base]))
    }

    /// One frame, for a peer.
    pub fn frame(&self, version: &Digest, frame: &Digest) -> Result<FrameBytes, DepotError> {
        lock(&self.asked).insert(*version, Instant::now());
        self.noticing(self.depot.frame(version, frame))
    }

    /// Leaves that lie in no frame, for a peer.
    pub fn leaves(&self, version: &Digest, ordinals: &[u32]) -> Result<FrameBytes, DepotError> {
        lock(&self.asked).insert(*version, Instant::now());
        self.noticing(self.depot.leaves(version, ordinals))
    }

    /// What has come here of a version, for a peer that receives it too.
    pub async fn arrivals(&self, version: &Digest, after: After, wait: Duration) -> Result<Told, DepotError> {
        self.depot.arrivals(version, after, wait).await
    }

    /// Pieces for one peer first.
    pub async fn claim(
        &self,
        version: &Digest,
        by: Claimant,
        wanted: &[u8],
        most: usize,
        again: Duration,
        wait: Duration,
    ) -> Result<Vec<u32>, DepotError> {
        lock(&self.asked).insert(*version, Instant::now());
        self.depot.claim(version, by, wanted, most, again, wait).await
    }

    /// What a spool was thought to have and has not is nowhere: it is not said to be served any more.
    fn noticing<T>(&self, read: Result<T, DepotError>) -> Result<T, DepotError> {
        if let Err(DepotError::NotYet { version, .. }) = &read {
            let mut parts = lock(&self.from_parts);
            if parts.served.remove(version) {
                parts.lacking.insert(*version);
            }
        }
        read
    }

    /// When peers last asked for anything of each version, in this life.
    pub fn asked(&self) -> BTreeMap<Digest, Instant> {
        lock(&self.asked).clone()
    }

    /// Goes on serving a whole version from its plain files alone. What has none and was derived here is
    /// given up.
    pub fn drop_spool(&self, storage: &Path, data: &DataDir, version: &Digest) -> io::Result<()> {
        if data.derived(version).exists() {
            self.release(version);
            data::remove(&data.derived(version))?;
            data::remove(&data.manifest(version))?;
        }
        data::remove(&data.spool(version))?;
        if self.depot.versions().contains(version)
            && let Some(manifest) = self.manifest(data, version)
        {
            let dir = places::version_dir(storage, version);
            let seeds = self.seeds(storage, data, &manifest, &self.depot.versions().into_iter().collect());
            self.depot.hold(Holding { manifest, dir, spool: None, arriving: None, seeds });
        }
        Ok(())
    }

    /// Serves it no more, and forgets what was known of it.
    pub fn release(&self, version: &Digest) {
        self.depot.release(version);
        let mut parts = lock(&self.from_parts);
        parts.served.remove(version);
        parts.lacking.remove(version);
        drop(parts);
        lock(&self.manifests).remove(version);
    }
}

/// A version on its way here, served for as long as this is held.
pub struct Arriving {
    /// None: it is served in another way.
    depots: Option<Arc<Depots>>,
    version: Digest,
    arrivals: Arc<Arrivals>,
}

impl Arriving {
    pub fn arrivals(&self) -> Arc<Arrivals> {
        self.arrivals.clone()
    }

    /// All of it was verified and lies in `dir` now: peers need not notice.
    pub fn completed(
        mut self,
        manifest: &Arc<Manifest>,
        dir: PathBuf,
        spool: Option<Arc<Spool>>,
        seeds: Vec<Seed>,
    ) {
        let Some(depots) = self.depots.take() else { return };
        depots.depot.hold(Holding { manifest: manifest.clone(), dir, spool, arriving: None, seeds });
        lock(&depots.arriving).remove(&self.version);
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        let Some(depots) = &self.depots else { return };
        lock(&depots.arriving).remove(&self.version);
        depots.depot.release(&self.version);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each is changed in one step: a panic elsewhere leaves none half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The spool of a version, if there is one.
fn kept_spool(data: &DataDir, version: &Digest) -> Option<Arc<Spool>> {
    let path = data.spool(version);
    path.exists().then(|| Spool::open(&path).ok().map(Arc::new)).flatten()
}

#[cfg(test)]
#[path = "holdings_tests.rs"]
mod tests;
