//! A distribution to thousands as a flow in virtual time: who asks whom is the real schedule
//! ([`Plan::sources`]), and the network is equal full-duplex links.
//!
//! In each round every link carries one piece in and one piece out. A receiver asks for what is rarest among
//! its sources; the source that published gives what nobody has yet. Reports, and with them new lists, come
//! now and then. What is measured: the rounds until the last receiver has all, over the best there can be.

mod world;

use crate::dice::Dice;
use diecast_domain::{ids::ProviderId, plan::Plan, provider::Source};
use world::{Standing, version, world};

/// Lists are worked out anew so often in the time of one copy: reports come every three seconds.
const PLANS_A_COPY: usize = 8;
/// What is held in reserve is asked after the time of one copy divided by this: two seconds.
const PATIENCES_A_COPY: usize = 12;
/// Copies' times after which it is given up.
const COPIES_MAX: usize = 50;

/// What is distributed, and to how many.
#[derive(Clone, Copy, Debug)]
pub struct Distribution {
    pub targets: usize,
    pub pieces: usize,
    /// The targets are spread over so many sites; the source is in the first.
    pub sites: usize,
    pub seed: u64,
}

/// How it went.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// Rounds until the last receiver had everything, over the fewest that equal links allow.
    pub over_bound: f64,
    /// What the source sent, in copies.
    pub source_bytes_over_w: f64,
    /// What came into the site that most came into, in copies; the source's own site apart.
    pub link_bytes_over_w: f64,
}

struct Node {
    site: usize,
    /// A bit for each piece.
    has: Vec<u64>,
    count: usize,
    sources: Vec<Source>,
    /// How many of its peers have each piece.
    seen: Vec<u8>,
    /// Who asks it and is told of what it gets.
    readers: Vec<usize>,
    idle: usize,
    from_elsewhere: usize,
}

struct Flow {
    of: Distribution,
    dice: Dice,
    /// The first is the source.
    nodes: Vec<Node>,
    /// Pieces that have left the source.
    given: usize,
    sent_by_source: usize,
    crossed: Vec<usize>,
}

/// Who gives which piece to whom in one round.
struct Move {
    from: usize,
    to: usize,
    piece: usize,
}

/// Runs the distribution to its end. None if it does not come to one.
pub fn run(of: Distribution) -> Option<Outcome> {
    let mut flow = Flow::new(of);
    let every = (of.pieces / PLANS_A_COPY).max(1);
    for round in 0..COPIES_MAX * of.pieces {
        if flow.nodes.iter().all(|node| node.count == of.pieces) {
            let bound = of.pieces + of.targets.max(1).ilog2() as usize;
            let copies = |pieces: usize| pieces as f64 / of.pieces as f64;
            let most = flow.crossed.iter().skip(1).max().copied().unwrap_or(0);
            return Some(Outcome {
                over_bound: round as f64 / bound as f64,
                source_bytes_over_w: copies(flow.sent_by_source),
                link_bytes_over_w: copies(most),
            });
        }
        if round % every == 0 {
            flow.plan();
        }
        flow.round();
    }
    None
}

impl Flow {
    fn new(of: Distribution) -> Self {
        let words = of.pieces.div_ceil(64);
        let node = |number: usize| Node {
            site: number.saturating_sub(1) % of.sites.max(1),
            has: vec![if number == 0 { u64::MAX } else { 0 }; words],
            count: if number == 0 { of.pieces } else { 0 },
            sources: Vec::new(),
            seen: vec![0; of.pieces],
            readers: Vec::new(),
            idle: 0,
            from_elsewhere: 0,
        };
        Self {
            of,
            dice: Dice::new(of.seed),
            nodes: (0..=of.targets).map(node).collect(),
            given: 0,
            sent_by_source: 0,
            crossed: vec![0; of.sites.max(1)],
        }
    }

    /// What the server knows by now, and whom it names to each receiver.
    fn plan(&mut self) {
        let standing = |node: &Node| Standing {
            site: (self.of.sites > 1).then_some(node.site),
            whole: node.count == self.of.pieces,
            from_elsewhere: node.from_elsewhere,
        };
        let world = world(self.nodes.iter().map(standing));
        let plan = Plan::of(&world);
        for number in 1..self.nodes.len() {
            let sources = plan.sources(version().digest, world::provider(number));
            let known = |source: &Source| (source.provider, source.reserve);
            let before = self.nodes[number].sources.iter().map(known);
            if self.nodes[number].count < self.of.pieces && !before.eq(sources.iter().map(known)) {
                self.nodes[number].sources = sources;
                self.look(number);
            }
        }
        for node in &mut self.nodes {
            node.readers.clear();
        }
        for number in 1..self.nodes.len() {
            for source in self.ordinary(number) {
                self.nodes[source].readers.push(number);
            }
        }
    }

    /// Counts anew what its peers have.
    fn look(&mut self, number: usize) {
        let mut seen = vec![0; self.of.pieces];
        for source in self.ordinary(number) {
            for (piece, seen) in seen.iter_mut().enumerate() {
                *seen += u8::from(self.nodes[source].has[piece / 64] >> (piece % 64) & 1 == 1);
            }
        }
        self.nodes[number].seen = seen;
    }

    fn ordinary(&self, number: usize) -> Vec<usize> {
        let sources = self.nodes[number].sources.iter().filter(|source| !source.reserve);
        sources.map(|source| index(source.provider)).collect()
    }

    fn round(&mut self) {
        let mut gives = vec![false; self.nodes.len()];
        let mut gets = vec![false; self.nodes.len()];
        let mut moves = Vec::new();
        if let Some(first) = self.new_piece() {
            (gives[0], gets[first.to]) = (true, true);
            moves.push(first);
        }
        let mut order: Vec<usize> =
            (1..self.nodes.len()).filter(|number| self.nodes[*number].count < self.of.pieces).collect();
        for last in (1..order.len()).rev() {
            order.swap(last, self.dice.below(last as u64 + 1) as usize);
        }
        for to in order {
            if gets[to] {
                continue;
            }
            let found = self.asks(to, &gives);
            match found {
                Some((from, piece)) => {
                    gives[from] = true;
                    moves.push(Move { from, to, piece });
                }
                None => self.nodes[to].idle += 1,
            }
        }
        moves.into_iter().for_each(|it| self.carry(it));
    }

    /// What the source gives to somebody who asks it, as long as there is something that nobody has.
    fn new_piece(&mut self) -> Option<Move> {
        if self.given == self.of.pieces {
            return None;
        }
        let lack = |number: &&usize| self.nodes[**number].count < self.of.pieces;
        let readers: Vec<usize> = self.nodes[0].readers.iter().filter(lack).copied().collect();
        let at = self.dice.below(readers.len().max(1) as u64) as usize;
        let to = *readers.get(at)?;
        self.given += 1;
        Some(Move { from: 0, to, piece: self.given - 1 })
    }

    /// From whom `to` gets what in this round: from a peer that is free, else from whoever has all, else from
    /// what it holds in reserve, after a while.
    fn asks(&mut self, to: usize, gives: &[bool]) -> Option<(usize, usize)> {
        let patience = self.of.pieces / PATIENCES_A_COPY;
        let turn = self.dice.draw() as usize;
        let sources = &self.nodes[to].sources;
        let patient = self.nodes[to].idle <= patience;
        let rank = |place: usize| {
            let source = &sources[place];
            (source.reserve, source.whole, (place + turn) % sources.len())
        };
        let mut places: Vec<usize> =
            (0..sources.len()).filter(|it| !(sources[*it].reserve && patient)).collect();
        places.sort_by_key(|place| rank(*place));
        let free = places.into_iter().map(|place| index(sources[place].provider)).filter(|it| !gives[*it]);
        let begin = self.dice.clone().draw() as usize;
        free.into_iter().find_map(|from| Some((from, self.rarest(from, to, begin)?)))
    }

    fn rarest(&self, from: usize, to: usize, begin: usize) -> Option<usize> {
        let (has, node) = (&self.nodes[from].has, &self.nodes[to]);
        let mut best: Option<(u8, usize)> = None;
        for word in (0..has.len()).map(|word| (word + begin) % has.len()) {
            let mut lacks = has[word] & !node.has[word];
            while lacks != 0 {
                let piece = word * 64 + lacks.trailing_zeros() as usize;
                lacks &= lacks - 1;
                if piece < self.of.pieces && best.is_none_or(|(seen, _)| node.seen[piece] < seen) {
                    best = Some((node.seen[piece], piece));
                    if node.seen[piece] <= 1 {
                        return Some(piece);
                    }
                }
            }
        }
        best.map(|(_, piece)| piece)
    }

    fn carry(&mut self, Move { from, to, piece }: Move) {
        let crosses = self.nodes[from].site != self.nodes[to].site;
        self.sent_by_source += usize::from(from == 0);
        let node = &mut self.nodes[to];
        node.has[piece / 64] |= 1 << (piece % 64);
        node.count += 1;
        node.idle = 0;
        node.from_elsewhere += usize::from(crosses);
        self.crossed[node.site] += usize::from(crosses);
        for reader in std::mem::take(&mut self.nodes[to].readers) {
            self.nodes[reader].seen[piece] += 1;
            self.nodes[to].readers.push(reader);
        }
    }
}

fn index(provider: ProviderId) -> usize {
    provider.as_uuid().as_u128() as usize - 1
}
