//! Schedules: what is to be done at a time, or again and again.
//!
//! ```text
//!   When ─ times::next_after ─► next_at ─ the clock ─► acts::due ─► one-time acts, or a recreation
//!                                  ▲                       │
//!                                  └───────────────────────┘
//! ```
//!
//! **Promise:** a time that was missed by long, because the server was down, is passed over and said
//! so: what belongs to the night is not done at noon.
//! **Promise:** the clock of the zone counts, with its summer time: what is to be done at half past two
//! is done once in the night that has that twice, and just after in the night that lacks it.

mod acts;
mod times;

pub use acts::{Due, due};
pub use times::{BadWhen, check, next_after};

use crate::{
    ids::{HostId, PoolId, ScheduleId, TemplateId},
    names::ScheduleName,
    recreation::Terms,
    units::Timestamp,
};
use serde::{Deserialize, Serialize};

/// A time that was missed by more than this, because the server was down, is passed over.
pub const LATE_SECONDS_MAX: u32 = 15 * 60;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Action {
    /// Moves the outdated ones of the selection to the version they should have.
    Recreate {
        terms: Terms,
    },
    Start,
    Stop {
        force: bool,
    },
}

impl Action {
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Recreate { .. } => "recreate",
            Self::Start => "start",
            Self::Stop { .. } => "stop",
        }
    }
}

/// Which hosts, at the time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "of")]
pub enum Selection {
    Template(TemplateId),
    Pool(PoolId),
    Hosts(Vec<HostId>),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum When {
    Once {
        at: Timestamp,
    },
    /// Five fields, in the time of a zone of the IANA's: `0 3 * * SAT` in `Europe/Madrid`.
    Cron {
        expression: String,
        zone: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    pub id: ScheduleId,
    pub name: ScheduleName,
    pub action: Action,
    pub selection: Selection,
    pub when: When,
    pub enabled: bool,
    /// When it will be done next; None: never again.
    pub next_at: Option<Timestamp>,
    pub last: Option<LastRun>,
    pub author: String,
    pub created_at: Timestamp,
}

/// What became of it the last time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRun {
    pub at: Timestamp,
    /// A sentence: `3 hosts are recreated`, `passed over: the server was down`.
    pub outcome: String,
    pub ok: bool,
}
