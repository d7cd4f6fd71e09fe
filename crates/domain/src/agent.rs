//! What an agent does next: a pure function of its orders and of what it finds on its disk.
//!
//! The agent calls [`decide`] after every change of either, starts each step in a task of its own,
//! and calls it again when a task ends. It keeps no plan: killed at any instruction, it looks at its
//! disk and decides again. The simulator runs this very function.

use crate::{
    assignment::{Act, Deletion, HostOrder, Orders, PublicationOrder},
    digest::Digest,
    host::HostKind,
    ids::{BundleId, HostId, MaintenanceId, OperationId, PublicationId},
    template::PublicationSource,
};
use std::collections::{BTreeMap, BTreeSet};

/// Transfers that one agent runs at a time. Two keep a link full while one verifies.
pub const FILLS_MAX: usize = 2;
/// Hosts and working copies that one agent makes at a time: each is a few small files and calls to the
/// hypervisor, which wait for each other's disks more than for a processor.
pub const HOST_MAKINGS_MAX: usize = 16;
/// Those of them that copy whole disks: more would only share the same disk.
pub const FULL_MAKINGS_MAX: usize = 4;

/// What a provider's disk holds of one version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Held {
    #[default]
    Nothing,
    /// Under its temporary name.
    Partial,
    /// Under its final name: every byte was verified before it got there.
    Verified,
    /// Verified, and known to the hypervisor.
    Ready,
    /// Under its final name, but found changed since it was verified.
    Changed,
}

/// What a task works on; one task an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Object {
    Bundle(BundleId),
    Host(HostId),
    Operation(OperationId),
    Publication(PublicationId),
    Replica(Digest),
    WorkingCopy(MaintenanceId),
}

/// As logs name it: `replica blake3:...`
impl std::fmt::Display for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bundle(id) => write!(f, "bundle {id}"),
            Self::Host(id) => write!(f, "host {id}"),
            Self::Operation(id) => write!(f, "operation {id}"),
            Self::Publication(id) => write!(f, "publication {id}"),
            Self::Replica(digest) => write!(f, "replica {digest}"),
            Self::WorkingCopy(id) => write!(f, "working copy {id}"),
        }
    }
}

/// What an agent knows of itself, read from its disk, its hypervisor and its running tasks.
#[derive(Clone, Debug, Default)]
pub struct Local {
    pub replicas: BTreeMap<Digest, Held>,
    /// Hosts that stand in the hypervisor, whole.
    pub hosts: BTreeSet<HostId>,
    /// Hosts of which anything at all is left.
    pub host_remains: BTreeSet<HostId>,
    /// Hosts that this agent once made, and which incarnation last, whatever became of them since.
    /// Kept on disk: orders written before the server knew must not make a host again that somebody
    /// took away meanwhile.
    pub hosts_made: BTreeMap<HostId, u32>,
    /// Former incarnations of which anything is left.
    pub set_aside: BTreeMap<HostId, BTreeSet<u32>>,
    /// Working copies that this agent once made, whatever became of them since.
    pub working_copies_made: BTreeSet<MaintenanceId>,
    /// Working copies of which anything at all is left.
    pub working_copy_remains: BTreeSet<MaintenanceId>,
    /// What was published, and of which digest.
    pub published: BTreeMap<PublicationId, Digest>,
    pub operations_ended: BTreeSet<OperationId>,
    /// Bundles that were carried, or could not be, in this life of the agent: none is begun twice.
    pub bundles_ended: BTreeSet<BundleId>,
    /// The last attempt that failed, for each object.
    pub failed: BTreeMap<Object, u32>,
    pub busy: BTreeSet<Object>,
    /// Those of `busy` whose task is the removal: they are let finish.
    pub removing: BTreeSet<Object>,
}

/// One thing to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Publish(PublicationId),
    /// Preflight, transfer, verify the whole, take its final name.
    Fill(Digest),
    /// Find and mend what does not match, in place.
    Mend(Digest),
    Register(Digest),
    RemoveReplica(Digest),
    MakeHost(HostId),
    /// Set the host's disks aside and make them anew, or bring former ones back.
    RecreateHost(HostId),
    RemoveHost(HostId),
    /// Delete former disks of a host that its orders name.
    RemoveSetAside(HostId),
    MakeWorkingCopy(MaintenanceId),
    RemoveWorkingCopy(MaintenanceId),
    Operate(OperationId),
    /// Write a bundle to the server, or read one from it.
    CarryBundle(BundleId),
    /// Stop the task on this object, which is no longer wanted.
    Cancel(Object),
}

impl Step {
    /// What it works on.
    pub const fn object(&self) -> Object {
        match *self {
            Self::Publish(publication) => Object::Publication(publication),
            Self::Fill(digest)
            | Self::Mend(digest)
            | Self::Register(digest)
            | Self::RemoveReplica(digest) => Object::Replica(digest),
            Self::MakeHost(host)
            | Self::RecreateHost(host)
            | Self::RemoveHost(host)
            | Self::RemoveSetAside(host) => Object::Host(host),
            Self::MakeWorkingCopy(id) | Self::RemoveWorkingCopy(id) => Object::WorkingCopy(id),
            Self::Operate(operation) => Object::Operation(operation),
            Self::CarryBundle(bundle) => Object::Bundle(bundle),
            Self::Cancel(object) => object,
        }
    }
}

/// Everything that can and should be begun now. Never proposes a second task for a busy object, nor
/// two steps for one.
pub fn decide(orders: &Orders, local: &Local) -> Vec<Step> {
    let mut decision = Decision { orders, local, steps: Vec::new() };
    decision.removals();
    decision.unwanted();
    decision.publications();
    decision.replicas();
    decision.hosts();
    decision.set_aside();
    decision.operations();
    decision.bundles();
    decision.steps
}

/// A decision that is being made.
struct Decision<'a> {
    orders: &'a Orders,
    local: &'a Local,
    steps: Vec<Step>,
}

impl Decision<'_> {
    /// What came first stands: one step for one object.
    fn propose(&mut self, step: Step) {
        if !self.begins(step.object()) {
            self.steps.push(step);
        }
    }

    fn begins(&self, object: Object) -> bool {
        self.steps.iter().any(|step| step.object() == object)
    }

    fn is_busy(&self, object: Object) -> bool {
        let imported = matches!(object, Object::Replica(digest) if self.is_imported(&digest));
        self.local.busy.contains(&object) || imported
    }

    /// A bundle that runs brings this version here. It may be any that no order names any more.
    fn is_imported(&self, digest: &Digest) -> bool {
        self.local.busy.iter().any(|object| match object {
            Object::Bundle(id) => {
                let order = self.orders.bundle(*id);
                order.is_none_or(|order| order.act.imports() == Some(*digest))
            }
            _ => false,
        })
    }

    fn may_try(&self, object: Object, attempt: u32) -> bool {
        let tried = self.local.failed.get(&object);
        !self.is_busy(object) && tried.is_none_or(|failed| *failed < attempt)
    }

    fn held(&self, digest: &Digest) -> Held {
        self.local.replicas.get(digest).copied().unwrap_or_default()
    }

    /// A one-time act on it is under way.
    fn is_operated_on(&self, object: Object) -> bool {
        let operations = self.orders.operations.iter();
        let mut busy = operations.filter(|operation| self.is_busy(Object::Operation(operation.id)));
        busy.any(|operation| target(&operation.act) == Some(object))
    }

    /// A publication of this working copy runs or begins. It may be any that runs and that no order
    /// names any more: nobody can tell what that one reads.
    fn is_published(&self, copy: MaintenanceId) -> bool {
        let reads = |id: PublicationId| {
            let order = self.orders.publications.iter().find(|order| order.id == id);
            order.is_none_or(|order| working_copy_of(order) == Some(copy))
        };
        let busy = self.local.busy.iter().copied().chain(self.steps.iter().map(Step::object));
        busy.into_iter().any(|object| matches!(object, Object::Publication(id) if reads(id)))
    }

    /// Only what is named is removed. A task that fills what is to go is stopped first. What was just
    /// published stays although an older template of the same content goes: until the server has heard
    /// of it, it cannot take its order back.
    fn removals(&mut self) {
        let (orders, local) = (self.orders, self.local);
        let just_published = |digest: &Digest| {
            let made = orders.publications.iter().filter_map(|order| local.published.get(&order.id));
            made.into_iter().any(|published| published == digest)
        };
        for deletion in &orders.deletions {
            let (there, step) = match deletion {
                Deletion::Replica { version } if just_published(&version.digest) => continue,
                Deletion::Replica { version } => {
                    (self.held(&version.digest) != Held::Nothing, Step::RemoveReplica(version.digest))
                }
                Deletion::Host { host, .. } => (local.host_remains.contains(host), Step::RemoveHost(*host)),
                Deletion::WorkingCopy { id } if self.is_published(*id) => continue,
                Deletion::WorkingCopy { id } => {
                    (local.working_copy_remains.contains(id), Step::RemoveWorkingCopy(*id))
                }
                Deletion::SetAside { .. } => continue,
            };
            let object = step.object();
            if !self.is_busy(object) {
                if there {
                    self.propose(step);
                }
            } else if !local.removing.contains(&object) {
                self.propose(Step::Cancel(object));
            }
        }
    }

    /// Stops the transfers and publications that no order names any more: they would take the places
    /// and the disk of what is wanted, a publication even the golden machine. What they left is kept.
    fn unwanted(&mut self) {
        for object in &self.local.busy {
            let named = match object {
                Object::Publication(id) => self.orders.publications.iter().any(|order| order.id == *id),
                Object::Replica(digest) => self.orders.replica(digest).is_some(),
                Object::Bundle(id) => self.orders.bundle(*id).is_some(),
                Object::Host(_) | Object::Operation(_) | Object::WorkingCopy(_) => true,
            };
            if !named && !self.local.removing.contains(object) {
                self.propose(Step::Cancel(*object));
            }
        }
    }

    fn publications(&mut self) {
        let orders = self.orders;
        for order in &orders.publications {
            let published = self.local.published.contains_key(&order.id);
            if published || !self.may_try(Object::Publication(order.id), order.attempt) {
                continue;
            }
            let waits = working_copy_of(order).is_some_and(|copy| {
                let object = Object::WorkingCopy(copy);
                let goes = orders.deletions.contains(&Deletion::WorkingCopy { id: copy });
                goes || self.is_busy(object) || self.is_operated_on(object) || self.is_published(copy)
            });
            if !waits {
                self.propose(Step::Publish(order.id));
            }
        }
    }

    fn replicas(&mut self) {
        let filling = |object: &&Object| matches!(object, Object::Replica(_));
        let mut fills = self.local.busy.iter().filter(filling).count();
        let orders = self.orders;
        for order in &orders.replicas {
            let digest = order.version.digest;
            let object = Object::Replica(digest);
            if self.is_busy(object) && !self.local.removing.contains(&object) && !order.go {
                self.propose(Step::Cancel(object));
                continue;
            }
            if !self.may_try(object, order.attempt) || self.begins(object) {
                continue;
            }
            match self.held(&digest) {
                Held::Ready => {}
                Held::Verified => self.propose(Step::Register(digest)),
                Held::Changed if order.go && fills < FILLS_MAX => {
                    fills += 1;
                    self.propose(Step::Mend(digest));
                }
                Held::Nothing | Held::Partial if order.go && fills < FILLS_MAX => {
                    fills += 1;
                    self.propose(Step::Fill(digest));
                }
                Held::Nothing | Held::Partial | Held::Changed => {}
            }
        }
    }

    /// Hosts and working copies: a working copy is made like one, and counts like one.
    fn hosts(&mut self) {
        let orders = self.orders;
        let is_full =
            |id: &HostId| orders.hosts.iter().any(|order| order.id == *id && order.kind == HostKind::Full);
        let (mut makings, mut full) = (0, 0);
        for object in &self.local.busy {
            makings += usize::from(matches!(object, Object::Host(_) | Object::WorkingCopy(_)));
            full += usize::from(matches!(object, Object::Host(id) if is_full(id)));
        }
        for order in &orders.working_copies {
            let object = Object::WorkingCopy(order.id);
            let made = order.made || self.local.working_copies_made.contains(&order.id);
            let goes = orders.deletions.contains(&Deletion::WorkingCopy { id: order.id });
            let ready = self.held(&order.base.digest) == Held::Ready;
            let begins = !made && !goes && ready && self.may_try(object, order.attempt);
            if begins && makings < HOST_MAKINGS_MAX {
                makings += 1;
                self.propose(Step::MakeWorkingCopy(order.id));
            }
        }
        for order in &orders.hosts {
            let Some(step) = self.making(order) else { continue };
            let copies = usize::from(order.kind == HostKind::Full);
            if makings < HOST_MAKINGS_MAX && (copies == 0 || full < FULL_MAKINGS_MAX) {
                makings += 1;
                full += copies;
                self.propose(step);
            }
        }
    }

    /// What is to be made of a host, if anything. A higher incarnation than the last that was made is
    /// an explicit wish, also for a host that somebody took away; without it nothing is made twice.
    fn making(&self, order: &HostOrder) -> Option<Step> {
        let object = Object::Host(order.id);
        let goes = is_deleted(self.orders, order.id);
        let waits = self.begins(object) || self.is_operated_on(object);
        if goes || waits || !self.may_try(object, order.attempt) {
            return None;
        }
        let base_is_ready = self.held(&order.version.digest) == Held::Ready;
        match self.local.hosts_made.get(&order.id) {
            Some(made) => {
                let can = base_is_ready || order.restores.is_some();
                (order.incarnation > *made && can).then_some(Step::RecreateHost(order.id))
            }
            None => {
                let wanted = !order.made && !self.local.hosts.contains(&order.id);
                (wanted && base_is_ready).then_some(Step::MakeHost(order.id))
            }
        }
    }

    /// Former disks of hosts. A busy host is waited for: what works on it may need them.
    fn set_aside(&mut self) {
        let orders = self.orders;
        for (host, incarnation) in named_set_aside(orders) {
            let there = self.local.set_aside.get(&host).is_some_and(|kept| kept.contains(&incarnation));
            let made = self.local.hosts_made.get(&host).copied().unwrap_or_default();
            let comes_back = orders.hosts.iter().any(|order| {
                order.id == host && order.restores == Some(incarnation) && order.incarnation > made
            });
            if there && !comes_back && !is_deleted(orders, host) && !self.is_busy(Object::Host(host)) {
                self.propose(Step::RemoveSetAside(host));
            }
        }
    }

    /// One that brings a version waits for whatever works on that: two would write to the same files.
    fn bundles(&mut self) {
        let orders = self.orders;
        for order in &orders.bundles {
            let object = Object::Bundle(order.id);
            let waits = order.act.imports().is_some_and(|digest| {
                let replica = Object::Replica(digest);
                self.is_busy(replica) || self.begins(replica)
            });
            let ended = self.local.bundles_ended.contains(&order.id);
            if !ended && !waits && !self.is_busy(object) {
                self.propose(Step::CarryBundle(order.id));
            }
        }
    }

    fn operations(&mut self) {
        let orders = self.orders;
        for operation in &orders.operations {
            let target = target(&operation.act);
            let waits = target.is_some_and(|target| {
                let published = matches!(target, Object::WorkingCopy(copy) if self.is_published(copy));
                published || self.is_busy(target) || self.begins(target)
            });
            let object = Object::Operation(operation.id);
            let ended = self.local.operations_ended.contains(&operation.id);
            if !ended && !waits && !self.is_busy(object) {
                self.propose(Step::Operate(operation.id));
            }
        }
    }
}

/// What a one-time act is done to.
const fn target(act: &Act) -> Option<Object> {
    match *act {
        Act::StartHost { host } | Act::StopHost { host, .. } => Some(Object::Host(host)),
        Act::VerifyReplica { digest } => Some(Object::Replica(digest)),
        Act::StartWorkingCopy { maintenance } => Some(Object::WorkingCopy(maintenance)),
        Act::CheckProvider => None,
    }
}

const fn working_copy_of(order: &PublicationOrder) -> Option<MaintenanceId> {
    match order.source {
        PublicationSource::WorkingCopy { maintenance, .. } => Some(maintenance),
        PublicationSource::Vm { .. } | PublicationSource::Image { .. } => None,
    }
}

fn is_deleted(orders: &Orders, id: HostId) -> bool {
    orders.deletions.iter().any(|deletion| matches!(deletion, Deletion::Host { host, .. } if *host == id))
}

fn named_set_aside(orders: &Orders) -> impl Iterator<Item = (HostId, u32)> {
    orders.deletions.iter().filter_map(|deletion| match deletion {
        Deletion::SetAside { host, incarnation } => Some((*host, *incarnation)),
        Deletion::Host { .. } | Deletion::Replica { .. } | Deletion::WorkingCopy { .. } => None,
    })
}

#[cfg(test)]
#[path = "agent_tests.rs"]
mod tests;
