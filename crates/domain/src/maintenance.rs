//! Maintenance: a template's working copy, from the wish to enter to the day its files are gone.
//!
//! ```text
//!  (none) ─enter─► Entering ─made─► Open ─leave─► Leaving ─published, or nothing changed─► (none)
//!                     └───────────────┴─────────────┴──────── cancel ─────────────────────► (none)
//!                                  what is left of the working copy ─► Discarded ─► deleted
//! ```
//!
//! The current version goes on serving hosts and peers meanwhile: the working copy is an overlay on
//! its files, which nobody writes to. The overlay is given up only when somebody else holds what it
//! held: [`Discarded::after`].

use crate::{
    code::Problem,
    digest::Digest,
    host::MacAddress,
    ids::{MaintenanceId, ProviderId, RecreationId},
    provider::Power,
    template::{TemplateStatus, VersionRef},
    units::Timestamp,
};
use serde::{Deserialize, Serialize};

/// How long a guest is given to shut itself down, unless the operator says otherwise.
pub const SHUTDOWN_SECONDS_DEFAULT: u32 = 180;
/// The same when it is switched off afterwards: it was asked in vain before, or need not be waited for.
pub const FORCED_SHUTDOWN_SECONDS_DEFAULT: u32 = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Its working copy is being made and started.
    Entering,
    /// The working copy can be worked on.
    Open,
    /// It is being shut down and published; the template's publication tells how far that is.
    Leaving,
}

/// A template's stay in maintenance mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Maintenance {
    pub id: MaintenanceId,
    /// Where the working copy is.
    pub provider: ProviderId,
    /// What it stands on.
    pub base: VersionRef,
    pub stage: Stage,
    /// One for each network card of the base's profile.
    pub macs: Vec<MacAddress>,
    /// Tries to make the working copy.
    pub attempt: u32,
    pub next_attempt_at: Option<Timestamp>,
    pub problem: Option<Problem>,
    /// Who entered, and when.
    pub author: String,
    pub since: Timestamp,
    /// Said when leaving.
    pub leave: Option<Leave>,
}

/// How maintenance is to be left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leave {
    pub note: Option<String>,
    pub author: String,
    pub recreate: RecreateWish,
    pub if_unavailable: IfUnavailable,
    /// The waves of the recreation, and what else it is told.
    pub terms: crate::recreation::Terms,
    /// What that recreation is called, if there will be one: drawn when the wish is taken.
    pub recreation: RecreationId,
}

/// When the hosts are to be recreated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "when", content = "at")]
pub enum RecreateWish {
    Now,
    #[default]
    Later,
    At(Timestamp),
}

/// What is done when a provider does not answer as hosts are to be recreated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IfUnavailable {
    /// Wait for an operator's decision.
    #[default]
    Ask,
    /// Go on with those that answer; the others' hosts follow when they return.
    Proceed,
    /// Recreate nothing.
    Later,
}

/// A working copy that nobody works on any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discarded {
    pub id: MaintenanceId,
    pub provider: ProviderId,
    /// What its overlay stands on: that version is kept there as long.
    pub base: Digest,
    /// Its files are kept until somebody holds this version, verified: what was published from them.
    pub after: Option<Digest>,
}

/// How far an agent is with a working copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", remote = "Self")]
pub enum WorkingCopyPhase {
    Creating,
    /// It stands: its disks are here, and the hypervisor knows its machine.
    Made,
    Failed,
    Deleting,
    /// It stood, and its disks are not here any more.
    Gone,
}

crate::careful_words!(WorkingCopyPhase, WorkingCopyPhase::Creating);

/// What an agent says of one working copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkingCopyReport {
    pub id: MaintenanceId,
    pub phase: WorkingCopyPhase,
    pub attempt: u32,
    /// None while the hypervisor does not know its machine: somebody undefined it.
    pub power: Option<Power>,
    pub addresses: Vec<String>,
    pub guest_agent: bool,
    pub problem: Option<Problem>,
}

/// The status of a template as operators read it.
pub fn status(stored: TemplateStatus, maintenance: Option<&Maintenance>) -> TemplateStatus {
    match (stored, maintenance.map(|maintenance| maintenance.stage)) {
        (TemplateStatus::Ready, Some(Stage::Entering)) => TemplateStatus::EnteringMaintenance,
        (TemplateStatus::Ready, Some(Stage::Open)) => TemplateStatus::Maintenance,
        (TemplateStatus::Ready, Some(Stage::Leaving)) => TemplateStatus::LeavingMaintenance,
        (stored, _) => stored,
    }
}
