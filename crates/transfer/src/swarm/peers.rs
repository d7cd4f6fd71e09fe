//! What the peers of one transfer have by their own word, and which piece to ask which of them for.

use super::{
    arrivals::{After, Told},
    pieces::PieceSet,
};
use diecast_domain::ids::ProviderId;
use std::collections::HashMap;

/// Pieces that are compared for rarity at each choice: enough that a rare one is found soon, few enough that
/// a choice costs nothing beside what is asked for.
const COMPARED_MAX: usize = 128;

#[derive(Debug)]
pub(crate) struct Peers {
    count: u32,
    peers: HashMap<ProviderId, Peer>,
    /// How many of them have each piece.
    holders: Box<[u16]>,
    /// Pieces that one of them has at the least.
    somewhere: PieceSet,
    dice: u64,
}

#[derive(Debug)]
struct Peer {
    after: After,
    held: PieceSet,
}

impl Peers {
    /// Of a version with so many pieces. `seed` makes this receiver's choices other than its peers'.
    pub(crate) fn new(count: u32, seed: u64) -> Self {
        let (holders, somewhere) = (vec![0; count as usize].into(), PieceSet::none(count));
        Self { count, peers: HashMap::new(), holders, somewhere, dice: seed }
    }

    /// From where in its log a peer is asked on.
    pub(crate) fn after(&self, peer: ProviderId) -> After {
        self.peers.get(&peer).map(|peer| peer.after).unwrap_or_default()
    }

    /// What a peer said. Pieces that there are not change nothing.
    pub(crate) fn told(&mut self, who: ProviderId, told: &Told) {
        if self.after(who).life != told.life {
            self.forget(who);
        }
        let none = || Peer { after: After::default(), held: PieceSet::none(self.count) };
        let peer = self.peers.entry(who).or_insert_with(none);
        peer.after = peer.after.plus(told);
        for piece in &told.pieces {
            if peer.held.insert(*piece) {
                self.holders[*piece as usize] += 1;
                self.somewhere.insert(*piece);
            }
        }
    }

    pub(crate) fn forget(&mut self, who: ProviderId) {
        let Some(peer) = self.peers.remove(&who) else { return };
        for piece in peer.held.iter() {
            let holders = &mut self.holders[piece as usize];
            *holders -= 1;
            if *holders == 0 {
                self.somewhere.remove(piece);
            }
        }
    }

    /// Those that are still asked.
    pub(crate) fn keep(&mut self, listed: impl Fn(ProviderId) -> bool) {
        let gone: Vec<_> = self.peers.keys().copied().filter(|peer| !listed(*peer)).collect();
        gone.into_iter().for_each(|peer| self.forget(peer));
    }

    pub(crate) fn has(&self, who: ProviderId, piece: u32) -> bool {
        self.peers.get(&who).is_some_and(|peer| peer.held.has(piece))
    }

    pub(crate) fn anybody_has(&self, piece: u32) -> bool {
        self.somewhere.has(piece)
    }

    /// What any of them has, those apart whom it does not count of.
    pub(crate) fn beside(&self, apart: impl Fn(ProviderId) -> bool) -> PieceSet {
        let mut beside = self.somewhere.clone();
        let apart: Vec<_> = self.peers.iter().filter(|(who, _)| apart(**who)).map(|(_, peer)| peer).collect();
        for piece in apart.iter().flat_map(|peer| peer.held.iter()) {
            let have = apart.iter().filter(|peer| peer.held.has(piece)).count();
            if have == usize::from(self.holders[piece as usize]) {
                beside.remove(piece);
            }
        }
        beside
    }

    /// How many of `waiting` a peer has.
    pub(crate) fn useful(&self, who: ProviderId, waiting: &PieceSet) -> u32 {
        self.peers.get(&who).map_or(0, |peer| peer.held.shared(waiting))
    }

    /// The piece of `waiting` that this peer has and the fewest others do; of equals a random one.
    pub(crate) fn rarest(
        &mut self,
        who: ProviderId,
        waiting: &PieceSet,
        may: impl Fn(u32) -> bool,
    ) -> Option<u32> {
        let start = self.roll();
        let peer = self.peers.get(&who)?;
        let from = (start % u64::from(self.count.max(1))) as u32;
        let able = |piece: &u32| peer.held.has(*piece) && may(*piece);
        let behind = waiting.iter_from(from).filter(able);
        let before = waiting.iter().take_while(|piece| *piece < from).filter(able);
        behind.chain(before).take(COMPARED_MAX).min_by_key(|piece| self.holders[*piece as usize])
    }

    /// SplitMix64 (Steele, Lea, Flood, 2014): any number will do, so long as receivers differ.
    fn roll(&mut self) -> u64 {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.dice;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn peer(number: u128) -> ProviderId {
        ProviderId::from_uuid(Uuid::from_u128(number))
    }

    fn told(life: u64, pieces: &[u32]) -> Told {
        Told { life, pieces: pieces.to_vec() }
    }

    #[test]
    fn the_rarest_piece_that_a_peer_has_is_asked_for_first() {
        let mut peers = Peers::new(100, 7);
        peers.told(peer(1), &told(1, &[10, 20, 30]));
        peers.told(peer(2), &told(1, &[10, 30, 40]));
        peers.told(peer(3), &told(1, &[10, 30, 90]));
        assert_eq!(peers.rarest(peer(1), &PieceSet::all(100), |_| true), Some(20));
        assert_eq!(peers.rarest(peer(1), &PieceSet::all(100), |piece| piece != 20 && piece != 30), Some(10));
        assert_eq!(peers.rarest(peer(9), &PieceSet::all(100), |_| true), None, "nothing is known of it");
        let mut waiting = PieceSet::all(100);
        waiting.remove(20);
        assert!(matches!(peers.rarest(peer(1), &waiting, |_| true), Some(10 | 30)));
        assert_eq!(peers.useful(peer(1), &waiting), 2);
        assert!(peers.beside(|who| who == peer(1)).iter().eq([10, 30, 40, 90]), "20 it has alone");
        assert_eq!(peers.beside(|_| true).iter().count(), 0);
    }

    #[test]
    fn of_equally_rare_pieces_receivers_ask_for_different_ones() {
        let chosen = |seed| {
            let mut peers = Peers::new(1000, seed);
            let held: Vec<u32> = (0..1000).collect();
            peers.told(peer(1), &told(1, &held));
            peers.rarest(peer(1), &PieceSet::all(1000), |_| true).unwrap()
        };
        let chosen: std::collections::BTreeSet<_> = (0..20).map(chosen).collect();
        assert!(chosen.len() > 15, "{chosen:?}");
    }

    #[test]
    fn who_begins_anew_or_leaves_has_nothing_any_more() {
        let mut peers = Peers::new(8, 0);
        peers.told(peer(1), &told(1, &[1, 2, 99]));
        peers.told(peer(1), &told(1, &[2, 3]));
        assert_eq!(peers.after(peer(1)), After { life: 1, pieces: 5 });
        assert!(peers.has(peer(1), 3) && !peers.has(peer(1), 99));
        peers.told(peer(1), &told(2, &[5]));
        assert!(!peers.has(peer(1), 3) && peers.anybody_has(5) && !peers.anybody_has(1));
        peers.keep(|_| false);
        assert!(!peers.anybody_has(5));
    }
}
