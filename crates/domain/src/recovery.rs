//! After an old backup was restored: what the server does not know, and how it learns of it. Pure.
//!
//! ```text
//!   agents ── former orders, reports ──► findings ─► shown ─► adoption ─► the store
//!                                           └─ plan: hold_back: nothing is deleted, nothing is begun
//! ```
//!
//! The store says what was true at the backup, the agents what is. What the server told them later it
//! does not know any more; they do: an agent that is told something by a higher epoch keeps the orders
//! of the lower one, [`remember`], and hands them over. They name what lies on its disk.
//!
//! **Promise:** while a recovery is open, no order deletes anything or begins anything that costs a byte
//! of disk or network. A wish of yesterday may be the opposite of today's.
//! **Promise:** only what stands is adopted: a version that its provider says was verified there, a host
//! that its provider says stands. What cannot be adopted is named, with the reason, and left alone.

mod adopt;
mod findings;

pub use adopt::{Adoption, adopt};
pub use findings::{Findings, FoundHost, FoundVersion, findings};

use crate::{
    assignment::{Orders, RecoveryOrder},
    code::{Code, Problem},
    digest::Digest,
    host::HostPhase,
    ids::ProviderId,
    plan::World,
    replica::ReplicaReport,
};
use std::collections::{BTreeMap, BTreeSet};

/// What is known of before the restore, beside what the store knows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recovery {
    /// What each agent was told last by the epochs before.
    pub formers: BTreeMap<ProviderId, Orders>,
    /// Manifests that the server has, of versions that it does not know.
    pub manifests: BTreeSet<Digest>,
}

/// What an agent keeps of what it was told before, when it is told something by a higher epoch. What was
/// told last counts; what earlier epochs told and this one did not know is kept beside it.
#[must_use]
pub fn remember(former: Option<Orders>, told: &Orders) -> Orders {
    let mut kept = told.clone();
    let Some(former) = former else { return kept };
    for order in former.replicas {
        if kept.replica(&order.version.digest).is_none() {
            kept.replicas.push(order);
        }
    }
    for order in former.hosts {
        if kept.hosts.iter().all(|there| there.id != order.id) {
            kept.hosts.push(order);
        }
    }
    for order in former.working_copies {
        if kept.working_copies.iter().all(|there| there.id != order.id) {
            kept.working_copies.push(order);
        }
    }
    kept
}

/// Why nothing is moving.
pub fn waits() -> Problem {
    Problem::new(Code::B0006, "the server was restored from a backup, and nobody has finished looking at it")
}

/// Takes out of `orders` what would delete or begin anything, and asks for what is not known here.
pub(crate) fn hold_back(world: &World, orders: &mut Orders) {
    let Some(recovery) = &world.recovery else { return };
    let provider = orders.provider;
    orders.deletions.clear();
    orders.publications.clear();
    orders.bundles.retain(|order| order.act.imports().is_none());
    for order in &mut orders.replicas {
        let said = world.replicas.get(&(provider, order.version.digest));
        order.go = said.is_some_and(ReplicaReport::is_ready);
    }
    orders.hosts.retain(|order| {
        let said = world.host_reports.get(&order.id);
        // Not made before, or of a higher incarnation than what stands: it would be made now.
        match said {
            Some(said) => said.phase != HostPhase::Failed && said.stood() >= order.incarnation,
            None => order.made,
        }
    });
    orders.working_copies.retain(|order| order.made || world.working_copies.contains_key(&order.id));
    orders.recovery = Some(RecoveryOrder { manifests: wanted(world, recovery, provider) });
}

/// Manifests that this provider is asked for: of what it holds verified and the server knows nothing of.
/// Of several holders that answer, the first is asked.
fn wanted(world: &World, recovery: &Recovery, provider: ProviderId) -> Vec<Digest> {
    let found = findings(world).versions.into_iter();
    let lacking = found.filter(|it| !recovery.manifests.contains(&it.version.digest));
    let asked = |holders: &[ProviderId]| holders.iter().find(|holder| world.answers(**holder)).copied();
    let mut digests: Vec<Digest> =
        lacking.filter(|it| asked(&it.holders) == Some(provider)).map(|it| it.version.digest).collect();
    digests.sort();
    digests.dedup();
    digests
}

#[cfg(test)]
#[path = "recovery_tests.rs"]
mod tests;
