//! What is still to be asked for, and who could not give it last.

use crate::swarm::pieces::PieceSet;
use diecast_domain::ids::ProviderId;
use std::collections::{HashMap, VecDeque};

/// Numbers of what is missing. Most are pieces; what is not is asked only of who has all.
#[derive(Debug)]
pub(super) struct Queue {
    /// Of each that is missing, its piece.
    pieces: Vec<Option<u32>>,
    /// Of each piece that is missing, its number.
    numbers: HashMap<u32, usize>,
    /// Pieces that are not on their way.
    waiting: PieceSet,
    waiting_count: usize,
    /// What is no piece and not on its way.
    others: VecDeque<usize>,
    /// Who failed last to give it: another is asked first.
    refused_by: HashMap<usize, ProviderId>,
}

impl Queue {
    /// Everything waits. `count`: the pieces that the version has.
    pub(super) fn new(count: u32, pieces: Vec<Option<u32>>) -> Self {
        let mut queue = Self {
            numbers: HashMap::new(),
            waiting: PieceSet::none(count),
            waiting_count: 0,
            others: VecDeque::new(),
            refused_by: HashMap::new(),
            pieces: Vec::new(),
        };
        for (number, piece) in pieces.iter().enumerate() {
            queue.numbers.extend(piece.map(|piece| (piece, number)));
        }
        queue.pieces = pieces;
        (0..queue.pieces.len()).for_each(|number| queue.put_back(number));
        queue
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting_count == 0 && self.others.is_empty()
    }

    pub(super) const fn waiting(&self) -> &PieceSet {
        &self.waiting
    }

    pub(super) fn piece(&self, number: usize) -> Option<u32> {
        self.pieces[number]
    }

    pub(super) fn number(&self, piece: u32) -> Option<usize> {
        self.numbers.get(&piece).copied()
    }

    /// Whether `source` is not the one that failed last to give it.
    pub(super) fn may_give(&self, number: usize, source: ProviderId) -> bool {
        self.refused_by.get(&number) != Some(&source)
    }

    /// The first that waits and that `useful` accepts. Pieces come first, in their order: so the disk that
    /// they are read from is read forward.
    pub(super) fn first(&self, useful: impl Fn(usize) -> bool) -> Option<usize> {
        let pieces = self.waiting.iter().filter_map(|piece| self.number(piece));
        pieces.chain(self.others.iter().copied()).find(|number| useful(*number))
    }

    /// The first that is no piece.
    pub(super) fn first_other(&self, useful: impl Fn(usize) -> bool) -> Option<usize> {
        self.others.iter().copied().find(|number| useful(*number))
    }

    /// It is on its way.
    pub(super) fn take(&mut self, number: usize) {
        match self.pieces[number] {
            Some(piece) if self.waiting.has(piece) => {
                self.waiting.remove(piece);
                self.waiting_count -= 1;
            }
            Some(_) => {}
            None => self.others.retain(|other| *other != number),
        }
    }

    pub(super) fn refused(&mut self, number: usize, by: ProviderId) {
        self.refused_by.insert(number, by);
    }

    /// It did not come.
    pub(super) fn put_back(&mut self, number: usize) {
        match self.pieces[number] {
            Some(piece) => self.waiting_count += usize::from(self.waiting.insert(piece)),
            None => self.others.push_front(number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_waits_no_more_and_what_did_not_come_waits_again() {
        let mut queue = Queue::new(10, vec![Some(4), None, Some(7)]);
        let any = |_| true;
        assert_eq!(queue.first(any), Some(0));
        queue.take(0);
        queue.take(0);
        assert_eq!((queue.first(any), queue.first_other(any)), (Some(2), Some(1)));
        queue.take(2);
        queue.take(1);
        assert!(queue.is_empty());
        queue.put_back(2);
        queue.put_back(1);
        assert!(queue.waiting().iter().eq([7]));
        assert_eq!(queue.first(|number| number != 2), Some(1));
        let source = ProviderId::from_uuid(uuid::Uuid::from_u128(1));
        queue.refused(2, source);
        assert!(!queue.may_give(2, source) && queue.may_give(1, source));
    }
}
