//! The leaves that differences stand on: where they lie here, and their bytes.
//!
//! They are leaves of the version before, which is trusted no more than any other: each is hashed when it is
//! read, and a difference of which one is not as it was is simply not used.

use crate::{
    frame::Wanted,
    leaf::{self, Place},
    limits::LEAF_SIZE,
    manifest::{Difference, Manifest},
    scan,
    seeds::Seed,
    verify::BadLeaf,
};
use diecast_domain::digest::Digest;
use std::{
    collections::{HashMap, HashSet},
    fs::File,
    path::PathBuf,
    sync::{PoisonError, RwLock},
};

/// Of one version's differences, by the number of each reference: which seed has it, and where.
#[derive(Debug, Default)]
pub(crate) struct References {
    seeds: Vec<Seed>,
    places: Box<[Option<(u16, Place)>]>,
    /// What was found to be not as it was, or could not be read.
    spoilt: RwLock<HashSet<u32>>,
}

/// Why a window cannot be had.
#[derive(Debug)]
pub(crate) enum NoWindow {
    /// A leaf of it is not here, or was found to be no good before.
    NotHere,
    /// This version has it no more as it was.
    Damaged(Digest, BadLeaf),
}

impl References {
    /// What of it lies in `seeds`.
    pub(crate) fn find(manifest: &Manifest, seeds: &[Seed]) -> Self {
        let mut places = vec![None; manifest.references().len()].into_boxed_slice();
        let mut wanted: HashMap<&Digest, usize> = manifest.references().iter().zip(0..).collect();
        let mut used = Vec::new();
        for seed in seeds {
            let (number, before) = (used.len() as u16, wanted.len());
            if before == 0 {
                break;
            }
            for ordinal in 0..seed.manifest.ordinals() {
                if let Some(reference) = wanted.remove(seed.manifest.leaf_name(ordinal)) {
                    places[reference] = Some((number, seed.manifest.places(ordinal)[0]));
                }
            }
            if wanted.len() < before {
                used.push(seed.clone());
            }
        }
        Self { seeds: used, places, spoilt: RwLock::default() }
    }

    /// Whether all that it stands on is known to be here.
    pub(crate) fn has(&self, difference: &Difference) -> bool {
        difference.window.iter().all(|number| self.find_one(*number).is_some())
    }

    /// What it stands on if it is a difference; nothing of all else.
    pub(crate) fn window_of(&self, manifest: &Manifest, wanted: Wanted<'_>) -> Result<Vec<u8>, NoWindow> {
        match wanted {
            Wanted::Difference(_, difference) => self.window(manifest, difference),
            Wanted::Frame(_) | Wanted::Loose(_) => Ok(Vec::new()),
        }
    }

    /// What it stands on, each leaf checked: 4 MiB at most.
    pub(crate) fn window(&self, manifest: &Manifest, difference: &Difference) -> Result<Vec<u8>, NoWindow> {
        let mut window = Vec::with_capacity(difference.window.len() * LEAF_SIZE);
        let mut open: Option<(PathBuf, File)> = None;
        for number in &difference.window {
            let (seed, place) = self.find_one(*number).ok_or(NoWindow::NotHere)?;
            let disk = &seed.manifest.disks()[usize::from(place.disk)];
            let path = seed.dir.join(disk.file_name());
            let file = match open.take() {
                Some((opened, file)) if opened == path => file,
                _ => File::open(&path).map_err(|_| {
                    // It may be just going.
                    self.spoil(*number);
                    NoWindow::NotHere
                })?,
            };
            let start = window.len();
            window.resize(start + disk.leaf_length(place.leaf), 0);
            let read = scan::read_at(&file, &mut window[start..], place.offset());
            if read.is_err() || leaf::digest_of(&window[start..]) != manifest.references()[*number as usize] {
                let leaf = BadLeaf::new(disk.name(), place.leaf);
                let is_news = self.spoil(*number);
                let damaged = NoWindow::Damaged(seed.manifest.digest(), leaf);
                return Err(if is_news { damaged } else { NoWindow::NotHere });
            }
            open = Some((path, file));
        }
        Ok(window)
    }

    fn spoil(&self, number: u32) -> bool {
        self.spoilt.write().unwrap_or_else(PoisonError::into_inner).insert(number)
    }

    fn find_one(&self, number: u32) -> Option<(&Seed, Place)> {
        if self.spoilt.read().unwrap_or_else(PoisonError::into_inner).contains(&number) {
            return None;
        }
        let (seed, place) = self.places.get(number as usize).copied().flatten()?;
        Some((&self.seeds[usize::from(seed)], place))
    }
}
