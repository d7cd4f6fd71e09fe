//! Taking leaves from other versions on this provider, and from what is already in place.
//!
//! A seed is never trusted: what is read from it is hashed before it is written. One that is wrong
//! only means that the leaf comes over the network.

use crate::{
    assemble::{AssembleError, Assembly},
    leaf::{self, Place},
    limits::LEAF_SIZE,
    manifest::Manifest,
    present::Present,
    progress::{Progress, Stage},
    scan,
    verify::{BadLeaf, Damage},
};
use std::{
    collections::HashMap,
    fs::File,
    os::unix::fs::FileExt,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio_util::sync::CancellationToken;

/// Another version whose files are on this provider.
#[derive(Clone, Debug)]
pub struct Seed {
    pub manifest: Arc<Manifest>,
    pub dir: PathBuf,
}

/// A missing leaf, and where it can be read: number of the origin, and place there.
struct Found {
    origin: usize,
    place: Place,
    ordinal: u32,
}

/// Files to read from; number 0 is the version in the making itself.
struct Origins<'a> {
    assembly: &'a Assembly,
    seeds: Vec<Vec<Option<File>>>,
}

impl Origins<'_> {
    fn file(&self, found: &Found) -> Option<&File> {
        let disk = usize::from(found.place.disk);
        match found.origin {
            0 => Some(self.assembly.disk(found.place.disk)),
            number => self.seeds[number - 1][disk].as_ref(),
        }
    }
}

/// Writes every missing leaf that some local file holds.
pub(crate) fn copy(
    assembly: &Assembly,
    seeds: &[Seed],
    present: &Present,
    progress: &Progress,
    cancel: &CancellationToken,
) -> Result<(), AssembleError> {
    progress.enter(Stage::Copying);
    let found = find(assembly, seeds, present);
    let open = |seed: &Seed| {
        let disks = seed.manifest.disks().iter();
        disks.map(|disk| File::open(seed.dir.join(disk.file_name())).ok()).collect()
    };
    let origins = Origins { assembly, seeds: seeds.iter().map(open).collect() };
    let next = AtomicUsize::new(0);
    let next = || Ok(found.get(next.fetch_add(1, Ordering::Relaxed)));
    let damaged: Vec<Mutex<Vec<BadLeaf>>> = seeds.iter().map(|_| Mutex::default()).collect();
    let mut buffers = vec![[0; LEAF_SIZE]; scan::workers()];
    let done = scan::in_parallel(cancel, &mut buffers, next, |buffer, found: &Found| {
        let bytes = &mut buffer[..assembly.manifest.leaf_length(found.ordinal)];
        let Some(file) = origins.file(found) else { return Ok(()) };
        let read = file.read_exact_at(bytes, found.place.offset());
        let name = assembly.manifest.leaf_name(found.ordinal);
        if read.is_err() || leaf::digest_of(bytes) != *name {
            let number = found.origin.wrapping_sub(1);
            if let (Some(damaged), Some(seed)) = (damaged.get(number), seeds.get(number)) {
                let disk = &seed.manifest.disks()[usize::from(found.place.disk)];
                let mut damaged = damaged.lock().expect("a push does not panic");
                damaged.push(BadLeaf::new(disk.name(), found.place.leaf));
            }
            return Ok(());
        }
        let origin = (file, found.place.offset());
        assembly.place(found.ordinal, bytes, origin, present, progress)?;
        progress.add_local(bytes.len() as u64);
        Ok(())
    });
    for (seed, damaged) in seeds.iter().zip(damaged) {
        let leaves = damaged.into_inner().expect("a push does not panic");
        if !leaves.is_empty() {
            progress.damaged_seed(seed.manifest.digest(), Damage { leaves, ..Damage::default() });
        }
    }
    done
}

/// In the order of the origins' disks, so that they are read nearly in sequence.
fn find(assembly: &Assembly, seeds: &[Seed], present: &Present) -> Vec<Found> {
    let manifest = &assembly.manifest;
    let mut found = Vec::new();
    let mut wanted = HashMap::new();
    for ordinal in 0..manifest.ordinals() {
        let (there, missing): (Vec<Place>, Vec<Place>) =
            manifest.places(ordinal).iter().copied().partition(|place| present.has(*place));
        match (there.first(), missing.is_empty()) {
            (_, true) => {}
            (Some(place), false) => found.push(Found { origin: 0, place: *place, ordinal }),
            (None, false) => drop(wanted.insert(*manifest.leaf_name(ordinal), ordinal)),
        }
    }
    for (number, seed) in seeds.iter().enumerate() {
        for ordinal in 0..seed.manifest.ordinals() {
            if let Some(wanted) = wanted.remove(seed.manifest.leaf_name(ordinal)) {
                let place = seed.manifest.places(ordinal)[0];
                found.push(Found { origin: number + 1, place, ordinal: wanted });
            }
        }
    }
    found.sort_unstable_by_key(|found| (found.origin, found.place));
    found
}
