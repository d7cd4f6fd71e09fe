//! Whether the gateway of this site is worth waiting for: all here wait for what it brings, so one that is slow
//! itself holds up everybody. A slow link is not its doing, and is not crossed by others too for that.
//!
//! What tells them apart is a frame that is asked for beyond the link now and then, one at a time. On a slow link
//! it waits in line with all that the gateway asked for, and takes longer than the gateway's next. If it comes
//! sooner than the gateway brings one, the link has room of which the gateway makes no use: from then on this
//! receiver asks there itself for what nobody here has. Holders give each piece to one first, so it crosses once
//! all the same. The server makes whoever has brought most the gateway: then all is as before.

use crate::limits::{GATEWAY_COUNTED, GATEWAY_QUICK, GATEWAY_TRIED_EVERY};
use diecast_domain::ids::ProviderId;
use std::time::Duration;
use tokio::time::Instant;

#[derive(Debug, Default)]
pub(super) struct Gateway {
    who: Option<ProviderId>,
    /// From when on what it brings is counted, and what it had then; None: it has said nothing yet.
    counted: Option<(Instant, u64)>,
    /// How long it took from one piece to the next when it was counted last.
    last: Option<Duration>,
    /// Pieces that it has.
    has: u64,
    try_at: Option<Instant>,
    is_left: bool,
}

impl Gateway {
    /// The one that is listed, if any is: of another one nothing is known.
    pub(super) fn follow(&mut self, who: Option<ProviderId>) {
        if self.who != who {
            *self = Self { who, ..Self::default() };
        }
    }

    pub(super) const fn who(&self) -> Option<ProviderId> {
        self.who
    }

    /// It says that so many pieces have come to it.
    pub(super) fn has(&mut self, pieces: u64, now: Instant) {
        self.has = pieces;
        match self.counted {
            Some((since, _)) if now < since + GATEWAY_COUNTED => return,
            Some(counted) => self.last = Some(self.one_in(counted, now)),
            None if pieces == 0 => return,
            None => {}
        }
        self.counted = Some((now, pieces));
    }

    /// Whether to ask beyond the link: to know, or for good.
    pub(super) fn is_passed_by(&self, now: Instant) -> bool {
        let is_due = self.try_at.is_none_or(|at| now >= at);
        self.is_left || is_due && self.brings_one_in(now) > Some(GATEWAY_QUICK)
    }

    /// What is beyond the link is asked only to know: for one frame, and none is claimed ahead that somebody else
    /// could have.
    pub(super) const fn is_only_tried(&self) -> bool {
        self.who.is_some() && !self.is_left
    }

    /// A frame came from beyond the link, which took so long; whether the gateway is left for that, and was not
    /// before. The more `others` here try, the more rarely each does.
    pub(super) fn was_passed_by(&mut self, took: Duration, others: usize, now: Instant) -> bool {
        let is_slow = self.brings_one_in(now).is_some_and(|time| time > took);
        let leaves = is_slow && !self.is_left;
        self.is_left |= is_slow;
        self.try_later(others, now);
        leaves
    }

    /// Nothing came from beyond the link, or nothing can be known by it: later again.
    pub(super) fn try_later(&mut self, others: usize, now: Instant) {
        self.try_at = Some(now + GATEWAY_TRIED_EVERY * (others as u32 + 1));
    }

    /// How long it takes from one piece to the next: now, if it has been silent, or as counted last.
    fn brings_one_in(&self, now: Instant) -> Option<Duration> {
        let counted = self.counted?;
        if now < counted.0 + GATEWAY_COUNTED { self.last } else { Some(self.one_in(counted, now)) }
    }

    fn one_in(&self, (since, had): (Instant, u64), now: Instant) -> Duration {
        let brought = u32::try_from(self.has.saturating_sub(had)).unwrap_or(u32::MAX);
        (now - since) / brought.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::source;

    /// One that brought so many pieces in the first second, and the time after it.
    fn brought(pieces: u64) -> (Gateway, Instant) {
        let begun = Instant::now();
        let mut gateway = Gateway::default();
        gateway.follow(Some(source("gateway", "10.0.0.1:1").provider));
        gateway.has(0, begun);
        gateway.has(10, begun + GATEWAY_COUNTED);
        let now = begun + 2 * GATEWAY_COUNTED;
        assert!(!gateway.is_passed_by(now - Duration::from_millis(1)), "it is counted for a while first");
        gateway.has(10 + pieces, now);
        let soon = now + GATEWAY_COUNTED / 10;
        gateway.has(10 + 2 * pieces, soon);
        (gateway, soon)
    }

    #[tokio::test]
    async fn who_brings_less_than_would_come_without_it_is_left_until_there_is_another() {
        let (mut gateway, now) = brought(3);
        assert!(gateway.is_passed_by(now));
        assert!(gateway.was_passed_by(GATEWAY_COUNTED / 4, 1, now), "four in its time for three");
        assert!(gateway.is_passed_by(now));
        assert!(!gateway.was_passed_by(GATEWAY_COUNTED / 4, 1, now), "that is known");
        gateway.follow(gateway.who());
        assert!(gateway.is_passed_by(now), "the list is another one, and the gateway is the same");
        gateway.follow(Some(source("other", "10.0.0.2:1").provider));
        assert!(!gateway.is_passed_by(now));
    }

    #[tokio::test]
    async fn who_brings_all_that_the_link_carries_is_kept_and_tried_more_rarely_where_many_try() {
        let (mut gateway, now) = brought(3);
        let took = GATEWAY_COUNTED / 2;
        assert!(!gateway.was_passed_by(took, 8, now), "it waited in line with what was asked for");
        let again = now + 9 * GATEWAY_TRIED_EVERY;
        assert!(!gateway.is_passed_by(again - Duration::from_millis(1)));
        assert!(gateway.is_passed_by(again), "it has brought nothing since");
    }

    #[tokio::test]
    async fn who_becomes_slow_is_left_soon_whatever_it_brought_before() {
        let (mut gateway, mut now) = brought(1000);
        assert!(!gateway.is_passed_by(now));
        for piece in 1..=8 {
            now += GATEWAY_COUNTED / 3;
            gateway.has(2010 + piece, now);
        }
        assert!(gateway.is_passed_by(now));
        assert!(gateway.was_passed_by(GATEWAY_COUNTED / 4, 0, now));
    }

    #[tokio::test]
    async fn who_brings_them_quickly_or_says_nothing_is_not_tried() {
        let (gateway, now) = brought(1000);
        assert!(!gateway.is_passed_by(now));
        let (mut silent, now) = (Gateway::default(), Instant::now());
        silent.follow(gateway.who());
        silent.has(0, now);
        let later = now + 100 * GATEWAY_TRIED_EVERY;
        assert!(!silent.is_passed_by(later), "who has not begun is waited for otherwise");
    }
}
