//! A template: a named golden machine, its versions and its distribution list.

use crate::{
    code::Problem,
    digest::Digest,
    ids::{MaintenanceId, ProviderId, PublicationId, TemplateId},
    names::TemplateName,
    units::{ByteCount, Timestamp},
};
use serde::{Deserialize, Serialize};

/// How a template stands as a whole. Those of maintenance are never stored: see
/// [`crate::maintenance::status`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TemplateStatus {
    /// Its first version is being published.
    Creating,
    Ready,
    EnteringMaintenance,
    Maintenance,
    LeavingMaintenance,
    /// Its first version could not be published.
    Failed,
    Deleting,
}

impl TemplateStatus {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "Creating",
            Self::Ready => "Ready",
            Self::EnteringMaintenance => "Entering maintenance",
            Self::Maintenance => "Maintenance",
            Self::LeavingMaintenance => "Leaving maintenance",
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

/// A name that points to one version of a template: `production`, `pre-production`, one's own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Tag(String);

/// Where a version to follow is named, this means the current one: it is no tag.
pub const NEWEST: &str = "newest";
/// The longest tag.
pub const TAG_LENGTH_MAX: usize = 32;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` cannot be a tag: use 1 to 32 lower-case letters, digits, `.`, `_` and `-`, beginning with a letter or a digit, and neither a number nor `newest`"
)]
pub struct BadTag {
    text: String,
}

impl Tag {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Tag {
    type Err = BadTag;
    fn from_str(text: &str) -> Result<Self, BadTag> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let allowed = |byte: u8| plain(byte) || matches!(byte, b'.' | b'_' | b'-');
        let number = text.strip_prefix('v').unwrap_or(text);
        let good = (1..=TAG_LENGTH_MAX).contains(&text.len())
            && text.bytes().all(allowed)
            && text.bytes().next().is_some_and(plain)
            // Where a version is asked for, `v3` and `3` are its number.
            && !number.bytes().all(|byte| byte.is_ascii_digit())
            && text != NEWEST;
        if good { Ok(Self(text.to_owned())) } else { Err(BadTag { text: text.chars().take(80).collect() }) }
    }
}

impl std::fmt::Display for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

impl<'de> Deserialize<'de> for Tag {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
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
    /// The guest's file systems are trimmed before they are read.
    #[serde(default)]
    pub trim: bool,
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
    /// A template's working copy: only what differs from its base is read.
    WorkingCopy {
        maintenance: MaintenanceId,
        base: VersionRef,
        /// How long its guest has to shut down.
        shutdown_seconds: u32,
        /// A guest that does not shut down is switched off.
        force: bool,
    },
}

impl std::fmt::Display for PublicationSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Vm { name } => write!(f, "VM `{name}`"),
            Self::Image { path } => write!(f, "image `{path}`"),
            Self::WorkingCopy { base, .. } => write!(f, "working copy of v{}", base.number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_never_taken_for_a_number_or_for_the_newest() {
        for good in ["production", "pre-production", "2026.11", "v2-beta", "a"] {
            assert!(good.parse::<Tag>().is_ok(), "{good}");
        }
        for bad in ["", "v2", "7", "v", "newest", "Production", "a b", "-a", ".a", &"x".repeat(33)] {
            assert!(bad.parse::<Tag>().is_err(), "{bad}");
        }
    }
}
