//! What one report or the clock changes, and how it is carried into a [`World`].

use super::{Change, MaintenanceOutcome, Transition, member};
use crate::{
    assignment::{Act, Operation},
    host::Host,
    ids::{HostId, OperationId, PoolId, ProviderId, TemplateId},
    maintenance::{Discarded, Maintenance},
    plan::{TemplateInWorld, World},
    pool::Pool,
    recreation::Recreation,
    report::{Outcome, Published},
    schedule::Schedule,
    template::{Publication, TemplateStatus, VersionRef},
    units::Timestamp,
};

/// Everything that one report or the clock changes: only records that differ are listed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    pub members: Vec<(TemplateId, ProviderId, Option<crate::distribution::Member>)>,
    pub hosts: Vec<(HostId, Option<Host>)>,
    /// Publications, with the status that their template has because of it.
    pub publications: Vec<(TemplateId, TemplateStatus, Option<Publication>)>,
    /// New versions. Each becomes the current one of its template.
    pub versions: Vec<(VersionRef, Published)>,
    /// One-time acts that ended. They are told nobody again.
    pub operations: Vec<(ProviderId, OperationId, Outcome)>,
    /// Stays in maintenance that changed, with what is left of former working copies.
    pub maintenances: Vec<(TemplateId, Option<Maintenance>, Vec<Discarded>)>,
    /// Versions that became current without being new: their content was published before.
    pub current: Vec<(TemplateId, u32)>,
    /// Versions that are to go everywhere, from now on.
    pub versions_deleting: Vec<(TemplateId, u32)>,
    /// Versions of which nothing is left anywhere.
    pub versions_gone: Vec<(TemplateId, u32)>,
    /// Recreations that began or changed.
    pub recreations: Vec<Recreation>,
    /// Pools that changed, and those that are gone.
    pub pools: Vec<(PoolId, Option<Pool>)>,
    /// Hosts that pools want: the caller draws their identities and addresses.
    pub hosts_wanted: Vec<(PoolId, ProviderId)>,
    pub schedules: Vec<Schedule>,
    /// One-time acts that schedules order.
    pub acts: Vec<(ProviderId, Act)>,
    pub templates_gone: Vec<TemplateId>,
    pub transitions: Vec<Transition>,
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Carries the changes into `world`, as the caller's store does into its tables.
    pub fn apply(self, world: &mut World, now: Timestamp) {
        for (version, _) in self.versions {
            if let Some(list) = world.templates.get_mut(&version.template) {
                list.versions.push(version.clone());
                list.numbered = list.numbered.max(version.number);
                list.current = Some(version);
                list.members.values_mut().for_each(|member| member::begin_anew(member, now));
            }
        }
        for (template, status, publication) in self.publications {
            if let Some(list) = world.templates.get_mut(&template) {
                list.status = status;
                list.publication = publication;
            }
        }
        for (template, provider, member) in self.members {
            let list = world.templates.get_mut(&template);
            match (list, member) {
                (Some(list), Some(member)) => drop(list.members.insert(provider, member)),
                (Some(list), None) => drop(list.members.remove(&provider)),
                (None, _) => {}
            }
        }
        for (id, host) in self.hosts {
            world.hosts.retain(|there| there.id != id);
            world.hosts.extend(host);
        }
        world.hosts.sort_by_key(|host| host.id);
        for (provider, id, _) in self.operations {
            if let Some(waiting) = world.operations.get_mut(&provider) {
                waiting.retain(|operation: &Operation| operation.id != id);
            }
        }
        for (template, maintenance, discarded) in self.maintenances {
            if let Some(list) = world.templates.get_mut(&template) {
                (list.maintenance, list.discarded) = (maintenance, discarded);
            }
        }
        for (template, number) in self.current {
            if let Some(list) = world.templates.get_mut(&template) {
                list.current = list.versions.iter().find(|version| version.number == number).cloned();
                list.members.values_mut().for_each(|member| member::begin_anew(member, now));
            }
        }
        for (template, number) in self.versions_deleting {
            if let Some(list) = world.templates.get_mut(&template) {
                list.deleting.insert(number);
                list.tags.retain(|_, tagged| *tagged != number);
            }
        }
        for (template, number) in self.versions_gone {
            if let Some(list) = world.templates.get_mut(&template) {
                list.numbered = list.numbered.max(number);
                list.deleting.remove(&number);
                list.versions.retain(|version| version.number != number);
            }
        }
        for recreation in self.recreations {
            world.recreations.retain(|there| there.id != recreation.id);
            world.recreations.push(recreation);
        }
        for (id, pool) in self.pools {
            world.pools.retain(|there| there.id != id);
            world.pools.extend(pool);
        }
        for schedule in self.schedules {
            world.schedules.retain(|there| there.id != schedule.id);
            world.schedules.push(schedule);
        }
        for template in self.templates_gone {
            world.templates.remove(&template);
        }
    }

    pub(super) fn maintained(
        &mut self,
        template: TemplateId,
        list: &TemplateInWorld,
        outcome: Option<MaintenanceOutcome>,
    ) {
        let Some(outcome) = outcome else { return };
        self.transitions.extend(outcome.transitions);
        if outcome.maintenance != list.maintenance || outcome.discarded != list.discarded {
            self.maintenances.push((template, outcome.maintenance, outcome.discarded));
        }
    }

    pub(super) fn take<T: PartialEq>(&mut self, before: &T, change: Change<T>) -> Option<Option<T>> {
        self.transitions.extend(change.transitions);
        (change.record.as_ref() != Some(before)).then_some(change.record)
    }
}
