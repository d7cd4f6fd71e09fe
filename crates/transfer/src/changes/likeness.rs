//! Finds the leaves of the version before that new ones are like: files that were replaced mostly lie elsewhere
//! than their successors.
//!
//! Of all places in a leaf some are chosen by what stands there, so that the same bytes are chosen wherever
//! they lie; what they begin is hashed. Leaves with the same hashes have these bytes in common. The idea is
//! Manber's (*Finding similar files in a large file system*, 1994).

use crate::limits::{LEAF_SIZE, LIKENESS_SAMPLES, WINDOW_LEAVES_MAX};
use std::collections::HashMap;

/// Bytes that a sample covers: shorter ones are alike by chance, longer ones are rare in programs that were
/// compiled anew.
const SAMPLE_SIZE: usize = 32;
/// Of so many places one is chosen at the most, as a power of two: 128 in a leaf.
const RARITY_LOG_MIN: u32 = 9;
/// What more leaves than this have in common says nothing of any.
const COMMON_MAX: usize = 8;
/// One chosen byte string in common may be chance.
const VOTES_MIN: u32 = 2 * COMMON_MAX as u32;
/// An odd number without a pattern: 2^64 over the golden ratio.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// How rarely a place is chosen, so that so many leaves have no more samples than are held.
pub(super) fn rarity(leaves: usize) -> u32 {
    let places = leaves.saturating_mul(LEAF_SIZE) / LIKENESS_SAMPLES;
    (usize::BITS - places.leading_zeros()).max(RARITY_LOG_MIN)
}

/// Samples of a leaf: no more than twice as many as there should be, whatever pattern it has.
pub(super) fn samples(bytes: &[u8], rarity: u32) -> impl Iterator<Item = u32> {
    let word = move |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
    let places = 0..(bytes.len() + 1).saturating_sub(SAMPLE_SIZE);
    let chosen = places.filter(move |at| {
        let spread = word(*at).wrapping_mul(SPREAD);
        spread >> (u64::BITS - rarity) == 0 && spread != 0
    });
    let hash = move |at: usize| {
        let words = (0..SAMPLE_SIZE).step_by(8).map(|offset| word(at + offset));
        let mixed = words.fold(0_u64, |mixed, word| (mixed.rotate_left(23) ^ word).wrapping_mul(SPREAD));
        (mixed >> 32) as u32
    };
    chosen.map(hash).take(2 * (LEAF_SIZE >> rarity).max(1))
}

/// Samples of many leaves, each by its number.
#[derive(Debug)]
pub(super) struct Likeness {
    /// Rising.
    samples: Vec<(u32, u32)>,
    rarity: u32,
}

impl Likeness {
    /// `samples`: what [`samples`] gave at that rarity, and the number of the leaf.
    pub(super) fn new(mut samples: Vec<(u32, u32)>, rarity: u32) -> Self {
        samples.sort_unstable();
        samples.dedup();
        Self { samples, rarity }
    }

    /// Numbers of the leaves that have most in common with these bytes, rising: a window at the most.
    pub(super) fn find(&self, bytes: &[u8]) -> Vec<u32> {
        let mut asked: Vec<u32> =
            bytes.chunks(LEAF_SIZE).flat_map(|leaf| samples(leaf, self.rarity)).collect();
        asked.sort_unstable();
        asked.dedup();
        let mut votes: HashMap<u32, u32> = HashMap::new();
        for sample in asked {
            let from = self.samples.partition_point(|(held, _)| *held < sample);
            let same = self.samples[from..].iter().take_while(|(held, _)| *held == sample);
            let count = same.clone().take(COMMON_MAX + 1).count();
            if (1..=COMMON_MAX).contains(&count) {
                // What fewer have says more.
                same.for_each(|(_, leaf)| *votes.entry(*leaf).or_default() += (COMMON_MAX / count) as u32);
            }
        }
        let mut found: Vec<(u32, u32)> = votes.into_iter().filter(|(_, votes)| *votes >= VOTES_MIN).collect();
        found.sort_unstable_by_key(|(leaf, votes)| (std::cmp::Reverse(*votes), *leaf));
        let mut leaves: Vec<u32> = found.into_iter().take(WINDOW_LEAVES_MAX).map(|(leaf, _)| leaf).collect();
        leaves.sort_unstable();
        leaves
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{LEAF, noise};

    fn of(leaves: &[Vec<u8>]) -> Likeness {
        let rarity = rarity(leaves.len());
        let numbered = (0..).zip(leaves);
        let samples = numbered.flat_map(|(number, leaf)| samples(leaf, rarity).map(move |it| (it, number)));
        Likeness::new(samples.collect(), rarity)
    }

    #[test]
    fn a_leaf_is_found_again_wherever_its_bytes_lie_now() {
        let old: Vec<Vec<u8>> = (0..40).map(|seed| noise(seed, LEAF)).collect();
        let likeness = of(&old);
        let moved = [&noise(99, 777)[..], &old[7][..], &old[30][..20_000], &noise(98, 40_000)].concat();
        assert_eq!(likeness.find(&moved), [7, 30]);
        assert_eq!(likeness.find(&noise(97, LEAF)), [0; 0]);
    }

    #[test]
    fn what_all_have_in_common_says_nothing() {
        let common = noise(1, 30_000);
        let old: Vec<Vec<u8>> = (2..40).map(|seed| [&common[..], &noise(seed, 30_000)].concat()).collect();
        let likeness = of(&old);
        assert_eq!(likeness.find(&common), [0; 0]);
        assert_eq!(likeness.find(&old[5]), [5]);
    }

    #[test]
    fn patterns_and_short_leaves_take_no_more_room_than_others() {
        let pattern: Vec<u8> = (0..LEAF).map(|at| (at % 3) as u8).collect();
        for leaf in [pattern, vec![0; LEAF_SIZE], vec![255; LEAF_SIZE], noise(1, LEAF)] {
            assert!(samples(&leaf, RARITY_LOG_MIN).count() <= 256);
        }
        assert_eq!(samples(&[7; SAMPLE_SIZE - 1], RARITY_LOG_MIN).count(), 0);
        assert_eq!(samples(&[], RARITY_LOG_MIN).count(), 0);
        assert_eq!(rarity(1), RARITY_LOG_MIN);
        assert!((1_usize << 30 << 16 >> rarity(1 << 30)) <= LIKENESS_SAMPLES);
    }
}
