//! Arrivals: which pieces of a version are here, in the order in which they came. A log that only grows, so
//! that who knows its beginning asks for the rest alone.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Notify, futures::Notified},
    time::{Instant, timeout_at},
};

/// Bytes of the life's number, before the pieces.
const LIFE_SIZE: usize = 8;
/// Pieces that one answer tells at most: 256 KiB. Who wants more asks again.
pub const TOLD_MAX: usize = 64 << 10;

/// What came here so far. One for each transfer: its fetch writes it, the depot reads it.
#[derive(Debug)]
pub struct Arrivals {
    /// Tells this log from one that an earlier process had.
    life: u64,
    log: Mutex<Vec<u32>>,
    more: Notify,
}

/// From where in which log somebody asks on. The default knows nothing yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct After {
    pub life: u64,
    pub pieces: u64,
}

/// Some of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub life: u64,
    pub pieces: Vec<u32>,
}

impl Default for Arrivals {
    fn default() -> Self {
        Self { life: uuid::Uuid::new_v4().as_u64_pair().1 | 1, log: Mutex::default(), more: Notify::new() }
    }
}

impl Arrivals {
    /// A piece is in place, every leaf of it checked.
    pub fn note(&self, piece: u32) {
        self.log().push(piece);
        self.more.notify_waiters();
    }

    /// Several at once, such as what lay on the disk when the transfer began.
    pub fn note_all(&self, pieces: impl IntoIterator<Item = u32>) {
        self.log().extend(pieces);
        self.more.notify_waiters();
    }

    /// What came after that. Waits for something, though no longer than `patience`.
    pub async fn since(&self, after: After, patience: Duration) -> Told {
        let deadline = Instant::now() + patience;
        loop {
            let mut more = std::pin::pin!(self.next());
            more.as_mut().enable();
            let told = self.now(after);
            if !told.pieces.is_empty() || timeout_at(deadline, more).await.is_err() {
                return told;
            }
        }
    }

    /// What came after the first so many.
    pub(crate) fn pieces_from(&self, first: usize) -> Vec<u32> {
        self.log().get(first..).unwrap_or_default().to_vec()
    }

    /// Waits for whatever comes from now on: what came meanwhile counts from when this was made.
    pub(crate) fn next(&self) -> Notified<'_> {
        self.more.notified()
    }

    fn now(&self, after: After) -> Told {
        let log = self.log();
        let from = if after.life == self.life { after.pieces as usize } else { 0 };
        let rest = log.get(from..).unwrap_or_default();
        Told { life: self.life, pieces: rest.iter().copied().take(TOLD_MAX).collect() }
    }

    fn log(&self) -> MutexGuard<'_, Vec<u32>> {
        // It only ever grows by whole pieces.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl After {
    /// As a part of a path; [`After::parse`] reads it.
    pub fn to_text(self) -> String {
        format!("{:x}-{}", self.life, self.pieces)
    }

    pub fn parse(text: &str) -> Option<Self> {
        let (life, pieces) = text.split_once('-')?;
        Some(Self { life: u64::from_str_radix(life, 16).ok()?, pieces: pieces.parse().ok()? })
    }

    /// Who asked from here and was told that goes on from there.
    #[must_use]
    pub fn plus(self, told: &Told) -> Self {
        let before = if self.life == told.life { self.pieces } else { 0 };
        Self { life: told.life, pieces: before + told.pieces.len() as u64 }
    }
}

impl Told {
    pub fn to_bytes(&self) -> Vec<u8> {
        let pieces = self.pieces.iter().flat_map(|piece| piece.to_le_bytes());
        self.life.to_le_bytes().into_iter().chain(pieces).collect()
    }

    /// None if these are no such bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (life, rest) = bytes.split_first_chunk::<LIFE_SIZE>()?;
        let (pieces, rest) = rest.as_chunks::<4>();
        let fits = rest.is_empty() && pieces.len() <= TOLD_MAX;
        let pieces = pieces.iter().map(|piece| u32::from_le_bytes(*piece)).collect();
        fits.then_some(Self { life: u64::from_le_bytes(*life), pieces })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    const AT_ONCE: Duration = Duration::ZERO;

    #[tokio::test]
    async fn who_follows_the_log_hears_of_each_piece_once_and_of_a_new_life_from_its_beginning() {
        let here = Arrivals::default();
        here.note_all([4, 2]);
        let told = here.since(After::default(), AT_ONCE).await;
        assert_eq!(told.pieces, [4, 2]);
        let after = After::default().plus(&told);
        here.note(9);
        let more = here.since(after, AT_ONCE).await;
        assert_eq!(more.pieces, [9]);
        let after = after.plus(&more);
        assert_eq!(here.since(after, AT_ONCE).await.pieces, [0; 0]);

        let again = Arrivals::default();
        again.note(7);
        assert_eq!(again.since(after, AT_ONCE).await.pieces, [7], "another process, another log");
    }

    #[tokio::test]
    async fn who_knows_all_waits_until_something_comes() {
        let here = Arc::new(Arrivals::default());
        let asked = tokio::spawn({
            let here = here.clone();
            async move { here.since(After::default(), Duration::from_secs(60)).await }
        });
        tokio::task::yield_now().await;
        here.note(3);
        assert_eq!(asked.await.unwrap().pieces, [3]);
    }

    #[test]
    fn texts_and_bytes_from_outside_are_read_or_refused() {
        let after = After { life: u64::MAX, pieces: 12 };
        assert_eq!(After::parse(&after.to_text()), Some(after));
        for bad in ["", "-", "1", "g-1", "1--1", "1-99999999999999999999"] {
            assert_eq!(After::parse(bad), None, "{bad}");
        }
        let told = Told { life: 5, pieces: vec![1, u32::MAX] };
        assert_eq!(Told::from_bytes(&told.to_bytes()), Some(told));
        assert_eq!(Told::from_bytes(&[0; 7]), None);
        assert_eq!(Told::from_bytes(&[0; 13]), None);
        assert_eq!(Told::from_bytes(&vec![0; 8 + 4 * (TOLD_MAX + 1)]), None);
    }
}
