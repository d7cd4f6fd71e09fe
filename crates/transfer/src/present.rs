//! Which leaves of a version are in place: a bit for each leaf of each disk.

use crate::{
    leaf::{self, Place},
    manifest::Manifest,
};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Only what was found or written after its digest matched is ever set, or what a journal says was. A
/// clone of it is another handle to the same.
#[derive(Clone, Debug)]
pub(crate) struct Present {
    disks: Arc<[Box<[AtomicU64]>]>,
    /// How often a bit was newly set.
    count: Arc<AtomicU64>,
}

/// The bits at one moment.
pub(crate) type Words = Vec<Box<[u64]>>;

impl Present {
    pub(crate) fn none(manifest: &Manifest) -> Self {
        Self::filled(manifest, 0)
    }

    pub(crate) fn all(manifest: &Manifest) -> Self {
        Self::filled(manifest, u64::MAX)
    }

    fn filled(manifest: &Manifest, word: u64) -> Self {
        let words = |size| (0..leaf::count(size).div_ceil(64)).map(|_| AtomicU64::new(word));
        let disks = manifest.disks().iter().map(|disk| words(disk.size().0).collect()).collect();
        Self { disks, count: Arc::default() }
    }

    pub(crate) fn has(&self, place: Place) -> bool {
        let (word, bit) = self.bit(place);
        word.load(Ordering::Acquire) & bit != 0
    }

    pub(crate) fn set(&self, place: Place) {
        let (word, bit) = self.bit(place);
        if word.fetch_or(bit, Ordering::Release) & bit == 0 {
            self.count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Raised whenever a leaf is newly in place.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    pub(crate) fn words(&self) -> Words {
        let read = |word: &AtomicU64| word.load(Ordering::Acquire);
        self.disks.iter().map(|disk| disk.iter().map(read).collect()).collect()
    }

    pub(crate) fn unset(&self, place: Place) {
        let (word, bit) = self.bit(place);
        word.fetch_and(!bit, Ordering::Release);
    }

    pub(crate) fn has_everywhere(&self, manifest: &Manifest, ordinal: u32) -> bool {
        manifest.places(ordinal).iter().all(|place| self.has(*place))
    }

    pub(crate) fn has_all(&self, manifest: &Manifest, ordinals: &[u32]) -> bool {
        ordinals.iter().all(|ordinal| self.has_everywhere(manifest, *ordinal))
    }

    pub(crate) fn missing_bytes(&self, manifest: &Manifest) -> u64 {
        let missing = |ordinal| {
            let places = manifest.places(ordinal).iter().filter(|place| !self.has(**place));
            (places.count() * manifest.leaf_length(ordinal)) as u64
        };
        (0..manifest.ordinals()).map(missing).sum()
    }

    fn bit(&self, place: Place) -> (&AtomicU64, u64) {
        let leaf = place.leaf as usize;
        (&self.disks[usize::from(place.disk)][leaf / 64], 1 << (leaf % 64))
    }
}
