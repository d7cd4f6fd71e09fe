//! An agent: a disk that survives, and a memory that does not.

use crate::disk::Disk;
use diecast_domain::{
    agent::{Held, Local, Object, Step},
    assignment::Orders,
    code::Problem,
    digest::Digest,
    ids::{HostId, ProviderId, SessionId},
    names::ProviderName,
    profile::{Firmware, HardwareProfile, MachineType, Nic},
    provider::{CpuFacts, FirmwareFacts, NetworkFacts, NetworkKind, ProviderFacts, StorageFacts},
    replica::Phase,
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
    /// Steps of a transfer since anything came.
    pub waited: BTreeMap<Digest, u64>,
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
    /// Hosts that somebody is signed in to.
    pub used: BTreeSet<HostId>,
    /// Versions whose guests never come up well.
    pub bad: BTreeSet<Digest>,
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

    /// It is receiving a version, and serves what it has of it.
    pub fn receives(&self, digest: &Digest) -> bool {
        let tasks = self.memory.as_ref().map(|memory| &memory.tasks);
        tasks.is_some_and(|tasks| tasks.contains_key(&Object::Replica(*digest)))
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
            waited: BTreeMap::new(),
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
        let standing = self.disk.standing.iter().filter(|(id, _)| self.disk.hosts.get(id) == Some(&true));
        self.disk.hosts_made.extend(standing.map(|(id, standing)| (*id, standing.incarnation)));
        self.disk.working_made.extend(self.disk.working.keys().copied());
        self.memory = Some(memory);
    }

    pub fn held(&self, digest: &Digest) -> Held {
        let changed = self.memory.as_ref().map(|memory| &memory.changed);
        changed.map_or(Held::Nothing, |changed| self.disk.held(digest, changed))
    }

    pub fn local(&self, memory: &Memory) -> Local {
        let removes = |step: &Step| {
            matches!(
                step,
                Step::RemoveReplica(_)
                    | Step::RemoveHost(_)
                    | Step::RemoveSetAside(_)
                    | Step::RemoveWorkingCopy(_)
            )
        };
        Local {
            bundles_ended: Default::default(),
            replicas: self
                .disk
                .copies
                .keys()
                .map(|digest| (*digest, self.disk.held(digest, &memory.changed)))
                .collect(),
            hosts: self.disk.hosts.iter().filter(|(_, stands)| **stands).map(|(id, _)| *id).collect(),
            host_remains: self.disk.hosts.keys().chain(self.disk.aside.keys()).copied().collect(),
            hosts_made: self.disk.hosts_made.clone(),
            published: self.disk.published.clone(),
            set_aside: self
                .disk
                .aside
                .iter()
                .map(|(id, kept)| (*id, kept.keys().copied().collect()))
                .collect(),
            working_copies_made: self.disk.working_made.clone(),
            working_copy_remains: self.disk.working.keys().copied().collect(),
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
}
