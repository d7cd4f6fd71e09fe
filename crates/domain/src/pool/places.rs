//! Where a pool's next hosts go, and why a provider takes none.

use super::{Pool, Strategy};
use crate::{
    distribution::Desire,
    ids::ProviderId,
    plan::{TemplateInWorld, World},
    template::VersionRef,
    units::ByteCount,
};
use std::{cmp::Ordering, collections::BTreeSet};

/// Free space below which no further host is begun: a fresh overlay and its seed. Whether a full
/// host's disk fits is found out by its agent.
pub const HOST_FREE_MIN: ByteCount = ByteCount::mib(64);

/// A provider that can take a host of the pool now.
#[derive(Clone, Debug)]
struct Place {
    provider: ProviderId,
    of_pool: u32,
    of_all: usize,
    free: ByteCount,
}

impl Place {
    /// Which of two takes the next host: where, with it, the pool's hosts take the smaller share of
    /// what is free, whatever their size. Those that are there count like those of this plan: an
    /// overlay takes its room only as it is used.
    fn before(&self, other: &Self) -> Ordering {
        let share = |of: &Self, free: ByteCount| (u128::from(of.of_pool) + 1) * u128::from(free.0);
        let by_share = share(self, other.free).cmp(&share(other, self.free));
        let rest = |of: &Self| (of.of_pool, of.of_all, of.provider);
        by_share.then_with(|| rest(self).cmp(&rest(other)))
    }
}

/// Where the pool may have hosts at all, in the order that it names or by name.
pub(super) fn allowed(pool: &Pool, world: &World, list: &TemplateInWorld) -> Vec<ProviderId> {
    if !pool.placement.providers.is_empty() {
        return pool.placement.providers.clone();
    }
    let members = list.members.iter().filter(|(_, member)| member.desire == Desire::Hold);
    let mut all: Vec<ProviderId> = members.map(|(id, _)| *id).collect();
    all.sort_by_key(|id| world.name_of(*id));
    all
}

/// What was found of the places for a pool's hosts.
pub(super) struct Places {
    chosen: Vec<Place>,
    /// Why the others take none, in sentences.
    pub(super) obstacles: Vec<String>,
}

impl Places {
    /// Looks at every provider that the pool may use. `failing` are those where a host of it could
    /// not be made.
    pub(super) fn of(
        pool: &Pool,
        world: &World,
        list: &TemplateInWorld,
        version: &VersionRef,
        failing: &BTreeSet<ProviderId>,
    ) -> Self {
        let mut places = Self { chosen: Vec::new(), obstacles: Vec::new() };
        for provider in allowed(pool, world, list) {
            let there = || world.hosts.iter().filter(|host| host.provider == provider);
            let of_pool = there().filter(|host| host.pool == Some(pool.id)).count() as u32;
            let free = world.providers.get(&provider).and_then(|there| there.storage_free);
            let obstacle = if !world.answers(provider) {
                Some("does not answer".into())
            } else if list.members.get(&provider).is_none_or(|member| member.desire != Desire::Hold) {
                Some("is not on the template's distribution list".into())
            } else if !world.is_ready_on(provider, version.digest) {
                Some(format!("does not hold v{} ready", version.number))
            } else if failing.contains(&provider) {
                Some("could not make a host".into())
            } else if free.is_some_and(|free| free < HOST_FREE_MIN) {
                Some("has no free space".into())
            } else {
                let full = pool.placement.cap.filter(|cap| of_pool >= *cap);
                full.map(|cap| format!("has {of_pool} hosts of at most {cap}"))
            };
            match obstacle {
                Some(why) => places.obstacles.push(format!("{} {why}", world.name_of(provider))),
                None => places.chosen.push(Place {
                    provider,
                    of_pool,
                    of_all: there().count(),
                    free: free.unwrap_or_default(),
                }),
            }
        }
        places
    }

    pub(super) fn is_empty(&self) -> bool {
        self.chosen.is_empty()
    }

    /// One provider for each of `count` hosts; fewer when there is no room for more.
    pub(super) fn take(&mut self, pool: &Pool, world: &World, count: usize) -> Vec<ProviderId> {
        let mut taken = Vec::new();
        while taken.len() < count {
            let Some(place) = self.next(&pool.placement.strategy) else { break };
            place.of_pool += 1;
            place.of_all += 1;
            let (provider, of_pool) = (place.provider, place.of_pool);
            taken.push(provider);
            if let Some(cap) = pool.placement.cap.filter(|cap| of_pool >= *cap) {
                self.chosen.retain(|place| place.provider != provider);
                self.obstacles.push(format!("{} takes at most {cap} hosts", world.name_of(provider)));
            }
        }
        taken
    }

    fn next(&mut self, strategy: &Strategy) -> Option<&mut Place> {
        match strategy {
            Strategy::Spread => self.chosen.iter_mut().min_by(|a, b| a.before(b)),
            Strategy::Fill => self.chosen.first_mut(),
            Strategy::Weights(weights) => {
                let share = |place: &Place, weight: u32| {
                    (u64::from(place.of_pool) + 1) * 1_000_000 / u64::from(weight)
                };
                let weighed = self.chosen.iter_mut().filter_map(|place| {
                    let weight = weights.get(&place.provider).copied().filter(|weight| *weight > 0)?;
                    Some((share(place, weight), place))
                });
                weighed.min_by_key(|(share, place)| (*share, place.provider)).map(|(_, place)| place)
            }
        }
    }
}
