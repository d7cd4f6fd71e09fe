//! Whom to ask next: a decision over what each source did so far. Asks nobody itself.

use crate::{
    limits::{
        FRAME_LEAVES_MAX, FRAME_TIME_AIM, FRAME_TIME_ALONE, FRAME_TIME_MIN, FRAMES_IN_FLIGHT_MAX,
        FRAMES_PER_SOURCE_MAX, FRAMES_UNTIL_ALONE, SECOND_COPY_AFTER, SLOW_TIMES, SOURCE_PAUSE_MAX,
        SOURCE_PAUSE_MIN,
    },
    wire::NoFrame,
};
use diecast_domain::{
    code::{Code, Problem},
    ids::ProviderId,
    provider::Source,
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};
use tokio::time::Instant;

#[derive(Debug)]
pub(crate) struct Sources {
    /// How many frames one of the largest makes: who is alone and far away is asked for as many bytes at once.
    finer: usize,
    listed: Vec<Arc<Source>>,
    /// Kept also for those that left the list: they may return.
    states: HashMap<ProviderId, State>,
    /// Sent wrong bytes: not asked again in this run.
    lied: HashSet<ProviderId>,
}

#[derive(Debug)]
struct State {
    in_flight: usize,
    /// Frames that it is asked for at once: one at first, more while they come quickly.
    at_once: usize,
    /// Frames that came from there.
    gave: u32,
    /// What a frame takes from there of late: who has much to do for others is slow.
    usual: Duration,
    /// What the way there and back takes.
    way: Duration,
    failures: u32,
    paused_until: Option<Instant>,
    trouble: Option<NoFrame>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            in_flight: 0,
            at_once: 1,
            gave: 0,
            usual: Duration::ZERO,
            way: Duration::ZERO,
            failures: 0,
            paused_until: None,
            trouble: None,
        }
    }
}

impl State {
    /// Frames that it is asked for at once while nobody else is there: the farther away, the more is on its way, and
    /// the `finer` they are.
    fn at_once_alone(&self, finer: usize) -> usize {
        let more = self.way.as_micros() / FRAME_TIME_MIN.as_micros();
        finer * FRAMES_IN_FLIGHT_MAX.min(FRAMES_PER_SOURCE_MAX.div_ceil(finer) + more as usize)
    }
}

impl Sources {
    /// For a version whose frames have so many leaves at the most.
    pub(crate) fn new(frame_leaves: usize) -> Self {
        Self {
            finer: (FRAME_LEAVES_MAX / frame_leaves.max(1)).max(1),
            listed: Vec::new(),
            states: HashMap::new(),
            lied: HashSet::new(),
        }
    }

    pub(crate) fn list(&mut self, sources: &[Source]) {
        self.listed = sources.iter().cloned().map(Arc::new).collect();
    }

    pub(crate) fn listed(&self) -> &[Arc<Source>] {
        &self.listed
    }

    /// Who may be asked now, those first who will soonest have given what they are asked for; `in_need`, the
    /// reserve too.
    pub(crate) fn free(&self, now: Instant, in_need: bool) -> Vec<Arc<Source>> {
        let listed = self.listed.iter().filter(|source| in_need || !source.reserve);
        let free = listed.filter_map(|source| {
            let load = self.load(source.provider, now)?;
            let usual = self.states.get(&source.provider).map_or(Duration::ZERO, |state| state.usual);
            Some((usual * (load as u32 + 1), load, source))
        });
        let mut free: Vec<_> = free.collect();
        free.sort_by_key(|(wait, load, _)| (*wait, *load));
        free.into_iter().map(|(.., source)| source.clone()).collect()
    }

    /// Who may be asked now or will be, when it has given what it was asked for.
    pub(crate) fn usable(&self, now: Instant) -> Vec<Arc<Source>> {
        let failing = |source: ProviderId| {
            let paused = self.states.get(&source).and_then(|state| state.paused_until);
            paused.is_some_and(|until| until > now)
        };
        let usable = self.listed.iter().filter(|it| !it.reserve && self.is_honest(it.provider));
        usable.filter(|it| !failing(it.provider)).cloned().collect()
    }

    pub(crate) fn is_honest(&self, source: ProviderId) -> bool {
        !self.lied.contains(&source)
    }

    /// Whether it gave nothing when it was asked last.
    pub(crate) fn fails(&self, source: ProviderId) -> bool {
        self.states.get(&source).is_some_and(|state| state.failures > 0)
    }

    /// Whether a frame from there takes far longer than from the quickest: what only it has is had sooner elsewhere.
    pub(crate) fn is_slow(&self, source: ProviderId) -> bool {
        let usual = |id: ProviderId| self.states.get(&id).map(|state| state.usual).filter(|it| !it.is_zero());
        let quickest = self.listed.iter().filter_map(|source| usual(source.provider)).min();
        let expected = quickest.unwrap_or_default().max(FRAME_TIME_AIM / 2 / self.finer as u32);
        usual(source).is_some_and(|usual| usual > SLOW_TIMES * expected)
    }

    /// Frames in flight; none if it must not be asked now.
    fn load(&self, provider: ProviderId, now: Instant) -> Option<usize> {
        if self.lied.contains(&provider) {
            return None;
        }
        let Some(state) = self.states.get(&provider) else { return Some(0) };
        let paused = state.paused_until.is_some_and(|until| until > now);
        // One that failed is tried with one frame until it succeeds.
        let max = if state.failures > 0 { 1 } else { self.at_once(provider) };
        (!paused && state.in_flight < max).then_some(state.in_flight)
    }

    /// Frames that it is asked for at once while all is well.
    pub(crate) fn at_once(&self, provider: ProviderId) -> usize {
        let Some(state) = self.states.get(&provider) else { return 1 };
        match self.is_one() {
            // Others may be about to begin.
            true if state.gave < FRAMES_UNTIL_ALONE => state.at_once,
            // While one frame is put in place, the next is on its way.
            true if state.usual > FRAME_TIME_ALONE => 2,
            true => state.at_once_alone(self.finer),
            false => state.at_once,
        }
    }

    /// Whether only one is there to be asked, but for the reserve.
    fn is_one(&self) -> bool {
        self.listed.iter().filter(|source| !source.reserve).count() <= 1
    }

    /// After how long a frame that takes `usual` otherwise is asked of this source too. One in another site is asked
    /// later: a second copy crosses the link too.
    pub(crate) fn late_after(&self, source: &Source, usual: Duration) -> Duration {
        let near = (SECOND_COPY_AFTER / self.finer as u32).max(3 * usual);
        if source.beyond { near.max(SECOND_COPY_AFTER) } else { near }
    }

    /// Frames that may be on their way at once, if so many of the largest size may.
    pub(crate) fn in_flight_max(&self, largest: usize) -> usize {
        if self.is_one() { self.finer * largest } else { largest }
    }

    /// How many might still give something.
    pub(crate) fn honest(&self) -> usize {
        self.listed.iter().filter(|source| !self.lied.contains(&source.provider)).count()
    }

    pub(crate) fn asked(&mut self, provider: ProviderId) {
        self.states.entry(provider).or_default().in_flight += 1;
    }

    /// A frame, and how long that took, if that was its doing; `way` is what the way there and back takes.
    pub(crate) fn gave(&mut self, provider: ProviderId, took: Option<Duration>, way: Duration) {
        let state = self.answered(provider);
        (state.failures, state.paused_until, state.trouble) = (0, None, None);
        state.gave = state.gave.saturating_add(1);
        state.way = way;
        let Some(took) = took else { return };
        state.usual = if state.usual.is_zero() { took } else { (3 * state.usual + took) / 4 };
        // Who is asked for more than others are is told so more often: their shares become equal.
        state.at_once = match took > FRAME_TIME_AIM {
            true => (state.at_once - 1).max(1),
            false => (state.at_once + 1).min(FRAMES_PER_SOURCE_MAX),
        };
    }

    /// It need not give any more what it was asked for.
    pub(crate) fn released(&mut self, provider: ProviderId) {
        self.answered(provider);
    }

    pub(crate) fn failed(&mut self, provider: ProviderId, trouble: NoFrame, now: Instant) {
        let state = self.answered(provider);
        let pause = SOURCE_PAUSE_MIN * 2_u32.pow(state.failures.min(10));
        // Frames that were in flight together fail together, and count once.
        if state.paused_until.is_none_or(|until| until <= now) {
            state.failures += 1;
            state.paused_until = Some(now + pause.min(SOURCE_PAUSE_MAX));
        }
        state.trouble = Some(trouble);
    }

    pub(crate) fn lied(&mut self, provider: ProviderId) -> bool {
        self.answered(provider);
        self.lied.insert(provider)
    }

    fn answered(&mut self, provider: ProviderId) -> &mut State {
        let state = self.states.entry(provider).or_default();
        state.in_flight = state.in_flight.saturating_sub(1);
        state
    }

    /// Why nothing came: every source, the addresses tried, what each did.
    pub(crate) fn problem(&self) -> Problem {
        let mut unreachable = 0;
        let mut refused = 0;
        let mut stories = Vec::new();
        for source in &self.listed {
            let name = &source.name;
            let trouble = self.states.get(&source.provider).and_then(|state| state.trouble.as_ref());
            stories.push(match trouble {
                _ if self.lied.contains(&source.provider) => format!("{name} sent wrong bytes"),
                Some(trouble) => {
                    unreachable += usize::from(matches!(trouble, NoFrame::Unreachable { .. }));
                    refused += usize::from(matches!(trouble, NoFrame::Refused { .. }));
                    format!("{name}: {trouble}")
                }
                None => format!("{name} sent nothing"),
            });
        }
        let count = self.listed.len();
        let (code, what) = if count == 0 {
            (Code::T0010, "No provider that holds the version is known".to_owned())
        } else if self.honest() == 0 {
            (Code::T0002, "Every source sent wrong bytes".to_owned())
        } else if unreachable == self.honest() {
            (Code::T0001, format!("None of {count} sources could be reached"))
        } else if refused == self.honest() {
            (Code::T0010, format!("None of {count} sources has what is missing"))
        } else {
            (Code::T0009, format!("Nothing more comes from {count} sources"))
        };
        let stories = if stories.is_empty() { String::new() } else { format!(": {}", stories.join("; ")) };
        Problem::new(code, format!("{what}{stories}."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::source;

    fn unreachable() -> NoFrame {
        NoFrame::Unreachable { addresses: vec!["10.0.0.1:1".into()], cause: "no route".into() }
    }

    #[tokio::test]
    async fn work_is_spread_and_a_failing_source_pauses_longer_each_time() {
        let now = Instant::now();
        let (a, b) = (source("a", "10.0.0.1:1"), source("b", "10.0.0.2:1"));
        let mut sources = Sources::new(FRAME_LEAVES_MAX);
        sources.list(&[a.clone(), b.clone()]);
        let quick = |sources: &mut Sources, provider| {
            sources.asked(provider);
            sources.gave(provider, Some(FRAME_TIME_AIM), Duration::ZERO);
        };
        for _ in 1..FRAMES_PER_SOURCE_MAX {
            quick(&mut sources, a.provider);
            quick(&mut sources, b.provider);
        }
        for _ in 0..2 * FRAMES_PER_SOURCE_MAX {
            let picked = sources.free(now, false)[0].clone();
            sources.asked(picked.provider);
        }
        assert!(sources.free(now, true).is_empty(), "both have enough to do");
        assert_eq!(sources.states[&a.provider].in_flight, FRAMES_PER_SOURCE_MAX);

        for _ in 0..FRAMES_PER_SOURCE_MAX {
            sources.failed(a.provider, unreachable(), now);
        }
        let paused_until = |sources: &Sources| sources.states[&a.provider].paused_until;
        assert_eq!(paused_until(&sources), Some(now + SOURCE_PAUSE_MIN), "it failed once, not four times");
        let later = now + SOURCE_PAUSE_MIN;
        assert_eq!(sources.free(later, false)[0].name, a.name);
        sources.asked(a.provider);
        sources.failed(a.provider, unreachable(), later);
        assert_eq!(paused_until(&sources), Some(later + 2 * SOURCE_PAUSE_MIN));
    }

    #[tokio::test]
    async fn who_gives_quickly_is_asked_for_more_at_once_and_who_gives_slowly_for_one() {
        let now = Instant::now();
        let (a, b) = (source("a", "10.0.0.1:1"), source("b", "10.0.0.2:1"));
        let mut sources = Sources::new(FRAME_LEAVES_MAX);
        let room = |sources: &mut Sources| {
            let mut asked = 0;
            while sources.free(now, false).iter().any(|source| source.provider == a.provider) {
                sources.asked(a.provider);
                asked += 1;
            }
            (0..asked).for_each(|_| sources.released(a.provider));
            asked
        };
        sources.list(std::slice::from_ref(&a));
        assert_eq!(room(&mut sources), 1, "others may begin at the same time");
        sources.list(&[a.clone(), b]);
        assert_eq!(room(&mut sources), 1, "others may want what leaves it first");
        for _ in 0..9 {
            sources.gave(a.provider, Some(FRAME_TIME_AIM), Duration::ZERO);
        }
        assert_eq!(room(&mut sources), FRAMES_PER_SOURCE_MAX);
        for left in (1..FRAMES_PER_SOURCE_MAX).rev() {
            sources.gave(a.provider, Some(2 * FRAME_TIME_AIM), Duration::ZERO);
            assert_eq!(room(&mut sources), left);
        }
        sources.gave(a.provider, Some(2 * FRAME_TIME_AIM), Duration::ZERO);
        assert_eq!(room(&mut sources), 1);
        sources.list(std::slice::from_ref(&a));
        assert_eq!(room(&mut sources), FRAMES_PER_SOURCE_MAX, "nobody else waits for it");
        for _ in 0..9 {
            sources.gave(a.provider, Some(2 * FRAME_TIME_ALONE), Duration::ZERO);
        }
        assert_eq!(room(&mut sources), 2, "one comes while the other is written");
    }

    #[tokio::test]
    async fn who_takes_several_times_as_long_as_the_quickest_is_slow_and_equals_are_not() {
        let (a, b) = (source("a", "10.0.0.1:1"), source("b", "10.0.0.2:1"));
        let mut sources = Sources::new(FRAME_LEAVES_MAX);
        sources.list(&[a.clone(), b.clone()]);
        assert!(!sources.is_slow(a.provider), "nothing is known of it");
        let gave = |sources: &mut Sources, from: &Source, took| {
            (0..20).for_each(|_| sources.gave(from.provider, Some(took), Duration::ZERO));
        };
        gave(&mut sources, &a, 10 * FRAME_TIME_AIM);
        assert!(!sources.is_slow(a.provider), "it is as quick as anybody");
        gave(&mut sources, &b, FRAME_TIME_AIM);
        assert!(sources.is_slow(a.provider) && !sources.is_slow(b.provider));
        gave(&mut sources, &a, FRAME_TIME_AIM / 2);
        gave(&mut sources, &b, FRAME_TIME_AIM / 100);
        assert!(!sources.is_slow(a.provider), "on a fast link all are quick");
    }

    #[tokio::test]
    async fn who_is_alone_is_asked_for_more_at_once_the_farther_away_it_is() {
        let (a, b) = (source("a", "10.0.0.1:1"), source("b", "10.0.0.2:1"));
        let mut sources = Sources::new(FRAME_LEAVES_MAX);
        sources.list(std::slice::from_ref(&a));
        let gave = |sources: &mut Sources, way| {
            (0..20).for_each(|_| sources.gave(a.provider, Some(way + FRAME_TIME_AIM / 10), way));
            sources.at_once(a.provider)
        };
        assert_eq!(gave(&mut sources, FRAME_TIME_MIN / 10), FRAMES_PER_SOURCE_MAX);
        assert_eq!(gave(&mut sources, 3 * FRAME_TIME_MIN), FRAMES_PER_SOURCE_MAX + 3);
        assert_eq!(gave(&mut sources, 100 * FRAME_TIME_MIN), FRAMES_IN_FLIGHT_MAX);
        let mut small = Sources::new(FRAME_LEAVES_MAX / 4);
        small.list(std::slice::from_ref(&a));
        assert_eq!(
            gave(&mut small, 100 * FRAME_TIME_MIN),
            4 * FRAMES_IN_FLIGHT_MAX,
            "of frames as much smaller"
        );
        assert_eq!(small.in_flight_max(FRAMES_IN_FLIGHT_MAX), 4 * FRAMES_IN_FLIGHT_MAX);
        small.list(&[a.clone(), b.clone()]);
        assert_eq!(small.in_flight_max(FRAMES_IN_FLIGHT_MAX), FRAMES_IN_FLIGHT_MAX);
        // From where there is a queue everything seems to be far away.
        sources.list(&[a.clone(), b]);
        assert!(sources.at_once(a.provider) <= FRAMES_PER_SOURCE_MAX);
    }

    #[tokio::test]
    async fn who_lied_is_not_asked_again_even_if_listed_anew() {
        let now = Instant::now();
        let a = source("a", "10.0.0.1:1");
        let mut sources = Sources::new(FRAME_LEAVES_MAX);
        sources.list(std::slice::from_ref(&a));
        sources.asked(a.provider);
        assert!(sources.lied(a.provider));
        sources.list(&[]);
        assert_eq!(sources.problem().code, Code::T0010);
        sources.list(std::slice::from_ref(&a));
        assert!(sources.free(now, true).is_empty());
        assert_eq!(sources.problem().code, Code::T0002);
    }

    #[tokio::test]
    async fn a_late_frame_is_asked_of_ones_own_site_sooner_the_finer_frames_are() {
        let near = source("near", "10.0.0.1:1");
        let far = Source { beyond: true, ..near.clone() };
        let (large, fine) = (Sources::new(FRAME_LEAVES_MAX), Sources::new(FRAME_LEAVES_MAX / 4));
        let usual = SECOND_COPY_AFTER / 100;
        for source in [&near, &far] {
            assert_eq!(large.late_after(source, usual), SECOND_COPY_AFTER);
            assert_eq!(fine.late_after(source, SECOND_COPY_AFTER), 3 * SECOND_COPY_AFTER, "all are as slow");
        }
        assert_eq!(fine.late_after(&near, usual), SECOND_COPY_AFTER / 4);
        assert_eq!(fine.late_after(&far, usual), SECOND_COPY_AFTER, "a second copy crosses the link too");
    }

    #[tokio::test]
    async fn the_reserve_is_asked_only_in_need() {
        let now = Instant::now();
        let near = source("near", "10.0.0.1:1");
        let far = Source { reserve: true, ..source("far", "10.9.0.1:1") };
        let mut sources = Sources::new(FRAME_LEAVES_MAX);
        sources.list(&[near, far]);
        assert_eq!((sources.free(now, false).len(), sources.usable(now).len()), (1, 1));
        assert_eq!(sources.free(now, true).len(), 2);
    }

    #[tokio::test]
    async fn the_end_names_every_source_and_address() {
        let a = source("kvm-a", "10.0.0.1:1");
        let mut sources = Sources::new(FRAME_LEAVES_MAX);
        sources.list(std::slice::from_ref(&a));
        sources.asked(a.provider);
        sources.failed(a.provider, unreachable(), Instant::now());
        let problem = sources.problem();
        assert_eq!(problem.code, Code::T0001);
        assert_eq!(
            problem.cause,
            "None of 1 sources could be reached: kvm-a: no connection to 10.0.0.1:1: no route."
        );
    }
}
