//! A page: the leaves of 64 MiB of one disk, as a bitmap of those that are not zero and their names.

use super::{BadManifest, codec::Reader};
use crate::leaf;
use diecast_domain::digest::Digest;

/// Always holds at least one leaf: a page of zeroes is only a marker in the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// Bit `n % 8` of byte `n / 8` is set where leaf `n` is not zero.
    present: Box<[u8]>,
    digests: Box<[Digest]>,
}

impl Page {
    /// Of `(index in the page, digest)` in rising order; none if there are none.
    pub(super) fn build(leaves: usize, found: &[(usize, Digest)]) -> Option<Self> {
        let mut present = vec![0; leaves.div_ceil(8)];
        for (index, _) in found {
            present[index / 8] |= 1 << (index % 8);
        }
        let digests = found.iter().map(|(_, digest)| *digest).collect();
        (!found.is_empty()).then(|| Self { present: present.into(), digests })
    }

    pub(super) fn get(&self, index: usize) -> Option<&Digest> {
        let byte = *self.present.get(index / 8)?;
        let bit = 1_u8 << (index % 8);
        if byte & bit == 0 {
            return None;
        }
        let before: u32 = self.present[..index / 8].iter().map(|byte| byte.count_ones()).sum();
        self.digests.get((before + (byte & (bit - 1)).count_ones()) as usize)
    }

    /// The leaves that are not zero: index in the page, and name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Digest)> {
        let set = |index: &usize| self.present[index / 8] & (1 << (index % 8)) != 0;
        (0..self.present.len() * 8).filter(set).zip(&self.digests)
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.present);
        for digest in &self.digests {
            out.extend_from_slice(digest.as_bytes());
        }
    }

    pub(super) fn digest(&self) -> Digest {
        let mut bytes = Vec::with_capacity(self.present.len() + self.digests.len() * 32);
        self.encode(&mut bytes);
        leaf::digest_of(&bytes)
    }

    /// Reads a page of `leaves` leaves that must have the name `expected`.
    pub(super) fn decode(
        from: &mut Reader<'_>,
        leaves: usize,
        expected: &Digest,
    ) -> Result<Self, BadManifest> {
        let present = from.take(leaves.div_ceil(8), "a page")?;
        let count: u32 = present.iter().map(|byte| byte.count_ones()).sum();
        if count == 0 {
            return Err(BadManifest::NotCanonical { what: "a stored page of zeroes" });
        }
        let unused = present.len() * 8 - leaves;
        if u32::from(present[present.len() - 1].leading_zeros() as u8) < unused as u32 {
            return Err(BadManifest::NotCanonical { what: "a page that marks leaves past its end" });
        }
        let digests = from.take(count as usize * 32, "a page's leaves")?;
        let page = Self {
            present: present.into(),
            digests: digests
                .chunks_exact(32)
                .map(|bytes| Digest::from_bytes(bytes.try_into().expect("chunks of 32")))
                .collect(),
        };
        let found = page.digest();
        if found == *expected {
            Ok(page)
        } else {
            Err(BadManifest::WrongDigest { what: "a page", expected: *expected, found })
        }
    }
}
