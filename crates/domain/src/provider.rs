//! A provider: one hypervisor endpoint, what its agent says of it, and whether it answers.

use crate::{
    names::ProviderName,
    profile::{HardwareProfile, MachineType},
    units::{ByteCount, Timestamp},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// How often an agent reports.
pub const REPORT_INTERVAL: Duration = Duration::from_secs(3);
/// Silence after which a provider is `Not available`: five reports missed.
pub const SILENCE_MAX: Duration = Duration::from_secs(15);
const _: () = assert!(SILENCE_MAX.as_secs() >= 4 * REPORT_INTERVAL.as_secs());

/// The kinds of hypervisor that Diecast drives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProviderKind {
    Libvirt,
}

impl ProviderKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Libvirt => "libvirt",
        }
    }
}

/// What the operator set for a provider; its agent is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderSettings {
    /// The hypervisor's address as its agent reaches it: `qemu:///system`.
    pub uri: String,
    /// The storage pool that templates and hosts are kept in.
    pub storage: String,
    /// The template's name for a network, and what it is called here.
    pub networks: BTreeMap<String, String>,
}

/// What an agent found out about its provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderFacts {
    /// `QEMU 7.2.22, libvirt 9.0.0`
    pub hypervisor: String,
    pub cpu: CpuFacts,
    pub memory: ByteCount,
    pub storages: Vec<StorageFacts>,
    pub networks: Vec<NetworkFacts>,
    pub firmware: FirmwareFacts,
    #[serde(deserialize_with = "crate::protocol::what_is_known")]
    pub machine_types: Vec<MachineType>,
    /// Guests run on the processor itself (KVM), shown by one that booted; else emulated.
    pub hardware_acceleration: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuFacts {
    pub model: String,
    pub count: u32,
    /// The named models that guests may be given.
    pub guest_models: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageFacts {
    pub name: String,
    pub path: String,
    pub active: bool,
    pub capacity: ByteCount,
    pub free: ByteCount,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkFacts {
    pub name: String,
    pub kind: NetworkKind,
    pub active: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", remote = "Self")]
pub enum NetworkKind {
    /// A bridge device of the provider's own kernel.
    Bridge,
    /// A network that the hypervisor manages.
    Network,
}

crate::careful_words!(NetworkKind, NetworkKind::Network);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirmwareFacts {
    pub bios: bool,
    pub uefi: bool,
    pub secure_boot: bool,
}

/// Whether a provider answers, and since when it has been so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProviderState {
    /// Added, and its agent has never called.
    AwaitingAgent,
    Available,
    /// The agent calls, and its hypervisor does not answer it.
    HypervisorSilent,
    NotAvailable,
}

impl ProviderState {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AwaitingAgent => "Awaiting agent",
            Self::Available => "Available",
            Self::HypervisorSilent => "Hypervisor silent",
            Self::NotAvailable => "Not available",
        }
    }

    /// Work can be expected of it.
    pub const fn answers(self) -> bool {
        matches!(self, Self::Available)
    }
}

/// The state of a provider whose agent was last heard at `heard`, if ever.
pub fn state(heard: Option<Timestamp>, hypervisor_answers: bool, now: Timestamp) -> ProviderState {
    match heard {
        None => ProviderState::AwaitingAgent,
        Some(heard) if now.since(heard) >= SILENCE_MAX => ProviderState::NotAvailable,
        Some(_) if hypervisor_answers => ProviderState::Available,
        Some(_) => ProviderState::HypervisorSilent,
    }
}

/// A machine that a provider runs, managed by Diecast or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vm {
    pub name: String,
    pub uuid: uuid::Uuid,
    pub power: Power,
    pub vcpus: u32,
    pub memory: ByteCount,
    pub disks: Vec<VmDisk>,
    /// It is a host that Diecast made.
    pub managed: bool,
    /// Why no template can be made from it as it is, if so.
    pub obstacle: Option<crate::code::Problem>,
    /// None if no template can be made from it now; an agent of the release before never says.
    #[serde(default, deserialize_with = "crate::protocol::if_known")]
    pub content: Option<VmContent>,
}

/// What a version made of a machine as it is now would ask of those who are to hold it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VmContent {
    /// Sizes of its disks are zero: none was opened.
    pub profile: HardwareProfile,
    /// What its disks occupy, which is about what a version of them does.
    pub occupied: ByteCount,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VmDisk {
    pub target: String,
    pub path: String,
    pub format: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", remote = "Self")]
pub enum Power {
    Running,
    Paused,
    Off,
    Crashed,
}

crate::careful_words!(Power, Power::Running);

impl Power {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "Running",
            Self::Paused => "Paused",
            Self::Off => "Off",
            Self::Crashed => "Crashed",
        }
    }
}

/// Where an agent's depot can be found by its peers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    pub provider: crate::ids::ProviderId,
    pub name: ProviderName,
    /// `host:port`, in the order to try them.
    pub addresses: Vec<String>,
    /// It can give every frame. Otherwise it receives the version itself, and says what it has by now.
    #[serde(default = "yes")]
    pub whole: bool,
    /// Asked only while nobody else gives anything: what comes from there crosses a link between sites.
    #[serde(default)]
    pub reserve: bool,
    /// It receives the version itself and brings it into the asker's site: it gives each piece to one there first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gateway: bool,
    /// It stands in another site than the asker: what it gives there nobody near it gets from the asker.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub beyond: bool,
}

const fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifteen_seconds_of_silence_make_a_provider_not_available() {
        let heard = Some(Timestamp(100_000));
        assert_eq!(state(None, true, Timestamp(0)), ProviderState::AwaitingAgent);
        assert_eq!(state(heard, true, Timestamp(114_999)), ProviderState::Available);
        assert_eq!(state(heard, false, Timestamp(114_999)), ProviderState::HypervisorSilent);
        assert_eq!(state(heard, true, Timestamp(115_000)), ProviderState::NotAvailable);
        assert_eq!(state(heard, true, Timestamp(101_000)), ProviderState::Available, "it returned");
    }
}
