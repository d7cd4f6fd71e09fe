//! Damage: what of a copy is not as it was, since when, and who stands on it.

use crate::{
    digest::Digest,
    host::{Host, HostKind},
    ids::ProviderId,
    plan::World,
    replica::{Phase, ReplicaReport},
    units::{ByteCount, Timestamp},
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Places that a report names; the rest is counted.
pub const PLACES_MAX: usize = 32;

/// What an agent knows of a copy that lies under its final name and is not known to be whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damage {
    /// When it was found. None while nobody has looked: only its files' sizes or times differ.
    pub found_at: Option<Timestamp>,
    /// The first of the places.
    pub places: Vec<Place>,
    /// All of them.
    pub count: u64,
    /// Nobody else who answers has what is damaged.
    pub last_copy: bool,
    /// It was so, and every byte matches again: told, for a mending may be over between two reports.
    #[serde(default)]
    pub mended: bool,
}

/// Where a byte is not what it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// As it is called in the version's directory, or a disk by its name.
    pub file: String,
    /// None: the whole file lacks, has another size, or changed while it was read.
    pub span: Option<Span>,
    /// The disk refuses to read it.
    pub unreadable: bool,
}

/// Bytes that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    pub offset: u64,
    pub length: ByteCount,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = &self.file;
        match self.span {
            Some(Span { offset, length }) => write!(f, "{length} at offset {offset} of {file}")?,
            None => write!(f, "the file {file}")?,
        }
        f.write_str(if self.unreadable { " (cannot be read)" } else { "" })
    }
}

impl Damage {
    /// Somebody read it, and it was not whole.
    pub const fn is_found(&self) -> bool {
        self.found_at.is_some()
    }
}

/// `64.0 KiB at offset 41943040 of disk0, and 2 other places`
impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.places.first() else { return f.write_str("where is not known yet") };
        match self.count.saturating_sub(1) {
            0 => write!(f, "{first}"),
            1 => write!(f, "{first}, and 1 other place"),
            others => write!(f, "{first}, and {others} other places"),
        }
    }
}

impl World {
    /// What is known to be damaged of `digest` there; None if it is whole, or nobody has looked.
    pub fn damage(&self, provider: ProviderId, digest: Digest) -> Option<&Damage> {
        self.replicas.get(&(provider, digest)).and_then(found)
    }

    /// The hosts whose disks stand on what is damaged there.
    pub fn affected(&self, provider: ProviderId, digest: Digest) -> impl Iterator<Item = &Host> {
        let damaged = self.damage(provider, digest).is_some();
        self.linked_to(provider, digest).filter(move |_| damaged)
    }

    /// The hosts on `provider` whose disks read from the files of `digest`.
    pub fn linked_to(&self, provider: ProviderId, digest: Digest) -> impl Iterator<Item = &Host> {
        self.hosts_on(provider, digest).filter(|host| host.kind == HostKind::Linked)
    }
}

/// The damage that was found in a copy.
pub fn found(report: &ReplicaReport) -> Option<&Damage> {
    report.damage.as_ref().filter(|damage| damage.is_found() && !damage.mended)
}

/// The damage that was found in a copy last, and mended.
pub fn mended(report: &ReplicaReport) -> Option<&Damage> {
    report.damage.as_ref().filter(|damage| damage.is_found() && damage.mended)
}

/// It lies under its final name, and is not known to be whole.
pub fn is_changed(report: &ReplicaReport) -> bool {
    report.phase == Phase::Damaged || report.damage.as_ref().is_some_and(|damage| !damage.mended)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_told_by_its_place() {
        let span = Some(Span { offset: 41_943_040, length: ByteCount(65_536) });
        let leaf = Place { file: "disk0".into(), span, unreadable: false };
        let file = Place { file: "nvram.fd".into(), span: None, unreadable: true };
        let told = |places: Vec<Place>, count| Damage { places, count, ..Damage::default() }.to_string();
        assert_eq!(told(vec![leaf.clone()], 1), "64.0 KiB at offset 41943040 of disk0");
        assert_eq!(told(vec![file, leaf], 3), "the file nvram.fd (cannot be read), and 2 other places");
        assert_eq!(told(vec![], 0), "where is not known yet");
    }
}
