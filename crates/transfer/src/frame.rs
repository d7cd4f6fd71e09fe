//! Packing leaves into a frame, and opening a frame that anybody may have sent.

use crate::{
    leaf,
    limits::{FRAME_SIZE_MAX, ZSTD_SAVING_MIN_PERCENT},
    manifest::{Encoding, Frame, Manifest},
};
use bytes::Bytes;
use std::io;

/// What travels in answer to a request for a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameBytes {
    pub form: FrameForm,
    pub bytes: Bytes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameForm {
    /// The very bytes that the frame is named by.
    Named,
    /// Its leaves, not compressed: the holder could not rebuild the named bytes, because its zstd
    /// is of another release. The receiver checks leaf by leaf as always.
    Leaves,
    /// Leaves that were asked for one by one, compressed together at this moment. They have no name
    /// together; each has its own.
    Packed,
}

/// Bytes that are not what their name says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongBytes {
    #[error("the frame has {found} bytes, expected {expected}")]
    Length { expected: usize, found: usize },
    #[error("the frame does not have the digest it is named by")]
    Digest,
    #[error("the frame does not decompress to {expected} bytes")]
    NotDecodable { expected: usize },
    #[error("leaf {ordinal} in the frame does not have its digest")]
    Leaf { ordinal: u32 },
}

/// Compresses leaves; keeps its working memory from one frame to the next.
pub(crate) struct Packer {
    zstd: zstd::bulk::Compressor<'static>,
}

impl Packer {
    pub(crate) fn new(level: u8) -> io::Result<Self> {
        Ok(Self { zstd: zstd::bulk::Compressor::new(level.into())? })
    }

    pub(crate) fn pack(&mut self, leaves: &[u8]) -> io::Result<(Encoding, Vec<u8>)> {
        let packed = self.zstd.compress(leaves)?;
        if packed.len() * 100 <= leaves.len() * (100 - ZSTD_SAVING_MIN_PERCENT) {
            Ok((Encoding::Zstd, packed))
        } else {
            Ok((Encoding::Stored, leaves.to_vec()))
        }
    }
}

/// What one request asks for: a frame, or leaves that lie in none.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wanted<'a> {
    Frame(&'a Frame),
    Loose(&'a [u32]),
}

impl<'a> Wanted<'a> {
    pub(crate) fn ordinals(self) -> &'a [u32] {
        match self {
            Self::Frame(frame) => &frame.leaves,
            Self::Loose(ordinals) => ordinals,
        }
    }
}

/// The leaves that were wanted, one after the other, each found to have its digest.
///
/// Never allocates more than the manifest says that they are, which is 1 MiB at most.
pub(crate) fn open(manifest: &Manifest, wanted: Wanted<'_>, sent: &FrameBytes) -> Result<Bytes, WrongBytes> {
    let expected = manifest.decoded_length(wanted.ordinals());
    debug_assert!(expected <= FRAME_SIZE_MAX);
    let decoded = match (sent.form, wanted) {
        (FrameForm::Named, Wanted::Frame(frame)) => {
            check_length(&sent.bytes, frame.length as usize)?;
            if leaf::digest_of(&sent.bytes) != frame.digest {
                return Err(WrongBytes::Digest);
            }
            match frame.encoding {
                Encoding::Stored => sent.bytes.clone(),
                Encoding::Zstd => decompress(&sent.bytes, expected)?.into(),
            }
        }
        (FrameForm::Named, Wanted::Loose(_)) => return Err(WrongBytes::Digest),
        (FrameForm::Leaves, _) => {
            check_length(&sent.bytes, expected)?;
            sent.bytes.clone()
        }
        (FrameForm::Packed, _) => decompress(&sent.bytes, expected)?.into(),
    };
    let mut rest = &decoded[..];
    for ordinal in wanted.ordinals() {
        let (bytes, after) = rest.split_at(manifest.leaf_length(*ordinal));
        if leaf::digest_of(bytes) != *manifest.leaf_name(*ordinal) {
            return Err(WrongBytes::Leaf { ordinal: *ordinal });
        }
        rest = after;
    }
    Ok(decoded)
}

const fn check_length(bytes: &Bytes, expected: usize) -> Result<(), WrongBytes> {
    let found = bytes.len();
    if found == expected { Ok(()) } else { Err(WrongBytes::Length { expected, found }) }
}

/// Into a buffer of exactly the expected size: a bomb has nowhere to go.
fn decompress(bytes: &[u8], expected: usize) -> Result<Vec<u8>, WrongBytes> {
    let mut decoded = vec![0; expected];
    match zstd::bulk::decompress_to_buffer(bytes, &mut decoded[..]) {
        Ok(length) if length == expected => Ok(decoded),
        _ => Err(WrongBytes::NotDecodable { expected }),
    }
}
