//! Recreation: hosts moved to another version, in waves, each of which must come up healthy.
//!
//! ```text
//! Scheduled ─time─► (everybody answers?) ─yes, or proceed─► Running ─all waves passed─► Done
//!                          └─no─► AwaitingDecision ─────────┘  │
//!                                        └─ cancel             └─ too many failed ─► Stopped
//! ```
//!
//! **Promise:** a host in use is not touched before the deadline; what nobody can tell counts as use.
//! **Promise:** a host's former disks are kept until its wave has passed. When too many hosts of a
//! wave fail, the wave is rolled back and nothing further is begun.
//! **Promise:** hosts whose provider does not answer hold up nobody, and follow when it returns.
//!
//! A recreation is a record, and [`advance`] a pure function of it, the world and the clock: run as
//! often as anybody likes, it begins what can be begun and judges what has begun. It makes no disk:
//! it changes the hosts' wishes (`Host::recreated`, `Host::rolled_back`), and the agents follow.
//!
//! Read `advance` next, then `waves` for how many, `health` for what counts as well, `outlook` for
//! what is shown beforehand.

mod advance;
mod former;
mod health;
mod outlook;
mod waves;

pub use advance::{Advanced, advance};
pub use former::former_due;
pub use outlook::{Blocker, Outlook, PlannedHost, Silent, outlook, silent};

use crate::{
    digest::Digest,
    host::Host,
    ids::{HostId, RecreationId, TemplateId},
    maintenance::IfUnavailable,
    plan::World,
    pool,
    template::VersionRef,
    units::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How long a recreated host has to show that it is well.
pub const HEALTH_SECONDS_DEFAULT: u32 = 600;
/// Part of a wave that may fail before it is rolled back, in per cent, rounded down.
pub const FAILURES_PERCENT_DEFAULT: u32 = 10;

/// How far a wave reaches: so many hosts, or so much of all of them, from the first on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    Hosts(u32),
    Percent(u32),
}

/// In which portions hosts are recreated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Waves {
    /// Each reaches further than the one before: `1,10%,50%,100%`. The last ends with all.
    Reaching(Vec<Reach>),
    /// So many at a time.
    AtATime(u32),
}

impl Default for Waves {
    fn default() -> Self {
        Self::Reaching(vec![Reach::Hosts(1), Reach::Percent(10), Reach::Percent(50), Reach::Percent(100)])
    }
}

/// How a recreation is to go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    pub waves: Waves,
    /// Hosts in use are waited for until then; None: until they are free.
    pub deadline: Option<Timestamp>,
    /// Failures in one wave that are borne. None: [`FAILURES_PERCENT_DEFAULT`] of the wave.
    pub failures_max: Option<u32>,
    pub health_seconds: u32,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            waves: Waves::default(),
            deadline: None,
            failures_max: None,
            health_seconds: HEALTH_SECONDS_DEFAULT,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Begins at [`Recreation::begins_at`].
    Scheduled,
    /// Providers are silent; an operator says whether to go on without them.
    AwaitingDecision,
    Running,
    /// Too many failed; the wave was rolled back.
    Stopped,
    Done,
    Cancelled,
}

impl Stage {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "Scheduled",
            Self::AwaitingDecision => "Awaiting decision",
            Self::Running => "Running",
            Self::Stopped => "Stopped",
            Self::Done => "Done",
            Self::Cancelled => "Cancelled",
        }
    }

    /// Nothing more will be done for it.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Stopped | Self::Done | Self::Cancelled)
    }
}

/// How far one host is in its recreation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum HostProgress {
    /// Its turn has not come, or something is waited for.
    Waiting,
    /// Its wish says the new version since then; it is being made, or must show that it is well.
    Begun {
        wave: u32,
        incarnation: u32,
        at: Timestamp,
        /// The number of the first attempt to make it.
        attempt: u32,
        /// When it was first heard to stand. Its time to show that it is well counts from here, and
        /// anew after its provider was silent.
        made_at: Option<Timestamp>,
    },
    /// It came up well on the new version; its wave may still run.
    Healthy {
        wave: u32,
        incarnation: u32,
    },
    Failed {
        wave: u32,
        incarnation: u32,
    },
    /// Its wave has passed.
    Passed,
    RolledBack,
    /// It is gone, or stands on the version already, or somebody changed it meanwhile.
    Left,
}

/// The moving of some hosts of one template to one version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recreation {
    pub id: RecreationId,
    pub template: TemplateId,
    pub version: u32,
    pub digest: Digest,
    pub terms: Terms,
    pub stage: Stage,
    /// The wave that runs, from 1 on; 0 before the first.
    pub wave: u32,
    pub hosts: BTreeMap<HostId, HostProgress>,
    /// Hosts that stand on the version already are made anew too.
    #[serde(default)]
    pub refresh: bool,
    /// Somebody named the version, whatever the hosts should be otherwise.
    #[serde(default)]
    pub chosen: bool,
    /// Nothing more is begun; what has begun is seen to its end, and then it is `Cancelled`.
    #[serde(default)]
    pub cancelling: bool,
    /// Silent providers are gone on without.
    pub proceed: bool,
    /// Nothing is to be done if a provider is silent when it begins.
    pub later_if_silent: bool,
    pub begins_at: Timestamp,
    pub author: String,
    pub created_at: Timestamp,
    /// Why it stopped or waits, in a sentence.
    pub note: Option<String>,
    pub ended_at: Option<Timestamp>,
}

/// What somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    pub id: RecreationId,
    pub target: VersionRef,
    pub hosts: Vec<HostId>,
    pub terms: Terms,
    /// Hosts that stand on the version already are made anew too.
    pub refresh: bool,
    pub if_unavailable: IfUnavailable,
    pub begins_at: Timestamp,
    pub author: String,
}

impl Recreation {
    pub fn new(wish: Wish, now: Timestamp) -> Self {
        Self {
            id: wish.id,
            template: wish.target.template,
            version: wish.target.number,
            digest: wish.target.digest,
            terms: wish.terms,
            stage: Stage::Scheduled,
            wave: 0,
            hosts: wish.hosts.into_iter().map(|host| (host, HostProgress::Waiting)).collect(),
            refresh: wish.refresh,
            chosen: false,
            cancelling: false,
            proceed: wish.if_unavailable == IfUnavailable::Proceed,
            later_if_silent: wish.if_unavailable == IfUnavailable::Later,
            begins_at: wish.begins_at,
            author: wish.author,
            created_at: now,
            note: None,
            ended_at: None,
        }
    }
}

/// The version that a host should be of: its pool's, else its template's current one.
pub fn should_be<'a>(world: &'a World, host: &Host) -> Option<&'a VersionRef> {
    let list = world.templates.get(&host.template)?;
    match host.pool.and_then(|id| world.pools.iter().find(|pool| pool.id == id)) {
        Some(pool) => pool::version(pool, list),
        None => list.current.as_ref(),
    }
}

/// Whether the host is of another version than it should be.
pub fn is_outdated(world: &World, host: &Host) -> bool {
    should_be(world, host).is_some_and(|version| version.digest != host.digest)
}

/// The hosts that are to move to `target` once it is the current version: all of its template but
/// those of another pool's choice.
pub fn to_follow(world: &World, target: &VersionRef) -> Vec<HostId> {
    let follows = |host: &&Host| {
        let pool = host.pool.and_then(|id| world.pools.iter().find(|pool| pool.id == id));
        pool.is_none_or(|pool| match &pool.follow {
            pool::Follow::Newest => true,
            pool::Follow::Pinned(number) => *number == target.number,
            pool::Follow::Tag(tag) => {
                let list = world.templates.get(&target.template);
                list.and_then(|list| list.tags.get(tag)) == Some(&target.number)
            }
        })
    };
    let moves =
        |host: &&Host| host.template == target.template && host.digest != target.digest && !host.deleting;
    world.hosts.iter().filter(moves).filter(follows).map(|host| host.id).collect()
}

#[cfg(test)]
#[path = "recreation_tests.rs"]
mod tests;
