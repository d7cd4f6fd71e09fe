//! The durable steps of filling, mending, registering and removing a replica.

use super::Failure;
use crate::{
    agent::Stage,
    disk::{Copy, LEAVES, Leaf},
    sim::Sim,
};
use diecast_domain::{
    agent::{Held, Object},
    code::Code,
    digest::Digest,
    replica::{Event, Phase},
};

impl Sim {
    pub(crate) fn fill(&mut self, index: usize, digest: Digest, stage: Stage) -> Result<Stage, Failure> {
        match stage {
            Stage::Begin => {
                if matches!(self.phase(index, &digest), Phase::Absent | Phase::Failed) {
                    self.event(index, digest, Event::Assigned);
                }
                self.event(index, digest, Event::Started);
                self.preflight(index, &digest)?;
                if self.phase(index, &digest) == Phase::Preflight {
                    self.event(index, digest, Event::PreflightPassed);
                }
                self.agents[index].disk.copies.entry(digest).or_insert(Copy::EMPTY);
                Ok(Stage::Transfer)
            }
            Stage::Transfer => {
                let copy = &self.agents[index].disk.copies[&digest];
                let mending = copy.under_final_name;
                let lacks = |leaf: &Leaf| *leaf == Leaf::Absent || (mending && *leaf == Leaf::Wrong);
                // Everybody begins with another leaf, so that there is something to exchange.
                let each = (0..LEAVES).map(|leaf| (leaf + index) % LEAVES);
                let missing: Vec<usize> = each.filter(|leaf| lacks(&copy.leaves[*leaf])).collect();
                if missing.is_empty() {
                    self.event(index, digest, Event::Filled);
                    return Ok(Stage::Verify);
                }
                let Some(leaf) = self.fetch(index, digest, &missing)? else { return Ok(Stage::Transfer) };
                if !mending && self.agents[index].disk.free() == 0 {
                    return Err((Code::T0003, "the disk is full".into()));
                }
                let spoilt = self.hostile && self.dice.once_in(40);
                let copy = self.agents[index].disk.copies.get_mut(&digest).expect("it is filled");
                copy.leaves[leaf] = if spoilt { Leaf::Wrong } else { Leaf::Right };
                Ok(Stage::Transfer)
            }
            Stage::Verify => {
                if self.verify(index, digest) {
                    self.event(index, digest, Event::Matched);
                    return Ok(Stage::Commit);
                }
                self.event(index, digest, Event::Mismatched);
                let copy = self.agents[index].disk.copies.get_mut(&digest).expect("it was verified");
                let wrong = copy.leaves.iter_mut().filter(|leaf| **leaf == Leaf::Wrong);
                wrong.for_each(|leaf| *leaf = Leaf::Absent);
                self.event(index, digest, Event::Started);
                Ok(Stage::Transfer)
            }
            Stage::Commit => {
                let agent = &mut self.agents[index];
                let copy = agent.disk.copies.get_mut(&digest).expect("it was verified");
                copy.under_final_name = true;
                // A mended copy is made known to the hypervisor once more: that is the only door.
                copy.registered = false;
                agent.memory.as_mut().expect("it lives").changed.remove(&digest);
                Ok(Stage::End)
            }
            Stage::End => Ok(Stage::End),
        }
    }

    /// Reads the whole and compares. Remembers with the result what was truly there.
    pub(crate) fn verify(&mut self, index: usize, digest: Digest) -> bool {
        let now = self.now;
        let copy = self.agents[index].disk.copies.get_mut(&digest).expect("it is there to be verified");
        let matches = copy.is_right() || !self.rules.verifies;
        if matches {
            copy.verified_at = Some(now);
            copy.truth_when_verified = Some(copy.leaves);
        }
        matches
    }

    pub(crate) fn register(&mut self, index: usize, digest: Digest) -> Result<Stage, Failure> {
        if self.phase(index, &digest) != Phase::Registering {
            // A registration that failed before: the whole is read again on the way back.
            if self.phase(index, &digest) != Phase::Queued {
                self.event(index, digest, Event::Assigned);
            }
            for event in [Event::Started, Event::PreflightPassed, Event::Filled] {
                self.event(index, digest, event);
            }
            if !self.verify(index, digest) {
                self.event(index, digest, Event::Mismatched);
                self.agents[index].memory.as_mut().expect("it lives").changed.insert(digest);
                return Ok(Stage::End);
            }
            self.event(index, digest, Event::Matched);
        }
        let agent = &mut self.agents[index];
        if !agent.hypervisor_answers {
            return Err((Code::P0011, "the hypervisor does not answer".into()));
        }
        let copy = agent.disk.copies.get_mut(&digest).expect("it is there to be registered");
        copy.registered = true;
        let proven = copy.was_proven() && copy.under_final_name;
        self.promise(proven, || format!("{} is registered unverified", digest.short()));
        self.event(index, digest, Event::Registered);
        Ok(Stage::End)
    }

    pub(crate) fn remove_replica(&mut self, index: usize, digest: Digest, stage: Stage) -> Stage {
        let disk = &mut self.agents[index].disk;
        let Some(copy) = disk.copies.get_mut(&digest) else { return Stage::End };
        match stage {
            Stage::Begin => copy.registered = false,
            Stage::Transfer => {
                copy.under_final_name = false;
                copy.verified_at = None;
                copy.truth_when_verified = None;
            }
            _ => {
                disk.copies.remove(&digest);
                disk.published.retain(|_, published| *published != digest);
                self.agents[index].memory.as_mut().expect("it lives").changed.remove(&digest);
                self.event(index, digest, Event::Removed);
                return Stage::End;
            }
        }
        if stage == Stage::Begin { Stage::Transfer } else { Stage::Commit }
    }

    /// Reads a copy that stands, and says if it has changed.
    pub(crate) fn scrub(&mut self, index: usize, digest: Digest) {
        let agent = &self.agents[index];
        let busy =
            agent.memory.as_ref().is_none_or(|memory| memory.tasks.contains_key(&Object::Replica(digest)));
        if !busy && agent.held(&digest) == Held::Ready && !agent.disk.copies[&digest].is_right() {
            self.event(index, digest, Event::Mismatched);
            let agent = &mut self.agents[index];
            agent.memory.as_mut().expect("it lives").changed.insert(digest);
            let name = agent.name.clone();
            self.tell(|| format!("{name} finds {} changed", digest.short()));
        }
    }
}
