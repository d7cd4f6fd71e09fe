//! An agent: a disk that survives, a memory that does not, and what it says of itself.

use crate::disk::{Disk, LEAVES};
use diecast_domain::{
    agent::{Held, Local, Object, Step},
    assignment::{Deletion, Orders},
    code::{Code, Problem},
    digest::Digest,
    host::{HostPhase, HostReport},
    ids::{ProviderId, SessionId},
    names::ProviderName,
    profile::{Firmware, HardwareProfile, MachineType, Nic},
    provider::{CpuFacts, FirmwareFacts, NetworkFacts, NetworkKind, ProviderFacts, StorageFacts},
    replica::{Phase, Progress, ReplicaReport},
    report::{OperationReport, Outcome, PublicationPhase, PublicationReport, Published, Report},
    template::VersionSize,
    units::{ByteCount, Timestamp},
};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// What an agent works on, and how far it is.
#[derive(Clone, Debug)]
pub struct Task {
    pub step: Step,
    pub stage: Stage,
    pub attempt: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Begin,
    Transfer,
    Verify,
    Commit,
    End,
}

/// Gone with the process.
#[derive(Clone, Debug)]
pub struct Memory {
    pub session: SessionId,
    pub sequence: u64,
    pub tasks: BTreeMap<Object, Task>,
    pub phases: BTreeMap<Digest, Phase>,
    pub failed: BTreeMap<Object, (u32, Problem)>,
    /// Found to differ since it was verified.
    pub changed: BTreeSet<Digest>,
}

#[derive(Clone, Debug)]
pub struct SimAgent {
    pub id: ProviderId,
    pub name: ProviderName,
    pub disk: Disk,
    /// None while the process is dead.
    pub memory: Option<Memory>,
    pub dead_until: Timestamp,
    /// Takes a step once in so many seconds.
    pub slowness: u64,
    /// Its depot sends wrong bytes.
    pub lies: bool,
    pub hypervisor_answers: bool,
    /// The golden machines here are running, so they cannot be published.
    pub golden_runs: bool,
    pub networks: BTreeSet<String>,
}

/// The network that every simulated template is on.
pub const NETWORK: &str = "corp";

pub fn profile() -> HardwareProfile {
    HardwareProfile {
        vcpus: 1,
        memory: ByteCount::gib(1),
        machine: MachineType::Q35,
        firmware: Firmware::Bios,
        cpu_model: None,
        disks: Vec::new(),
        nics: vec![Nic { model: "virtio".into(), network: NETWORK.into() }],
        tpm: false,
        clock_localtime: false,
    }
}

impl SimAgent {
    pub fn orders(&self) -> Option<&Orders> {
        self.disk.assignment.as_ref().map(|assignment| &assignment.orders)
    }

    /// A new life: what is known is read from the disk, and every copy is looked through.
    pub fn start(&mut self, session: u128) {
        let mut memory = Memory {
            session: SessionId::from_uuid(Uuid::from_u128(session)),
            sequence: 0,
            tasks: BTreeMap::new(),
            phases: BTreeMap::new(),
            failed: BTreeMap::new(),
            changed: BTreeSet::new(),
        };
        for (digest, copy) in &self.disk.copies {
            if copy.under_final_name && !copy.is_right() {
                memory.changed.insert(*digest);
            }
        }
        for digest in self.disk.copies.keys() {
            let phase = match self.disk.held(digest, &memory.changed) {
                Held::Nothing | Held::Partial => Phase::Absent,
                Held::Verified => Phase::Registering,
                Held::Ready => Phase::Ready,
                Held::Changed => Phase::Damaged,
            };
            memory.phases.insert(*digest, phase);
        }
        let standing = self.disk.hosts.iter().filter(|(_, stands)| **stands).map(|(id, _)| *id);
        self.disk.hosts_made.extend(standing);
        self.memory = Some(memory);
    }

    pub fn held(&self, digest: &Digest) -> Held {
        let changed = self.memory.as_ref().map(|memory| &memory.changed);
        changed.map_or(Held::Nothing, |changed| self.disk.held(digest, changed))
    }

    pub fn local(&self, memory: &Memory) -> Local {
        let removes = |step: &Step| matches!(step, Step::RemoveReplica(_) | Step::RemoveHost(_));
        Local {
            replicas: self
                .disk
                .copies
                .keys()
                .map(|digest| (*digest, self.disk.held(digest, &memory.changed)))
                .collect(),
            hosts: self.disk.hosts.iter().filter(|(_, stands)| **stands).map(|(id, _)| *id).collect(),
            host_remains: self.disk.hosts.keys().copied().collect(),
            hosts_made: self.disk.hosts_made.clone(),
            published: self.disk.published.clone(),
            operations_ended: self.disk.operations_ended.clone(),
            failed: memory.failed.iter().map(|(object, (attempt, _))| (*object, *attempt)).collect(),
            busy: memory.tasks.keys().copied().collect(),
            removing: memory.tasks.iter().filter(|(_, task)| removes(&task.step)).map(|(o, _)| *o).collect(),
        }
    }

    pub fn facts(&self) -> ProviderFacts {
        let network =
            |name: &String| NetworkFacts { name: name.clone(), kind: NetworkKind::Bridge, active: true };
        ProviderFacts {
            hypervisor: "simulated".into(),
            cpu: CpuFacts { model: String::new(), count: 1, guest_models: Vec::new() },
            memory: ByteCount::gib(8),
            storages: vec![StorageFacts {
                name: "default".into(),
                path: "/".into(),
                active: true,
                capacity: ByteCount(self.disk.room as u64),
                free: ByteCount(self.disk.free() as u64),
            }],
            networks: self.networks.iter().map(network).collect(),
            firmware: FirmwareFacts { bios: true, uefi: true, secure_boot: false },
            machine_types: vec![MachineType::Q35],
            hardware_acceleration: false,
        }
    }

    /// The whole truth, as far as this agent knows it. None from the dead.
    pub fn report(&mut self) -> Option<Report> {
        let memory = self.memory.as_mut()?;
        memory.sequence += 1;
        let memory = self.memory.as_ref()?;
        let none = Vec::new;
        let orders = self.orders();
        let hypervisor_problem =
            (!self.hypervisor_answers).then(|| Problem::new(Code::P0002, "libvirtd does not answer"));
        let (replicas, unassigned) = self.replica_reports(memory);
        Some(Report {
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
            addresses: none(),
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
            unassigned,
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
        let reports = named.iter().map(|(digest, attempt)| {
            let failed = memory.failed.get(&Object::Replica(*digest)).filter(|(failed, _)| failed >= attempt);
            let phase = match memory.phases.get(digest).copied().unwrap_or(Phase::Absent) {
                _ if failed.is_some() => Phase::Failed,
                Phase::Absent | Phase::Failed => Phase::Queued,
                phase => phase,
            };
            ReplicaReport {
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
        let report = |order: &diecast_domain::assignment::PublicationOrder| {
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
                    digest: *digest,
                    size: VersionSize { data_bytes: ByteCount(LEAVES as u64), ..VersionSize::default() },
                    profile: profile(),
                    warnings: Vec::new(),
                }),
            }
        };
        orders.publications.iter().map(report).collect()
    }

    fn host_reports(&self, memory: &Memory) -> Vec<HostReport> {
        let Some(orders) = self.orders() else { return Vec::new() };
        let say = |id, phase, attempt, problem| HostReport {
            id,
            phase,
            attempt,
            power: None,
            addresses: Vec::new(),
            guest_agent: false,
            guest_name: None,
            problem,
        };
        let mut reports = Vec::new();
        for order in &orders.hosts {
            let failed =
                memory.failed.get(&Object::Host(order.id)).filter(|(failed, _)| *failed >= order.attempt);
            let stands = self.disk.hosts.get(&order.id) == Some(&true);
            let stood = order.made || self.disk.hosts_made.contains(&order.id);
            reports.push(match failed {
                _ if stands => say(order.id, HostPhase::Made, order.attempt, None),
                _ if stood => say(order.id, HostPhase::Gone, order.attempt, None),
                Some((failed, problem)) => say(order.id, HostPhase::Failed, *failed, Some(problem.clone())),
                None => say(order.id, HostPhase::Creating, order.attempt, None),
            });
        }
        for deletion in &orders.deletions {
            if let Deletion::Host { host } = deletion
                && self.disk.hosts.contains_key(host)
            {
                reports.push(say(*host, HostPhase::Deleting, 1, None));
            }
        }
        reports
    }
}
