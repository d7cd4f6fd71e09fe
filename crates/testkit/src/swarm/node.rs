//! One provider in the flow: what it has, whom it asks, and who asks it.

use super::pieces::{Counts, Pieces};
use std::collections::VecDeque;

/// Whom somebody asks, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub node: usize,
    pub rank: Rank,
}

/// The first are asked first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rank {
    /// It receives too: it is asked for what is rarest of what it has.
    Peer,
    /// It hands out claims, and gives again what it gave before only to who has nothing else to ask for.
    Giver,
    Reserve,
}

/// A piece that takes its time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coming {
    pub piece: usize,
    pub since: usize,
}

pub(super) struct Node {
    pub site: usize,
    /// Rounds that its link takes for a piece.
    pub slowness: usize,
    pub dead_since: Option<usize>,
    pub has: Pieces,
    pub count: usize,
    /// What it has, and what is on its way to it.
    pub taken: Pieces,
    pub coming: Vec<Coming>,
    /// What it has and, since it hands out claims, gave to nobody yet.
    pub ungiven: Pieces,
    /// What it gave long enough ago to give it again.
    pub again: Pieces,
    /// What it gave, and when, as long as it does not give that again.
    pub fresh: VecDeque<(usize, usize)>,
    pub asks: Vec<Asked>,
    /// How many of its peers have each piece.
    pub seen: Counts,
    /// Whose peer it is: they hear what comes to it.
    pub readers: Vec<usize>,
    /// Who gets claims from it.
    pub claimants: Vec<usize>,
    /// Rounds in which it got nothing, since it got anything.
    pub idle: usize,
    pub from_elsewhere: usize,
}

impl Node {
    pub(super) fn new(site: usize, pieces: usize) -> Self {
        Self {
            site,
            slowness: 1,
            dead_since: None,
            has: Pieces::none(pieces),
            count: 0,
            taken: Pieces::none(pieces),
            coming: Vec::new(),
            ungiven: Pieces::none(pieces),
            again: Pieces::none(pieces),
            fresh: VecDeque::new(),
            asks: Vec::new(),
            seen: Counts::zero(pieces),
            readers: Vec::new(),
            claimants: Vec::new(),
            idle: 0,
            from_elsewhere: 0,
        }
    }

    pub(super) fn whole(site: usize, pieces: usize) -> Self {
        let all = || Pieces::all(pieces);
        Self { has: all(), count: pieces, taken: all(), ungiven: all(), ..Self::new(site, pieces) }
    }

    /// What was on its way is not any more.
    pub(super) fn returns(&mut self, piece: usize) {
        if !self.has.has(piece) {
            self.taken.remove(piece);
            self.coming.retain(|coming| coming.piece != piece);
        }
    }

    /// Whom it asks of this rank, beginning with another one at each turn.
    pub(super) fn asked(&self, rank: Rank, turn: usize) -> impl Iterator<Item = usize> {
        let (before, from) = self.asks.split_at(turn % self.asks.len().max(1));
        from.iter().chain(before).filter(move |asked| asked.rank == rank).map(|asked| asked.node)
    }
}
