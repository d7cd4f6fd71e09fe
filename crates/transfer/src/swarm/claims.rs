//! Claims: who holds all, or brings a version into a site, says to each receiver which pieces to take from it,
//! each piece to one receiver first. What was given once comes to the others from the one who has it.

use super::pieces::PieceSet;
use diecast_domain::ids::ProviderId;
use std::{collections::HashMap, time::Duration};

/// Pieces that one request may claim.
pub const CLAIMS_MAX: usize = 16;
/// What was given before and is still missed is given again after this time: whoever had it may be gone.
pub const GIVEN_AGAIN_AFTER: Duration = Duration::from_secs(10);
/// The same for who has nothing else to ask for.
pub const GIVEN_AGAIN_IDLE: Duration = Duration::from_secs(1);

/// Pieces of which those given longest ago are looked for.
const COMPARED_MAX: usize = 4096;

/// What is here, what of it was given to anybody, and when.
#[derive(Debug)]
pub struct Given {
    /// Milliseconds since it began, and one; 0: never.
    at: Box<[u32]>,
    here: PieceSet,
    /// Of what is here, what was given to nobody.
    never: PieceSet,
    /// What each receiver claimed, and nobody after it.
    to: HashMap<ProviderId, PieceSet>,
    /// Where the handing out begins: holders of the same version each begin elsewhere.
    first: u32,
}

impl Given {
    /// Nobody has got anything yet; what is handed out begins with `first`.
    pub fn nothing(here: PieceSet, first: u32) -> Self {
        let at = vec![0; here.count() as usize].into();
        Self { at, never: here.clone(), here, to: HashMap::new(), first }
    }

    /// This piece is here now.
    pub fn came(&mut self, piece: u32) {
        if self.here.insert(piece) && self.at[piece as usize] == 0 {
            self.never.insert(piece);
        }
    }

    /// Somebody gets this piece now.
    pub fn give(&mut self, piece: u32, now: Duration) {
        if let Some(at) = self.at.get_mut(piece as usize) {
            *at = stamp(now);
            self.never.remove(piece);
        }
    }

    /// Up to `most` of the pieces that are wanted and here: those that nobody was given, else those that were
    /// given longest ago, and longer than `again`. They count as given from now on. What `reader` was given and
    /// wants all the same it has lost, or never got: with nobody at all.
    pub fn claim(
        &mut self,
        reader: Option<ProviderId>,
        wanted: &PieceSet,
        most: usize,
        again: Duration,
        now: Duration,
    ) -> Vec<u32> {
        if let Some(had) = reader.and_then(|reader| self.to.get_mut(&reader)) {
            let elsewhere = wanted.without(had);
            for piece in wanted.without(&elsewhere).iter() {
                had.remove(piece);
                self.at[piece as usize] = 0;
                self.never.insert(piece);
            }
        }
        let most = most.min(CLAIMS_MAX);
        let before = self.never.iter().take_while(|piece| *piece < self.first);
        let never = self.never.iter_from(self.first).chain(before);
        let mut claimed: Vec<u32> = never.filter(|piece| wanted.has(*piece)).take(most).collect();
        if claimed.is_empty() {
            let long_ago = now.checked_sub(again).map_or(0, stamp);
            let old = |piece: &u32| self.here.has(*piece) && self.at[*piece as usize] <= long_ago;
            claimed = wanted.iter().filter(old).take(COMPARED_MAX).collect();
            claimed.sort_by_key(|piece| self.at[*piece as usize]);
            claimed.truncate(most);
        }
        for piece in &claimed {
            self.give(*piece, now);
            self.to.values_mut().for_each(|had| had.remove(*piece));
        }
        if let Some(reader) = reader.filter(|_| !claimed.is_empty()) {
            let had = self.to.entry(reader).or_insert_with(|| PieceSet::none(self.here.count()));
            claimed.iter().for_each(|piece| _ = had.insert(*piece));
        }
        claimed
    }
}

fn stamp(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX - 1).saturating_add(1)
}

/// The pieces of an answer, as bytes.
pub fn to_bytes(claimed: &[u32]) -> Vec<u8> {
    claimed.iter().flat_map(|piece| piece.to_le_bytes()).collect()
}

/// None if these are no such bytes.
pub fn from_bytes(bytes: &[u8]) -> Option<Vec<u32>> {
    let (pieces, rest) = bytes.as_chunks::<4>();
    let fits = rest.is_empty() && pieces.len() <= CLAIMS_MAX;
    fits.then(|| pieces.iter().map(|piece| u32::from_le_bytes(*piece)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(count: u32, pieces: &[u32]) -> PieceSet {
        let mut set = PieceSet::none(count);
        pieces.iter().for_each(|piece| assert!(set.insert(*piece)));
        set
    }

    #[test]
    fn each_piece_goes_to_one_receiver_first() {
        let mut given = Given::nothing(PieceSet::all(6), 0);
        let all = wanted(6, &[0, 1, 2, 3, 4, 5]);
        let now = Duration::from_secs(1);
        assert_eq!(given.claim(None, &all, 2, GIVEN_AGAIN_AFTER, now), [0, 1]);
        assert_eq!(given.claim(None, &all, 2, GIVEN_AGAIN_AFTER, now), [2, 3]);
        given.give(4, now);
        assert_eq!(given.claim(None, &all, 2, GIVEN_AGAIN_AFTER, now), [5]);
        assert_eq!(
            given.claim(None, &all, 2, GIVEN_AGAIN_AFTER, now),
            [0; 0],
            "all are on their way to somebody"
        );
    }

    #[test]
    fn two_holders_begin_with_different_pieces_and_come_to_all() {
        let mut given = Given::nothing(PieceSet::all(5), 3);
        let all = wanted(5, &[0, 1, 2, 3, 4]);
        assert_eq!(given.claim(None, &all, 3, GIVEN_AGAIN_AFTER, Duration::ZERO), [3, 4, 0]);
        assert_eq!(given.claim(None, &all, 3, GIVEN_AGAIN_AFTER, Duration::ZERO), [1, 2]);
    }

    #[test]
    fn what_was_given_to_who_is_gone_is_given_again_oldest_first() {
        let mut given = Given::nothing(PieceSet::all(3), 0);
        let all = wanted(3, &[0, 1, 2]);
        for (second, piece) in [(1, 1), (2, 0), (3, 2)] {
            given.give(piece, Duration::from_secs(second));
        }
        let now = Duration::from_secs(12);
        assert_eq!(
            given.claim(None, &all, 9, GIVEN_AGAIN_AFTER, now),
            [1, 0],
            "2 was given nine seconds ago"
        );
        assert_eq!(given.claim(None, &all, 9, GIVEN_AGAIN_IDLE, now), [2]);
        assert_eq!(given.claim(None, &all, 9, GIVEN_AGAIN_IDLE, now), [0; 0]);
    }

    #[test]
    fn who_wants_what_it_was_given_begins_anew_and_holds_up_nobody() {
        let [one, other] = [1, 2].map(|number| Some(ProviderId::from_uuid(uuid::Uuid::from_u128(number))));
        let mut given = Given::nothing(PieceSet::all(6), 0);
        let all = PieceSet::all(6);
        let now = Duration::from_secs(1);
        assert_eq!(given.claim(one, &all, 4, GIVEN_AGAIN_AFTER, now), [0, 1, 2, 3]);
        assert_eq!(given.claim(other, &all, 9, GIVEN_AGAIN_AFTER, now), [4, 5]);
        assert_eq!(given.claim(other, &wanted(6, &[0, 1, 2, 3]), 9, GIVEN_AGAIN_AFTER, now), [0; 0]);
        assert_eq!(
            given.claim(one, &wanted(6, &[4, 5]), 9, GIVEN_AGAIN_AFTER, now),
            [0; 0],
            "they are coming"
        );
        // Its replica was removed, and it is given the template again at once.
        assert_eq!(given.claim(one, &all, 1, GIVEN_AGAIN_AFTER, now), [0]);
        assert_eq!(given.claim(other, &wanted(6, &[0, 1, 2, 3]), 9, GIVEN_AGAIN_AFTER, now), [1, 2, 3]);
        assert_eq!(given.claim(one, &wanted(6, &[1, 2, 3]), 9, GIVEN_AGAIN_AFTER, now), [0; 0]);
    }

    #[test]
    fn who_still_receives_gives_what_has_come_and_each_piece_to_one_receiver_first() {
        let mut given = Given::nothing(wanted(6, &[4]), 0);
        let all = PieceSet::all(6);
        let now = Duration::from_secs(60);
        assert_eq!(given.claim(None, &all, 3, GIVEN_AGAIN_AFTER, now), [4]);
        assert_eq!(given.claim(None, &all, 3, GIVEN_AGAIN_AFTER, now), [0; 0], "the others have not come");
        // Whatever is said to have come twice, or is no piece, changes nothing.
        for piece in [5, 2, 4, 6] {
            given.came(piece);
        }
        assert_eq!(given.claim(None, &all, 3, GIVEN_AGAIN_AFTER, now), [2, 5]);
        assert_eq!(
            given.claim(None, &all, 9, GIVEN_AGAIN_AFTER, 2 * now).len(),
            3,
            "again, to somebody else"
        );
    }

    #[test]
    fn only_what_is_wanted_and_exists_is_claimed() {
        let mut given = Given::nothing(PieceSet::all(3), 0);
        assert_eq!(given.claim(None, &wanted(100, &[2, 99]), 100, GIVEN_AGAIN_AFTER, Duration::ZERO), [2]);
        assert_eq!(given.claim(None, &wanted(100, &[99]), 100, Duration::ZERO, Duration::MAX), [0; 0]);
        assert_eq!(from_bytes(&to_bytes(&[7, u32::MAX])), Some(vec![7, u32::MAX]));
        assert_eq!(from_bytes(&[0; 5]), None);
        assert_eq!(from_bytes(&[0; 4 * (CLAIMS_MAX + 1)]), None);
    }
}
