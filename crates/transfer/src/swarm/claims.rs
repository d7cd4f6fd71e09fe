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
    /// What other sites were given. Nobody near gets it from them; what is given near soon comes to them from who got it.
    beyond: Turn,
}

/// What was given to one side, and when.
#[derive(Debug)]
struct Turn {
    /// Milliseconds since it began, and one; 0: never. Empty as long as nothing was given.
    at: Box<[u32]>,
    /// Of what is here, what was given to nobody.
    never: PieceSet,
    /// What each receiver claimed, and nobody after it.
    to: HashMap<ProviderId, PieceSet>,
}

impl Given {
    /// Nobody has got anything yet; what is handed out begins with `first`.
    pub fn nothing(here: PieceSet, first: u32) -> Self {
        Self { near: Turn::nothing(&here), beyond: Turn::nothing(&here), here, first }
    }

    /// This piece is here now.
    pub fn came(&mut self, piece: u32) {
        if self.here.insert(piece) {
            [&mut self.near, &mut self.beyond].into_iter().for_each(|turn| turn.came(piece));
        }
    }

    /// Somebody gets this piece now: who was given it, or who claims nothing.
    pub fn give(&mut self, piece: u32, now: Duration) {
        let only_beyond = self.beyond.given_at(piece) != 0 && self.near.given_at(piece) == 0;
        if only_beyond { &mut self.beyond } else { &mut self.near }.give(piece, now);
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
        if let Some(provider) = by.provider {
            self.side_of(by).take_back(provider, wanted);
        }
        let claimed = self.next(by, wanted, most.min(CLAIMS_MAX), again, now);
        let turn = self.side_of(by);
        turn.belong(&claimed, by.provider);
        claimed.iter().for_each(|piece| turn.give(*piece, now));
        claimed
    }

    const fn side_of(&mut self, by: Claimant) -> &mut Turn {
        if by.beyond { &mut self.beyond } else { &mut self.near }
    }

    /// What nobody at all was given comes first; then, near, what only another site was.
    fn next(&self, by: Claimant, wanted: &PieceSet, most: usize, again: Duration, now: Duration) -> Vec<u32> {
        let Self { here, first, near, beyond } = self;
        let never = || {
            let before = near.never.iter().take_while(|piece| piece < first);
            near.never.iter_from(*first).chain(before).filter(|piece| wanted.has(*piece))
        };
        let mut next: Vec<u32> = never().filter(|piece| beyond.never.has(*piece)).take(most).collect();
        if next.is_empty() && !by.beyond {
            next = never().take(most).collect();
        }
        if next.is_empty() {
            let given_at = |piece: u32| match by.beyond {
                true => near.given_at(piece).max(beyond.given_at(piece)),
                false => near.given_at(piece),
            };
            let long_ago = now.checked_sub(again).map_or(0, stamp);
            let old = |piece: &u32| here.has(*piece) && given_at(*piece) <= long_ago;
            next = wanted.iter().filter(old).take(COMPARED_MAX).collect();
            next.sort_by_key(|piece| given_at(*piece));
        }
        next.truncate(most);
        next
    }
}

impl Turn {
    fn nothing(here: &PieceSet) -> Self {
        Self { at: Box::default(), never: here.clone(), to: HashMap::new() }
    }

    fn came(&mut self, piece: u32) {
        if self.given_at(piece) == 0 {
            self.never.insert(piece);
        }
    }

    /// 0: never.
    fn given_at(&self, piece: u32) -> u32 {
        self.at.get(piece as usize).copied().unwrap_or_default()
    }

    fn give(&mut self, piece: u32, now: Duration) {
        if self.at.is_empty() {
            self.at = vec![0; self.never.count() as usize].into();
        }
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
#[path = "claims_tests.rs"]
mod tests;
