//! A host: a machine deployed from a template on one provider, and how it stands.

use crate::{
    code::Problem,
    digest::Digest,
    ids::PoolId,
    ids::{HostId, ProviderId, TemplateId},
    names::HostName,
    pattern::NamePattern,
    preparation::{Preparation, ReadyWhen},
    provider::Power,
    units::{ByteCount, Timestamp},
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
    /// Its data disk goes with it. Never without somebody's explicit yes.
    #[serde(default)]
    pub delete_data: bool,
    pub created_at: Timestamp,
    #[serde(default)]
    pub setup: HostSetup,
    /// The pool that keeps it, if one does.
    #[serde(default)]
    pub pool: Option<PoolId>,
    /// Which making of its disks this is, from 1 on. The agent makes them anew for a higher number.
    #[serde(default = "first_incarnation")]
    pub incarnation: u32,
    /// This incarnation is a former one brought back, rather than made from the version.
    #[serde(default)]
    pub restores: Option<u32>,
    /// What it was before its last recreation, kept until that has passed.
    #[serde(default)]
    pub previous: Option<SetAside>,
}

const fn first_incarnation() -> u32 {
    1
}

/// What hosts of a template are like where nobody says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostDefaults {
    #[serde(default)]
    pub kind: Option<HostKind>,
    /// After which they are called.
    #[serde(default)]
    pub name: Option<NamePattern>,
    #[serde(default)]
    pub setup: Option<HostSetup>,
}

/// What a host is like beside its version; outlives its recreations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostSetup {
    #[serde(default)]
    pub preparation: Preparation,
    /// A second disk of this size, of its own, that recreation leaves alone.
    #[serde(default)]
    pub data_disk: Option<ByteCount>,
    #[serde(default)]
    pub ready_when: ReadyWhen,
}

/// A host's former disks, in a directory of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetAside {
    pub incarnation: u32,
    pub version: u32,
    pub digest: Digest,
    /// Nobody needs it any more: its agent is told to delete it.
    #[serde(default)]
    pub dropping: bool,
}

impl Host {
    /// Whether it was ever made: by what is written down, or by what its agent just said and nobody has
    /// written down yet.
    pub fn was_made(&self, report: Option<&HostReport>) -> bool {
        self.made || report.is_some_and(|report| report.phase == HostPhase::Made)
    }

    /// Whether it needs the files of `digest`: for its disks, or for those it may go back to.
    pub fn stands_on(&self, digest: Digest) -> bool {
        self.digest == digest || self.previous.is_some_and(|previous| previous.digest == digest)
    }

    /// The wish for it on another version: its present disks are set aside, if it has any. Attempts
    /// count on, since its agent acts only on a number above the last that failed.
    #[must_use]
    pub fn recreated(&self, version: u32, digest: Digest) -> Self {
        let previous = self.made.then_some(SetAside {
            incarnation: self.incarnation,
            version: self.version,
            digest: self.digest,
            dropping: false,
        });
        Self {
            version,
            digest,
            incarnation: self.incarnation + 1,
            restores: None,
            previous,
            attempt: self.attempt.saturating_add(1),
            next_attempt_at: None,
            problem: None,
            ..self.clone()
        }
    }

    /// The wish for a host that is gone from its hypervisor to be there again: like a new one, but with
    /// its name and its addresses. Whatever is left of its disks is set aside by its agent.
    #[must_use]
    pub fn remade(&self, version: u32, digest: Digest) -> Self {
        Self { made: false, ..self.clone() }.recreated(version, digest)
    }

    /// The wish for what it was before its last recreation. None if nothing was set aside.
    #[must_use]
    pub fn rolled_back(&self) -> Option<Self> {
        let previous = self.previous.filter(|previous| !previous.dropping)?;
        Some(Self {
            version: previous.version,
            digest: previous.digest,
            incarnation: self.incarnation + 1,
            restores: Some(previous.incarnation),
            attempt: self.attempt.saturating_add(1),
            next_attempt_at: None,
            problem: None,
            ..self.clone()
        })
    }
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
#[serde(rename_all = "kebab-case", remote = "Self")]
pub enum HostPhase {
    Creating,
    /// Its disks are being made anew.
    Recreating,
    /// It stands in the hypervisor.
    Made,
    Failed,
    Deleting,
    /// It stood, and is gone from the hypervisor.
    Gone,
}

crate::careful_words!(HostPhase, HostPhase::Creating);

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
    /// The incarnation that stands; of one being made, the last that stood. 0: none yet.
    #[serde(default)]
    pub incarnation: u32,
    /// The version that the standing incarnation was made from.
    #[serde(default)]
    pub digest: Option<Digest>,
    /// Who is signed in, as the guest agent tells it. None while it does not.
    #[serde(default)]
    pub users: Option<Vec<String>>,
    /// Former incarnations that are kept.
    #[serde(default)]
    pub set_aside: Vec<u32>,
}

impl HostReport {
    /// The incarnation that stands or stood last; 0: none. An agent of the first release names none,
    /// and makes no second.
    pub const fn stood(&self) -> u32 {
        match (self.phase, self.incarnation) {
            (HostPhase::Made | HostPhase::Gone, 0) => 1,
            (_, incarnation) => incarnation,
        }
    }
}

/// Whether somebody works on a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InUse {
    Yes,
    No,
    /// Nobody can tell. It counts as yes.
    Unknown,
}

impl InUse {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
        }
    }
}

/// Whether somebody works on the host, from what its agent last said, and whether the agent answers.
pub fn in_use(report: Option<&HostReport>, provider_answers: bool) -> InUse {
    let Some(report) = report.filter(|_| provider_answers) else { return InUse::Unknown };
    match (report.phase, report.power, &report.users) {
        (HostPhase::Gone | HostPhase::Failed, None, _) | (_, Some(Power::Off | Power::Crashed), _) => {
            InUse::No
        }
        (HostPhase::Creating, ..) => InUse::No,
        (_, _, Some(users)) if users.is_empty() => InUse::No,
        (_, _, Some(_)) => InUse::Yes,
        (_, _, None) => InUse::Unknown,
    }
}

/// Whether a running machine shows what makes it count as ready.
pub fn is_up(report: &HostReport, when: ReadyWhen) -> bool {
    let running = matches!(report.power, Some(Power::Running | Power::Paused));
    let seen = match when {
        ReadyWhen::Running => true,
        ReadyWhen::Address => !report.addresses.is_empty(),
        ReadyWhen::GuestAgent => report.guest_agent,
    };
    running && seen
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostStatus {
    Creating,
    Preparing,
    Ready,
    Off,
    Recreating,
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
            Self::Recreating => "Recreating",
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
        HostPhase::Recreating => HostStatus::Recreating,
        HostPhase::Failed => HostStatus::FailedToCreate,
        HostPhase::Deleting => HostStatus::Deleting,
        HostPhase::Gone => HostStatus::Missing,
        HostPhase::Made if host.made && report.stood() < host.incarnation => HostStatus::Recreating,
        HostPhase::Made => match report.power {
            _ if is_up(report, host.setup.ready_when) => HostStatus::Ready,
            Some(Power::Running | Power::Paused) => HostStatus::Preparing,
            _ => HostStatus::Off,
        },
    }
}
