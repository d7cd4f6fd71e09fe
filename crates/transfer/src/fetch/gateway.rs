//! Whether the gateway of this site is worth waiting for: all here wait for what it brings, so one that is slow
//! itself holds up everybody. A slow link is not its doing, and is not crossed by others too for that.
//!
//! What tells them apart is a frame that is asked for beyond the link now and then, one at a time. On a slow link
//! it waits in line with all that the gateway asked for, and takes longer than the gateway's next. If several, one
//! after the other, come in less than three quarters of the time in which the gateway brings one, the link has room of
//! which the gateway makes no use, and that is no chance. From then on this receiver asks there itself for what nobody
//! here has. Holders give each piece to one first, so it crosses once
//! all the same, but for what the slow one holds up. The server is told, and makes another one the gateway: then all
//! is as before.

use crate::limits::{
    GATEWAY_COUNTED, GATEWAY_COUNTED_MIN, GATEWAY_QUICK, GATEWAY_STEADY, GATEWAY_TRIALS, GATEWAY_TRIED_EVERY,
    LISTEN_PAUSE_SATED,
};
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
    /// Frames in succession that came from beyond the link far sooner than it would have brought one.
    sooner: u32,
    is_left: bool,
    /// Where in the line this receiver stands among those who try when it has become slow: from 0 to 1.
    place: f64,
}

impl Gateway {
    /// `place` is another one at each receiver: see there.
    pub(super) fn new(place: f64) -> Self {
        Self { place, ..Self::default() }
    }

    /// The one that is listed, if any is: of another one nothing is known.
    pub(super) fn follow(&mut self, who: Option<ProviderId>) {
        if self.who != who {
            *self = Self { who, ..Self::new(self.place) };
        }
    }

    pub(super) const fn who(&self) -> Option<ProviderId> {
        self.who
    }

    /// It says that so many pieces have come to it. If it has become slow all of a sudden, it is tried soon, by one
    /// of all those here after the other.
    pub(super) fn has(&mut self, pieces: u64, others: usize, now: Instant) {
        self.has = pieces;
        match self.counted {
            Some((since, _)) if now < since + self.window() => return,
            Some(counted) => {
                let (before, last) = (self.last, self.one_in(counted, now));
                let steady = before.filter(|before| *before <= GATEWAY_COUNTED / GATEWAY_STEADY);
                if steady.is_some_and(|before| last > 2 * before) {
                    let soon = now + GATEWAY_COUNTED.mul_f64(others as f64 * self.place);
                    self.try_at = self.try_at.map(|at| at.min(soon));
                }
                self.last = Some(last);
            }
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

    /// It was found slow, and is not waited for any more.
    pub(super) const fn is_left(&self) -> bool {
        self.is_left
    }

    /// A frame came from beyond the link, which took so long; whether the gateway is left for that, and was not
    /// before. It is tried again at once if it seems so, else later: the more `others` here try, the more rarely.
    pub(super) fn was_passed_by(&mut self, took: Duration, others: usize, now: Instant) -> bool {
        let is_sooner = self.brings_one_in(now).is_some_and(|time| 3 * time > 4 * took);
        self.sooner = if is_sooner { self.sooner + 1 } else { 0 };
        let leaves = self.sooner >= GATEWAY_TRIALS && !self.is_left;
        self.is_left |= leaves;
        match self.sooner {
            0 => self.try_later(others, now),
            _ => self.try_at = Some(now),
        }
        leaves
    }

    /// Nothing came from beyond the link, or not sooner: later again.
    pub(super) fn try_later(&mut self, others: usize, now: Instant) {
        self.sooner = 0;
        self.try_at = Some(now + GATEWAY_TRIED_EVERY * (others as u32 + 1));
    }

    /// How long it takes from one piece to the next: now, if it has been silent, or as counted last.
    fn brings_one_in(&self, now: Instant) -> Option<Duration> {
        let counted = self.counted?;
        // It is not asked all the time what has come to it.
        let is_known = now < counted.0 + self.window() + LISTEN_PAUSE_SATED;
        if is_known { self.last } else { Some(self.one_in(counted, now)) }
    }

    /// For how long it is counted: until so many have come that chance makes no half of them.
    fn window(&self) -> Duration {
        let enough = self.last.map_or(GATEWAY_COUNTED, |last| 2 * GATEWAY_STEADY * last);
        enough.clamp(GATEWAY_COUNTED_MIN, GATEWAY_COUNTED)
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
        gateway.has(0, 0, begun);
        gateway.has(10, 0, begun + GATEWAY_COUNTED);
        let now = begun + 2 * GATEWAY_COUNTED;
        assert!(!gateway.is_passed_by(now - Duration::from_millis(1)), "it is counted for a while first");
        gateway.has(10 + pieces, 0, now);
        let soon = now + GATEWAY_COUNTED / 10;
        gateway.has(10 + 2 * pieces, 0, soon);
        (gateway, soon)
    }

    /// Frames that come from beyond the link in so much time each, as many as it takes to leave it.
    fn tried(gateway: &mut Gateway, took: Duration, others: usize, now: Instant) -> bool {
        let mut trials = (0..GATEWAY_TRIALS).map(|_| {
            assert!(gateway.is_passed_by(now), "it is tried again at once");
            gateway.was_passed_by(took, others, now)
        });
        trials.any(|leaves| leaves)
    }

    #[tokio::test]
    async fn who_brings_less_than_would_come_without_it_is_left_until_there_is_another() {
        let (mut gateway, now) = brought(3);
        assert!(tried(&mut gateway, GATEWAY_COUNTED / 5, 1, now), "five in its time for three");
        assert!(gateway.is_passed_by(now));
        assert!(!gateway.was_passed_by(GATEWAY_COUNTED / 5, 1, now), "that is known");
        gateway.follow(gateway.who());
        assert!(gateway.is_passed_by(now), "the list is another one, and the gateway is the same");
        gateway.follow(Some(source("other", "10.0.0.2:1").provider));
        assert!(!gateway.is_passed_by(now));
    }

    #[tokio::test]
    async fn one_frame_that_came_soon_is_chance_and_a_little_sooner_is_none() {
        let (mut gateway, now) = brought(3);
        assert!(!gateway.was_passed_by(GATEWAY_COUNTED / 5, 1, now));
        assert!(gateway.is_passed_by(now), "another one tells");
        assert!(!gateway.was_passed_by(GATEWAY_COUNTED / 4, 1, now), "its sources may be as slow");
        assert!(!gateway.is_passed_by(now) && !gateway.is_left());
        let later = now + 2 * GATEWAY_TRIED_EVERY;
        assert!(!gateway.was_passed_by(GATEWAY_COUNTED / 5, 1, later), "it is counted anew");
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
            gateway.has(2010 + piece, 0, now);
        }
        assert!(tried(&mut gateway, GATEWAY_COUNTED / 5, 0, now));
    }

    #[tokio::test]
    async fn who_falls_to_less_than_half_is_tried_soon_by_one_after_the_other() {
        let falls = |place, others| {
            let (mut gateway, mut now) = brought(10);
            gateway.place = place;
            assert!(!gateway.was_passed_by(GATEWAY_COUNTED / 2, others, now), "it is as quick as the link");
            let steady = |gateway: &mut Gateway, now: &mut Instant, pieces: u64| {
                *now += GATEWAY_COUNTED;
                gateway.has(gateway.has + pieces, others, *now);
            };
            [10, 10, 6].into_iter().for_each(|pieces| steady(&mut gateway, &mut now, pieces));
            assert!(!gateway.is_passed_by(now), "a little less is nothing");
            steady(&mut gateway, &mut now, 2);
            (gateway, now)
        };
        let (gateway, now) = falls(0.5, 0);
        assert!(gateway.is_passed_by(now), "nobody else can try");
        let (gateway, now) = falls(0.5, 4);
        assert!(!gateway.is_passed_by(now + GATEWAY_COUNTED), "its turn is in the middle of all");
        assert!(gateway.is_passed_by(now + 2 * GATEWAY_COUNTED));
    }

    #[tokio::test]
    async fn the_more_it_brings_the_sooner_it_is_seen_that_it_does_not_any_more() {
        let seen_after = |pieces: u64| {
            let (mut gateway, mut now) = (Gateway::default(), Instant::now());
            gateway.follow(Some(source("gateway", "10.0.0.1:1").provider));
            gateway.has(0, 0, now);
            let step = GATEWAY_COUNTED / pieces as u32;
            for piece in 1..=3 * pieces {
                now += step;
                gateway.has(piece, 0, now);
            }
            assert!(!gateway.was_passed_by(3 * step, 0, now));
            let slow_since = now;
            while !gateway.is_passed_by(now) {
                now += 10 * step;
                gateway.has(gateway.has + 1, 0, now);
            }
            now - slow_since
        };
        assert!(seen_after(40) <= GATEWAY_COUNTED * 3 / 4, "{:?}", seen_after(40));
        assert!((GATEWAY_COUNTED..=4 * GATEWAY_COUNTED).contains(&seen_after(5)), "{:?}", seen_after(5));
    }

    #[tokio::test]
    async fn what_it_has_brought_since_it_was_asked_last_is_not_taken_for_nothing() {
        let mut now = Instant::now();
        let mut gateway = Gateway::default();
        gateway.follow(Some(source("gateway", "10.0.0.1:1").provider));
        let each = 2 * GATEWAY_QUICK;
        for answer in 0..20 {
            gateway.has(answer * (LISTEN_PAUSE_SATED.as_nanos() / each.as_nanos()) as u64, 0, now);
            now += LISTEN_PAUSE_SATED;
            for _ in 0..GATEWAY_TRIALS {
                let just_before = now - Duration::from_millis(1);
                assert!(
                    !gateway.was_passed_by(4 * each / 5, 0, just_before),
                    "a little sooner than it, {answer}"
                );
            }
        }
        assert!(!gateway.is_left());
    }

    #[tokio::test]
    async fn who_brings_them_quickly_or_says_nothing_is_not_tried() {
        let (gateway, now) = brought(1000);
        assert!(!gateway.is_passed_by(now));
        let (mut silent, now) = (Gateway::default(), Instant::now());
        silent.follow(gateway.who());
        silent.has(0, 0, now);
        let later = now + 100 * GATEWAY_TRIED_EVERY;
        assert!(!silent.is_passed_by(later), "who has not begun is waited for otherwise");
    }
}
