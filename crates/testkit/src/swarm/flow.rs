//! The flow itself: in each round, who gives which piece to whom.

use super::{
    Distribution,
    node::{Asked, Coming, Node, Rank},
    pieces::{Counts, Pieces},
    world::{Standing, provider, version, world},
};
use crate::dice::Dice;
use diecast_domain::{ids::ProviderId, plan::Plan, provider::Source};
use std::collections::BTreeMap;

/// Rounds that a slow link takes for what the others carry in one.
const SLOWNESS: usize = 10;
/// Pieces that a receiver asks one source for at once.
const AT_ONCE: usize = 4;
/// Seconds of silence after which the server names somebody to nobody any more.
const SILENT: usize = 15;
/// Seconds after which what a dead source was asked for is asked for elsewhere.
const LEFT_AFTER: usize = 2;
/// Seconds without anything after which the reserve is asked, and those while a peer says what comes to it.
const RESERVE_AFTER: (usize, usize) = (2, 20);
/// Seconds after which, toward the end, what is late is asked for elsewhere too.
const LATE_AFTER: usize = 1;
/// Seconds after which who hands out claims gives the same again to who has nothing else to ask for.
const AGAIN_AFTER: usize = 1;
const NEVER: usize = usize::MAX;

pub(super) struct Flow {
    of: Distribution,
    dice: Dice,
    round: usize,
    /// The first is the source.
    nodes: Vec<Node>,
    /// From which round on each half of each link is free.
    gives: Vec<usize>,
    gets: Vec<usize>,
    /// Who lacks something and lives.
    order: Vec<usize>,
    healthy_left: usize,
    /// Who hands out claims.
    givers: Vec<usize>,
    deaths: BTreeMap<usize, Vec<usize>>,
    /// What ends in which later round.
    due: BTreeMap<usize, Vec<Due>>,
    pub(super) sent_by_source: usize,
    pub(super) crossed: Vec<usize>,
}

/// Who gives which piece to whom.
#[derive(Clone, Copy)]
struct Move {
    from: usize,
    to: usize,
    piece: usize,
}

enum Due {
    Arrives(Move),
    /// It was asked of somebody who is dead.
    Returns {
        to: usize,
        piece: usize,
    },
}

impl Flow {
    pub(super) fn new(of: Distribution) -> Self {
        let sites = of.sites.max(1);
        let node = |number: usize| match number.checked_sub(1) {
            None => Node::whole(0, of.pieces),
            Some(target) => Node::new(target % sites, of.pieces),
        };
        let mut flow = Self {
            of,
            dice: Dice::new(of.seed),
            round: 0,
            nodes: (0..=of.targets).map(node).collect(),
            gives: vec![0; of.targets + 1],
            gets: vec![0; of.targets + 1],
            order: (1..=of.targets).collect(),
            healthy_left: 0,
            givers: Vec::new(),
            deaths: BTreeMap::new(),
            due: BTreeMap::new(),
            sent_by_source: 0,
            crossed: vec![0; sites],
        };
        let mut last = (1..=of.targets).rev();
        for number in last.by_ref().take(of.trouble.slow) {
            flow.nodes[number].slowness = SLOWNESS;
        }
        for number in last.by_ref().take(of.trouble.dying) {
            let when = of.pieces / 5 + flow.dice.below(of.pieces as u64 * 3 / 5 + 1) as usize;
            flow.deaths.entry(when).or_default().push(number);
        }
        flow.healthy_left = last.count();
        flow
    }

    pub(super) const fn is_done(&self) -> bool {
        self.healthy_left == 0
    }

    /// What the server knows by now, and whom it names to each receiver.
    pub(super) fn plan(&mut self) {
        let silent = self.of.seconds(SILENT);
        let standing = |node: &Node| Standing {
            site: (self.of.sites > 1).then_some(node.site),
            whole: node.count == self.of.pieces,
            answers: node.dead_since.is_none_or(|since| self.round < since + silent),
            from_elsewhere: node.from_elsewhere,
        };
        let world = world(self.nodes.iter().map(standing));
        let plan = Plan::of(&world);
        for at in 0..self.order.len() {
            let number = self.order[at];
            let sources = plan.sources(version().digest, provider(number));
            let asks: Vec<Asked> = sources.iter().map(asked).collect();
            if self.nodes[number].asks != asks {
                self.nodes[number].asks = asks;
                self.look(number);
            }
        }
        for node in &mut self.nodes {
            node.readers.clear();
            node.claimants.clear();
        }
        for number in &self.order {
            for Asked { node, rank } in self.nodes[*number].asks.clone() {
                match rank {
                    Rank::Peer => self.nodes[node].readers.push(*number),
                    Rank::Giver => self.nodes[node].claimants.push(*number),
                    Rank::Reserve => {}
                }
            }
        }
        let gives = |number: &usize| !self.nodes[*number].claimants.is_empty();
        let before = std::mem::replace(&mut self.givers, (0..self.nodes.len()).filter(gives).collect());
        for number in self.givers.iter().filter(|number| **number > 0 && !before.contains(number)) {
            // Before somebody asked it for claims it did not write down what it gave.
            self.nodes[*number].ungiven = self.nodes[*number].has.clone();
        }
    }

    /// Counts anew what its sources have.
    fn look(&mut self, number: usize) {
        let mut seen = Counts::zero(self.of.pieces);
        self.nodes[number].asked(Rank::Peer, 0).for_each(|peer| seen.add_all(&self.nodes[peer].has));
        self.nodes[number].seen = seen;
    }

    pub(super) fn round(&mut self) {
        self.end_what_is_due();
        let mut moves = Vec::new();
        for at in 0..self.givers.len() {
            let found = self.claim(self.givers[at]);
            moves.extend(found.filter(|found| self.begin(*found)));
        }
        for last in (1..self.order.len()).rev() {
            self.order.swap(last, self.dice.below(last as u64 + 1) as usize);
        }
        for at in 0..self.order.len() {
            let to = self.order[at];
            if self.gets[to] > self.round {
                continue;
            }
            match self.ask(to) {
                Some(found) => moves.extend(Some(found).filter(|found| self.begin(*found))),
                None => self.nodes[to].idle += 1,
            }
        }
        moves.into_iter().for_each(|it| self.carry(it));
        let (nodes, all) = (&self.nodes, self.of.pieces);
        self.order.retain(|number| nodes[*number].count < all && nodes[*number].dead_since.is_none());
        self.round += 1;
    }

    /// What one that hands out claims gives in this round: to somebody who has no other source of it, and is
    /// free, a piece that it gave to nobody yet.
    fn claim(&mut self, from: usize) -> Option<Move> {
        let giver = &self.nodes[from];
        if self.gives[from] > self.round {
            return None;
        }
        let (first, begin) = (self.dice.draw() as usize % giver.claimants.len(), self.begin_word());
        let (before, behind) = self.nodes[from].claimants.split_at(first);
        let free = behind.iter().chain(before).filter(|to| self.gets[**to] <= self.round);
        free.copied().find_map(|to| {
            let node = &self.nodes[to];
            let (seen, piece) = node.seen.rarest(&self.nodes[from].ungiven, &node.taken, begin)?;
            (seen == 0).then_some(Move { from, to, piece })
        })
    }

    /// From whom `to` gets what in this round: from a peer that is free, else from who hands out claims, else
    /// from what it holds in reserve, after a while.
    fn ask(&mut self, to: usize) -> Option<Move> {
        let (turn, begin) = (self.dice.draw() as usize, self.begin_word());
        let node = &self.nodes[to];
        let is_free = |from: &usize| self.gives[*from] <= self.round;
        let rarest = |from: usize, held: &Pieces| {
            let (_, piece) = node.seen.rarest(held, &node.taken, begin)?;
            Some(Move { from, to, piece })
        };
        let mut peers = node.asked(Rank::Peer, turn).filter(is_free);
        if let Some(found) = peers.find_map(|from| rarest(from, &self.nodes[from].has)) {
            return Some(found);
        }
        // Who waits for a peer is not idle.
        let lives = |peer: &usize| self.nodes[*peer].dead_since.is_none();
        let mut peers = node.asked(Rank::Peer, turn).filter(lives);
        if peers.any(|peer| rarest(peer, &self.nodes[peer].has).is_some()) {
            return None;
        }
        let again = |from: usize| {
            let giver = &self.nodes[from];
            rarest(from, &giver.ungiven).or_else(|| rarest(from, &giver.again))
        };
        let found = node.asked(Rank::Giver, turn).filter(is_free).find_map(again);
        let mut reserve = node.asked(Rank::Reserve, turn).filter(is_free).filter(|_| !self.is_patient(node));
        let found = found.or_else(|| reserve.find_map(|from| rarest(from, &self.nodes[from].has)));
        found.or_else(|| self.late(to, turn))
    }

    fn is_patient(&self, node: &Node) -> bool {
        let (deaf, hearing) = RESERVE_AFTER;
        let lives = |asked: &Asked| asked.rank == Rank::Peer && self.nodes[asked.node].dead_since.is_none();
        node.idle <= self.of.seconds(deaf)
            || (node.idle <= self.of.seconds(hearing) && node.asks.iter().any(lives))
    }

    /// What is on its way for too long, when all else is: once more, from elsewhere.
    fn late(&self, to: usize, turn: usize) -> Option<Move> {
        let node = &self.nodes[to];
        let is_late = |coming: &&Coming| coming.since + self.of.seconds(LATE_AFTER) < self.round;
        let late =
            node.coming.iter().find(is_late).filter(|_| node.coming.len() + node.count == self.of.pieces)?;
        let sources = [Rank::Peer, Rank::Giver].into_iter().flat_map(|rank| node.asked(rank, turn));
        let mut able = sources.filter(|from| {
            self.gives[*from] <= self.round
                && self.nodes[*from].slowness == 1
                && self.nodes[*from].has.has(late.piece)
        });
        able.next().map(|from| Move { from, to, piece: late.piece })
    }

    /// Whether it takes this round alone.
    fn begin(&mut self, it: Move) -> bool {
        let Move { from, to, piece } = it;
        let (giver, getter) = (self.nodes[from].slowness, self.nodes[to].slowness);
        self.gives[from] = self.round + giver;
        self.gets[to] = self.round + getter;
        if !self.nodes[from].claimants.is_empty() {
            self.nodes[from].ungiven.remove(piece);
            self.nodes[from].again.remove(piece);
            self.nodes[from].fresh.push_back((self.round, piece));
        }
        if giver.max(getter) == 1 {
            return true;
        }
        // Who gives slowly is asked for several by each of its readers, and all wait for each other.
        let queue = if giver > 1 { AT_ONCE * self.nodes[from].readers.len().max(1) } else { 1 };
        let node = &mut self.nodes[to];
        node.taken.insert(piece);
        node.coming.push(Coming { piece, since: self.round });
        let ends = self.round + (giver * queue).max(getter);
        self.due.entry(ends).or_default().push(Due::Arrives(it));
        false
    }

    fn end_what_is_due(&mut self) {
        for number in self.deaths.remove(&self.round).unwrap_or_default() {
            self.die(number);
        }
        let all_left = self.nodes[0].ungiven.words().iter().all(|word| *word == 0);
        if self.of.trouble.source_leaves && all_left && self.nodes[0].dead_since.is_none() {
            self.die(0);
        }
        let long_ago = self.round.saturating_sub(self.of.seconds(AGAIN_AFTER));
        for giver in &self.givers {
            let giver = &mut self.nodes[*giver];
            while let Some((_, piece)) = giver.fresh.pop_front_if(|(since, _)| *since < long_ago) {
                giver.again.insert(piece);
            }
        }
        for due in self.due.remove(&self.round).unwrap_or_default() {
            match due {
                Due::Arrives(Move { from, to, piece }) if self.nodes[from].dead_since.is_some() => {
                    self.nodes[to].returns(piece);
                }
                Due::Arrives(it) => self.carry(it),
                Due::Returns { to, piece } => self.nodes[to].returns(piece),
            }
        }
    }

    /// It falls silent. What it was asked for is asked for elsewhere only after a while.
    fn die(&mut self, number: usize) {
        self.nodes[number].dead_since = Some(self.round);
        (self.gives[number], self.gets[number]) = (NEVER, NEVER);
        let back = self.round + self.of.seconds(LEFT_AFTER);
        for to in self.nodes[number].readers.clone() {
            for _ in 0..AT_ONCE {
                let begin = self.begin_word();
                let node = &self.nodes[to];
                let Some((_, piece)) = node.seen.rarest(&self.nodes[number].has, &node.taken, begin) else {
                    break;
                };
                self.nodes[to].taken.insert(piece);
                self.nodes[to].coming.push(Coming { piece, since: self.round });
                self.due.entry(back).or_default().push(Due::Returns { to, piece });
            }
        }
    }

    fn carry(&mut self, Move { from, to, piece }: Move) {
        let crosses = self.nodes[from].site != self.nodes[to].site;
        let node = &mut self.nodes[to];
        if node.has.has(piece) || node.dead_since.is_some() {
            return;
        }
        self.sent_by_source += usize::from(from == 0);
        node.coming.retain(|coming| coming.piece != piece);
        node.taken.insert(piece);
        node.has.insert(piece);
        node.ungiven.insert(piece);
        node.count += 1;
        // What comes from the reserve is need still.
        if !node.asks.contains(&Asked { node: from, rank: Rank::Reserve }) {
            node.idle = 0;
        }
        node.from_elsewhere += usize::from(crosses);
        self.crossed[node.site] += usize::from(crosses);
        if node.count == self.of.pieces && node.slowness == 1 && !self.is_dying(to) {
            self.healthy_left -= 1;
        }
        for reader in std::mem::take(&mut self.nodes[to].readers) {
            self.nodes[reader].seen.add(piece);
            self.nodes[to].readers.push(reader);
        }
    }

    fn is_dying(&self, number: usize) -> bool {
        self.deaths.values().flatten().any(|dying| *dying == number)
    }

    /// Where in a set somebody begins to look.
    const fn begin_word(&mut self) -> usize {
        self.dice.below(self.of.pieces.div_ceil(64) as u64) as usize
    }
}

fn asked(source: &Source) -> Asked {
    let rank = match source {
        Source { reserve: true, .. } => Rank::Reserve,
        Source { whole: true, .. } | Source { gateway: true, .. } => Rank::Giver,
        _ => Rank::Peer,
    };
    Asked { node: index(source.provider), rank }
}

fn index(provider: ProviderId) -> usize {
    provider.as_uuid().as_u128() as usize - 1
}
