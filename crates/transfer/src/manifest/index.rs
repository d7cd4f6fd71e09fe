//! Ordinals: the distinct leaves of a version, numbered by first occurrence, and where each lies.

use super::{BadManifest, Disk};
use crate::leaf::Place;
use diecast_domain::digest::Digest;
use std::collections::HashMap;

/// Derived from the content, so it is never sent. Small: 12 bytes for each used leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LeafIndex {
    /// The places of ordinal `n` are `places[starts[n]..starts[n + 1]]`, in rising order.
    starts: Vec<u32>,
    places: Vec<Place>,
}

impl LeafIndex {
    pub(super) fn new(disks: &[Disk]) -> Result<Self, BadManifest> {
        let mut ordinals: HashMap<Digest, u32> = HashMap::new();
        let mut found: Vec<(u32, Place)> = Vec::new();
        for (number, disk) in disks.iter().enumerate() {
            for (leaf, digest) in disk.leaves() {
                let next = ordinals.len() as u32;
                let ordinal = *ordinals.entry(*digest).or_insert(next);
                found.push((ordinal, Place { disk: number as u16, leaf }));
            }
        }
        // Places were met in rising order, so a stable order within an ordinal is a rising one.
        found.sort_by_key(|(ordinal, _)| *ordinal);
        let mut starts = Vec::with_capacity(ordinals.len() + 1);
        for (position, (ordinal, _)) in found.iter().enumerate() {
            if *ordinal as usize == starts.len() {
                starts.push(position as u32);
            }
        }
        starts.push(found.len() as u32);
        let index = Self { starts, places: found.into_iter().map(|(_, place)| place).collect() };
        index.check_lengths(disks)?;
        Ok(index)
    }

    /// One name for contents of two lengths is a lie that no bytes can satisfy.
    fn check_lengths(&self, disks: &[Disk]) -> Result<(), BadManifest> {
        let length = |place: &Place| disks[usize::from(place.disk)].leaf_length(place.leaf);
        for ordinal in 0..self.len() {
            let places = self.places(ordinal);
            if places.iter().any(|place| length(place) != length(&places[0])) {
                return Err(BadManifest::NotCanonical { what: "one leaf of two lengths" });
            }
        }
        Ok(())
    }

    pub(super) fn len(&self) -> u32 {
        self.starts.len() as u32 - 1
    }

    pub(super) fn places(&self, ordinal: u32) -> &[Place] {
        let (from, to) = (self.starts[ordinal as usize], self.starts[ordinal as usize + 1]);
        &self.places[from as usize..to as usize]
    }
}
