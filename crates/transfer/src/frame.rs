//! Packing leaves into a frame, and opening a frame that anybody may have sent.

use crate::{
    direct, leaf,
    limits::{FRAME_SIZE_MAX, ZSTD_SAVING_MIN_PERCENT},
    manifest::{Difference, Encoding, Frame, Manifest},
};
use bytes::Bytes;
use diecast_domain::digest::Digest;
use std::io;
use zstd::zstd_safe::{self, CCtx, CParameter, DCtx};

/// The tables in which zstd finds what stands in a window: 2^19 entries each, 4 MiB together. More finds
/// little more in 4 MiB, and each thread has its own.
const DIFFERENCE_TABLE_LOG: u32 = 19;

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

/// Compresses leaves that stand on `window`. The same bytes come of it wherever zstd is of the same release.
pub(crate) fn pack_difference(level: u8, window: &[u8], leaves: &[u8]) -> io::Result<Vec<u8>> {
    let mut zstd = CCtx::create();
    // All of the window is within reach of the last byte; zstd knows none shorter than 2^10.
    let reach = (usize::BITS - (window.len() + leaves.len()).leading_zeros()).max(10);
    let parameters = [
        CParameter::CompressionLevel(level.into()),
        CParameter::WindowLog(reach),
        CParameter::HashLog(DIFFERENCE_TABLE_LOG),
        CParameter::ChainLog(DIFFERENCE_TABLE_LOG),
    ];
    for parameter in parameters {
        zstd.set_parameter(parameter).map_err(of_zstd)?;
    }
    zstd.ref_prefix(window).map_err(of_zstd)?;
    let mut packed = Vec::with_capacity(zstd_safe::compress_bound(leaves.len()));
    zstd.compress2(&mut packed, leaves).map_err(of_zstd)?;
    Ok(packed)
}

fn of_zstd(code: usize) -> io::Error {
    io::Error::other(zstd_safe::get_error_name(code))
}

/// What one request asks for: a frame in one of its forms, or leaves that lie in none.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wanted<'a> {
    Frame(&'a Frame),
    Difference(&'a Frame, &'a Difference),
    Loose(&'a [u32]),
}

impl<'a> Wanted<'a> {
    pub(crate) fn ordinals(self) -> &'a [u32] {
        match self {
            Self::Frame(frame) | Self::Difference(frame, _) => &frame.leaves,
            Self::Loose(ordinals) => ordinals,
        }
    }

    /// The digest and the length of the bytes that it is named by; loose leaves have no name together.
    pub(crate) const fn name(self) -> Option<(Digest, u32)> {
        match self {
            Self::Frame(frame) => Some((frame.digest, frame.length)),
            Self::Difference(_, difference) => Some((difference.digest, difference.length)),
            Self::Loose(_) => None,
        }
    }
}

/// The leaves that were wanted, one after the other, each found to have its digest. `window`: what a
/// difference stands on; nothing for all else.
///
/// Never allocates more than the manifest says that they are, which is 1 MiB at most.
pub(crate) fn open(
    manifest: &Manifest,
    wanted: Wanted<'_>,
    sent: &FrameBytes,
    window: &[u8],
) -> Result<Bytes, WrongBytes> {
    let expected = manifest.decoded_length(wanted.ordinals());
    debug_assert!(expected <= FRAME_SIZE_MAX);
    let decoded = match (sent.form, wanted) {
        (FrameForm::Named, _) => {
            let (digest, length) = wanted.name().ok_or(WrongBytes::Digest)?;
            check_length(&sent.bytes, length as usize)?;
            if leaf::digest_of(&sent.bytes) != digest {
                return Err(WrongBytes::Digest);
            }
            match wanted {
                Wanted::Frame(frame) if frame.encoding == Encoding::Stored => sent.bytes.clone(),
                _ => decompress(&sent.bytes, expected, window)?,
            }
        }
        (FrameForm::Leaves, _) => {
            check_length(&sent.bytes, expected)?;
            sent.bytes.clone()
        }
        (FrameForm::Packed, _) => decompress(&sent.bytes, expected, &[])?,
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
fn decompress(bytes: &[u8], expected: usize, window: &[u8]) -> Result<Bytes, WrongBytes> {
    direct::filled(expected, |decoded| {
        let mut zstd = DCtx::create();
        match zstd.ref_prefix(window).and_then(|_| zstd.decompress(decoded, bytes)) {
            Ok(length) if length == expected => Ok(()),
            _ => Err(WrongBytes::NotDecodable { expected }),
        }
    })
}
