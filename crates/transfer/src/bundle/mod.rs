//! Bundles: one version in a file, whole or as far as it differs from another, for places that no network
//! reaches. `docs/format.md` describes the bytes.
//!
//! ```text
//!   depot ─► write ─► head: header, manifest, which leaves are carried, check
//!                     frames and leaves, in any order; end, with the digest of all
//!                          └─► file ─► Reader ─► unpack ─► incoming/<digest>/ ─► verify ─► commit
//! ```
//!
//! Both sides go through the file once, from front to back, and hold the head and a few frames in memory.
//! A bundle is trusted no more than a peer: each frame is checked by its digest and each leaf by its own, and
//! what was unpacked is read back like everything that arrives.

mod head;
mod read;
#[cfg(test)]
mod tests;
mod unpack;
mod write;

pub use head::Head;
pub use read::{ReadError, Reader};
pub use unpack::{UnpackError, UnpackOrder, lacking, unpack};
pub use write::{Asked, PackError, write};

use crate::{
    frame::{FrameForm, WrongBytes},
    manifest::{BadManifest, Manifest},
};
use diecast_domain::{
    code::{Code, Problem},
    units::ByteCount,
};

/// Bytes of one piece on its way: small enough for any message, large enough to cost little each.
pub const PIECE_BYTES: usize = 256 << 10;

/// A bundle that cannot be what it says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBundle {
    #[error("it does not begin like a bundle")]
    NotABundle,
    #[error("it is of a form that this release does not know")]
    Newer,
    #[error("it ends in the middle of {what}")]
    Truncated { what: &'static str },
    #[error("{what} has {found} bytes, more than the {max} allowed")]
    TooLarge { what: &'static str, found: u64, max: u64 },
    #[error("{what} is not as it was written")]
    Spoiled { what: &'static str },
    #[error("its header cannot be read: {cause}")]
    Header { cause: String },
    #[error("its {0}")]
    Manifest(BadManifest),
    #[error("it has {what}")]
    NotCanonical { what: &'static str },
    #[error("a piece of it is wrong: {0}")]
    Piece(WrongBytes),
}

impl BadBundle {
    pub fn problem(&self) -> Problem {
        let code = if *self == Self::Newer { Code::T0021 } else { Code::T0020 };
        Problem::new(code, format!("the bundle was refused: {self}"))
    }
}

/// Which distinct leaves of a version are in the file: a bit for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    bits: Box<[u8]>,
    count: u32,
}

impl Carried {
    fn none(manifest: &Manifest) -> Self {
        let count = manifest.ordinals();
        Self { bits: vec![0; count.div_ceil(8) as usize].into(), count }
    }

    /// None if these are not the bits of so many leaves.
    fn from_bytes(manifest: &Manifest, bytes: &[u8]) -> Option<Self> {
        let count = manifest.ordinals();
        let spare = count.div_ceil(8) * 8 - count;
        let beyond = bytes.last().is_some_and(|last| last.leading_zeros() < spare);
        (bytes.len() == count.div_ceil(8) as usize && !beyond).then(|| Self { bits: bytes.into(), count })
    }

    pub fn has(&self, ordinal: u32) -> bool {
        self.bits.get(ordinal as usize / 8).is_some_and(|byte| byte & 1 << (ordinal % 8) != 0)
    }

    fn set(&mut self, ordinal: u32) {
        self.bits[ordinal as usize / 8] |= 1 << (ordinal % 8);
    }

    fn has_all(&self) -> bool {
        (0..self.count).all(|ordinal| self.has(ordinal))
    }

    /// Data of the leaves, each counted once.
    fn data(&self, manifest: &Manifest) -> ByteCount {
        let lengths = (0..self.count).filter(|it| self.has(*it)).map(|it| manifest.leaf_length(it) as u64);
        ByteCount(lengths.sum())
    }
}

/// What a record holds.
const END: u8 = 0;
const FRAME: u8 = 1;
const LEAVES: u8 = 2;

const fn form_byte(form: FrameForm) -> u8 {
    match form {
        FrameForm::Named => 0,
        FrameForm::Leaves => 1,
        FrameForm::Packed => 2,
    }
}

/// A frame comes as it is named, or as its leaves; leaves that were gathered have no name together.
const fn form_of(kind: u8, byte: u8) -> Option<FrameForm> {
    match (kind, byte) {
        (FRAME, 0) => Some(FrameForm::Named),
        (FRAME | LEAVES, 1) => Some(FrameForm::Leaves),
        (LEAVES, 2) => Some(FrameForm::Packed),
        _ => None,
    }
}

/// A bundle of the version that `docs/format.md` shows; for doors and tests.
#[cfg(any(test, feature = "doors"))]
pub(crate) fn example(manifest: &Manifest, since: Option<&Manifest>) -> Result<Vec<u8>, PackError> {
    use crate::frame::FrameBytes;
    use diecast_domain::{
        bundle::{Header, Since},
        template::VersionSize,
        units::Timestamp,
    };
    let header = Header {
        template: "golden".parse().expect("a good name"),
        number: 2,
        digest: manifest.digest(),
        size: VersionSize::default(),
        carried: ByteCount::ZERO,
        since: since.map(|since| Since { number: 1, digest: since.digest() }),
        note: Some("an example".into()),
        author: "admin".into(),
        created_at: Timestamp(1_760_000_000_000),
        parent: Some(1),
        new_bytes: None,
        tags: Default::default(),
        warnings: Vec::new(),
    };
    let give = |_: Asked<'_>| {
        let mut first = vec![0; crate::limits::LEAF_SIZE];
        blake3::Hasher::new().finalize_xof().fill(&mut first);
        first.extend(b"hello");
        Ok(FrameBytes { form: FrameForm::Named, bytes: first.into() })
    };
    let mut file = Vec::new();
    let out = |bytes: bytes::Bytes| {
        file.extend_from_slice(&bytes);
        Ok(())
    };
    let (progress, cancel) = (Default::default(), Default::default());
    write(&std::sync::Arc::new(manifest.clone()), since, header, give, out, &progress, &cancel)?;
    Ok(file)
}

/// Reads a bundle to its end and opens every piece, without a disk. How many leaves came.
#[cfg(any(test, feature = "doors"))]
pub(crate) fn open_all<R: std::io::Read>(mut reader: Reader<R>) -> Result<u32, ReadError> {
    let head = reader.head().clone();
    let mut leaves = 0;
    while let Some(piece) = reader.next()? {
        let wanted = piece.wanted(&head);
        crate::frame::open(&head.manifest, wanted, &piece.sent, &[]).map_err(BadBundle::Piece)?;
        leaves += wanted.ordinals().len() as u32;
    }
    Ok(leaves)
}
