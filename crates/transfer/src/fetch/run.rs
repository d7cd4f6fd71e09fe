//! One transfer's run: which frame is asked of whom, until all are in place.
//!
//! Who has all and is alone gives one frame after the other. Where others receive too, it gives each
//! receiver what nobody was given yet, and what the others have comes from them; so does the gateway of a
//! site: see [`swarm`](crate::swarm). What comes too slowly at the end is asked for once more elsewhere.

mod links;

use super::{
    FetchError,
    bring::{Asking, Site, Trouble, bring},
    gateway::Gateway,
    queue::Queue,
    talks::{Said, Talks},
};
use crate::{
    limits::{FRAME_LEAVES_MAX, RESERVE_AFTER, RESERVE_AFTER_HEARD},
    sources::Sources,
    swarm::pieces,
    wire::NoFrame,
};
use diecast_domain::{
    code::{Code, Problem},
    ids::ProviderId,
    provider::Source,
};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// How often it is looked whether something is late, or may be asked for again.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// Which frame, from whom, how long it took, and what came of it.
type Brought = (usize, Arc<Source>, Duration, Result<(), Trouble>);

/// A frame on its way, from one source or from two.
struct Flight {
    begun: Instant,
    from: Vec<(ProviderId, CancellationToken)>,
}

/// The frames still to get, and those on their way.
pub(super) struct Run {
    site: Arc<Site>,
    queue: Queue,
    flying: HashMap<usize, Flight>,
    tasks: JoinSet<Brought>,
    sources: Sources,
    talks: Talks,
    gateway: Gateway,
    frames: usize,
    last_good: Instant,
    /// When one came last from who is not kept in reserve.
    last_ordinary: Instant,
    /// What a frame takes of late.
    usual: Duration,
}

impl Run {
    pub(super) fn new(site: Arc<Site>) -> Self {
        let manifest = &site.order.manifest;
        let pieces = site.missing.iter().map(|missing| missing.piece(manifest)).collect();
        let frame_leaves = manifest.frames().iter().map(|frame| frame.leaves.len()).max();
        let mut sources = Sources::new(frame_leaves.unwrap_or(FRAME_LEAVES_MAX));
        for liar in site.order.client.liars(&manifest.digest()) {
            sources.lied(liar);
        }
        Self {
            queue: Queue::new(pieces::count(manifest), pieces),
            flying: HashMap::new(),
            tasks: JoinSet::new(),
            sources,
            talks: Talks::new(site.order.clone()),
            gateway: Gateway::new(uuid::Uuid::new_v4().as_u128() as f64 / u128::MAX as f64),
            frames: 0,
            last_good: Instant::now(),
            last_ordinary: Instant::now(),
            usual: Duration::ZERO,
            site,
        }
    }

    pub(super) async fn run(mut self) -> Result<usize, FetchError> {
        let order = self.site.order.clone();
        let mut listed = order.sources.clone();
        let mut listed_open = true;
        self.list(&listed.borrow_and_update());
        let mut give_up = Instant::now() + order.patience.no_source;
        let mut network = order.progress.view().bytes_network;
        loop {
            self.dispatch();
            if self.queue.is_empty() && self.flying.is_empty() {
                return Ok(self.frames);
            }
            let look = Instant::now() + LOOK_INTERVAL;
            tokio::select! {
                biased;
                () = order.cancel.cancelled() => return Err(FetchError::Cancelled),
                changed = listed.changed(), if listed_open => {
                    listed_open = changed.is_ok();
                    self.list(&listed.borrow_and_update());
                }
                Some(brought) = self.tasks.join_next() => {
                    let brought = brought.unwrap_or_else(|failed| {
                        // Tasks are aborted only when this set is dropped.
                        std::panic::resume_unwind(failed.into_panic())
                    });
                    if self.take(brought)? {
                        give_up = self.last_good + order.patience.no_source;
                    }
                }
                Some(said) = self.talks.next() => self.heard(said),
                () = sleep_until(give_up) => {
                    // A slow link may need longer for its frames: as long as bytes come, they have
                    // time, though not for ever, unless a limit of ours makes them slow.
                    let before = std::mem::replace(&mut network, order.progress.view().bytes_network);
                    let moving = network.saturating_sub(before).0 >= order.patience.stall_bytes_min;
                    let limit = self.last_good + 10 * order.patience.no_source;
                    let is_slowed = self.sources.listed().iter().any(|source| self.is_held_back(source));
                    let too_long = Instant::now() >= limit && !is_slowed;
                    if !self.waits_behind_a_link() && (!moving || too_long) {
                        return Err(FetchError::NoSource(self.sources.problem()));
                    }
                    give_up = Instant::now() + order.patience.no_source;
                }
                () = sleep_until(look) => {}
            }
        }
    }

    fn list(&mut self, sources: &[Source]) {
        self.sources.list(sources);
        self.talks.follow(self.sources.listed());
        let gateway = self.sources.listed().iter().find(|source| source.gateway && !source.whole);
        self.gateway.follow(gateway.map(|source| source.provider));
    }

    fn heard(&mut self, said: Said) {
        let said_by = match &said {
            Said::Arrivals(peer, Ok(_)) => Some(*peer),
            Said::Arrivals(..) | Said::Claims(..) => None,
        };
        self.talks.heard(said, self.queue.waiting());
        if let Some(peer) = said_by {
            let pieces = self.talks.peers.after(peer).pieces;
            self.gateway.said(peer, pieces, self.others_here(), Instant::now());
        }
    }

    fn dispatch(&mut self) {
        let now = Instant::now();
        self.leave_closed_links();
        if self.gateway.is_found_slow(self.others_here(), now) {
            self.tell_of_gateway();
        }
        // What the reserve has is as good as nowhere as long as it is not asked: it would not be claimed.
        let in_need = self.is_in_need(now);
        let may = |source: &Source| self.sources.is_honest(source.provider) && (in_need || !source.reserve);
        self.talks.listen(self.sources.listed(), may);
        let at_once = self.sources.in_flight_max(self.site.order.pace.frames_max());
        while self.tasks.len() < at_once
            && let Some((source, number)) = self.choose(now)
        {
            self.queue.take(number);
            self.ask(source, number, now);
        }
        while self.tasks.len() < at_once
            && let Some((source, number)) = self.late(now)
        {
            self.ask(source, number, now);
        }
    }

    /// Whom to ask next, and for what.
    fn choose(&mut self, now: Instant) -> Option<(Arc<Source>, usize)> {
        if self.queue.is_empty() {
            return None;
        }
        let free = self.sources.free(now, self.is_in_need(now)).into_iter();
        let free: Vec<_> = free.filter(|source| self.has_room(source)).collect();
        // Who failed to give a frame is asked for it again when nobody else is free: the other sources may
        // be dead.
        for again in [false, true] {
            for source in &free {
                if let Some(number) = self.useful(source, again) {
                    return Some((source.clone(), number));
                }
            }
        }
        None
    }

    /// Nothing came for long from who is not kept in reserve, or more comes without waiting for the gateway.
    fn is_in_need(&self, now: Instant) -> bool {
        let hears = self.talks.hears_somebody(self.sources.listed());
        let patience = if hears { RESERVE_AFTER_HEARD } else { RESERVE_AFTER };
        now >= self.last_ordinary + patience || self.gateway.is_passed_by(now) && self.may_cross_freely()
    }

    /// Who else of this site may try whether more comes without the gateway, as far as this one knows.
    fn others_here(&self) -> usize {
        let near = |source: &&Arc<Source>| !source.whole && !source.reserve && !source.gateway;
        self.sources.listed().iter().filter(near).count()
    }

    /// What this source is to give, if anything.
    fn useful(&mut self, source: &Arc<Source>, again: bool) -> Option<usize> {
        let Self { queue, talks, sources, flying, gateway, .. } = self;
        // What is waited for from who fails, or is slow, is as good as nothing.
        let is_naught = |id: ProviderId| sources.fails(id) || sources.is_slow(id);
        let idle = flying.values().flat_map(|flight| &flight.from).all(|(id, _)| is_naught(*id));
        let may = |number: usize| again || queue.may_give(number, source.provider);
        let may_piece = |piece| queue.number(piece).is_some_and(may);
        if source.gateway && !source.whole && !talks.is_plain(source) {
            let piece = talks.claimed(source, sources, queue.waiting(), idle, true)?;
            return queue.number(piece);
        }
        if !source.whole {
            let piece = talks.peers.rarest(source.provider, queue.waiting(), may_piece)?;
            return queue.number(piece);
        }
        let only_tried = source.reserve && gateway.is_only_tried();
        // A holder that has given all to somebody near it gives a piece again to know.
        let idle = idle || only_tried && gateway.has_fallen();
        if talks.is_plain(source) {
            let new = |number| {
                may(number) && queue.piece(number).is_none_or(|piece| !talks.peers.anybody_has(piece))
            };
            return queue.first(new).or_else(|| queue.first(may));
        }
        // Before anybody else is known others may have begun too: what they take is not taken again.
        if let Some(piece) = talks.claimed(source, sources, queue.waiting(), idle, !only_tried) {
            return queue.number(piece);
        }
        let is_alone = sources.listed().iter().all(|source| source.whole || source.reserve);
        if is_alone && !talks.is_asked(source.provider) {
            return queue.first(may);
        }
        queue.first_other(may)
    }

    /// A frame that is late, toward the end, and somebody else who can give it.
    fn late(&self, now: Instant) -> Option<(Arc<Source>, usize)> {
        if !self.queue.is_empty() || self.site.order.pace.is_limited() {
            return None;
        }
        // What a slow gateway still sends is asked for beyond the link, as all else is.
        let beyond = self.gateway.is_left() && self.may_cross_freely();
        let free = self.sources.free(now, beyond);
        self.flying.iter().find_map(|(number, flight)| {
            let [(first, _)] = &flight.from[..] else { return None };
            // Over a link with a limit each frame comes once.
            let may = |source: &&Arc<Source>| self.pace_over_link(source).is_none_or(|it| !it.is_limited());
            let is_late = |source: &Source| now >= flight.begun + self.sources.late_after(source, self.usual);
            let mut others = free.iter().filter(may).filter(|source| source.provider != *first);
            let other = others.find(|source| is_late(source) && self.can(source, *number));
            other.map(|source| (source.clone(), *number))
        })
    }

    fn can(&self, source: &Source, number: usize) -> bool {
        let has = |piece| self.talks.peers.has(source.provider, piece);
        source.whole || self.queue.piece(number).is_some_and(has)
    }

    fn ask(&mut self, source: Arc<Source>, number: usize, now: Instant) {
        self.sources.asked(source.provider);
        let token = self.site.order.cancel.child_token();
        let others = self.sources.usable(now);
        let another = |other: &Arc<Source>| other.provider != source.provider && self.can(other, number);
        let in_hurry = others.iter().any(another);
        let flight = self.flying.entry(number).or_insert_with(|| Flight { begun: now, from: Vec::new() });
        let is_first = flight.from.is_empty();
        flight.from.push((source.provider, token.clone()));
        let site = self.site.clone();
        let asking = Asking { number, is_first, in_hurry, differing: false };
        let brought = async move {
            let result = tokio::select! {
                result = bring(site, asking, source.clone()) => result,
                () = token.cancelled() => Err(Trouble::Superseded),
            };
            (number, source, now.elapsed(), result)
        };
        self.tasks.spawn(brought.in_current_span());
    }

    /// Whether the frame is in place; an error if none can be put there.
    fn take(&mut self, (number, source, took, result): Brought) -> Result<bool, FetchError> {
        let trouble = match result {
            Ok(()) => {
                self.arrived(number, &source, took);
                return Ok(true);
            }
            Err(Trouble::Here(error)) => return Err(error.into()),
            // Whoever could not use a difference had asked for the frame.
            Err(Trouble::Superseded | Trouble::Unfit) => {
                self.sources.released(source.provider);
                return Ok(false);
            }
            Err(Trouble::NoFrame(trouble @ NoFrame::TooLong { .. })) => Err(trouble.to_string()),
            Err(Trouble::NoFrame(trouble)) => Ok(trouble),
            Err(Trouble::Wrong(wrong)) => Err(wrong.to_string()),
        };
        self.failed(number, source.provider);
        if source.reserve {
            self.gateway.try_later(self.others_here(), Instant::now());
        }
        match trouble {
            Ok(trouble) => {
                let name = &source.name;
                tracing::debug!(source = %name, cause = %trouble, "a source gave no frame");
                self.sources.failed(source.provider, trouble, Instant::now());
            }
            Err(wrong) => {
                let version = self.site.order.manifest.digest();
                self.site.order.client.lied(source.provider, version);
                self.talks.peers.forget(source.provider);
                if self.sources.lied(source.provider) {
                    let name = &source.name;
                    let cause = format!("{name} sent wrong bytes ({wrong}), and is not asked again");
                    self.site.order.progress.notice(Problem::new(Code::T0002, cause));
                }
            }
        }
        Ok(false)
    }

    fn arrived(&mut self, number: usize, source: &Source, took: Duration) {
        let flight = self.flying.remove(&number);
        flight.into_iter().flat_map(|flight| flight.from).for_each(|(_, token)| token.cancel());
        // What a limit of ours held back says nothing of the source.
        let took = Some(took).filter(|_| !self.is_held_back(source));
        self.usual = took.map_or(self.usual, |took| (self.usual * 7 + took) / 8);
        let way = self.site.order.client.way(source.provider);
        self.sources.gave(source.provider, took, way);
        self.frames += 1;
        self.last_good = Instant::now();
        if !source.reserve {
            self.last_ordinary = self.last_good;
        } else {
            self.gateway.was_passed_by(self.last_good);
        }
        if let (Some(piece), Some(arrivals)) = (self.queue.piece(number), &self.site.order.arrivals) {
            arrivals.note(piece);
        }
    }

    /// It did not come from there: unless another copy is still on its way, it waits again.
    fn failed(&mut self, number: usize, source: ProviderId) {
        self.queue.refused(number, source);
        let Some(flight) = self.flying.get_mut(&number) else { return };
        flight.from.retain(|(from, _)| *from != source);
        if flight.from.is_empty() {
            self.flying.remove(&number);
            self.queue.put_back(number);
        }
    }
}
