//! What an agent says: the whole truth about its provider, every few seconds.

use crate::{
    assignment::Orders,
    code::Problem,
    digest::Digest,
    generation::Generation,
    host::HostReport,
    ids::{OperationId, ProviderId, PublicationId, SessionId},
    maintenance::WorkingCopyReport,
    names::ProviderName,
    profile::HardwareProfile,
    provider::{ProviderFacts, ProviderSettings, Vm},
    replica::{Progress, ReplicaReport},
    scrub::ScrubReport,
    template::VersionSize,
    trim::Trimming,
    units::ByteCount,
};
use serde::{Deserialize, Serialize};

/// One report. Each is complete in itself: a lost one costs latency and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub provider: ProviderId,
    /// Two live sessions of one identity are refused and named.
    pub session: SessionId,
    /// Rises within a session; an older one that arrives late is dropped.
    pub sequence: u64,
    pub agent_version: String,
    /// What it speaks: see [`crate::protocol`].
    #[serde(default = "crate::protocol::first")]
    pub protocol: u32,
    /// The generation this agent works toward.
    pub generation: Generation,
    /// Where its depot listens, as `host:port`.
    pub addresses: Vec<String>,
    /// None until the hypervisor has answered once, and while it does not.
    pub facts: Option<ProviderFacts>,
    pub hypervisor_problem: Option<Problem>,
    pub vms: Vec<Vm>,
    pub publications: Vec<PublicationReport>,
    pub replicas: Vec<ReplicaReport>,
    pub hosts: Vec<HostReport>,
    pub operations: Vec<OperationReport>,
    #[serde(default)]
    pub working_copies: Vec<WorkingCopyReport>,
    /// What the server calls this provider, and how it is reached, as was told last.
    #[serde(default)]
    pub name: Option<ProviderName>,
    #[serde(default)]
    pub settings: Option<ProviderSettings>,
    /// What was told before the server was restored from a backup, while it learns what differs.
    #[serde(default, deserialize_with = "crate::protocol::if_known")]
    pub former: Option<Box<Orders>>,
    /// Free space that this agent was told to leave alone; None: what is usual.
    #[serde(default)]
    pub floor: Option<ByteCount>,
    /// Versions held that no order names. They are kept.
    pub unassigned: Vec<Digest>,
    #[serde(default)]
    pub traffic: Traffic,
    /// How busy the provider's machine is; an agent of the release before never says.
    #[serde(default)]
    pub load: Option<Load>,
    /// What is read back by itself now, or is to be read on in the next window.
    #[serde(default)]
    pub scrub: Option<ScrubReport>,
}

/// How busy a machine is, in per cent: finer would differ in every report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// Of its processors, over the last minute: more than 100 if work waits for them.
    pub processors: u32,
    /// Of its memory.
    pub memory: u32,
}

/// How many bytes went which way since the agent's process began. Only ever rises within a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Traffic {
    /// Over the network from peers, as it came: compressed, wrong answers included.
    pub received: ByteCount,
    /// Over the network to peers, as it went.
    pub sent: ByteCount,
    /// Taken from other versions on this provider, or from what an interrupted transfer left.
    pub copied: ByteCount,
    /// Parts of disks that hold nothing, and so were neither sent nor written.
    pub holes: ByteCount,
    /// Read back and compared with the manifest.
    pub verified: ByteCount,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", remote = "Self")]
pub enum PublicationPhase {
    Queued,
    Preflight,
    /// A working copy's guest is shutting down.
    ShuttingDown,
    /// A helper gives back what the guest's file systems do not use, on an overlay of our own.
    Trimming,
    /// Making this provider's own plain files of the machine's disks.
    Reading,
    /// Cutting, hashing and compressing them.
    Hashing,
    /// Reading them back, as every replica is.
    Verifying,
    /// Handing the manifest to the server.
    Uploading,
    Done,
    Failed,
}

crate::careful_words!(PublicationPhase, PublicationPhase::Queued);

impl PublicationPhase {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Preflight => "preflight",
            Self::ShuttingDown => "shutting down",
            Self::Trimming => "trimming",
            Self::Reading => "reading",
            Self::Hashing => "hashing",
            Self::Verifying => "verifying",
            Self::Uploading => "uploading",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicationReport {
    pub id: PublicationId,
    pub phase: PublicationPhase,
    pub attempt: u32,
    pub progress: Progress,
    pub problem: Option<Problem>,
    /// None too if the machine has hardware that only a newer release has a word for.
    #[serde(default, deserialize_with = "crate::protocol::if_known")]
    pub published: Option<Published>,
}

/// What a publication made. Its manifest is with the server before this is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    pub digest: Digest,
    pub size: VersionSize,
    pub profile: HardwareProfile,
    /// Things a careful administrator would want to know about the machine.
    pub warnings: Vec<String>,
    /// Data in leaves that the version it was derived from has nowhere. None for a first version.
    #[serde(default)]
    pub new_bytes: Option<ByteCount>,
    /// An agent of the release before never says.
    #[serde(default, deserialize_with = "crate::protocol::if_known")]
    pub trimming: Option<Trimming>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationReport {
    pub id: OperationId,
    #[serde(deserialize_with = "known_outcome")]
    pub outcome: Outcome,
}

/// How it ended, if only a newer release could say so: it goes on as far as is known.
fn known_outcome<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Outcome, D::Error> {
    Ok(crate::protocol::if_known(deserializer)?.unwrap_or(Outcome::Running))
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum Outcome {
    Running,
    Done { lines: Vec<CheckLine> },
    Failed { problem: Problem },
}

/// One thing that was looked at, and how it was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckLine {
    pub name: String,
    pub ok: bool,
    pub detail: String,
    /// What to do, when it is not well.
    pub hint: Option<String>,
}
