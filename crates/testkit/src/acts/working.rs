//! The durable steps of a working copy's life: made, published, removed.

use super::Failure;
use crate::{agent::Stage, disk::WorkingCopy, sim::Sim};
use diecast_domain::{
    agent::Held,
    code::Code,
    digest::Digest,
    ids::{MaintenanceId, PublicationId},
    template::TemplateStatus,
};

impl Sim {
    pub(crate) fn make_working_copy(
        &mut self,
        index: usize,
        id: MaintenanceId,
        stage: Stage,
    ) -> Result<Stage, Failure> {
        let agent = &self.agents[index];
        let order = agent.orders().and_then(|orders| orders.working_copies.iter().find(|it| it.id == id));
        let Some(order) = order else { return Ok(Stage::End) };
        let base = order.base.digest;
        if agent.held(&base) != Held::Ready {
            return Err((Code::H0006, "its base is not ready".into()));
        }
        if !agent.hypervisor_answers || (self.hostile && self.dice.once_in(8)) {
            return Err((Code::H0001, "the hypervisor does not answer".into()));
        }
        if stage == Stage::Begin {
            // What will be changed in it: nothing, now and then; and two may change the same.
            let low = id.as_uuid().as_u128() as u8;
            let content = if low.is_multiple_of(5) { base } else { Digest::from_bytes([low; 32]) };
            let copy = WorkingCopy { base, content, published: false };
            self.agents[index].disk.working.insert(id, copy);
            return Ok(Stage::Commit);
        }
        self.agents[index].disk.working_made.insert(id);
        Ok(Stage::End)
    }

    /// Only what differs from its base is read: its files follow, but it can be served at once.
    pub(crate) fn publish_working_copy(
        &mut self,
        index: usize,
        id: PublicationId,
        copy: MaintenanceId,
        stage: Stage,
    ) -> Result<Stage, Failure> {
        let stubborn = self.hostile && self.dice.once_in(6);
        let disk = &mut self.agents[index].disk;
        let Some(there) = disk.working.get_mut(&copy) else {
            return Err((Code::M0003, "its disks are gone".into()));
        };
        if stubborn {
            return Err((Code::M0002, "its guest does not shut down".into()));
        }
        if disk.copies.get(&there.base).is_none_or(|base| !base.under_final_name) {
            return Err((Code::V0006, "its base is gone".into()));
        }
        match stage {
            Stage::Begin => {
                if there.content != there.base {
                    disk.spool.insert(there.content, there.base);
                }
                Ok(Stage::Commit)
            }
            _ => {
                there.published = true;
                disk.published.insert(id, there.content);
                Ok(Stage::End)
            }
        }
    }

    pub(crate) fn remove_working_copy(&mut self, index: usize, id: MaintenanceId) -> Stage {
        let Some(copy) = self.agents[index].disk.working.get(&id).copied() else { return Stage::End };
        let wanted = self.server.stored.world.templates.values().any(|list| {
            let staying = list.versions.iter().filter(|version| !list.deleting.contains(&version.number));
            list.status != TemplateStatus::Deleting
                && staying.into_iter().any(|version| version.digest == copy.content)
        });
        let held = self.agents.iter().any(|agent| {
            agent
                .disk
                .copies
                .get(&copy.content)
                .is_some_and(|there| there.under_final_name && there.was_proven())
        });
        self.promise(!(copy.published && wanted) || held || self.restored, || {
            format!("working copy {id} is deleted before anybody holds what it held")
        });
        self.agents[index].disk.working.remove(&id);
        Stage::End
    }
}
