//! How a version travels: which leaves lie in which frame. Not part of the version's digest.
//!
//! In a derived version some leaves are *loose*: the frame in which they travelled has gone stale
//! with a neighbour's change, and packing them anew would have meant to read them.

use super::{BadManifest, codec::Reader, differences::Differences, index::LeafIndex};
use crate::limits::{FRAME_LEAVES_MAX, FRAME_SIZE_MAX, ZSTD_LEVEL_MAX};
use diecast_domain::digest::Digest;
use std::collections::HashSet;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packing {
    /// The zstd level that a holder uses to rebuild a frame.
    pub(crate) level: u8,
    pub(crate) frames: Vec<Frame>,
    /// Bytes that the loose leaves will take on the wire, judged by the frames they came from; 0 if
    /// there are none.
    pub(crate) loose_wire: u64,
    /// How some frames travel to who holds the version before.
    pub(crate) differences: Differences,
}

/// What a manifest's file has beside frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `DCMANI01`: nothing.
    Framed,
    /// `DCMANI02`: some leaves lie in no frame.
    Loose,
    /// `DCMANI03`: some frames have a difference, and there may be loose leaves.
    Differing,
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
        if self.form() != Form::Framed {
            out.extend(self.loose_wire.to_le_bytes());
        }
        if self.form() == Form::Differing {
            self.differences.encode(out);
        }
    }

    pub(super) fn form(&self) -> Form {
        match self.loose_wire {
            _ if !self.differences.is_empty() => Form::Differing,
            0 => Form::Framed,
            _ => Form::Loose,
        }
    }

    pub(super) fn decode(from: &mut Reader<'_>, index: &LeafIndex, form: Form) -> Result<Self, BadManifest> {
        let level = from.u8("the compression level")?;
        // No frame is empty, so there are at most as many as there are leaves.
        let count = from.count(index.len() as usize, "the number of frames")?;
        let frames: Vec<_> = (0..count).map(|_| Frame::decode(from)).collect::<Result<_, _>>()?;
        let loose_wire = match form {
            Form::Framed => 0,
            Form::Loose | Form::Differing => from.u64("the size of the loose leaves")?,
        };
        let differences = match form {
            Form::Framed | Form::Loose => Differences::default(),
            Form::Differing => Differences::decode(from, count)?,
        };
        Ok(Self { level, frames, loose_wire, differences })
    }

    /// No leaf lies in two frames, and no length is a lie that decoding would discover. Returns the
    /// ordinals of the loose leaves.
    pub(super) fn check(
        &self,
        index: &LeafIndex,
        length: impl Fn(u32) -> usize,
    ) -> Result<Box<[u32]>, BadManifest> {
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
        let loose: Box<[u32]> = (0..).zip(&packed).filter(|(_, packed)| !**packed).map(|(n, _)| n).collect();
        let bytes: u64 = loose.iter().map(|ordinal| length(*ordinal) as u64).sum();
        self.differences.check(&self.frames)?;
        if self.loose_wire == 0 && !loose.is_empty() {
            return bad("a leaf lies in no frame");
        }
        if self.loose_wire > bytes {
            return bad("the size of the loose leaves does not fit them");
        }
        Ok(loose)
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
