//! Gathers leaves that nobody has met before until they fill a frame, which is compressed and spooled.

use crate::{
    frame::Packer,
    leaf,
    limits::{FRAME_LEAVES_MAX, LEAF_SIZE, SMALL_FRAME_LEAVES, SMALL_VERSION, SMALL_ZSTD_LEVEL, ZSTD_LEVEL},
    manifest::{Encoding, Frame},
    publish::PublishError,
    spool::Spool,
};
use diecast_domain::digest::Digest;
use std::{collections::HashMap, io};

/// How leaves are cut into frames, and how hard these are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) leaves: usize,
    pub(crate) level: u8,
}

impl Cut {
    /// For a version with so many bytes of data.
    pub(crate) const fn of(data: u64) -> Self {
        if data < SMALL_VERSION {
            Self { leaves: SMALL_FRAME_LEAVES, level: SMALL_ZSTD_LEVEL }
        } else {
            Self { leaves: FRAME_LEAVES_MAX, level: ZSTD_LEVEL }
        }
    }

    /// For what is new beside frames of this level, which stay.
    pub(crate) const fn beside(level: u8) -> Self {
        Self { leaves: FRAME_LEAVES_MAX, level }
    }
}

/// A frame as it was packed, before the ordinals are known.
pub(crate) struct Packed {
    pub(crate) digest: Digest,
    pub(crate) length: u32,
    /// Of its leaves together.
    pub(crate) bytes: usize,
    encoding: Encoding,
    leaves: Vec<Digest>,
}

impl Packed {
    pub(crate) fn numbered(&self, ordinals: &HashMap<Digest, u32>) -> Frame {
        Frame {
            digest: self.digest,
            length: self.length,
            encoding: self.encoding,
            leaves: self.leaves.iter().map(|name| ordinals[name]).collect(),
        }
    }

    /// The leaves again, out of the spool that they were packed into. None if it has lost them.
    pub(crate) fn leaves_from(&self, spool: &Spool) -> Option<Vec<u8>> {
        let packed = spool.read(&self.digest).ok()??;
        match self.encoding {
            Encoding::Stored => Some(packed.into()),
            Encoding::Zstd => zstd::bulk::decompress(&packed, self.bytes).ok(),
        }
    }
}

/// One worker's frames. Holds one frame's leaves at a time.
pub(crate) struct Gather<'a> {
    spool: &'a Spool,
    packer: Packer,
    /// Leaves in a frame.
    full: usize,
    /// The frame in the making: names, and their bytes one after the other.
    names: Vec<Digest>,
    bytes: Vec<u8>,
    frames: Vec<Packed>,
}

impl<'a> Gather<'a> {
    pub(crate) fn new(spool: &'a Spool, cut: Cut) -> io::Result<Self> {
        Ok(Self {
            spool,
            packer: Packer::new(cut.level)?,
            full: cut.leaves,
            names: Vec::with_capacity(cut.leaves),
            bytes: Vec::with_capacity(cut.leaves * LEAF_SIZE),
            frames: Vec::new(),
        })
    }

    pub(crate) fn add(&mut self, name: Digest, leaf: &[u8]) -> Result<(), PublishError> {
        self.names.push(name);
        self.bytes.extend_from_slice(leaf);
        if self.names.len() == self.full { self.flush() } else { Ok(()) }
    }

    /// All frames; the last may be smaller.
    pub(crate) fn end(mut self) -> Result<Vec<Packed>, PublishError> {
        self.flush()?;
        Ok(self.frames)
    }

    fn flush(&mut self) -> Result<(), PublishError> {
        if self.names.is_empty() {
            return Ok(());
        }
        let (encoding, packed) = self.packer.pack(&self.bytes).map_err(PublishError::Compress)?;
        let digest = leaf::digest_of(&packed);
        self.spool.append(&digest, &packed).map_err(PublishError::Spool)?;
        let leaves = std::mem::take(&mut self.names);
        let (length, bytes) = (packed.len() as u32, self.bytes.len());
        self.frames.push(Packed { digest, length, bytes, encoding, leaves });
        self.bytes.clear();
        Ok(())
    }
}
