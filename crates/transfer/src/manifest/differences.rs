//! How new frames travel to who holds the version before: compressed with leaves of that version, which are
//! not sent. Not part of the version's digest.

use super::{BadManifest, Frame, codec::Reader};
use crate::limits::{WINDOW_LEAVES_MAX, ZSTD_LEVEL_MAX};
use diecast_domain::digest::Digest;
use std::collections::HashSet;

/// All differences of a manifest. The leaves that they stand on are named once, wherever a holder has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Differences {
    /// The zstd level that a holder uses to rebuild one.
    pub(crate) level: u8,
    /// Names of leaves of the version before.
    pub(crate) references: Box<[Digest]>,
    /// By the frame that they give, rising.
    pub(crate) all: Box<[Difference]>,
}

/// A frame in its other form: named by its bytes on the wire as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub digest: Digest,
    /// Bytes on the wire: less than the frame itself takes.
    pub length: u32,
    /// The number of the frame whose leaves it gives.
    pub(crate) frame: u32,
    /// Which of the references precede the leaves, in their order.
    pub(crate) window: Box<[u32]>,
}

impl Differences {
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn of_frame(&self, frame: u32) -> Option<&Difference> {
        let found = self.all.binary_search_by_key(&frame, |difference| difference.frame);
        found.ok().map(|at| &self.all[at])
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.level);
        out.extend((self.references.len() as u32).to_le_bytes());
        out.extend(self.references.iter().flat_map(|name| *name.as_bytes()));
        out.extend((self.all.len() as u32).to_le_bytes());
        for difference in &self.all {
            out.extend(difference.frame.to_le_bytes());
            out.extend(difference.digest.as_bytes());
            out.extend(difference.length.to_le_bytes());
            out.push(difference.window.len() as u8);
            out.extend(difference.window.iter().flat_map(|number| number.to_le_bytes()));
        }
    }

    /// `frames`: how many the manifest has, each with one difference at most.
    pub(super) fn decode(from: &mut Reader<'_>, frames: usize) -> Result<Self, BadManifest> {
        let level = from.u8("the level of the differences")?;
        let most = frames.saturating_mul(WINDOW_LEAVES_MAX);
        let count = from.count(most, "the number of leaves that differences stand on")?;
        let names = from.take(count * 32, "the leaves that differences stand on")?.chunks_exact(32);
        let name = |bytes: &[u8]| Digest::from_bytes(bytes.try_into().expect("chunks of 32"));
        let references = names.map(name).collect();
        let count = from.count(frames, "the number of differences")?;
        let all = (0..count).map(|_| Difference::decode(from)).collect::<Result<_, _>>()?;
        Ok(Self { level, references, all })
    }

    /// Each gives a frame that there is in fewer bytes, and stands on a few leaves, all of which are used.
    pub(super) fn check(&self, frames: &[Frame]) -> Result<(), BadManifest> {
        let bad = |what| Err(BadManifest::Packing { what });
        if self.is_empty() {
            let none = self.references.is_empty();
            return if none { Ok(()) } else { bad("leaves are named that no difference stands on") };
        }
        if !(1..=ZSTD_LEVEL_MAX).contains(&self.level) {
            return bad("the level of the differences is not one of 1 to 9");
        }
        if !self.all.is_sorted_by(|one, next| one.frame < next.frame) {
            return bad("the differences are not in the order of their frames");
        }
        let mut names: HashSet<Digest> = frames.iter().map(|frame| frame.digest).collect();
        let mut used = vec![false; self.references.len()];
        for difference in &self.all {
            let Some(frame) = frames.get(difference.frame as usize) else {
                return bad("a difference gives a frame that there is not");
            };
            if !(1..frame.length).contains(&difference.length) {
                return bad("a difference is no smaller than its frame");
            }
            if !(1..=WINDOW_LEAVES_MAX).contains(&difference.window.len()) {
                return bad("a difference stands on no leaf, or on more than 64");
            }
            for number in &difference.window {
                match used.get_mut(*number as usize) {
                    None => return bad("a difference stands on a leaf that is not named"),
                    Some(used) => *used = true,
                }
            }
            if !names.insert(difference.digest) {
                return bad("two frames have one name");
            }
        }
        let distinct: HashSet<&Digest> = self.references.iter().collect();
        if distinct.len() < self.references.len() || used.contains(&false) {
            return bad("a leaf is named twice, or no difference stands on it");
        }
        Ok(())
    }
}

impl Difference {
    fn decode(from: &mut Reader<'_>) -> Result<Self, BadManifest> {
        let frame = from.u32("a difference's frame")?;
        let digest = from.digest("a difference's digest")?;
        let length = from.u32("a difference's length")?;
        let count = usize::from(from.u8("a difference's leaves")?);
        let window = from.take(count * 4, "a difference's leaves")?.chunks_exact(4);
        let window = window.map(|bytes| u32::from_le_bytes(bytes.try_into().expect("chunks of 4")));
        Ok(Self { digest, length, frame, window: window.collect() })
    }
}
