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
#[path = "claims_tests.rs"]
mod tests;
