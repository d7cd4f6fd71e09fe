//! What stands in the way of a transfer, and what sources answer.

use super::Failure;
use crate::{
    agent::profile,
    disk::{LEAVES, Leaf},
    sim::Sim,
};
use diecast_domain::{code::Code, digest::Digest, ids::ProviderId, preflight, units::ByteCount};

/// What came of asking a source for a leaf.
enum Answer {
    Silence,
    /// It receives the version itself, and does not have this by now.
    NotYet,
    Right,
    Wrong,
}

/// Steps without anything after which what is held in reserve is asked.
const PATIENCE: u64 = 2;
/// The same while somebody answers who is receiving it too.
const PATIENCE_WITH_A_PEER: u64 = 20;

impl Sim {
    pub(crate) fn preflight(&self, index: usize, digest: &Digest) -> Result<(), Failure> {
        let agent = &self.agents[index];
        let present = agent
            .disk
            .copies
            .get(digest)
            .map_or(0, |copy| copy.leaves.iter().filter(|leaf| **leaf != Leaf::Absent).count());
        let profile = profile();
        let bytes = ByteCount((LEAVES - present) as u64);
        let needs = preflight::Needs { profile: &profile, bytes, floor: ByteCount::ZERO };
        let settings = &agent.orders().expect("it fills by order").settings;
        let found = preflight::obstacles(agent.name.as_str(), &agent.facts(), settings, &needs);
        match found.into_iter().next() {
            Some(problem) => Err((problem.code, problem.cause)),
            None => Ok(()),
        }
    }

    /// Gets one of the leaves that are missing, and says which; None: none yet. Peers are asked for any of
    /// them, then the whole holders; what is held in reserve only after a while without anything. What
    /// arrives is compared with its digest.
    pub(crate) fn fetch(
        &mut self,
        index: usize,
        digest: Digest,
        missing: &[usize],
    ) -> Result<Option<usize>, Failure> {
        let agent = &self.agents[index];
        let first = missing.first().copied();
        // What was made here is in the spool, and the rest in the files of what it was made from.
        if agent.disk.spool.contains_key(&digest) && agent.disk.serves(&digest) {
            return Ok(first);
        }
        let orders = agent.orders().expect("it fills by order");
        let mut sources = orders.replica(&digest).map(|order| order.sources.clone()).unwrap_or_default();
        if sources.is_empty() {
            return Err((Code::T0010, "no source is named".into()));
        }
        let now = self.now;
        let may_come_over = |source: ProviderId| {
            let link = orders.limits.link_to(source);
            link.and_then(|link| link.rate(now)).is_none_or(|rate| rate.0 > 0)
        };
        let named = sources.len();
        sources.retain(|source| may_come_over(source.provider));
        let waits_for_a_gateway = sources.len() < named;
        sources.sort_by_key(|source| (source.reserve, source.whole));
        let waited = agent.memory.as_ref().and_then(|memory| memory.waited.get(&digest).copied());
        let waited = waited.unwrap_or_default();
        let mut lied = false;
        let mut may_come = false;
        for source in sources {
            let patience = if may_come { PATIENCE_WITH_A_PEER } else { PATIENCE };
            if source.reserve && waited < patience {
                return Ok(self.waits(index, digest));
            }
            for leaf in missing {
                match self.ask(index, source.provider, &digest, *leaf) {
                    Answer::Right => return Ok(Some(self.came(index, source.provider, digest, *leaf))),
                    Answer::Wrong if !self.rules.checks_arrivals => return Ok(Some(*leaf)),
                    Answer::Wrong => lied = true,
                    Answer::NotYet => may_come = true,
                    Answer::Silence => break,
                }
            }
        }
        if may_come && (waits_for_a_gateway || waited < PATIENCE_WITH_A_PEER) {
            return Ok(self.waits(index, digest));
        }
        self.agents[index].memory.as_mut().expect("it lives").waited.remove(&digest);
        Err(if lied {
            (Code::T0002, "what a source sent does not match its digest".into())
        } else {
            (Code::T0001, "no source could be reached".into())
        })
    }

    fn waits(&mut self, index: usize, digest: Digest) -> Option<usize> {
        *self.agents[index].memory.as_mut().expect("it lives").waited.entry(digest).or_default() += 1;
        None
    }

    /// A leaf came, from near or over a link between sites.
    fn came(&mut self, index: usize, source: ProviderId, digest: Digest, leaf: usize) -> usize {
        let agent = &mut self.agents[index];
        agent.memory.as_mut().expect("it lives").waited.remove(&digest);
        let world = &self.server.stored.world;
        let here = world.site_of(agent.id);
        if world.site_of(source) != here {
            *self.crossed.entry((here.to_owned(), digest, leaf)).or_default() += 1;
        }
        leaf
    }

    fn ask(&mut self, index: usize, source: ProviderId, digest: &Digest, leaf: usize) -> Answer {
        let receiver = self.agents[index].id;
        let Some(there) = self.agents.iter().find(|agent| agent.id == source) else { return Answer::Silence };
        let lets = there.orders().is_some_and(|orders| orders.may_read(digest, receiver));
        let reached = there.memory.is_some() && lets && self.network.together(receiver, source);
        if !reached {
            return Answer::Silence;
        }
        let gives = |wrong| if wrong { Answer::Wrong } else { Answer::Right };
        match there.disk.copies.get(digest) {
            Some(copy) if copy.under_final_name => {
                gives(there.lies || !copy.is_right() && self.dice.once_in(2))
            }
            _ if there.disk.serves(digest) => gives(there.lies),
            // Whoever receives it gives what it has.
            Some(copy) if there.receives(digest) => match copy.leaves[leaf] {
                Leaf::Absent => Answer::NotYet,
                held => gives(there.lies || held == Leaf::Wrong),
            },
            _ => Answer::Silence,
        }
    }
}
