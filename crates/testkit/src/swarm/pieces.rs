//! Sets of pieces, and how many of a receiver's sources have each. The counts lie in bit planes, so that the
//! rarest of 64 pieces is found in a few operations: a distribution to thousands is millions of such choices.

const PLANES: usize = 4;

/// A bit for each piece.
#[derive(Clone)]
pub(super) struct Pieces(Box<[u64]>);

impl Pieces {
    pub(super) fn none(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)].into())
    }

    pub(super) fn all(count: usize) -> Self {
        let mut all = Self::none(count);
        (0..count).for_each(|piece| all.insert(piece));
        all
    }

    pub(super) const fn has(&self, piece: usize) -> bool {
        self.0[piece / 64] >> (piece % 64) & 1 == 1
    }

    pub(super) const fn insert(&mut self, piece: usize) {
        self.0[piece / 64] |= 1 << (piece % 64);
    }

    pub(super) const fn remove(&mut self, piece: usize) {
        self.0[piece / 64] &= !(1 << (piece % 64));
    }

    pub(super) const fn words(&self) -> &[u64] {
        &self.0
    }
}

/// A number for each piece, a bit of it in each plane, the lowest first.
pub(super) struct Counts(Box<[[u64; PLANES]]>);

impl Counts {
    pub(super) fn zero(count: usize) -> Self {
        Self(vec![[0; PLANES]; count.div_ceil(64)].into())
    }

    pub(super) const fn add(&mut self, piece: usize) {
        plus(&mut self.0[piece / 64], 1 << (piece % 64));
    }

    /// One more of each of these.
    pub(super) fn add_all(&mut self, pieces: &Pieces) {
        self.0.iter_mut().zip(pieces.words()).for_each(|(planes, bits)| plus(planes, *bits));
    }

    /// Of what is in `held` and not in `taken`, the piece with the lowest count, and the count: the first from
    /// the word `begin` on. Few are as rare as one: of those the first will do.
    pub(super) fn rarest(&self, held: &Pieces, taken: &Pieces, begin: usize) -> Option<(usize, usize)> {
        let words = held.words().len();
        let mut best: Option<(usize, usize)> = None;
        for word in (begin..words).chain(0..begin) {
            let mut left = held.words()[word] & !taken.words()[word];
            if left == 0 {
                continue;
            }
            let mut count = 0;
            for plane in (0..PLANES).rev() {
                let low = left & !self.0[word][plane];
                if low == 0 {
                    count |= 1 << plane;
                } else {
                    left = low;
                }
            }
            if best.is_none_or(|(fewest, _)| count < fewest) {
                best = Some((count, 64 * word + left.trailing_zeros() as usize));
                if count <= 1 {
                    break;
                }
            }
        }
        best
    }
}

const fn plus(planes: &mut [u64; PLANES], bits: u64) {
    let [a, b, c, d] = *planes;
    // Those that are as high as they go stay there.
    let mut carry = bits & !(a & b & c & d);
    let mut plane = 0;
    while plane < PLANES {
        let next = planes[plane] & carry;
        planes[plane] ^= carry;
        carry = next;
        plane += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts go no further.
    const COUNTED_MAX: usize = (1 << PLANES) - 1;

    #[test]
    fn the_rarest_is_the_one_that_counting_by_hand_finds() {
        let mut counts = Counts::zero(100);
        let held = Pieces::all(100);
        for times in 0..100_usize {
            (0..100).filter(|piece| piece % 20 >= times).for_each(|piece| counts.add(piece));
        }
        let mut taken = Pieces::none(100);
        // A piece counts once more than its place in its twenty says, and fifteen times at most.
        for place in 0..COUNTED_MAX - 1 {
            for _ in 0..5 {
                let (count, piece) = counts.rarest(&held, &taken, 1).unwrap();
                assert_eq!((count, piece % 20), (place + 1, place));
                taken.insert(piece);
            }
        }
        assert_eq!(counts.rarest(&held, &taken, 0).unwrap().0, COUNTED_MAX);
        taken.remove(7);
        assert_eq!(counts.rarest(&held, &taken, 1), Some((8, 7)));
        counts.add_all(&held);
        assert_eq!(counts.rarest(&held, &taken, 0), Some((9, 7)));
        assert_eq!(counts.rarest(&Pieces::none(100), &taken, 0), None);
    }
}
