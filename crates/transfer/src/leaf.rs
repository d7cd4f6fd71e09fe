//! The leaf: 64 KiB of a disk at a fixed offset, named by its BLAKE3; zeroes are a marker.

use crate::limits::LEAF_SIZE;
use diecast_domain::digest::Digest;
use std::sync::OnceLock;

/// Names content.
pub fn digest_of(bytes: &[u8]) -> Digest {
    Digest::from_bytes(*blake3::hash(bytes).as_bytes())
}

/// Where a leaf lies in a version: which disk, and which leaf of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub disk: u16,
    pub leaf: u32,
}

impl Place {
    pub const fn offset(self) -> u64 {
        self.leaf as u64 * LEAF_SIZE as u64
    }
}

/// Leaves of a disk of `size` bytes; the last one may be short.
pub const fn count(size: u64) -> u64 {
    size.div_ceil(LEAF_SIZE as u64)
}

/// Bytes of leaf number `leaf` of a disk of `size` bytes.
pub fn length(size: u64, leaf: u32) -> usize {
    let left = size.saturating_sub(u64::from(leaf) * LEAF_SIZE as u64);
    usize::try_from(left).unwrap_or(usize::MAX).min(LEAF_SIZE)
}

/// At memory speed: the inner loop has no branch, so it is vectorised.
pub fn is_zero(bytes: &[u8]) -> bool {
    bytes.chunks(512).all(|chunk| chunk.iter().fold(0, |seen, byte| seen | byte) == 0)
}

/// The name that `length` zero bytes would have. No manifest may list it: zeroes are marked.
pub fn zero_digest(length: usize) -> Digest {
    static FULL: OnceLock<Digest> = OnceLock::new();
    let of = |length: usize| digest_of(&[0; LEAF_SIZE][..length.min(LEAF_SIZE)]);
    if length == LEAF_SIZE { *FULL.get_or_init(|| of(LEAF_SIZE)) } else { of(length) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bit_anywhere_is_not_zero() {
        let mut bytes = vec![0; LEAF_SIZE];
        assert!(is_zero(&bytes) && is_zero(&[]));
        for position in [0, 511, 512, 40_000, LEAF_SIZE - 1] {
            bytes[position] = 1;
            assert!(!is_zero(&bytes));
            bytes[position] = 0;
        }
    }

    #[test]
    fn the_last_leaf_is_short() {
        let size = 2 * LEAF_SIZE as u64 + 5;
        assert_eq!((count(size), count(0)), (3, 0));
        assert_eq!([0, 1, 2, 3].map(|leaf| length(size, leaf)), [LEAF_SIZE, LEAF_SIZE, 5, 0]);
        assert_eq!(zero_digest(5), digest_of(&[0; 5]));
    }
}
