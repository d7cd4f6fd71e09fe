//! The manifest: what a version is (its content, which its digest names) and how it travels.
//!
//! ```text
//!   version digest = BLAKE3(root)
//!   root ──► disks: name, size ──► pages of 1024 leaves ──► leaf digests     } content
//!        └─► NVRAM's digest, profile                                         }
//!   packing: frame = wire digest, length, encoding, ordinals of its leaves    how it travels;
//!            loose leaves = those in no frame: they are asked for one by one  } not named
//!            difference = a frame in other bytes, for who holds the version before it
//! ```
//!
//! A `Manifest` in memory has passed every check, whoever wrote it; `docs/format.md` describes the
//! bytes. It says nothing of who holds the version, nor of its template.

mod codec;
mod content;
mod differences;
mod index;
mod packing;
mod page;
#[cfg(test)]
mod tests;

use self::{codec::Reader, content::Content, index::LeafIndex, packing::Form};
use crate::{
    leaf::{self, Place},
    limits::MANIFEST_MAX,
};
use diecast_domain::{
    code::{Code, Problem},
    digest::Digest,
    units::ByteCount,
};

use std::collections::HashMap;

pub use content::Disk;
pub use differences::Difference;
pub(crate) use differences::Differences;
pub(crate) use packing::Packing;
pub use packing::{Encoding, Frame};

/// Every leaf lies in a frame.
const FRAMED_MAGIC: &[u8; 8] = b"DCMANI01";
/// Some do not.
const LOOSE_MAGIC: &[u8; 8] = b"DCMANI02";
/// Some frames have a difference.
const DIFFERING_MAGIC: &[u8; 8] = b"DCMANI03";

/// A checked manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    digest: Digest,
    content: Content,
    packing: Packing,
    nvram: Option<Vec<u8>>,
    index: LeafIndex,
    /// Ordinals of the leaves that lie in no frame, rising.
    loose: Box<[u32]>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadManifest {
    #[error("the manifest ends in the middle of {what}")]
    Truncated { what: &'static str },
    #[error("the manifest goes on after {what}")]
    Trailing { what: &'static str },
    #[error("{what} is of a kind that this release does not know")]
    Unknown { what: &'static str },
    #[error("{what} is {found}, more than the {max} allowed")]
    TooLarge { what: &'static str, found: u64, max: u64 },
    #[error("`{name}` cannot be a disk's name, or is there twice")]
    DiskName { name: String },
    #[error("the manifest has {what}")]
    NotCanonical { what: &'static str },
    #[error("the packing is wrong: {what}")]
    Packing { what: &'static str },
    #[error("{what} has the digest {found}, expected {expected}")]
    WrongDigest { what: &'static str, expected: Digest, found: Digest },
}

impl BadManifest {
    pub fn problem(&self) -> Problem {
        Problem::new(Code::T0007, format!("the manifest was refused: {self}"))
    }
}

impl Manifest {
    /// From what a reading of the disks found: the name of every leaf that is not zero, in any
    /// order, and the frames with the names of their leaves.
    pub(crate) fn build(
        disks: Vec<(String, ByteCount)>,
        leaves: Vec<(Place, Digest)>,
        nvram: Option<Vec<u8>>,
        profile: Vec<u8>,
        packed: impl FnOnce(&HashMap<Digest, u32>) -> Packing,
    ) -> Result<Self, BadManifest> {
        let content = Content::build(disks, leaves, nvram.as_deref(), profile)?;
        let index = LeafIndex::new(&content.disks)?;
        let name = |ordinal| (*name_of(&content, &index, ordinal), ordinal);
        let packing = packed(&(0..index.len()).map(name).collect());
        let nvram = nvram.filter(|bytes| !bytes.is_empty());
        Self::checked(leaf::digest_of(&content.root()), content, packing, nvram, index)
    }

    /// Reads a manifest that anybody may have written.
    pub fn decode(bytes: &[u8]) -> Result<Self, BadManifest> {
        if bytes.len() > MANIFEST_MAX {
            let (found, max) = (bytes.len() as u64, MANIFEST_MAX as u64);
            return Err(BadManifest::TooLarge { what: "the manifest", found, max });
        }
        let mut from = Reader::new(bytes);
        let form = match from.take(8, "the manifest")? {
            magic if magic == FRAMED_MAGIC => Form::Framed,
            magic if magic == LOOSE_MAGIC => Form::Loose,
            magic if magic == DIFFERING_MAGIC => Form::Differing,
            _ => return Err(BadManifest::Unknown { what: "the manifest" }),
        };
        let root_length = from.count(MANIFEST_MAX, "the root")?;
        let root = from.take(root_length, "the root")?;
        let content = Content::decode(root, &mut from)?;
        let index = LeafIndex::new(&content.disks)?;
        let packing = Packing::decode(&mut from, &index, form)?;
        let nvram = content.nvram.map(|name| from.take(name.length as usize, "the NVRAM"));
        let nvram = nvram.transpose()?.map(<[u8]>::to_vec);
        from.end("the NVRAM")?;
        if packing.form() != form {
            return Err(BadManifest::NotCanonical { what: "room for what it lacks" });
        }
        Self::checked(leaf::digest_of(root), content, packing, nvram, index)
    }

    /// Reads the manifest of the version `expected`, and no other.
    pub fn decode_as(bytes: &[u8], expected: &Digest) -> Result<Self, BadManifest> {
        let manifest = Self::decode(bytes)?;
        if manifest.digest == *expected {
            return Ok(manifest);
        }
        let (expected, found) = (*expected, manifest.digest);
        Err(BadManifest::WrongDigest { what: "the version", expected, found })
    }

    fn checked(
        digest: Digest,
        content: Content,
        packing: Packing,
        nvram: Option<Vec<u8>>,
        index: LeafIndex,
    ) -> Result<Self, BadManifest> {
        if let (Some(name), Some(bytes)) = (content.nvram, &nvram) {
            let (expected, found) = (name.digest, leaf::digest_of(bytes));
            if expected != found {
                return Err(BadManifest::WrongDigest { what: "the NVRAM", expected, found });
            }
        }
        let loose = packing.check(&index, |ordinal| length_of(&content, &index, ordinal))?;
        Ok(Self { digest, content, packing, nvram, index, loose })
    }

    /// The bytes that the server keeps and agents are handed.
    pub fn encode(&self) -> Vec<u8> {
        let root = self.content.root();
        let mut out = match self.packing.form() {
            Form::Framed => FRAMED_MAGIC.to_vec(),
            Form::Loose => LOOSE_MAGIC.to_vec(),
            Form::Differing => DIFFERING_MAGIC.to_vec(),
        };
        out.extend((root.len() as u32).to_le_bytes());
        out.extend(root);
        let pages = self.content.disks.iter().flat_map(Disk::stored_pages);
        pages.for_each(|page| page.encode(&mut out));
        self.packing.encode(&mut out);
        out.extend(self.nvram.iter().flatten());
        out
    }

    /// The version's digest.
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    pub fn disks(&self) -> &[Disk] {
        &self.content.disks
    }

    pub fn nvram(&self) -> Option<&[u8]> {
        self.nvram.as_deref()
    }

    /// The hardware profile, as the publisher gave it.
    pub fn profile(&self) -> &[u8] {
        &self.content.profile
    }

    pub fn frames(&self) -> &[Frame] {
        &self.packing.frames
    }

    pub(crate) const fn level(&self) -> u8 {
        self.packing.level
    }

    /// By the frames that they give, rising.
    pub fn differences(&self) -> &[Difference] {
        &self.packing.differences.all
    }

    pub(crate) fn difference_of(&self, frame: u32) -> Option<&Difference> {
        self.packing.differences.of_frame(frame)
    }

    /// The leaves that differences stand on, by name.
    pub(crate) fn references(&self) -> &[Digest] {
        &self.packing.differences.references
    }

    pub(crate) const fn difference_level(&self) -> u8 {
        self.packing.differences.level
    }

    #[cfg(test)]
    pub(crate) fn with_differences(mut self, differences: Differences) -> Self {
        self.packing.differences = differences;
        self
    }

    /// The same version for who knows no differences: a release before this one.
    #[must_use]
    pub fn without_differences(mut self) -> Self {
        self.packing.differences = Differences::default();
        self
    }

    /// The size of all disks, as guests see them.
    pub fn size(&self) -> ByteCount {
        self.disks().iter().map(Disk::size).sum()
    }

    /// What the disks hold: all leaves that are not zero, each as often as it occurs.
    pub fn data_bytes(&self) -> ByteCount {
        let places = (0..self.ordinals()).map(|ordinal| self.places(ordinal).len() as u64);
        let leaves = places.zip(0..).map(|(count, ordinal)| count * self.leaf_length(ordinal) as u64);
        ByteCount(leaves.sum::<u64>())
    }

    /// What one copy takes on the wire if nothing is there yet. Of the loose leaves, an estimate.
    pub fn wire_bytes(&self) -> ByteCount {
        let frames: u64 = self.frames().iter().map(|frame| u64::from(frame.length)).sum();
        ByteCount(frames + self.packing.loose_wire)
    }

    /// How much less that is to who holds all that differences stand on.
    pub fn difference_saving(&self) -> ByteCount {
        let frame = |difference: &Difference| self.frames()[difference.frame as usize].length;
        let saved = |difference| u64::from(frame(difference) - difference.length);
        ByteCount(self.differences().iter().map(saved).sum())
    }

    /// Data of the leaves that lie in no frame: a holder compresses them whenever they are asked for.
    pub fn loose_bytes(&self) -> ByteCount {
        ByteCount(self.loose.iter().map(|ordinal| self.leaf_length(*ordinal) as u64).sum())
    }

    /// Ordinals of the leaves that lie in no frame, rising: neighbours here lie near each other on
    /// the disk.
    pub(crate) fn loose(&self) -> &[u32] {
        &self.loose
    }

    /// What the loose leaves are thought to take on the wire.
    pub(crate) const fn loose_wire(&self) -> u64 {
        self.packing.loose_wire
    }

    /// How many distinct leaves there are.
    pub(crate) fn ordinals(&self) -> u32 {
        self.index.len()
    }

    pub(crate) fn leaf_name(&self, ordinal: u32) -> &Digest {
        name_of(&self.content, &self.index, ordinal)
    }

    pub(crate) fn places(&self, ordinal: u32) -> &[Place] {
        self.index.places(ordinal)
    }

    pub(crate) fn leaf_length(&self, ordinal: u32) -> usize {
        length_of(&self.content, &self.index, ordinal)
    }

    /// Bytes of some leaves together.
    pub(crate) fn decoded_length(&self, ordinals: &[u32]) -> usize {
        ordinals.iter().map(|ordinal| self.leaf_length(*ordinal)).sum()
    }

    /// Of every distinct leaf, its ordinal.
    pub(crate) fn by_name(&self) -> HashMap<Digest, u32> {
        (0..self.ordinals()).map(|ordinal| (*self.leaf_name(ordinal), ordinal)).collect()
    }
}

fn length_of(content: &Content, index: &LeafIndex, ordinal: u32) -> usize {
    let place = index.places(ordinal)[0];
    content.disks[usize::from(place.disk)].leaf_length(place.leaf)
}

fn name_of<'a>(content: &'a Content, index: &LeafIndex, ordinal: u32) -> &'a Digest {
    let place = index.places(ordinal)[0];
    let name = content.disks[usize::from(place.disk)].leaf(place.leaf);
    name.expect("the index lists only leaves that are there")
}
