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
    Right,
    Wrong,
}

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

    /// Asks the sources in turn for one leaf. What arrives is compared with its digest.
    pub(crate) fn fetch(&mut self, index: usize, digest: Digest) -> Result<(), Failure> {
        let agent = &self.agents[index];
        // What was made here is in the spool, and the rest in the files of what it was made from.
        if agent.disk.spool.contains_key(&digest) && agent.disk.serves(&digest) {
            return Ok(());
        }
        let orders = agent.orders().expect("it fills by order");
        let sources: Vec<ProviderId> = orders
            .replica(&digest)
            .map(|order| order.sources.iter().map(|source| source.provider).collect())
            .unwrap_or_default();
        if sources.is_empty() {
            return Err((Code::T0010, "no source is named".into()));
        }
        let mut lied = false;
        for source in sources {
            match self.ask(index, source, &digest) {
                Answer::Right => return Ok(()),
                Answer::Wrong if !self.rules.checks_arrivals => return Ok(()),
                Answer::Wrong => lied = true,
                Answer::Silence => {}
            }
        }
        Err(if lied {
            (Code::T0002, "what a source sent does not match its digest".into())
        } else {
            (Code::T0001, "no source could be reached".into())
        })
    }

    fn ask(&mut self, index: usize, source: ProviderId, digest: &Digest) -> Answer {
        let receiver = self.agents[index].id;
        let Some(there) = self.agents.iter().find(|agent| agent.id == source) else { return Answer::Silence };
        let lets = there.orders().is_some_and(|orders| orders.may_read(digest, receiver));
        let reached = there.memory.is_some() && lets && self.network.together(receiver, source);
        match there.disk.copies.get(digest) {
            Some(copy) if reached && copy.under_final_name => {
                if there.lies || !copy.is_right() && self.dice.once_in(2) {
                    Answer::Wrong
                } else {
                    Answer::Right
                }
            }
            _ if reached && there.disk.serves(digest) => {
                if there.lies {
                    Answer::Wrong
                } else {
                    Answer::Right
                }
            }
            _ => Answer::Silence,
        }
    }
}
