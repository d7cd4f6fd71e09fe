//! Gathers leaves that nobody has met before until they fill a frame, which is compressed and spooled.

use crate::{
    frame::Packer,
    leaf,
    limits::{FRAME_LEAVES_MAX, FRAME_SIZE_MAX},
    manifest::{Encoding, Frame},
    publish::PublishError,
    spool::Spool,
};
use diecast_domain::digest::Digest;
use std::{collections::HashMap, io};

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
    /// The frame in the making: names, and their bytes one after the other.
    names: Vec<Digest>,
    bytes: Vec<u8>,
    frames: Vec<Packed>,
}

impl<'a> Gather<'a> {
    pub(crate) fn new(spool: &'a Spool, level: u8) -> io::Result<Self> {
        Ok(Self {
            spool,
            packer: Packer::new(level)?,
            names: Vec::with_capacity(FRAME_LEAVES_MAX),
            bytes: Vec::with_capacity(FRAME_SIZE_MAX),
            frames: Vec::new(),
        })
    }

    pub(crate) fn add(&mut self, name: Digest, leaf: &[u8]) -> Result<(), PublishError> {
        self.names.push(name);
        self.bytes.extend_from_slice(leaf);
        if self.names.len() == FRAME_LEAVES_MAX { self.flush() } else { Ok(()) }
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
