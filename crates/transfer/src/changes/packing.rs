//! How a derived version travels: its base's frames as far as they hold, new ones, and loose leaves.
//!
//! A frame that lost a leaf is of no use: whoever rebuilds it would need the leaf that is gone. What
//! is left of it becomes loose, since packing it anew would mean to read up to 15 leaves for each
//! that changed.

use super::differences::{self, Made};
use crate::{
    gather::Packed,
    manifest::{Frame, Manifest, Packing},
};
use diecast_domain::digest::Digest;
use std::collections::HashMap;

/// `ordinals` are those of the new version, by name.
pub(super) fn derive(
    base: &Manifest,
    new: &[Packed],
    made: &[Made],
    ordinals: &HashMap<Digest, u32>,
) -> Packing {
    let mut loose_wire = Loose::default();
    let mut frames: Vec<Frame> = new.iter().map(|packed| packed.numbered(ordinals)).collect();
    for frame in base.frames() {
        let wire = u64::from(frame.length);
        if let Some(frame) = taken_over(base, frame, ordinals) {
            frames.push(frame);
        } else {
            loose_wire.add(base, &frame.leaves, wire, ordinals);
        }
    }
    loose_wire.add(base, base.loose(), base.loose_wire(), ordinals);
    frames.sort_unstable_by_key(|frame| frame.leaves[0]);
    let differences = differences::numbered(made, &frames);
    Packing { level: base.level(), frames, loose_wire: loose_wire.estimate(), differences }
}

/// The same frame in the numbers of the new version, if that still has all of its leaves.
fn taken_over(base: &Manifest, frame: &Frame, ordinals: &HashMap<Digest, u32>) -> Option<Frame> {
    let leaves = frame.leaves.iter().map(|old| ordinals.get(base.leaf_name(*old)).copied());
    Some(Frame { leaves: leaves.collect::<Option<_>>()?, ..frame.clone() })
}

/// What loose leaves will take: as much as their share of what they last travelled in.
#[derive(Default)]
struct Loose {
    bytes: u64,
    wire: u64,
}

impl Loose {
    fn add(&mut self, base: &Manifest, old: &[u32], wire: u64, ordinals: &HashMap<Digest, u32>) {
        let still = |old: &&u32| ordinals.contains_key(base.leaf_name(**old));
        let kept: u64 = old.iter().filter(still).map(|old| base.leaf_length(*old) as u64).sum();
        let whole = base.decoded_length(old) as u64;
        if kept > 0 {
            self.bytes += kept;
            self.wire += (u128::from(wire) * u128::from(kept)).div_ceil(u128::from(whole)) as u64;
        }
    }

    /// Rounding up may have led above what the leaves are.
    fn estimate(&self) -> u64 {
        self.wire.min(self.bytes)
    }
}
