//! A host: a machine deployed from a template on one provider, and how it stands.

use crate::{
    code::Problem,
    digest::Digest,
    ids::{HostId, ProviderId, TemplateId},
    names::HostName,
    provider::Power,
    units::Timestamp,
};
use serde::{Deserialize, Serialize};

/// How a host's disks come from its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostKind {
    /// An overlay on the version's own file.
    Linked,
    /// A disk of its own.
    Full,
}

impl HostKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Linked => "linked",
            Self::Full => "full",
        }
    }
}

/// The wish that a host exists. Its power is no part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    pub id: HostId,
    pub name: HostName,
    pub provider: ProviderId,
    pub template: TemplateId,
    pub version: u32,
    pub digest: Digest,
    pub kind: HostKind,
    /// One for each network card of the profile.
    pub macs: Vec<MacAddress>,
    pub attempt: u32,
    pub next_attempt_at: Option<Timestamp>,
    pub problem: Option<Problem>,
    /// Its agent has once said that it stands. From then on nobody makes it again unasked.
    pub made: bool,
    pub deleting: bool,
    pub created_at: Timestamp,
}

/// A network card's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddress(pub [u8; 6]);

impl MacAddress {
    /// An address in QEMU's own range (52:54:00) with 24 bits drawn elsewhere.
    pub const fn from_draw(draw: [u8; 3]) -> Self {
        Self([0x52, 0x54, 0x00, draw[0], draw[1], draw[2]])
    }
}

impl std::fmt::Display for MacAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl std::str::FromStr for MacAddress {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let bytes: Option<Vec<u8>> = text.split(':').map(|part| u8::from_str_radix(part, 16).ok()).collect();
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or_else(|| format!("`{text}` is not a MAC address"))
    }
}

impl Serialize for MacAddress {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MacAddress {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// How far an agent is with a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostPhase {
    Creating,
    /// It stands in the hypervisor.
    Made,
    Failed,
    Deleting,
    /// It stood, and is gone from the hypervisor.
    Gone,
}

/// What an agent says of one host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostReport {
    pub id: HostId,
    pub phase: HostPhase,
    pub attempt: u32,
    pub power: Option<Power>,
    pub addresses: Vec<String>,
    /// The guest agent answers now.
    pub guest_agent: bool,
    /// What the guest itself says it is called.
    pub guest_name: Option<String>,
    pub problem: Option<Problem>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostStatus {
    Creating,
    Preparing,
    Ready,
    Off,
    FailedToCreate,
    Deleting,
    Missing,
    Unknown,
}

impl HostStatus {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "Creating",
            Self::Preparing => "Preparing",
            Self::Ready => "Ready",
            Self::Off => "Off",
            Self::FailedToCreate => "Failed to create",
            Self::Deleting => "Deleting",
            Self::Missing => "Missing",
            Self::Unknown => "Unknown",
        }
    }
}

/// How a host stands, from the wish, what its agent last said, and whether the agent answers.
pub fn status(host: &Host, report: Option<&HostReport>, provider_answers: bool) -> HostStatus {
    if host.deleting {
        return HostStatus::Deleting;
    }
    if !provider_answers {
        return if host.made { HostStatus::Unknown } else { HostStatus::Creating };
    }
    let Some(report) = report else {
        return match (host.made, &host.problem) {
            (true, _) => HostStatus::Unknown,
            (false, Some(_)) => HostStatus::FailedToCreate,
            (false, None) => HostStatus::Creating,
        };
    };
    match report.phase {
        HostPhase::Creating => HostStatus::Creating,
        HostPhase::Failed => HostStatus::FailedToCreate,
        HostPhase::Deleting => HostStatus::Deleting,
        HostPhase::Gone => HostStatus::Missing,
        HostPhase::Made => match report.power {
            Some(Power::Running | Power::Paused) if report.guest_agent => HostStatus::Ready,
            Some(Power::Running | Power::Paused) => HostStatus::Preparing,
            _ => HostStatus::Off,
        },
    }
}
