//! A template: a named golden machine, its versions and its distribution list.

use crate::{
    code::Problem,
    digest::Digest,
    ids::{ProviderId, PublicationId, TemplateId},
    names::TemplateName,
    units::{ByteCount, Timestamp},
};
use serde::{Deserialize, Serialize};

/// How a template stands as a whole. Maintenance and its neighbours come with maintenance mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TemplateStatus {
    /// Its first version is being published.
    Creating,
    Ready,
    /// Its first version could not be published.
    Failed,
    Deleting,
}

impl TemplateStatus {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "Creating",
            Self::Ready => "Ready",
            Self::Failed => "Failed",
            Self::Deleting => "Deleting",
        }
    }
}

/// Names one version: which template, which number, and the digest that says what it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct VersionRef {
    pub template: TemplateId,
    pub name: TemplateName,
    pub number: u32,
    pub digest: Digest,
}

/// How large a version is, by every measure that matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionSize {
    /// What guests see: the sum of the disks.
    pub virtual_bytes: ByteCount,
    /// What it occupies: leaves that are not zero.
    pub data_bytes: ByteCount,
    /// What crosses the network to a provider that has nothing: compressed frames.
    pub packed_bytes: ByteCount,
}

/// The reading of one golden machine into a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publication {
    pub id: PublicationId,
    pub provider: ProviderId,
    pub source: PublicationSource,
    /// Raised for every try; the agent acts on a number higher than the last that failed.
    pub attempt: u32,
    pub next_attempt_at: Option<Timestamp>,
    pub problem: Option<Problem>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum PublicationSource {
    /// A machine of the provider, by name.
    Vm { name: String },
    /// A disk image, by its path on the provider's machine.
    Image { path: String },
}

impl std::fmt::Display for PublicationSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Vm { name } => write!(f, "VM `{name}`"),
            Self::Image { path } => write!(f, "image `{path}`"),
        }
    }
}
