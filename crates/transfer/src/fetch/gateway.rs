//! Whether the gateway of this site is worth waiting for: all here wait for what it brings, so one that is slow
//! itself holds up everybody. A slow link is not its doing, and is not crossed by others too for that.
//!
//! What tells them apart is a *trial* now and then: some frames are asked for beyond the link too, as many at once as
//! of anybody, and in the same time it is counted what the gateway brings. On a slow link, or of a busy source, the
//! trial gets no more than its share. If it gets a quarter more than the gateway brings, that makes no use of what is
//! there: from then on this receiver asks there itself for what nobody here has. Holders give each piece to one
//! first, so it crosses once all the same, but for what the slow one holds up. The server is told, and makes another
//! one the gateway: then all is as before.

use crate::limits::{
    GATEWAY_COUNTED, GATEWAY_COUNTED_MIN, GATEWAY_QUICK, GATEWAY_SLOW_BY, GATEWAY_STEADY, GATEWAY_TRIAL,
    GATEWAY_TRIED_EVERY, LISTEN_PAUSE_SATED,
};
use diecast_domain::ids::ProviderId;
use std::time::Duration;
use tokio::time::Instant;

#[derive(Debug, Default)]
pub(super) struct Gateway {
    who: Option<ProviderId>,
    /// From when on what it brings is counted, and what it had then; None: it has said nothing yet.
    counted: Option<(Instant, u64)>,
    /// How long it took from one piece to the next when it was counted last, and at its best.
    last: Option<Duration>,
    best: Option<Duration>,
    /// Pieces that it has.
    has: u64,
    try_at: Option<Instant>,
    trial: Option<Trial>,
    /// When a trial ended last.
    tried: Option<Instant>,
    /// When it said last what it has.
    heard: Option<Instant>,
    is_left: bool,
    /// Where in the line this receiver stands among those who try when it has become slow: from 0 to 1.
    place: f64,
}

/// What came from beyond the link since the first frame of it did.
#[derive(Debug)]
struct Trial {
    begun: Instant,
    /// What the gateway had then.
    had: u64,
    came: u32,
    /// When enough had come.
    ended: Option<Instant>,
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

    /// So many pieces have come to `peer`, which it says itself. Of what others say meanwhile nothing is counted: what
    /// the gateway had a while ago is not what it has now.
    pub(super) fn said(&mut self, peer: ProviderId, pieces: u64, others: usize, now: Instant) {
        if self.who == Some(peer) {
            self.has(pieces, others, now);
        }
    }

    /// It has so many pieces. If it has fallen, it is tried soon, and again soon after that, by one of all those here
    /// after the other.
    fn has(&mut self, pieces: u64, others: usize, now: Instant) {
        (self.has, self.heard) = (pieces, Some(now));
        match self.counted {
            Some((since, _)) if now < since + self.window() => return,
            Some(counted) => {
                let last = self.one_in(counted, now);
                self.best = Some(self.best.map_or(last, |best| best.min(last)));
                self.last = Some(last);
                if self.has_fallen() {
                    let turn = now + GATEWAY_COUNTED.mul_f64(others as f64 * self.place);
                    let again = self.tried.map(|at| at + GATEWAY_COUNTED * (others as u32 + 1));
                    let soon = again.map_or(turn, |again| again.max(turn));
                    self.try_at = self.try_at.map(|at| at.min(soon));
                }
            }
            None if pieces == 0 => return,
            None => {}
        }
        self.counted = Some((now, pieces));
    }

    /// Whether it brought at least four pieces a second once, and less than a third of its best now.
    pub(super) fn has_fallen(&self) -> bool {
        let best = self.best.filter(|best| *best <= GATEWAY_COUNTED / GATEWAY_STEADY);
        best.is_some_and(|best| self.last > Some(3 * best))
    }

    /// Whether to ask beyond the link: to know, or for good.
    pub(super) fn is_passed_by(&self, now: Instant) -> bool {
        let is_due = self.try_at.is_none_or(|at| now >= at);
        match &self.trial {
            _ if self.is_left => true,
            Some(trial) => trial.ended.is_none(),
            None => is_due && self.brings_one_in(now) > Some(GATEWAY_QUICK),
        }
    }

    /// What is beyond the link is asked only to know: none is claimed ahead that somebody else could have.
    pub(super) const fn is_only_tried(&self) -> bool {
        self.who.is_some() && !self.is_left
    }

    /// It was found slow, and is not waited for any more.
    pub(super) const fn is_left(&self) -> bool {
        self.is_left
    }

    /// A frame came from beyond the link. With the first a trial begins, if there is a gateway and it has begun.
    pub(super) fn was_passed_by(&mut self, now: Instant) {
        if self.counted.is_none() {
            return;
        }
        let begun = || Trial { begun: now, had: self.has, came: 0, ended: None };
        let trial = self.trial.get_or_insert_with(begun);
        if now > trial.begun && trial.ended.is_none() {
            trial.came += 1;
            trial.ended = (trial.came >= GATEWAY_TRIAL).then_some(now);
        }
    }

    /// Whether a trial has shown that it is slow, and it is left from now on. If not, it is tried again later: the more
    /// `others` here try, the more rarely.
    pub(super) fn is_found_slow(&mut self, others: usize, now: Instant) -> bool {
        let Some(trial) = self.trial.as_ref().filter(|_| !self.is_left) else { return false };
        let Some(ended) = trial.ended else {
            if now >= trial.begun + GATEWAY_TRIED_EVERY {
                self.try_later(others, now);
            }
            return false;
        };
        // It is not asked all the time what has come to it; if it does not answer then, nothing has.
        let heard = self.heard.filter(|heard| *heard >= ended);
        let Some(until) =
            heard.or_else(|| (now >= ended + LISTEN_PAUSE_SATED + GATEWAY_COUNTED_MIN).then_some(now))
        else {
            return false;
        };
        let brought = self.has.saturating_sub(trial.had) as f64 / (until - trial.begun).as_secs_f64();
        let came = f64::from(trial.came) / (ended - trial.begun).as_secs_f64();
        self.is_left = came > GATEWAY_SLOW_BY * brought;
        self.try_later(others, now);
        self.is_left
    }

    /// Nothing came from beyond the link, or no more than it brings: later again.
    pub(super) fn try_later(&mut self, others: usize, now: Instant) {
        (self.trial, self.tried) = (None, Some(now));
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

    /// A trial in which a frame comes in `each`, while the gateway brings one in `brings` and says so; whether it is
    /// left for that.
    fn tried(gateway: &mut Gateway, each: Duration, brings: Duration, begun: Instant) -> bool {
        let had = gateway.has;
        for frame in 0..=GATEWAY_TRIAL {
            assert!(gateway.is_passed_by(begun), "the trial goes on");
            assert!(!gateway.is_found_slow(0, begun), "nothing is known yet");
            let now = begun + frame * each;
            gateway.has(had + ((now - begun).as_nanos() / brings.as_nanos()) as u64, 0, now);
            gateway.was_passed_by(now);
        }
        gateway.is_found_slow(0, begun + GATEWAY_TRIAL * each)
    }

    #[tokio::test]
    async fn who_brings_less_than_comes_without_it_is_left_until_there_is_another() {
        let (mut gateway, now) = brought(3);
        assert!(tried(&mut gateway, GATEWAY_COUNTED / 10, GATEWAY_COUNTED / 4, now));
        assert!(gateway.is_passed_by(now) && gateway.is_left());
        gateway.was_passed_by(now + GATEWAY_COUNTED);
        assert!(!gateway.is_found_slow(0, now + 9 * GATEWAY_COUNTED), "that is known");
        gateway.follow(gateway.who());
        assert!(gateway.is_passed_by(now), "the list is another one, and the gateway is the same");
        gateway.follow(Some(source("other", "10.0.0.2:1").provider));
        assert!(!gateway.is_passed_by(now));
    }

    #[tokio::test]
    async fn who_has_its_share_of_a_slow_link_or_source_is_kept_and_tried_later_again() {
        let (mut gateway, now) = brought(3);
        assert!(!tried(&mut gateway, GATEWAY_COUNTED / 10, GATEWAY_COUNTED / 9, now));
        let tried_at = now + GATEWAY_TRIAL * (GATEWAY_COUNTED / 10);
        let again = tried_at + GATEWAY_TRIED_EVERY;
        assert!(!gateway.is_left() && !gateway.is_passed_by(again - Duration::from_millis(1)));
        assert!(gateway.is_passed_by(again), "it has brought nothing since");
    }

    #[tokio::test]
    async fn what_it_has_brought_since_it_was_asked_last_is_not_taken_for_nothing() {
        let (mut gateway, begun) = brought(3);
        let each = GATEWAY_COUNTED / 20;
        (0..=GATEWAY_TRIAL).for_each(|frame| gateway.was_passed_by(begun + frame * each));
        let ended = begun + GATEWAY_TRIAL * each;
        let trial = gateway.trial.as_ref().map(|trial| Trial { ..*trial });
        let mut silent = Gateway { trial, has: gateway.has, ..Gateway::default() };
        let answers = ended + LISTEN_PAUSE_SATED;
        assert!(!gateway.is_found_slow(0, answers), "it was not asked since");
        gateway.has(gateway.has + 16, 0, answers);
        assert!(!gateway.is_found_slow(0, answers), "twenty a second");
        assert!(
            silent.is_found_slow(0, answers + GATEWAY_COUNTED_MIN),
            "it was asked, and has nothing to say"
        );
    }

    #[tokio::test]
    async fn only_its_own_word_says_what_the_gateway_has() {
        let (mut gateway, begun) = brought(10);
        let (who, other) = (gateway.who().unwrap(), source("other", "10.0.0.2:1").provider);
        let each = GATEWAY_COUNTED / 20;
        (0..=GATEWAY_TRIAL).for_each(|frame| gateway.was_passed_by(begun + frame * each));
        let ended = begun + GATEWAY_TRIAL * each;
        gateway.said(other, gateway.has, 0, ended);
        assert!(!gateway.is_found_slow(0, ended), "somebody else spoke");
        gateway.said(who, gateway.has + 8, 0, ended);
        assert!(!gateway.is_found_slow(0, ended), "it brings as much as comes without it");
        assert!(gateway.trial.is_none(), "that is decided");
    }

    #[tokio::test]
    async fn a_trial_in_which_nothing_comes_ends_and_tells_nothing() {
        let (mut gateway, now) = brought(3);
        gateway.was_passed_by(now);
        gateway.was_passed_by(now + GATEWAY_COUNTED);
        assert!(gateway.is_passed_by(now + GATEWAY_COUNTED));
        let end = now + GATEWAY_TRIED_EVERY;
        assert!(!gateway.is_found_slow(3, end) && !gateway.is_passed_by(end + 3 * GATEWAY_TRIED_EVERY));
    }

    #[tokio::test]
    async fn who_becomes_slow_is_left_soon_whatever_it_brought_before() {
        let (mut gateway, mut now) = brought(1000);
        assert!(!gateway.is_passed_by(now));
        for piece in 1..=8 {
            now += GATEWAY_COUNTED / 3;
            gateway.has(2010 + piece, 0, now);
        }
        assert!(tried(&mut gateway, GATEWAY_COUNTED / 10, GATEWAY_COUNTED / 3, now));
    }

    #[tokio::test]
    async fn who_falls_to_less_than_a_third_is_tried_soon_by_one_after_the_other() {
        let falls = |place, others| {
            let (mut gateway, mut now) = brought(10);
            gateway.place = place;
            gateway.try_later(others, now);
            let steady = |gateway: &mut Gateway, now: &mut Instant, pieces: u64| {
                *now += GATEWAY_COUNTED;
                gateway.has(gateway.has + pieces, others, *now);
            };
            [10, 10, 8].into_iter().for_each(|pieces| steady(&mut gateway, &mut now, pieces));
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
            gateway.try_at = Some(now + GATEWAY_TRIED_EVERY);
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
    async fn who_brings_them_quickly_or_says_nothing_is_not_tried() {
        let (gateway, now) = brought(1000);
        assert!(!gateway.is_passed_by(now));
        let (mut silent, now) = (Gateway::default(), Instant::now());
        silent.follow(gateway.who());
        silent.has(0, 0, now);
        let later = now + 100 * GATEWAY_TRIED_EVERY;
        assert!(!silent.is_passed_by(later), "who has not begun is waited for otherwise");
        let frames = (0..=GATEWAY_TRIAL).map(|frame| later + frame * GATEWAY_QUICK);
        frames.for_each(|at| silent.was_passed_by(at));
        assert!(!silent.is_found_slow(0, later + GATEWAY_TRIED_EVERY) && !silent.is_passed_by(later));
    }
}
