//! The durable steps of publishing, of making and removing hosts, and one-time acts.

use super::Failure;
use crate::{
    agent::Stage,
    disk::{Copy, LEAVES, Leaf, Standing},
    sim::Sim,
};
use diecast_domain::{
    agent::{Held, Object},
    assignment::Act,
    code::Code,
    digest::Digest,
    ids::{HostId, OperationId, PublicationId},
    replica::Phase,
    template::PublicationSource,
};

impl Sim {
    pub(crate) fn publish(
        &mut self,
        index: usize,
        id: PublicationId,
        stage: Stage,
    ) -> Result<Stage, Failure> {
        let agent = &mut self.agents[index];
        let order = agent.orders().and_then(|orders| orders.publications.iter().find(|order| order.id == id));
        let name = match order.map(|order| order.source.clone()) {
            Some(PublicationSource::Vm { name }) => name,
            Some(PublicationSource::WorkingCopy { maintenance, .. }) => {
                return self.publish_working_copy(index, id, maintenance, stage);
            }
            _ => return Ok(Stage::End),
        };
        let digest = Digest::from_bytes([name.bytes().last().unwrap_or(0); 32]);
        if agent.golden_runs {
            return Err((Code::V0001, format!("VM `{name}` is running")));
        }
        // The replica's own task and a publication of the same content never work side by side.
        let busy =
            agent.memory.as_ref().is_some_and(|memory| memory.tasks.contains_key(&Object::Replica(digest)));
        let there = agent.disk.copies.get(&digest).is_some_and(|copy| copy.under_final_name);
        match stage {
            _ if busy => Ok(stage),
            Stage::Begin | Stage::Transfer if !there => {
                if agent.disk.free() < LEAVES {
                    return Err((Code::P0004, "there is no room for a copy of its own".into()));
                }
                let copy = agent.disk.copies.entry(digest).or_insert(Copy::EMPTY);
                copy.leaves = [Leaf::Right; LEAVES];
                Ok(Stage::Verify)
            }
            Stage::Verify if !there => {
                if !agent.disk.copies.contains_key(&digest) || !self.verify(index, digest) {
                    return Ok(Stage::Begin);
                }
                let agent = &mut self.agents[index];
                agent.disk.copies.get_mut(&digest).expect("it was verified").under_final_name = true;
                let memory = agent.memory.as_mut().expect("it lives");
                memory.phases.insert(digest, Phase::Registering);
                memory.failed.remove(&Object::Replica(digest));
                Ok(Stage::Commit)
            }
            // Whatever stood here a moment ago may have been removed for an older template's sake.
            _ if !there => Ok(Stage::Begin),
            _ => {
                agent.disk.published.insert(id, digest);
                Ok(Stage::End)
            }
        }
    }

    pub(crate) fn make_host(&mut self, index: usize, id: HostId, stage: Stage) -> Result<Stage, Failure> {
        let agent = &self.agents[index];
        let order = agent.orders().and_then(|orders| orders.hosts.iter().find(|order| order.id == id));
        let Some(order) = order else { return Ok(Stage::End) };
        let standing = Standing { incarnation: order.incarnation, digest: order.version.digest };
        if agent.held(&order.version.digest) != Held::Ready {
            return Err((Code::H0006, "its replica is not ready".into()));
        }
        if !agent.hypervisor_answers {
            return Err((Code::H0001, "the hypervisor does not answer".into()));
        }
        match stage {
            Stage::Begin => {
                self.agents[index].disk.hosts.insert(id, false);
                Ok(Stage::Transfer)
            }
            Stage::Transfer => {
                let copy = &agent.disk.copies[&order.version.digest];
                let ready = copy.registered && copy.under_final_name && copy.was_proven();
                self.promise(ready, || format!("host {id} is made from a replica that is not ready"));
                let again = self.known_made.contains(&(id, standing.incarnation));
                self.promise(!again, || format!("host {id}, made before, is made again"));
                let disk = &mut self.agents[index].disk;
                disk.standing.insert(id, standing);
                disk.hosts.insert(id, true);
                self.taken.remove(&id);
                Ok(Stage::Commit)
            }
            _ => {
                // Its order may have changed since: what was made is what stands.
                let disk = &mut self.agents[index].disk;
                let made = disk.standing.get(&id).map_or(standing.incarnation, |there| there.incarnation);
                disk.hosts_made.insert(id, made);
                Ok(Stage::End)
            }
        }
    }

    pub(crate) fn remove_host(&mut self, index: usize, id: HostId, stage: Stage) -> Stage {
        let disk = &mut self.agents[index].disk;
        if stage == Stage::Begin {
            disk.hosts.insert(id, false);
            return Stage::Commit;
        }
        disk.hosts.remove(&id);
        disk.hosts_made.remove(&id);
        disk.standing.remove(&id);
        disk.aside.remove(&id);
        self.agents[index].used.remove(&id);
        // Only a restored server wishes again for what was deleted by order: that is a new wish.
        self.known_made.retain(|(made, _)| *made != id);
        Stage::End
    }

    pub(crate) fn operate(&mut self, index: usize, id: OperationId) -> Stage {
        let orders = self.agents[index].orders().expect("it acts by order");
        let act =
            orders.operations.iter().find(|operation| operation.id == id).map(|there| there.act.clone());
        if let Some(Act::VerifyReplica { digest }) = act {
            self.scrub(index, digest);
        }
        self.agents[index].disk.operations_ended.insert(id);
        Stage::End
    }
}
