//! A bundle: one version in a file, for places that no network reaches. What it says of itself, and what
//! agents are told to do with one.

use crate::{
    assignment::Orders,
    digest::Digest,
    ids::BundleId,
    names::TemplateName,
    template::{Tag, VersionSize},
    units::{ByteCount, Timestamp},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What every bundle of this form begins with; the digits are the form's.
pub const MAGIC: &[u8; 8] = b"DCBNDL01";
/// What every bundle of whatever form begins with.
pub const MAGIC_OF_ANY: &[u8; 6] = b"DCBNDL";
/// The longest header: a note, a few tags and warnings.
pub const HEADER_BYTES_MAX: usize = 64 << 10;

/// What stands at the beginning of a bundle, as JSON: which version it has, and its history where it comes
/// from. Fields that a reader does not know are passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    pub template: TemplateName,
    pub number: u32,
    pub digest: Digest,
    pub size: VersionSize,
    /// Data of the leaves that are in the file.
    pub carried: ByteCount,
    /// Leaves of this version are not in the file: whoever reads it must have them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Since>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    pub author: String,
    pub created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_bytes: Option<ByteCount>,
    #[serde(default)]
    pub tags: BTreeSet<Tag>,
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// The version that a bundle builds on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Since {
    pub number: u32,
    pub digest: Digest,
}

impl std::fmt::Display for Since {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "v{} ({})", self.number, self.digest.short())
    }
}

/// Carry a bundle, by a connection to the server that the agent opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleOrder {
    pub id: BundleId,
    pub act: BundleAct,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum BundleAct {
    /// Write the version that `header` names; what is carried is worked out by who writes.
    Export { header: Box<Header> },
    /// Read one, and hold its version, verified.
    Import { digest: Digest },
}

impl BundleAct {
    /// Whether carrying it needs the manifest of that version.
    pub fn names(&self, digest: &Digest) -> bool {
        match self {
            Self::Import { digest: named } => named == digest,
            Self::Export { header } => {
                header.digest == *digest || header.since.is_some_and(|since| since.digest == *digest)
            }
        }
    }

    /// The version that is being brought here.
    pub const fn imports(&self) -> Option<Digest> {
        match self {
            Self::Import { digest } => Some(*digest),
            Self::Export { .. } => None,
        }
    }
}

impl Orders {
    pub fn bundle(&self, id: BundleId) -> Option<&BundleOrder> {
        self.bundles.iter().find(|order| order.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_back_and_what_a_newer_release_says_is_passed_over() {
        let header = Header {
            template: "win11".parse().unwrap(),
            number: 4,
            digest: Digest::from_bytes([4; 32]),
            size: VersionSize::default(),
            carried: ByteCount(9),
            since: Some(Since { number: 3, digest: Digest::from_bytes([3; 32]) }),
            note: Some("November's updates".into()),
            author: "admin".into(),
            created_at: Timestamp(1_760_000_000_000),
            parent: Some(3),
            new_bytes: None,
            tags: BTreeSet::from(["production".parse().unwrap()]),
            warnings: Vec::new(),
        };
        let mut text = serde_json::to_value(&header).unwrap();
        text["colour"] = "blue".into();
        assert_eq!(serde_json::from_value::<Header>(text).unwrap(), header);
        let act = BundleAct::Export { header: Box::new(header) };
        assert!(act.names(&Digest::from_bytes([3; 32])) && act.names(&Digest::from_bytes([4; 32])));
        assert!(!act.names(&Digest::from_bytes([5; 32])) && act.imports().is_none());
    }
}
