//! Pools: sets of hosts kept at a size, made from one template over some providers.
//!
//! ```text
//!   in use + spare, between min and max ─► wanted ─┬─ too few ──► places ─► make (or say why not)
//!   hosts that are there ──────────────────────────┴─ too many ─► remove, of those nobody uses
//! ```
//!
//! [`reconcile`] is a pure function of the pool, the world and the clock, run with every change. What
//! it cannot do it says: [`Decision::why`].
//!
//! **Promise:** no host is removed that somebody uses or may use, that is silent, or that has a data
//! disk. A host that is gone from its hypervisor is made again under its own name; one that cannot be
//! made is given up for one elsewhere, if there is an elsewhere.
//! **Promise:** a host whose provider does not answer counts as there. It is made up for elsewhere
//! only where the pool says so, after a while.
//!
//! It does not move hosts to newer versions: that is a recreation. Read `size` for how many, `places`
//! for where.

mod places;
mod size;

pub use size::{Decision, reconcile, there, wanted};

use crate::{
    code::Problem,
    host::{HostKind, HostSetup},
    ids::{PoolId, ProviderId, TemplateId},
    names::PoolName,
    pattern::NamePattern,
    plan::TemplateInWorld,
    recreation::Terms,
    template::{Tag, VersionRef},
    units::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version that the pool's hosts are to be of. None: nothing is what it follows.
pub fn version<'a>(pool: &Pool, list: &'a TemplateInWorld) -> Option<&'a VersionRef> {
    match &pool.follow {
        Follow::Newest => list.current.as_ref(),
        Follow::Tag(tag) => list.version(*list.tags.get(tag)?),
        Follow::Pinned(number) => list.version(*number),
    }
}

/// How long a provider may be silent before its hosts are made up for elsewhere.
pub const GRACE_SECONDS_DEFAULT: u32 = 300;

/// Which version a pool's hosts are made from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "of")]
pub enum Follow {
    /// The template's current one.
    #[default]
    Newest,
    /// Whichever carries this tag.
    Tag(Tag),
    /// This one, until somebody changes the pool.
    Pinned(u32),
}

/// How a pool's hosts are laid over its providers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "weights")]
pub enum Strategy {
    /// By free capacity: who has twice as much free takes twice as many; equals take equally many.
    #[default]
    Spread,
    /// One provider up to its cap, then the next.
    Fill,
    /// In proportion to numbers.
    Weights(BTreeMap<ProviderId, u32>),
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    #[serde(default)]
    pub strategy: Strategy,
    /// Hosts of this pool on one provider.
    #[serde(default)]
    pub cap: Option<u32>,
    /// Where; empty: wherever the template is.
    #[serde(default)]
    pub providers: Vec<ProviderId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    pub id: PoolId,
    pub name: PoolName,
    pub template: TemplateId,
    pub follow: Follow,
    pub min: u32,
    pub max: u32,
    /// Hosts that stand ready and are used by nobody.
    pub spare: u32,
    pub pattern: NamePattern,
    pub kind: HostKind,
    pub placement: Placement,
    pub setup: HostSetup,
    /// Make up on other providers for the hosts of one that is lost, after so many seconds of silence.
    pub replace_elsewhere: Option<u32>,
    pub terms: Terms,
    /// Why it is not at its size, if so; worked out anew in every pass.
    pub problem: Option<Problem>,
    /// Its hosts are deleted, and then it is gone.
    pub deleting: bool,
    /// Their data disks go with them. Never without somebody's explicit yes.
    #[serde(default)]
    pub delete_data: bool,
    pub created_at: Timestamp,
}

#[cfg(test)]
#[path = "pool_tests.rs"]
pub(crate) mod tests;
