//! Pieces: what of a version travels as one, numbered alike by everybody who has its manifest. First its
//! frames, then its loose leaves in groups of sixteen.

use crate::{limits::FRAME_LEAVES_MAX, manifest::Manifest};

/// How many pieces a version has.
pub fn count(manifest: &Manifest) -> u32 {
    (manifest.frames().len() + manifest.loose().len().div_ceil(FRAME_LEAVES_MAX)) as u32
}

/// Some of a version's pieces: a bit for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PieceSet {
    words: Box<[u64]>,
    count: u32,
}

impl PieceSet {
    /// None of `count`.
    pub fn none(count: u32) -> Self {
        Self { words: vec![0; (count as usize).div_ceil(64)].into(), count }
    }

    /// All of `count`.
    pub fn all(count: u32) -> Self {
        let mut set = Self { words: vec![u64::MAX; (count as usize).div_ceil(64)].into(), count };
        if let Some(last) = set.words.last_mut().filter(|_| !count.is_multiple_of(64)) {
            *last = (1 << (count % 64)) - 1;
        }
        set
    }

    /// What [`PieceSet::to_bytes`] made of a set out of `count`; None if it cannot be one.
    pub fn from_bytes(count: u32, bytes: &[u8]) -> Option<Self> {
        if bytes.len() != (count as usize).div_ceil(8) {
            return None;
        }
        let mut set = Self::none(count);
        for (number, byte) in bytes.iter().enumerate() {
            set.words[number / 8] |= u64::from(*byte) << (8 * (number % 8));
        }
        let past = count % 64;
        let clean = past == 0 || set.words.last().is_none_or(|word| word >> past == 0);
        clean.then_some(set)
    }

    /// A bit for each piece, the lowest bit of the first byte for piece 0.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.words.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.truncate((self.count as usize).div_ceil(8));
        bytes
    }

    /// How many there could be.
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// Whether that changed anything. A piece that there is not changes nothing.
    pub fn insert(&mut self, piece: u32) -> bool {
        let new = piece < self.count && !self.has(piece);
        if new {
            self.words[piece as usize / 64] |= 1 << (piece % 64);
        }
        new
    }

    pub fn remove(&mut self, piece: u32) {
        if let Some(word) = self.words.get_mut(piece as usize / 64) {
            *word &= !(1 << (piece % 64));
        }
    }

    pub fn has(&self, piece: u32) -> bool {
        self.words.get(piece as usize / 64).is_some_and(|word| word & (1 << (piece % 64)) != 0)
    }

    /// How many of these `other` has too.
    pub fn shared(&self, other: &Self) -> u32 {
        self.words.iter().zip(&other.words).map(|(one, other)| (one & other).count_ones()).sum()
    }

    /// Those of these that `other` has not.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let words = self.words.iter().zip(&other.words).map(|(one, other)| one & !other);
        Self { words: words.collect(), count: self.count }
    }

    /// These, rising.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.iter_from(0)
    }

    /// Those that are not before `first`, rising.
    pub fn iter_from(&self, first: u32) -> impl Iterator<Item = u32> + '_ {
        let skipped = first as usize / 64;
        self.words.iter().enumerate().skip(skipped).flat_map(move |(number, word)| {
            let mut rest = if number == skipped { word & (u64::MAX << (first % 64)) } else { *word };
            std::iter::from_fn(move || {
                let bit = rest.trailing_zeros();
                (rest != 0).then(|| {
                    rest &= rest - 1;
                    number as u32 * 64 + bit
                })
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_set_survives_its_bytes_and_no_other_bytes_are_one(
            count in 1_u32..300, pieces in proptest::collection::vec(0_u32..300, 0..60)
        ) {
            let mut set = PieceSet::none(count);
            let mut known = std::collections::BTreeSet::new();
            for piece in pieces {
                prop_assert_eq!(set.insert(piece), piece < count && known.insert(piece));
            }
            prop_assert!(set.iter().eq(known.iter().copied().filter(|piece| *piece < count)));
            prop_assert!(PieceSet::all(count).iter().eq(0..count));
            let bytes = set.to_bytes();
            prop_assert_eq!(PieceSet::from_bytes(count, &bytes), Some(set.clone()));
            prop_assert_eq!(PieceSet::from_bytes(count + 8, &bytes), None);
            let mut beyond = bytes;
            if count % 8 != 0 {
                *beyond.last_mut().unwrap() |= 1 << (count % 8);
                prop_assert_eq!(PieceSet::from_bytes(count, &beyond), None, "a piece that there is not");
            }
            prop_assert_eq!(set.shared(&set) as usize, set.iter().count());
            let late = set.iter().filter(|piece| *piece >= count / 2);
            prop_assert!(set.iter_from(count / 2).eq(late));
        }
    }
}
