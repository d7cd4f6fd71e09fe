//! How a version travels: which leaves lie in which frame. Not part of the version's digest.

use super::{BadManifest, codec::Reader, index::LeafIndex};
use crate::limits::{FRAME_LEAVES_MAX, FRAME_SIZE_MAX, ZSTD_LEVEL_MAX};
use diecast_domain::digest::Digest;
use std::collections::HashSet;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packing {
    /// The zstd level that a holder uses to rebuild a frame.
    pub(crate) level: u8,
    pub(crate) frames: Vec<Frame>,
}

/// The unit of transfer: some leaves, compressed together, named by the bytes on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub digest: Digest,
    /// Bytes on the wire.
    pub length: u32,
    pub encoding: Encoding,
    /// Ordinals of the leaves in it, in the order in which they follow each other.
    pub leaves: Box<[u32]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// The leaves as they are.
    Stored = 0,
    Zstd = 1,
}

impl Packing {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.level);
        out.extend((self.frames.len() as u32).to_le_bytes());
        for frame in &self.frames {
            out.extend(frame.digest.as_bytes());
            out.extend(frame.length.to_le_bytes());
            out.push(frame.encoding as u8);
            out.push(frame.leaves.len() as u8);
            out.extend(frame.leaves.iter().flat_map(|ordinal| ordinal.to_le_bytes()));
        }
    }

    pub(super) fn decode(from: &mut Reader<'_>, index: &LeafIndex) -> Result<Self, BadManifest> {
        let level = from.u8("the compression level")?;
        // No frame is empty, so there are at most as many as there are leaves.
        let count = from.count(index.len() as usize, "the number of frames")?;
        let frames = (0..count).map(|_| Frame::decode(from)).collect::<Result<_, _>>()?;
        Ok(Self { level, frames })
    }

    /// Every leaf lies in exactly one frame, and no length is a lie that decoding would discover.
    pub(super) fn check(&self, index: &LeafIndex, length: impl Fn(u32) -> usize) -> Result<(), BadManifest> {
        let bad = |what| Err(BadManifest::Packing { what });
        if !(1..=ZSTD_LEVEL_MAX).contains(&self.level) {
            return bad("the compression level is not one of 1 to 9");
        }
        let mut packed = vec![false; index.len() as usize];
        let mut names = HashSet::with_capacity(self.frames.len());
        for frame in &self.frames {
            if !(1..=FRAME_LEAVES_MAX).contains(&frame.leaves.len()) {
                return bad("a frame has no leaf, or more than 16");
            }
            for ordinal in &frame.leaves {
                match packed.get_mut(*ordinal as usize) {
                    None => return bad("a frame names a leaf that no disk has"),
                    Some(true) => return bad("a leaf lies in two frames"),
                    Some(here) => *here = true,
                }
            }
            let decoded: usize = frame.leaves.iter().map(|ordinal| length(*ordinal)).sum();
            let fits = match frame.encoding {
                Encoding::Stored => frame.length as usize == decoded,
                Encoding::Zstd => (1..decoded).contains(&(frame.length as usize)),
            };
            if !fits || decoded > FRAME_SIZE_MAX {
                return bad("the length of a frame does not fit its leaves");
            }
            if !names.insert(frame.digest) {
                return bad("two frames have one name");
            }
        }
        if packed.contains(&false) {
            return bad("a leaf lies in no frame");
        }
        Ok(())
    }
}

impl Frame {
    fn decode(from: &mut Reader<'_>) -> Result<Self, BadManifest> {
        let digest = from.digest("a frame's digest")?;
        let length = from.u32("a frame's length")?;
        let encoding = match from.u8("a frame's encoding")? {
            0 => Encoding::Stored,
            1 => Encoding::Zstd,
            _ => return Err(BadManifest::Unknown { what: "a frame's encoding" }),
        };
        let count = usize::from(from.u8("a frame's leaves")?);
        let leaves = from.take(count * 4, "a frame's leaves")?.chunks_exact(4);
        let leaves = leaves.map(|bytes| u32::from_le_bytes(bytes.try_into().expect("chunks of 4")));
        Ok(Self { digest, length, encoding, leaves: leaves.collect() })
    }
}
