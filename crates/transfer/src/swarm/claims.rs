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

/// Who claims.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Claimant {
    pub provider: Option<ProviderId>,
    /// It stands in another site: what it is given nobody near the holder gets from it.
    pub beyond: bool,
}

/// What is here, and what of it was given to anybody.
#[derive(Debug)]
pub struct Given {
    here: PieceSet,
    /// Where the handing out begins: holders of the same version each begin elsewhere.
    first: u32,
    near: Turn,
    /// For other sites, since one of them claimed. What is given near counts here too: it soon comes to them from
    /// who got it. The other way round it does not.
    beyond: Option<Turn>,
}

/// What was given in one round of handing out, and when.
#[derive(Clone, Debug)]
struct Turn {
    /// Milliseconds since it began, and one; 0: never.
    at: Box<[u32]>,
    /// Of what is here, what was given to nobody.
    never: PieceSet,
    /// What each receiver claimed, and nobody after it.
    to: HashMap<ProviderId, PieceSet>,
}

impl Given {
    /// Nobody has got anything yet; what is handed out begins with `first`.
    pub fn nothing(here: PieceSet, first: u32) -> Self {
        let at = vec![0; here.count() as usize].into();
        let near = Turn { at, never: here.clone(), to: HashMap::new() };
        Self { here, first, near, beyond: None }
    }

    /// This piece is here now.
    pub fn came(&mut self, piece: u32) {
        if self.here.insert(piece) {
            self.near.came(piece);
            self.beyond.iter_mut().for_each(|beyond| beyond.came(piece));
        }
    }

    /// Somebody gets this piece now: who was given it, or who claims nothing.
    pub fn give(&mut self, piece: u32, now: Duration) {
        let only_beyond =
            self.beyond.as_ref().is_some_and(|beyond| beyond.gave(piece)) && !self.near.gave(piece);
        if !only_beyond {
            self.near.give(piece, now);
        }
        self.beyond.iter_mut().for_each(|beyond| beyond.give(piece, now));
    }

    /// Up to `most` of the pieces that are wanted and here: those that nobody was given, else those that were
    /// given longest ago, and longer than `again`. They count as given from now on. What the claimant was given and
    /// wants all the same it has lost, or never got: with nobody at all.
    pub fn claim(
        &mut self,
        by: Claimant,
        wanted: &PieceSet,
        most: usize,
        again: Duration,
        now: Duration,
    ) -> Vec<u32> {
        if by.beyond && self.beyond.is_none() {
            self.beyond = Some(Turn { to: HashMap::new(), ..self.near.clone() });
        }
        let turn = self.beyond.as_mut().filter(|_| by.beyond).unwrap_or(&mut self.near);
        if let Some(provider) = by.provider {
            turn.take_back(provider, wanted);
        }
        let claimed = self.next(by, wanted, most.min(CLAIMS_MAX), again, now);
        let turn = self.beyond.as_mut().filter(|_| by.beyond).unwrap_or(&mut self.near);
        turn.belong(&claimed, by.provider);
        for piece in &claimed {
            turn.give(*piece, now);
        }
        for beyond in self.beyond.iter_mut().filter(|_| !by.beyond) {
            claimed.iter().for_each(|piece| beyond.give(*piece, now));
        }
        claimed
    }

    /// What nobody at all was given comes first, then what only another site was.
    fn next(&self, by: Claimant, wanted: &PieceSet, most: usize, again: Duration, now: Duration) -> Vec<u32> {
        let turn = self.beyond.as_ref().filter(|_| by.beyond).unwrap_or(&self.near);
        for never in self.beyond.iter().map(|beyond| &beyond.never).chain([&turn.never]) {
            let before = never.iter().take_while(|piece| *piece < self.first);
            let in_turn = never.iter_from(self.first).chain(before);
            let next: Vec<u32> = in_turn.filter(|piece| wanted.has(*piece)).take(most).collect();
            if !next.is_empty() {
                return next;
            }
        }
        let long_ago = now.checked_sub(again).map_or(0, stamp);
        let old = |piece: &u32| self.here.has(*piece) && turn.at[*piece as usize] <= long_ago;
        let mut oldest: Vec<u32> = wanted.iter().filter(old).take(COMPARED_MAX).collect();
        oldest.sort_by_key(|piece| turn.at[*piece as usize]);
        oldest.truncate(most);
        oldest
    }
}

impl Turn {
    fn came(&mut self, piece: u32) {
        if self.at[piece as usize] == 0 {
            self.never.insert(piece);
        }
    }

    fn gave(&self, piece: u32) -> bool {
        self.at.get(piece as usize).is_some_and(|at| *at != 0)
    }

    fn give(&mut self, piece: u32, now: Duration) {
        if let Some(at) = self.at.get_mut(piece as usize) {
            *at = stamp(now);
            self.never.remove(piece);
        }
    }

    /// What this one was given and wants is with nobody.
    fn take_back(&mut self, from: ProviderId, wanted: &PieceSet) {
        let Some(had) = self.to.get_mut(&from) else { return };
        let elsewhere = wanted.without(had);
        for piece in wanted.without(&elsewhere).iter() {
            had.remove(piece);
            self.at[piece as usize] = 0;
            self.never.insert(piece);
        }
    }

    /// These are its own now, and nobody else's.
    fn belong(&mut self, pieces: &[u32], to: Option<ProviderId>) {
        for piece in pieces {
            self.to.values_mut().for_each(|had| had.remove(*piece));
        }
        if let Some(provider) = to.filter(|_| !pieces.is_empty()) {
            let count = self.never.count();
            let had = self.to.entry(provider).or_insert_with(|| PieceSet::none(count));
            pieces.iter().for_each(|piece| _ = had.insert(*piece));
        }
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

    const ANYBODY: Claimant = Claimant { provider: None, beyond: false };

    fn near(number: u128) -> Claimant {
        Claimant { provider: Some(ProviderId::from_uuid(uuid::Uuid::from_u128(number))), beyond: false }
    }

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
        assert_eq!(given.claim(ANYBODY, &all, 2, GIVEN_AGAIN_AFTER, now), [0, 1]);
        assert_eq!(given.claim(ANYBODY, &all, 2, GIVEN_AGAIN_AFTER, now), [2, 3]);
        given.give(4, now);
        assert_eq!(given.claim(ANYBODY, &all, 2, GIVEN_AGAIN_AFTER, now), [5]);
        assert_eq!(
            given.claim(ANYBODY, &all, 2, GIVEN_AGAIN_AFTER, now),
            [0; 0],
            "all are on their way to somebody"
        );
    }

    #[test]
    fn two_holders_begin_with_different_pieces_and_come_to_all() {
        let mut given = Given::nothing(PieceSet::all(5), 3);
        let all = wanted(5, &[0, 1, 2, 3, 4]);
        assert_eq!(given.claim(ANYBODY, &all, 3, GIVEN_AGAIN_AFTER, Duration::ZERO), [3, 4, 0]);
        assert_eq!(given.claim(ANYBODY, &all, 3, GIVEN_AGAIN_AFTER, Duration::ZERO), [1, 2]);
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
            given.claim(ANYBODY, &all, 9, GIVEN_AGAIN_AFTER, now),
            [1, 0],
            "2 was given nine seconds ago"
        );
        assert_eq!(given.claim(ANYBODY, &all, 9, GIVEN_AGAIN_IDLE, now), [2]);
        assert_eq!(given.claim(ANYBODY, &all, 9, GIVEN_AGAIN_IDLE, now), [0; 0]);
    }

    #[test]
    fn who_wants_what_it_was_given_begins_anew_and_holds_up_nobody() {
        let (one, other) = (near(1), near(2));
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
    fn what_another_site_gets_is_not_waited_for_here_and_what_is_given_here_comes_to_it_from_here() {
        let mut given = Given::nothing(PieceSet::all(6), 0);
        let all = PieceSet::all(6);
        let gateway = Claimant { beyond: true, ..near(9) };
        let now = Duration::from_secs(1);
        assert_eq!(given.claim(near(1), &all, 2, GIVEN_AGAIN_AFTER, now), [0, 1]);
        assert_eq!(
            given.claim(gateway, &all, 2, GIVEN_AGAIN_AFTER, now),
            [2, 3],
            "0 and 1 are on their way near"
        );
        // The gateway asks for what it claimed: still nobody near has got it.
        given.give(2, now);
        assert_eq!(given.claim(near(2), &all, 1, GIVEN_AGAIN_AFTER, now), [4], "nobody at all was given it");
        assert_eq!(given.claim(gateway, &wanted(6, &[0, 1, 4, 5]), 9, GIVEN_AGAIN_AFTER, now), [5]);
        assert_eq!(given.claim(gateway, &wanted(6, &[0, 1, 4]), 9, GIVEN_AGAIN_AFTER, now), [0; 0]);
        // The last is claimed here too, and then is not claimed twice.
        assert_eq!(given.claim(near(1), &wanted(6, &[2, 3, 4, 5]), 9, GIVEN_AGAIN_AFTER, now), [2, 3, 5]);
        assert_eq!(given.claim(near(2), &wanted(6, &[0, 1, 2, 5]), 9, GIVEN_AGAIN_AFTER, now), [0; 0]);
        // What nobody claimed and somebody asks for counts on both sides.
        let mut given = Given::nothing(PieceSet::all(2), 0);
        assert_eq!(given.claim(gateway, &wanted(2, &[1]), 1, GIVEN_AGAIN_AFTER, now), [1]);
        given.give(0, now);
        let both = PieceSet::all(2);
        assert_eq!(given.claim(near(1), &both, 9, GIVEN_AGAIN_AFTER, now), [1]);
        assert_eq!(given.claim(gateway, &wanted(2, &[0]), 9, GIVEN_AGAIN_AFTER, now), [0; 0]);
    }

    #[test]
    fn who_still_receives_gives_what_has_come_and_each_piece_to_one_receiver_first() {
        let mut given = Given::nothing(wanted(6, &[4]), 0);
        let all = PieceSet::all(6);
        let now = Duration::from_secs(60);
        assert_eq!(given.claim(ANYBODY, &all, 3, GIVEN_AGAIN_AFTER, now), [4]);
        assert_eq!(given.claim(ANYBODY, &all, 3, GIVEN_AGAIN_AFTER, now), [0; 0], "the others have not come");
        // Whatever is said to have come twice, or is no piece, changes nothing.
        for piece in [5, 2, 4, 6] {
            given.came(piece);
        }
        assert_eq!(given.claim(ANYBODY, &all, 3, GIVEN_AGAIN_AFTER, now), [2, 5]);
        assert_eq!(
            given.claim(ANYBODY, &all, 9, GIVEN_AGAIN_AFTER, 2 * now).len(),
            3,
            "again, to somebody else"
        );
    }

    #[test]
    fn only_what_is_wanted_and_exists_is_claimed() {
        let mut given = Given::nothing(PieceSet::all(3), 0);
        assert_eq!(given.claim(ANYBODY, &wanted(100, &[2, 99]), 100, GIVEN_AGAIN_AFTER, Duration::ZERO), [2]);
        assert_eq!(given.claim(ANYBODY, &wanted(100, &[99]), 100, Duration::ZERO, Duration::MAX), [0; 0]);
        assert_eq!(from_bytes(&to_bytes(&[7, u32::MAX])), Some(vec![7, u32::MAX]));
        assert_eq!(from_bytes(&[0; 5]), None);
        assert_eq!(from_bytes(&[0; 4 * (CLAIMS_MAX + 1)]), None);
    }
}
