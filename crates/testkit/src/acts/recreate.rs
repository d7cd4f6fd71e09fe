//! The durable steps of making a host's disks anew, and of giving up its former ones.

use super::Failure;
use crate::{agent::Stage, disk::Standing, sim::Sim};
use diecast_domain::{agent::Held, assignment::Deletion, code::Code, ids::HostId};

impl Sim {
    pub(crate) fn recreate_host(&mut self, index: usize, id: HostId, stage: Stage) -> Result<Stage, Failure> {
        let agent = &self.agents[index];
        let order = agent.orders().and_then(|orders| orders.hosts.iter().find(|order| order.id == id));
        let Some(order) = order.cloned() else { return Ok(Stage::End) };
        if order.restores.is_none() && agent.held(&order.version.digest) != Held::Ready {
            return Err((Code::H0006, "its replica is not ready".into()));
        }
        if !agent.hypervisor_answers {
            return Err((Code::H0001, "the hypervisor does not answer".into()));
        }
        let standing = agent.disk.standing.get(&id).copied();
        match stage {
            // An earlier life may have come so far that the new one stands already.
            Stage::Begin if standing.is_some_and(|there| there.incarnation == order.incarnation) => {
                self.agents[index].disk.hosts.insert(id, true);
                Ok(Stage::Commit)
            }
            Stage::Begin => {
                let agent = &mut self.agents[index];
                agent.disk.hosts.insert(id, false);
                agent.used.remove(&id);
                if let Some(there) = agent.disk.standing.remove(&id)
                    && order.restores.is_none_or(|former| former == there.incarnation)
                {
                    agent.disk.aside.entry(id).or_default().insert(there.incarnation, there.digest);
                }
                Ok(Stage::Transfer)
            }
            Stage::Transfer => {
                if self.hostile && self.dice.once_in(10) {
                    return Err((Code::H0001, "the storage is busy".into()));
                }
                let alone = self.agents[index].disk.hosts.get(&id) != Some(&true) && standing.is_none();
                self.promise(alone, || format!("two incarnations of host {id} stand"));
                let disk = &mut self.agents[index].disk;
                let digest = match order.restores {
                    None => order.version.digest,
                    Some(former) => {
                        let kept = disk.aside.get_mut(&id).and_then(|kept| kept.remove(&former));
                        let Some(digest) = kept else {
                            return Err((Code::H0001, "its former disks are not there".into()));
                        };
                        digest
                    }
                };
                disk.aside.retain(|_, kept| !kept.is_empty());
                disk.standing.insert(id, Standing { incarnation: order.incarnation, digest });
                disk.hosts.insert(id, true);
                self.taken.remove(&id);
                Ok(Stage::Commit)
            }
            _ => {
                let made = standing.map_or(order.incarnation, |there| there.incarnation);
                self.agents[index].disk.hosts_made.insert(id, made);
                Ok(Stage::End)
            }
        }
    }

    pub(crate) fn remove_set_aside(&mut self, index: usize, id: HostId) -> Stage {
        let orders = self.agents[index].orders().expect("it acts by order").clone();
        let named = orders.deletions.iter().filter_map(|deletion| match deletion {
            Deletion::SetAside { host, incarnation } if *host == id => Some(*incarnation),
            _ => None,
        });
        for incarnation in named {
            let needed = self.server.stored.world.recreations.iter().any(|recreation| {
                let progress = recreation.hosts.get(&id);
                !recreation.stage.is_over()
                    && progress.is_some_and(|progress| {
                        use diecast_domain::recreation::HostProgress::{Begun, Failed, Healthy};
                        matches!(
                            progress,
                            Begun { incarnation: now, .. }
                            | Healthy { incarnation: now, .. }
                            | Failed { incarnation: now, .. } if *now > incarnation
                        )
                    })
            });
            self.promise(!needed || self.restored, || {
                format!("former disks of host {id} are deleted before their wave has passed")
            });
            let disk = &mut self.agents[index].disk;
            disk.aside.entry(id).or_default().remove(&incarnation);
            disk.aside.retain(|_, kept| !kept.is_empty());
        }
        Stage::End
    }
}
