//! What survives a crash of an agent: its disk and its hypervisor.

use diecast_domain::{
    agent::Held,
    assignment::Assignment,
    digest::Digest,
    ids::{HostId, MaintenanceId, OperationId, PublicationId},
    units::Timestamp,
};
use std::collections::{BTreeMap, BTreeSet};

/// Leaves of every version: few, so that a thousand worlds are cheap.
pub const LEAVES: usize = 4;

/// One part of a version on a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaf {
    Absent,
    Right,
    /// Other bytes than the manifest says.
    Wrong,
}

/// A version on a disk.
#[derive(Clone, Debug)]
pub struct Copy {
    pub leaves: [Leaf; LEAVES],
    pub under_final_name: bool,
    pub registered: bool,
    /// When the whole was last read and found to match.
    pub verified_at: Option<Timestamp>,
    /// What was truly there at that time. The agent does not see this; the invariants do.
    pub truth_when_verified: Option<[Leaf; LEAVES]>,
}

impl Copy {
    pub const EMPTY: Self = Self {
        leaves: [Leaf::Absent; LEAVES],
        under_final_name: false,
        registered: false,
        verified_at: None,
        truth_when_verified: None,
    };

    pub fn is_right(&self) -> bool {
        self.leaves.iter().all(|leaf| *leaf == Leaf::Right)
    }

    /// It was verified, and every byte was right when that was said.
    pub fn was_proven(&self) -> bool {
        self.truth_when_verified == Some([Leaf::Right; LEAVES])
    }

    /// Stands whole under its final name, proven and still right.
    pub fn is_intact(&self) -> bool {
        self.under_final_name && self.was_proven() && self.is_right()
    }
}

/// One incarnation of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub incarnation: u32,
    pub digest: Digest,
}

/// A working copy: what it stands on, and what it is by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkingCopy {
    pub base: Digest,
    pub content: Digest,
    pub published: bool,
}

#[derive(Clone, Debug)]
pub struct Disk {
    /// Kept before it is acted upon.
    pub assignment: Option<Assignment>,
    pub copies: BTreeMap<Digest, Copy>,
    /// Hosts of which anything is left, and whether the hypervisor knows them.
    pub hosts: BTreeMap<HostId, bool>,
    pub hosts_made: BTreeMap<HostId, u32>,
    /// The disks in a host's own directory.
    pub standing: BTreeMap<HostId, Standing>,
    /// Former disks: of which incarnation, and what they stand on.
    pub aside: BTreeMap<HostId, BTreeMap<u32, Digest>>,
    pub working: BTreeMap<MaintenanceId, WorkingCopy>,
    pub working_made: BTreeSet<MaintenanceId>,
    /// What was derived here from what, and can be served as long as that is here.
    pub spool: BTreeMap<Digest, Digest>,
    pub published: BTreeMap<PublicationId, Digest>,
    pub operations_ended: BTreeSet<OperationId>,
    /// Leaves that fit.
    pub room: usize,
}

impl Disk {
    pub fn new(room: usize) -> Self {
        Self {
            assignment: None,
            copies: BTreeMap::new(),
            hosts: BTreeMap::new(),
            hosts_made: BTreeMap::new(),
            standing: BTreeMap::new(),
            aside: BTreeMap::new(),
            working: BTreeMap::new(),
            working_made: BTreeSet::new(),
            spool: BTreeMap::new(),
            published: BTreeMap::new(),
            operations_ended: BTreeSet::new(),
            room,
        }
    }

    pub fn used(&self) -> usize {
        let leaves = |copy: &Copy| copy.leaves.iter().filter(|leaf| **leaf != Leaf::Absent).count();
        self.copies.values().map(leaves).sum()
    }

    pub fn free(&self) -> usize {
        self.room.saturating_sub(self.used())
    }

    /// Every frame of it can be had: from its own files, or from what it was derived from.
    pub fn serves(&self, digest: &Digest) -> bool {
        let whole = |digest: &Digest| self.copies.get(digest).is_some_and(|copy| copy.under_final_name);
        whole(digest) || self.spool.get(digest).is_some_and(whole)
    }

    /// Whether anything here stands on the files of `digest`.
    pub fn stands_on(&self, digest: &Digest) -> bool {
        self.standing.values().any(|standing| standing.digest == *digest)
            || self.aside.values().flat_map(|kept| kept.values()).any(|former| former == digest)
            || self.working.values().any(|copy| copy.base == *digest)
    }

    /// What an agent reads from its disk; `changed` is what it has found out since.
    pub fn held(&self, digest: &Digest, changed: &BTreeSet<Digest>) -> Held {
        match self.copies.get(digest) {
            None => Held::Nothing,
            Some(copy) if !copy.under_final_name => Held::Partial,
            Some(_) if changed.contains(digest) => Held::Changed,
            Some(copy) if copy.registered => Held::Ready,
            Some(_) => Held::Verified,
        }
    }
}
