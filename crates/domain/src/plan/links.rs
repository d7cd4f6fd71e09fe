//! Site links with a limit: who brings something over them now, and what share of each everybody is told.
//!
//! ```text
//!    madrid │  limit of berlin-madrid, in this direction │ berlin
//!           │ ════ a share ═════════════════════════════►│ gateway of version A
//!           │ ════ a share ═════════════════════════════►│ gateway of version B
//!           │      no share: asks nobody beyond          │ whoever has sources there in reserve
//! ```

use super::{World, swarm::Swarm};
use crate::{
    assignment::Orders,
    digest::Digest,
    ids::ProviderId,
    limit::{Claim, Limited, LimitedBy, LinkLimit, WHOLE, divide},
    site::SiteLink,
    units::Timestamp,
};
use std::collections::{BTreeMap, BTreeSet};

/// What an agent was told last of links with a limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToldLinks {
    /// It says that it follows just these orders.
    pub is_followed: bool,
    pub links: Vec<LinkLimit>,
}

impl ToldLinks {
    fn to(&self, site: &str) -> Option<&LinkLimit> {
        self.links.iter().find(|link| link.site == site)
    }

    /// The most that it may follow now.
    fn held(&self, site: &str) -> u32 {
        let held = |link: &LinkLimit| if self.is_followed { link.share } else { link.share.max(link.held) };
        self.to(site).map_or(0, held)
    }
}

/// One direction of a link: from the first site into the second.
type Way<'a> = (&'a str, &'a str);

/// Who crosses the links that have a limit, and the shares of those who answer.
#[derive(Default)]
pub(super) struct Links<'a> {
    /// Versions that each brings.
    brings: BTreeMap<Way<'a>, BTreeMap<ProviderId, u32>>,
    shares: BTreeMap<Way<'a>, BTreeMap<ProviderId, u32>>,
}

impl<'a> Links<'a> {
    pub(super) fn of(world: &'a World, swarms: &BTreeMap<Digest, Swarm<'a>>) -> Self {
        let mut links = Self::default();
        if world.links.is_empty() {
            return links;
        }
        for (gateway, from) in swarms.values().flat_map(Swarm::crossings) {
            let here = world.site_of(gateway);
            for beyond in from.into_iter().filter(|beyond| world.link_limit(beyond, here).is_some()) {
                *links.brings.entry((beyond, here)).or_default().entry(gateway).or_default() += 1;
            }
        }
        for (one, other) in world.links.keys().map(SiteLink::sites).map(|[one, other]| (one, other)) {
            for way in [(one, other), (other, one)] {
                let shares = links.divided(world, way);
                links.shares.insert(way, shares);
            }
        }
        links
    }

    /// Of those who do not answer nothing is known: they count as gone.
    fn divided(&self, world: &World, way: Way<'a>) -> BTreeMap<ProviderId, u32> {
        let brings = self.brings.get(&way);
        let told = world
            .told_links
            .iter()
            .filter(|(id, told)| world.site_of(**id) == way.1 && world.answers(**id) && told.held(way.0) > 0);
        let mut all: BTreeSet<ProviderId> = told.map(|(id, _)| *id).collect();
        all.extend(brings.iter().flat_map(|brings| brings.keys()));
        let claim = |id: &ProviderId| Claim {
            weight: brings.and_then(|brings| brings.get(id)).copied().unwrap_or_default(),
            held: world.told_links.get(id).map(|told| told.held(way.0)).unwrap_or_default(),
        };
        let claims: Vec<_> = all.iter().map(claim).collect();
        all.into_iter().zip(divide(&claims)).collect()
    }

    /// What the follower of `orders` is told: of each limited link that its sources stand beyond, and of one of
    /// which it may still follow a share.
    pub(super) fn limits(&self, world: &World, orders: &Orders) -> Vec<LinkLimit> {
        let mut limits = Vec::new();
        if world.links.is_empty() {
            return limits;
        }
        let me = orders.provider;
        let here = world.site_of(me);
        let listed = orders.replicas.iter().flat_map(|order| &order.sources).map(|source| source.provider);
        let listed: BTreeSet<ProviderId> = listed.collect();
        let told = world.told_links.get(&me);
        for (link, limit) in &world.links {
            let Some(site) = link.beyond(here) else { continue };
            let sources: Vec<_> = listed.iter().copied().filter(|id| world.site_of(*id) == site).collect();
            let held = told.map(|told| told.held(site)).unwrap_or_default();
            if sources.is_empty() && held == 0 {
                continue;
            }
            let shares = self.shares.get(&(site, here));
            let share = shares.and_then(|shares| shares.get(&me)).copied().unwrap_or_default();
            let before = told.and_then(|told| told.to(site)).filter(|before| before.share == share);
            // As it was noted: orders that say the same again are the same.
            let held = before.map_or(held, |before| before.held);
            limits.push(LinkLimit { site: site.to_owned(), sources, limit: limit.clone(), share, held });
        }
        limits
    }

    /// What comes into `here` by `gateway` at the most, if all that it may ask for there stands beyond limited
    /// links.
    pub(super) fn felt(
        &self,
        world: &World,
        gateway: ProviderId,
        from: &BTreeSet<&str>,
        now: Timestamp,
    ) -> Option<Limited> {
        let here = world.site_of(gateway);
        let felt = |beyond: &&str| {
            let limit = world.link_limit(beyond, here)?;
            let by = LimitedBy::Links(vec![SiteLink::new(beyond, here)?]);
            let weight = |id: &ProviderId| {
                let brings = self.brings.get(&(*beyond, here))?;
                let all: u32 = brings.values().sum();
                Some((*brings.get(id)?, all))
            };
            // Its fair share, which it is told as soon as others have given theirs up.
            let (mine, all) = weight(&gateway).unwrap_or((WHOLE, WHOLE));
            Some(Limited::now(by, limit, now)?.part(mine, all))
        };
        Limited::links(from.iter().map(felt).collect::<Option<Vec<_>>>()?)
    }
}

impl World {
    /// The limit of the link between two sites.
    pub fn link_limit(&self, one: &str, other: &str) -> Option<&crate::limit::Limit> {
        self.links.get(&SiteLink::new(one, other)?)
    }
}

#[cfg(test)]
#[path = "links_tests.rs"]
mod tests;
