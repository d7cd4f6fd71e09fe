//! What an agent says of itself, from its disk and its memory.

use crate::{
    agent::{Memory, SimAgent, profile},
    disk::LEAVES,
};
use diecast_domain::{
    agent::Object,
    assignment::{Deletion, Orders, PublicationOrder},
    code::{Code, Problem},
    digest::Digest,
    replica::{Phase, Progress, ReplicaReport},
    report::{OperationReport, Outcome, PublicationPhase, PublicationReport, Published, Report},
    template::VersionSize,
    units::ByteCount,
};
use std::collections::BTreeMap;

impl SimAgent {
    /// The whole truth, as far as this agent knows it. None from the dead.
    pub fn report(&mut self) -> Option<Report> {
        let memory = self.memory.as_mut()?;
        memory.sequence += 1;
        let memory = self.memory.as_ref()?;
        let orders = self.orders();
        let hypervisor_problem =
            (!self.hypervisor_answers).then(|| Problem::new(Code::P0002, "libvirtd does not answer"));
        let (replicas, unassigned) = self.replica_reports(memory);
        Some(Report {
            working_copies: self.working_copy_reports(memory),
            provider: self.id,
            session: memory.session,
            sequence: memory.sequence,
            agent_version: String::new(),
            generation: self
                .disk
                .assignment
                .as_ref()
                .map(|assignment| assignment.generation)
                .unwrap_or_default(),
            addresses: Vec::new(),
            facts: None,
            hypervisor_problem,
            vms: Vec::new(),
            publications: orders.map_or_else(Vec::new, |orders| self.publication_reports(memory, orders)),
            replicas,
            hosts: self.host_reports(memory),
            operations: orders
                .into_iter()
                .flat_map(|orders| &orders.operations)
                .filter(|operation| self.disk.operations_ended.contains(&operation.id))
                .map(|operation| OperationReport {
                    id: operation.id,
                    outcome: Outcome::Done { lines: Vec::new() },
                })
                .collect(),
            protocol: diecast_domain::protocol::PROTOCOL,
            name: None,
            settings: None,
            former: None,
            unassigned,
            traffic: Default::default(),
            floor: None,
            load: None,
            scrub: None,
        })
    }

    fn replica_reports(&self, memory: &Memory) -> (Vec<ReplicaReport>, Vec<Digest>) {
        let orders = self.orders();
        let mut named: BTreeMap<Digest, u32> = BTreeMap::new();
        for order in orders.into_iter().flat_map(|orders| &orders.replicas) {
            named.insert(order.version.digest, order.attempt);
        }
        for deletion in orders.into_iter().flat_map(|orders| &orders.deletions) {
            if let Deletion::Replica { version } = deletion
                && self.disk.copies.contains_key(&version.digest)
            {
                named.entry(version.digest).or_insert(1);
            }
        }
        // What was just published is offered to the others at once, before any order names it.
        for order in orders.into_iter().flat_map(|orders| &orders.publications) {
            if let Some(digest) = self.disk.published.get(&order.id) {
                named.entry(*digest).or_insert(1);
            }
        }
        let reports = named.iter().map(|(digest, attempt)| {
            let failed = memory.failed.get(&Object::Replica(*digest)).filter(|(failed, _)| failed >= attempt);
            let phase = match memory.phases.get(digest).copied().unwrap_or(Phase::Absent) {
                _ if failed.is_some() => Phase::Failed,
                Phase::Absent | Phase::Failed => Phase::Queued,
                phase => phase,
            };
            ReplicaReport {
                serves: self.disk.serves(digest),
                damage: None,
                sources: Vec::new(),
                digest: *digest,
                phase,
                attempt: failed.map_or(*attempt, |(failed, _)| *failed),
                progress: Progress::default(),
                verified_at: self.disk.copies.get(digest).and_then(|copy| copy.verified_at),
                problem: failed.map(|(_, problem)| problem.clone()),
            }
        });
        let unassigned = self.disk.copies.keys().filter(|digest| !named.contains_key(*digest)).copied();
        (reports.collect(), unassigned.collect())
    }

    fn publication_reports(&self, memory: &Memory, orders: &Orders) -> Vec<PublicationReport> {
        let report = |order: &PublicationOrder| {
            let object = Object::Publication(order.id);
            let published = self.disk.published.get(&order.id);
            let failed = memory.failed.get(&object).filter(|(failed, _)| *failed >= order.attempt);
            let phase = match (published, failed) {
                (Some(_), _) => PublicationPhase::Done,
                (None, Some(_)) => PublicationPhase::Failed,
                (None, None) if memory.tasks.contains_key(&object) => PublicationPhase::Reading,
                (None, None) => PublicationPhase::Queued,
            };
            PublicationReport {
                id: order.id,
                phase,
                attempt: failed.map_or(order.attempt, |(failed, _)| *failed),
                progress: Progress::default(),
                problem: failed.map(|(_, problem)| problem.clone()),
                published: published.map(|digest| Published {
                    new_bytes: None,
                    trimming: None,
                    digest: *digest,
                    size: VersionSize { data_bytes: ByteCount(LEAVES as u64), ..VersionSize::default() },
                    profile: profile(),
                    warnings: Vec::new(),
                }),
            }
        };
        orders.publications.iter().map(report).collect()
    }
}
