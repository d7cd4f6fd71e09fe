//! What an agent does next: a pure function of its orders and of what it finds on its disk.
//!
//! The agent calls [`decide`] after every change of either, starts each step in a task of its own,
//! and calls it again when a task ends. It keeps no plan: killed at any instruction, it looks at its
//! disk and decides again. The simulator runs this very function.

use crate::{
    assignment::{Act, Deletion, Orders},
    digest::Digest,
    ids::{HostId, MaintenanceId, OperationId, PublicationId},
};
use std::collections::{BTreeMap, BTreeSet};

/// Transfers that one agent runs at a time. Two keep a link full while one verifies.
pub const FILLS_MAX: usize = 2;
/// Hosts that one agent makes at a time: each is a few small files and a call to the hypervisor.
pub const HOST_MAKINGS_MAX: usize = 4;

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
    Host(HostId),
    Operation(OperationId),
    Publication(PublicationId),
    Replica(Digest),
    WorkingCopy(MaintenanceId),
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
            Self::Cancel(object) => object,
        }
    }
}

/// Everything that can and should be begun now. Never proposes a second task for a busy object.
pub fn decide(orders: &Orders, local: &Local) -> Vec<Step> {
    let mut steps = Vec::new();
    removals(orders, local, &mut steps);
    unwanted(orders, local, &mut steps);
    for order in &orders.publications {
        let object = Object::Publication(order.id);
        if !local.published.contains_key(&order.id) && may_try(local, object, order.attempt) {
            steps.push(Step::Publish(order.id));
        }
    }
    replicas(orders, local, &mut steps);
    hosts(orders, local, &mut steps);
    for operation in &orders.operations {
        let object = Object::Operation(operation.id);
        let target = match operation.act {
            Act::StartHost { host } | Act::StopHost { host, .. } => Some(Object::Host(host)),
            Act::VerifyReplica { digest } => Some(Object::Replica(digest)),
            Act::StartWorkingCopy { maintenance } => Some(Object::WorkingCopy(maintenance)),
            Act::CheckProvider => None,
        };
        let begins = |target: &Object| steps.iter().any(|step| step.object() == *target);
        let target_is_busy = target.is_some_and(|target| local.busy.contains(&target) || begins(&target));
        if !local.operations_ended.contains(&operation.id) && !local.busy.contains(&object) && !target_is_busy
        {
            steps.push(Step::Operate(operation.id));
        }
    }
    steps
}

fn may_try(local: &Local, object: Object, attempt: u32) -> bool {
    !local.busy.contains(&object) && local.failed.get(&object).is_none_or(|failed| *failed < attempt)
}

/// Only what is named is removed. A task that fills what is to go is stopped first. What was just
/// published stays although an older template of the same content goes: until the server has heard
/// of it, it cannot take its order back.
fn removals(orders: &Orders, local: &Local, steps: &mut Vec<Step>) {
    let published = orders.publications.iter().filter_map(|order| local.published.get(&order.id));
    for deletion in &orders.deletions {
        if let Deletion::Replica { version } = deletion
            && published.clone().any(|digest| *digest == version.digest)
        {
            continue;
        }
        let (object, there, step) = match deletion {
            Deletion::Replica { version } => (
                Object::Replica(version.digest),
                local.replicas.get(&version.digest).is_some_and(|held| *held != Held::Nothing),
                Step::RemoveReplica(version.digest),
            ),
            Deletion::Host { host, .. } => {
                (Object::Host(*host), local.host_remains.contains(host), Step::RemoveHost(*host))
            }
            Deletion::SetAside { host, incarnation } => (
                Object::Host(*host),
                local.set_aside.get(host).is_some_and(|kept| kept.contains(incarnation)),
                Step::RemoveSetAside(*host),
            ),
            Deletion::WorkingCopy { id } => (
                Object::WorkingCopy(*id),
                local.working_copy_remains.contains(id),
                Step::RemoveWorkingCopy(*id),
            ),
        };
        if local.busy.contains(&object) {
            if !local.removing.contains(&object) {
                steps.push(Step::Cancel(object));
            }
        } else if there && !steps.contains(&step) {
            // Two templates of one content may both name it.
            steps.push(step);
        }
    }
}

/// Stops the transfers and publications that no order names any more: they would take the places and
/// the disk of what is wanted, a publication even the golden machine. What they left is kept.
fn unwanted(orders: &Orders, local: &Local, steps: &mut Vec<Step>) {
    for object in &local.busy {
        let named = match object {
            Object::Publication(id) => orders.publications.iter().any(|order| order.id == *id),
            Object::Replica(digest) => orders.replica(digest).is_some(),
            Object::Host(_) | Object::Operation(_) | Object::WorkingCopy(_) => true,
        };
        let step = Step::Cancel(*object);
        if !named && !local.removing.contains(object) && !steps.contains(&step) {
            steps.push(step);
        }
    }
}

fn replicas(orders: &Orders, local: &Local, steps: &mut Vec<Step>) {
    let filling = |object: &&Object| matches!(object, Object::Replica(_));
    let mut fills = local.busy.iter().filter(filling).count();
    for order in &orders.replicas {
        let digest = order.version.digest;
        let object = Object::Replica(digest);
        if local.busy.contains(&object) && !local.removing.contains(&object) && !order.go {
            steps.push(Step::Cancel(object));
            continue;
        }
        if !may_try(local, object, order.attempt) {
            continue;
        }
        match local.replicas.get(&digest).copied().unwrap_or_default() {
            Held::Ready => {}
            Held::Verified => steps.push(Step::Register(digest)),
            Held::Changed if order.go && fills < FILLS_MAX => {
                fills += 1;
                steps.push(Step::Mend(digest));
            }
            Held::Nothing | Held::Partial if order.go && fills < FILLS_MAX => {
                fills += 1;
                steps.push(Step::Fill(digest));
            }
            Held::Nothing | Held::Partial | Held::Changed => {}
        }
    }
}

fn hosts(orders: &Orders, local: &Local, steps: &mut Vec<Step>) {
    let mut makings = local.busy.iter().filter(|object| matches!(object, Object::Host(_))).count();
    for order in &orders.hosts {
        let base = local.replicas.get(&order.version.digest).copied().unwrap_or_default();
        let stood = order.made || local.hosts_made.contains_key(&order.id);
        let wanted = !stood && !local.hosts.contains(&order.id);
        if wanted
            && base == Held::Ready
            && makings < HOST_MAKINGS_MAX
            && may_try(local, Object::Host(order.id), order.attempt)
        {
            makings += 1;
            steps.push(Step::MakeHost(order.id));
        }
    }
}

#[cfg(test)]
#[path = "agent_tests.rs"]
mod tests;
