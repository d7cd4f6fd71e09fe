//! Who fetches a version from whom. Peers carry for each other: whoever receives it gives what it has by now,
//! so the source sends each frame about once, whatever the number of receivers.
//!
//! ```text
//!    site A                          │ site link │            site B, where nobody has it whole
//!    whole holder ─► receiver ⇄ receiver ────────────► gateway ⇄ receiver ⇄ receiver
//!          └───────────► receiver ⇄ ┘│           │                  ▲ the others ask over the link only
//!                                    │           │                    while nothing near gives anything
//! ```
//!
//! Each site has an *heir*: its gateway or, where somebody has the version whole, who will be that when nobody
//! has it any more. Heirs of different sites have each other in reserve.
//!
//! **Promise:** as long as nothing fails, one copy crosses into a site: its gateway's. Who finds that slower than the
//! link brings some of it itself (`transfer`), says so, and is the gateway from then on.
//! **Promise:** in a site a way leads from each receiver to every other one, and from heir to heir between
//! sites. So what has left the source comes to all without it and without new lists, while heirs live and no limit
//! closes a link to them.
//! **Promise:** whoever comes or goes changes the lists of a few, and nobody else's orders.
//!
//! Which frame is asked of whom is the receiver's part (`transfer`). Why it is so: ADR 0017.

use super::{
    World,
    choice::{Peer, closest},
};
use crate::{
    digest::Digest,
    ids::ProviderId,
    provider::Source,
    replica::{Phase, ReplicaReport, SourceReport},
};
use std::collections::{BTreeMap, BTreeSet};

/// Receivers of the same version that are named to one receiver.
pub const PEERS_MAX: usize = 8;
/// Those in other sites, for the gateway of a site. Each gives it a share of its link, an eighth where all are
/// busy: fewer would leave the gateway's link idle, and all behind it wait.
const PEERS_ELSEWHERE_MAX: usize = 8;
/// Near ones beside those, for a gateway: what another one has brought before it comes from them.
const PEERS_OF_GATEWAY: usize = 4;
/// Whole holders that are named to one receiver beside its peers.
const WHOLE_MAX: usize = 2;
/// Sources in all where there are few: enough to survive the loss of some.
const SOURCES_FEW: usize = 4;
/// Receivers that one whole holder is an ordinary source of. More would each get so little of it that the
/// same frames leave it again and again; they live on their peers, and have it in reserve.
const FED_BY_ONE: usize = 32;

/// Everybody who has something of one version, and everybody whose turn it is to get it.
pub(super) struct Swarm<'a> {
    world: &'a World,
    digest: Digest,
    sites: BTreeMap<&'a str, Site>,
    /// Whose turn it is, and whoever is under way.
    receivers: BTreeSet<ProviderId>,
}

/// What stands in one site.
#[derive(Default)]
struct Site {
    whole: Vec<Peer>,
    receiving: Vec<Peer>,
    /// Who brings the version into a site where nobody has it whole.
    gateway: Option<ProviderId>,
    /// Who asks the heirs of other sites in need: one of a site, so that a piece comes back over a link once.
    heir: Option<Peer>,
    /// The heir lacks something.
    lacks: bool,
    /// Who has the whole holders here as ordinary sources; None: everybody.
    fed: Option<BTreeSet<ProviderId>>,
}

impl<'a> Swarm<'a> {
    /// Of those whose `turn` it is, and of what agents say of this version.
    pub(super) fn new(
        world: &'a World,
        digest: Digest,
        turn: impl IntoIterator<Item = ProviderId>,
        said: &[(ProviderId, &'a ReplicaReport)],
    ) -> Self {
        let mut swarm = Self { world, digest, sites: BTreeMap::new(), receivers: BTreeSet::new() };
        for (id, report) in said.iter().filter(|(id, _)| world.answers(*id)) {
            let peer = Peer::new(&digest, *id);
            let site = swarm.sites.entry(world.site_of(*id)).or_default();
            if report.has_whole() {
                site.whole.push(peer);
            } else if report.gives_what_it_has() {
                site.receiving.push(peer);
                swarm.receivers.insert(*id);
            }
        }
        let whole = said.iter().filter(|(_, report)| report.has_whole()).map(|(id, _)| *id);
        let whole: BTreeSet<_> = whole.collect();
        swarm.receivers.extend(turn.into_iter().filter(|id| !whole.contains(id)));
        swarm.choose_heirs(said);
        for site in swarm.sites.values_mut() {
            let most = FED_BY_ONE * site.whole.len();
            if most > 0 && site.receiving.len() > most {
                let fed = closest(0, &site.receiving, most);
                site.fed = Some(fed.into_iter().collect());
            }
        }
        swarm
    }

    /// One receiver for each site: one that lacks nothing any more, else, of those who held up nobody, the one that
    /// has brought most from elsewhere so far. So the choice stands while others come and go.
    fn choose_heirs(&mut self, said: &[(ProviderId, &ReplicaReport)]) {
        let said: BTreeMap<_, _> = said.iter().copied().collect();
        let held_up = self.held_up(&said);
        let mut chosen: BTreeMap<&str, (bool, bool, u64, Peer)> = BTreeMap::new();
        for id in &self.receivers {
            let here = self.world.site_of(*id);
            let given = said.get(id).into_iter().flat_map(|report| &report.sources);
            let from_elsewhere = given.filter(|it| self.world.site_of(it.provider) != here);
            let brought: u64 = from_elsewhere.map(|it| it.received.0).sum();
            let complete = said.get(id).is_some_and(|report| report.phase == Phase::Verifying);
            let candidate = (complete, !held_up.contains(id), brought, Peer::new(&self.digest, *id));
            let best = chosen.entry(here).or_insert(candidate);
            *best = candidate.max(*best);
        }
        for (name, (complete, .., heir)) in chosen {
            let site = self.sites.entry(name).or_default();
            site.lacks = !complete;
            site.gateway = Some(heir.id).filter(|_| site.whole.is_empty());
            // Who has not begun has nothing to give yet.
            site.heir = Some(heir).filter(|heir| site.receiving.contains(heir));
        }
    }

    /// Gateways that a receiver of their site had to pass by.
    fn held_up(&self, said: &BTreeMap<ProviderId, &ReplicaReport>) -> BTreeSet<ProviderId> {
        let told = |id: &ProviderId| {
            let here = self.world.site_of(*id);
            let near = move |source: &&SourceReport| self.world.site_of(source.provider) == here;
            let sources = said.get(id).into_iter().flat_map(|report| &report.sources);
            sources.filter(|source| source.held_up).filter(near).map(|source| source.provider)
        };
        self.receivers.iter().flat_map(told).collect()
    }

    /// The gateway through which the version comes to `receiver`, which may be itself, and the other sites
    /// that it comes from. None where it is in the site already.
    pub(super) fn way_to(&self, receiver: ProviderId) -> Option<(ProviderId, BTreeSet<&'a str>)> {
        self.way_into(self.world.site_of(receiver))
    }

    fn way_into(&self, name: &str) -> Option<(ProviderId, BTreeSet<&'a str>)> {
        let gateway = self.sites.get(name).filter(|site| site.lacks)?.gateway?;
        let ordinary = self.sources(gateway).into_iter().filter(|source| !source.reserve);
        let from = ordinary.map(|source| self.world.site_of(source.provider)).filter(|from| *from != name);
        Some((gateway, from.collect()))
    }

    /// The gateways that bring something, and from which other sites.
    pub(super) fn crossings(&self) -> impl Iterator<Item = (ProviderId, BTreeSet<&'a str>)> + '_ {
        self.sites.keys().filter_map(move |name| self.way_into(name))
    }

    /// Whom `receiver` asks: what is near first, the whole holders last.
    pub(super) fn sources(&self, receiver: ProviderId) -> Vec<Source> {
        let name = self.world.site_of(receiver);
        let none = Site::default();
        let here = self.sites.get(name).unwrap_or(&none);
        let receives = self.receivers.contains(&receiver);
        let is_gateway = here.gateway == Some(receiver);
        let me = Peer::new(&self.digest, receiver);
        let elsewhere = || self.sites.iter().filter(|(site, _)| **site != name).map(|(_, site)| site);

        let mut list = Vec::new();
        if is_gateway {
            let far = elsewhere().flat_map(|site| &site.receiving);
            list.extend(me.closest(far, PEERS_ELSEWHERE_MAX).into_iter().map(|id| (id, false, false)));
        }
        if receives {
            let near = if is_gateway { PEERS_OF_GATEWAY } else { PEERS_MAX };
            let near = me.chooses(here.receiving.iter(), near);
            list.splice(0..0, near.into_iter().map(|id| (id, false, false)));
            // While few are under way: what the gateway brings is soon there.
            let gateway = here.gateway.filter(|id| *id != receiver && !list.iter().any(|(it, ..)| it == id));
            let gateway = gateway.filter(|_| list.len() < PEERS_MAX);
            list.splice(0..0, gateway.map(|id| (id, false, false)));
        }
        let peers = list.len();
        let whole = WHOLE_MAX.max(SOURCES_FEW.saturating_sub(peers));
        let starves = here.fed.as_ref().is_some_and(|fed| !fed.contains(&receiver)) && peers > 0;
        let near = me.closest(&here.whole, whole);
        let far = elsewhere().flat_map(|site| &site.whole);
        // Where the version is not yet under way, or begins, whoever has it is asked.
        let crosses = near.is_empty() && here.whole.is_empty() && (is_gateway || !receives);
        let far = me.closest(far, if crosses { whole } else { WHOLE_MAX });
        list.extend(near.into_iter().map(|id| (id, true, receives && starves)));
        if here.heir == Some(me) {
            // The holder gives some pieces to other sites first: if it is gone, they come back from there.
            let heirs = me.chooses(elsewhere().filter_map(|site| site.heir.as_ref()), PEERS_ELSEWHERE_MAX);
            let new: Vec<_> = heirs.into_iter().filter(|id| list.iter().all(|(it, ..)| it != id)).collect();
            list.extend(new.into_iter().map(|id| (id, false, true)));
        }
        list.extend(far.into_iter().map(|id| (id, true, !crosses)));
        let source = |(id, whole, reserve)| {
            let there = self.world.providers.get(&id)?;
            Some(Source {
                provider: id,
                name: there.name.clone(),
                addresses: there.addresses.clone(),
                whole,
                reserve,
                gateway: here.gateway == Some(id),
                beyond: self.world.site_of(id) != name,
            })
        };
        list.into_iter().filter_map(source).collect()
    }
}

#[cfg(test)]
#[path = "swarm_tests.rs"]
mod tests;
