//! What an agent says of hosts and working copies.

use crate::agent::{Memory, SimAgent};
use diecast_domain::{
    agent::{Object, Step},
    assignment::{Deletion, HostOrder},
    host::{HostPhase, HostReport},
    ids::{HostId, MaintenanceId},
    maintenance::{WorkingCopyPhase, WorkingCopyReport},
    provider::Power,
};

impl SimAgent {
    pub(crate) fn host_reports(&self, memory: &Memory) -> Vec<HostReport> {
        let Some(orders) = self.orders() else { return Vec::new() };
        let mut reports: Vec<HostReport> =
            orders.hosts.iter().map(|order| self.host_report(memory, order)).collect();
        for deletion in &orders.deletions {
            if let Deletion::Host { host, .. } = deletion
                && self.disk.hosts.contains_key(host)
            {
                reports.push(self.say(*host, HostPhase::Deleting, 1));
            }
        }
        reports
    }

    fn say(&self, id: HostId, phase: HostPhase, attempt: u32) -> HostReport {
        let stands = self.disk.hosts.get(&id) == Some(&true);
        let standing = self.disk.standing.get(&id).copied().filter(|_| stands);
        let well = standing.is_some_and(|standing| !self.bad.contains(&standing.digest));
        let users = if self.used.contains(&id) { vec!["somebody".to_owned()] } else { Vec::new() };
        let made = self.disk.hosts_made.get(&id).copied().unwrap_or_default();
        HostReport {
            id,
            phase,
            attempt,
            power: standing.map(|_| Power::Running),
            addresses: Vec::new(),
            guest_agent: well,
            guest_name: None,
            problem: None,
            incarnation: standing.map_or(made, |standing| standing.incarnation),
            digest: standing.map(|standing| standing.digest),
            users: well.then_some(users),
            set_aside: self.disk.aside.get(&id).into_iter().flat_map(|kept| kept.keys().copied()).collect(),
        }
    }

    fn host_report(&self, memory: &Memory, order: &HostOrder) -> HostReport {
        let object = Object::Host(order.id);
        let task = memory.tasks.get(&object).map(|task| &task.step);
        let failed = memory.failed.get(&object).filter(|(failed, _)| *failed >= order.attempt);
        let made = self.disk.hosts_made.get(&order.id).copied();
        let stands = self.disk.hosts.get(&order.id) == Some(&true);
        let say = |phase| self.say(order.id, phase, order.attempt);
        match (made, failed) {
            _ if matches!(task, Some(Step::RecreateHost(_))) => {
                HostReport { power: None, users: None, guest_agent: false, ..say(HostPhase::Recreating) }
            }
            (Some(made), Some((attempt, problem))) if made < order.incarnation => HostReport {
                attempt: *attempt,
                problem: Some(problem.clone()),
                incarnation: made,
                ..say(HostPhase::Failed)
            },
            _ if stands => say(HostPhase::Made),
            (Some(made), None) if made < order.incarnation => say(HostPhase::Recreating),
            _ if made.is_some() || order.made => say(HostPhase::Gone),
            (_, Some((attempt, problem))) => {
                HostReport { attempt: *attempt, problem: Some(problem.clone()), ..say(HostPhase::Failed) }
            }
            _ => say(HostPhase::Creating),
        }
    }

    pub(crate) fn working_copy_reports(&self, memory: &Memory) -> Vec<WorkingCopyReport> {
        let Some(orders) = self.orders() else { return Vec::new() };
        let say = |id: MaintenanceId, phase, attempt| WorkingCopyReport {
            id,
            phase,
            attempt,
            power: None,
            addresses: Vec::new(),
            guest_agent: false,
            problem: None,
        };
        let mut reports = Vec::new();
        for order in &orders.working_copies {
            let failed = memory.failed.get(&Object::WorkingCopy(order.id));
            let failed = failed.filter(|(failed, _)| *failed >= order.attempt);
            let made = order.made || self.disk.working_made.contains(&order.id);
            reports.push(match failed {
                _ if made && self.disk.working.contains_key(&order.id) => {
                    say(order.id, WorkingCopyPhase::Made, order.attempt)
                }
                _ if made => say(order.id, WorkingCopyPhase::Gone, order.attempt),
                Some((attempt, problem)) => WorkingCopyReport {
                    problem: Some(problem.clone()),
                    ..say(order.id, WorkingCopyPhase::Failed, *attempt)
                },
                None => say(order.id, WorkingCopyPhase::Creating, order.attempt),
            });
        }
        for deletion in &orders.deletions {
            if let Deletion::WorkingCopy { id } = deletion
                && self.disk.working.contains_key(id)
            {
                reports.push(say(*id, WorkingCopyPhase::Deleting, 1));
            }
        }
        reports
    }
}
