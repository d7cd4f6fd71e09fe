//! What is said beside the frames: what has come to the peers, and what holders of the whole and the gateway
//! give to nobody else.

use super::FetchOrder;
use crate::{
    limits::{
        CLAIM_PAUSE, FRAMES_PER_SOURCE_MAX, LISTEN_PAUSE, LISTEN_PAUSE_FAILED, LISTEN_PAUSE_SATED,
        PLAIN_GATEWAY_PAUSE,
    },
    sources::Sources,
    swarm::{
        arrivals::{After, Told},
        claims::{CLAIMS_MAX, GIVEN_AGAIN_AFTER, GIVEN_AGAIN_IDLE},
        peers::Peers,
        pieces::{self, PieceSet},
    },
    wire::NoFrame,
};
use diecast_domain::{ids::ProviderId, provider::Source};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};
use tracing::Instrument;

/// What somebody answered.
pub(super) enum Said {
    Arrivals(ProviderId, Result<Told, NoFrame>),
    Claims(Arc<Source>, Result<Vec<u32>, NoFrame>),
}

pub(super) struct Talks {
    order: Arc<FetchOrder>,
    pub(super) peers: Peers,
    /// Peers that are asked now what has come to them.
    asked: HashSet<ProviderId>,
    /// How long each is left alone before it is asked again.
    pauses: HashMap<ProviderId, Duration>,
    /// Peers that gave no answer last.
    silent: HashSet<ProviderId>,
    holders: HashMap<ProviderId, Holder>,
    under_way: JoinSet<Said>,
}

/// What was agreed with one that hands out claims.
#[derive(Default)]
struct Holder {
    claimed: VecDeque<u32>,
    is_asked: bool,
    dry_until: Option<Instant>,
    /// An agent of an earlier release. Some gateway: it knows no claims of what still comes to it. Some other:
    /// it knows none at all.
    plain_as_gateway: Option<bool>,
}

impl Talks {
    pub(super) fn new(order: Arc<FetchOrder>) -> Self {
        // Each receiver chooses otherwise than its peers.
        let seed = uuid::Uuid::new_v4().as_u64_pair().0;
        let peers = Peers::new(pieces::count(&order.manifest), seed);
        Self {
            order,
            peers,
            asked: HashSet::new(),
            pauses: HashMap::new(),
            silent: HashSet::new(),
            holders: HashMap::new(),
            under_way: JoinSet::new(),
        }
    }

    /// The list of sources is another one.
    pub(super) fn follow(&mut self, listed: &[Arc<Source>]) {
        let is_listed = |peer| listed.iter().any(|source| source.provider == peer && !source.whole);
        self.peers.keep(is_listed);
        self.silent.retain(|peer| is_listed(*peer));
    }

    /// Whether anybody who receives too, and is not kept in reserve, says what has come to it.
    pub(super) fn hears_somebody(&self, listed: &[Arc<Source>]) -> bool {
        let mut peers = listed.iter().filter(|source| !source.whole && !source.reserve);
        peers.any(|source| !self.silent.contains(&source.provider))
    }

    /// Asks every peer that may be and is not being asked.
    pub(super) fn listen(&mut self, listed: &[Arc<Source>], may: impl Fn(&Source) -> bool) {
        for source in listed.iter().filter(|source| !source.whole && may(source)) {
            if !self.asked.insert(source.provider) {
                continue;
            }
            let pause = self.pauses.get(&source.provider).copied().unwrap_or_default();
            let (order, source, after) =
                (self.order.clone(), source.clone(), self.peers.after(source.provider));
            let talk = async move {
                sleep(pause).await;
                let version = order.manifest.digest();
                let told = order.client.arrivals(&source, &version, after, &order.progress).await;
                Said::Arrivals(source.provider, told)
            };
            self.under_way.spawn(talk.in_current_span());
        }
    }

    /// The next answer; None if nobody is asked.
    pub(super) async fn next(&mut self) -> Option<Said> {
        let said = self.under_way.join_next().await?;
        // Talks are aborted only when this is dropped.
        Some(said.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic())))
    }

    pub(super) fn heard(&mut self, said: Said, waiting: &PieceSet) {
        match said {
            Said::Arrivals(peer, Ok(told)) => {
                self.asked.remove(&peer);
                self.silent.remove(&peer);
                self.peers.told(peer, &told);
                let sated = self.peers.useful(peer, waiting) as usize > 2 * FRAMES_PER_SOURCE_MAX;
                self.pauses.insert(peer, if sated { LISTEN_PAUSE_SATED } else { LISTEN_PAUSE });
            }
            Said::Arrivals(peer, Err(trouble)) => {
                tracing::debug!(%peer, cause = %trouble, "a peer did not say what has come to it");
                self.asked.remove(&peer);
                self.silent.insert(peer);
                self.pauses.insert(peer, LISTEN_PAUSE_FAILED);
            }
            Said::Claims(source, answer) => {
                let holder = self.holders.entry(source.provider).or_default();
                holder.is_asked = false;
                // A gateway has waited before it said that it has nothing.
                let pause = if source.gateway && answer.is_ok() { LISTEN_PAUSE } else { CLAIM_PAUSE };
                let is_dry = answer.as_ref().map_or(true, Vec::is_empty);
                holder.dry_until = is_dry.then(|| Instant::now() + pause);
                match answer {
                    Ok(claimed) => holder.claimed.extend(claimed),
                    // A gateway that has not begun knows nothing of the version either.
                    Err(NoFrame::Refused { status: 404 | 405, .. })
                        if !source.gateway || self.peers.after(source.provider) != After::default() =>
                    {
                        holder.plain_as_gateway = Some(source.gateway);
                        holder.dry_until = Some(Instant::now() + PLAIN_GATEWAY_PAUSE);
                    }
                    Err(_) => {}
                }
            }
        }
    }

    /// Whether its answer to the last request for claims is still awaited.
    pub(super) fn is_asked(&self, holder: ProviderId) -> bool {
        self.holders.get(&holder).is_some_and(|holder| holder.is_asked)
    }

    pub(super) fn is_plain(&self, source: &Source) -> bool {
        let Some(holder) = self.holders.get(&source.provider) else { return false };
        let is_due = source.gateway && holder.dry_until.is_none_or(|until| until <= Instant::now());
        holder.plain_as_gateway == Some(source.gateway) && !is_due
    }

    /// A piece that this holder gives to nobody else for now, if one is known; `ahead`: more are asked for before
    /// the last is taken, though no more than will soon be: they come to nobody else from there. What only a
    /// peer has that is slow or fails to give anything is wanted all the same. `idle`: nothing else can be asked
    /// for.
    pub(super) fn claimed(
        &mut self,
        source: &Arc<Source>,
        sources: &Sources,
        waiting: &PieceSet,
        idle: bool,
        ahead: bool,
    ) -> Option<u32> {
        let (now, idle) = (Instant::now(), idle || !self.hears_somebody(sources.listed()));
        let holder = self.holders.entry(source.provider).or_default();
        holder.claimed.retain(|piece| waiting.has(*piece));
        let claimed = holder.claimed.pop_front();
        let most = if ahead { sources.at_once(source.provider).min(CLAIMS_MAX) } else { 1 };
        let enough = if ahead { holder.claimed.len() >= most.div_ceil(2) } else { claimed.is_some() };
        let is_dry = holder.dry_until.is_some_and(|until| until > now);
        if !enough && !holder.is_asked && !is_dry {
            holder.is_asked = true;
            let apart = |who| who == source.provider || sources.fails(who) || sources.is_slow(who);
            let elsewhere = || self.peers.beside(apart);
            let mut wanted = if idle { waiting.clone() } else { waiting.without(&elsewhere()) };
            holder.claimed.iter().chain(&claimed).for_each(|piece| wanted.remove(*piece));
            let again = if idle { GIVEN_AGAIN_IDLE } else { GIVEN_AGAIN_AFTER };
            let (order, source) = (self.order.clone(), source.clone());
            let talk = async move {
                let version = order.manifest.digest();
                let claim = order.client.claim(&source, &version, &wanted, most, again, &order.progress);
                let claimed = claim.await;
                Said::Claims(source, claimed)
            };
            self.under_way.spawn(talk.in_current_span());
        }
        claimed
    }
}
