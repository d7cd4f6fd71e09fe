//! What one agent should hold and run, and how it tells a new instruction from a stale one.

use crate::{
    bundle::BundleOrder,
    digest::Digest,
    generation::Generation,
    host::{HostKind, HostSetup, MacAddress},
    ids::{ConsoleId, HostId, MaintenanceId, OperationId, ProviderId, PublicationId},
    limit::Limits,
    names::{HostName, ProviderName},
    provider::{ProviderSettings, Source},
    scrub::ScrubPolicy,
    template::{PublicationSource, VersionRef},
};
use serde::{Deserialize, Serialize};

/// Orders with the number that makes them comparable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    pub generation: Generation,
    pub orders: Orders,
}

/// Everything the server wants of one agent. What is not in here is kept and reported, never
/// deleted: absence never orders deletion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orders {
    pub provider: ProviderId,
    pub name: ProviderName,
    pub settings: ProviderSettings,
    #[serde(deserialize_with = "crate::protocol::what_is_known")]
    pub publications: Vec<PublicationOrder>,
    pub replicas: Vec<ReplicaOrder>,
    pub hosts: Vec<HostOrder>,
    #[serde(deserialize_with = "crate::protocol::what_is_known")]
    pub operations: Vec<Operation>,
    #[serde(deserialize_with = "crate::protocol::what_is_known")]
    pub deletions: Vec<Deletion>,
    #[serde(default)]
    pub working_copies: Vec<WorkingCopyOrder>,
    /// Screens that somebody wants to see now.
    #[serde(default)]
    pub consoles: Vec<ConsoleOrder>,
    /// Bundles that somebody writes or reads now.
    #[serde(
        default,
        deserialize_with = "crate::protocol::what_is_known",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub bundles: Vec<BundleOrder>,
    /// The server was restored from a backup, and learns what it does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<RecoveryOrder>,
    /// Who may fetch which version from this agent's depot. Anybody else is refused.
    pub readers: Vec<Readers>,
    /// How fast versions may travel; also while the server is away.
    #[serde(default)]
    pub limits: Limits,
    /// How what is held is read back by itself; also while the server is away.
    #[serde(default)]
    pub scrub: ScrubPolicy,
}

/// Say what was told before, and hand over these manifests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryOrder {
    /// Of versions held here that the server does not know.
    #[serde(default)]
    pub manifests: Vec<Digest>,
}

/// Read a golden machine and make a version of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicationOrder {
    pub id: PublicationId,
    pub template: crate::names::TemplateName,
    pub source: PublicationSource,
    /// Trim the guest's file systems first. An agent of the release before publishes them as they are.
    #[serde(default)]
    pub trim: bool,
    pub attempt: u32,
}

/// Hold this version, verified and registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaOrder {
    pub version: VersionRef,
    pub attempt: u32,
    /// Its turn has come. Otherwise it is queued behind the template's concurrency.
    pub go: bool,
    /// Who has it, in the order to ask.
    pub sources: Vec<Source>,
}

/// Have this working copy: overlays on a version held here, and a machine on them, started once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkingCopyOrder {
    pub id: MaintenanceId,
    pub base: VersionRef,
    pub macs: Vec<MacAddress>,
    pub attempt: u32,
    /// It was made before: if its disks are gone now, say so and do not make them again.
    pub made: bool,
}

/// Connect a machine's screen to the server, by a connection that the agent opens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ConsoleOrder {
    pub id: ConsoleId,
    /// The machine's UUID: a working copy's or a host's.
    pub machine: uuid::Uuid,
}

/// Have this host. Its power is left alone, but for the start whenever its disks are made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostOrder {
    pub id: HostId,
    pub name: HostName,
    pub version: VersionRef,
    pub kind: HostKind,
    pub macs: Vec<MacAddress>,
    pub attempt: u32,
    /// It was made before: if it is gone now, say so and do not make it again.
    pub made: bool,
    /// The agent makes its disks anew if those that stand are of a lower one.
    #[serde(default = "first_incarnation")]
    pub incarnation: u32,
    /// Bring this former incarnation back, instead of making a new one.
    #[serde(default)]
    pub restores: Option<u32>,
    #[serde(default)]
    pub setup: HostSetup,
}

const fn first_incarnation() -> u32 {
    1
}

/// A one-time act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    pub id: OperationId,
    pub act: Act,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Act {
    StartHost {
        host: HostId,
    },
    StopHost {
        host: HostId,
        force: bool,
    },
    /// Starts a working copy's machine again; defines it first, if somebody undefined it.
    StartWorkingCopy {
        maintenance: MaintenanceId,
    },
    /// Read the replica back and compare every byte.
    VerifyReplica {
        digest: Digest,
    },
    /// Prove that this provider can do its work.
    CheckProvider,
}

/// Delete exactly this.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Deletion {
    Host {
        host: HostId,
        /// Its data disk too.
        #[serde(default)]
        data: bool,
    },
    Replica {
        version: VersionRef,
    },
    /// A host's former disks.
    SetAside {
        host: HostId,
        incarnation: u32,
    },
    WorkingCopy {
        id: MaintenanceId,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readers {
    pub digest: Digest,
    pub providers: Vec<ProviderId>,
}

/// What became of an offered assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// It is newer, and holds from now on.
    Taken,
    /// The same again: a resend changes nothing.
    Repeated,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("assignment {offered} is older than {held}, which is held")]
    Stale { held: Generation, offered: Generation },
    #[error("two different assignments carry generation {generation}")]
    Conflict { generation: Generation },
    #[error("the assignment is for provider {theirs}, and this is {ours}")]
    NotOurs { ours: ProviderId, theirs: ProviderId },
}

/// Takes `offered` if it is for `ours` and newer than what is held.
pub fn accept(
    ours: ProviderId,
    held: &mut Option<Assignment>,
    offered: Assignment,
) -> Result<Acceptance, Refusal> {
    if offered.orders.provider != ours {
        return Err(Refusal::NotOurs { ours, theirs: offered.orders.provider });
    }
    if let Some(held) = held {
        if *held == offered {
            return Ok(Acceptance::Repeated);
        }
        if offered.generation == held.generation {
            return Err(Refusal::Conflict { generation: held.generation });
        }
        if offered.generation < held.generation {
            return Err(Refusal::Stale { held: held.generation, offered: offered.generation });
        }
    }
    *held = Some(offered);
    Ok(Acceptance::Taken)
}

impl Orders {
    /// Orders that ask for nothing.
    pub fn none(provider: ProviderId, name: ProviderName, settings: ProviderSettings) -> Self {
        Self {
            provider,
            name,
            settings,
            publications: Vec::new(),
            replicas: Vec::new(),
            hosts: Vec::new(),
            operations: Vec::new(),
            deletions: Vec::new(),
            working_copies: Vec::new(),
            consoles: Vec::new(),
            bundles: Vec::new(),
            recovery: None,
            readers: Vec::new(),
            limits: Limits::default(),
            scrub: ScrubPolicy::default(),
        }
    }

    pub fn may_read(&self, digest: &Digest, reader: ProviderId) -> bool {
        self.readers.iter().any(|readers| readers.digest == *digest && readers.providers.contains(&reader))
    }

    pub fn replica(&self, digest: &Digest) -> Option<&ReplicaOrder> {
        self.replicas.iter().find(|order| order.version.digest == *digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn assignment(number: u64, flavour: u8) -> Assignment {
        let provider = ProviderId::from_uuid(Uuid::from_u128(1));
        let settings = ProviderSettings {
            uri: "qemu:///system".into(),
            storage: format!("pool-{flavour}"),
            networks: Default::default(),
        };
        let orders = Orders::none(provider, "kvm-a".parse().unwrap(), settings);
        Assignment { generation: Generation { epoch: 1, number }, orders }
    }

    proptest! {
        #[test]
        fn whatever_arrives_in_whatever_order_the_highest_generation_holds(
            arrivals in proptest::collection::vec((0_u64..6, 0_u8..2), 1..40)
        ) {
            let ours = ProviderId::from_uuid(Uuid::from_u128(1));
            let mut held = None;
            for (number, flavour) in arrivals {
                let before = held.clone();
                match accept(ours, &mut held, assignment(number, flavour)) {
                    Ok(Acceptance::Taken) => prop_assert!(
                        before.is_none_or(|before: Assignment| before.generation.number < number)
                    ),
                    Ok(Acceptance::Repeated) | Err(_) => prop_assert_eq!(before, held.clone()),
                }
            }
        }
    }

    #[test]
    fn an_assignment_for_somebody_else_is_refused() {
        let mut held = None;
        let other = ProviderId::from_uuid(Uuid::from_u128(2));
        assert!(matches!(accept(other, &mut held, assignment(1, 0)), Err(Refusal::NotOurs { .. })));
        assert_eq!(held, None);
    }

    #[test]
    fn a_restored_server_is_believed_because_its_epoch_is_higher() {
        let ours = ProviderId::from_uuid(Uuid::from_u128(1));
        let mut held = Some(assignment(900, 0));
        let mut restored = assignment(3, 1);
        restored.generation.epoch = 2;
        assert_eq!(accept(ours, &mut held, restored), Ok(Acceptance::Taken));
    }
}
