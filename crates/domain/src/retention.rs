//! Retention: which versions of a template are kept, and why; the others may go.
//!
//! ```text
//!   World ─► reasons ─┬─► decide (the newest K, and whatever has a reason) ─► Keep(why) | Delete
//!                     └─► wishes::may_delete_version: refused with the list
//! ```
//!
//! It only says: [`crate::reconcile::due`] marks what is to go, [`crate::plan`] names it to those
//! that may hold it.

use crate::{
    ids::TemplateId,
    names::{HostName, PoolName},
    plan::{TemplateInWorld, World},
    pool::{self, Follow},
    template::{Tag, TemplateStatus, VersionRef},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// Newest versions that are kept of a template, unless the operator says otherwise.
pub const KEEP_DEFAULT: u32 = 5;
/// Names that a sentence lists; the others are counted.
const NAMED_MAX: usize = 10;

/// Why a version is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    Current,
    /// It is one of the so many newest.
    Newest(u32),
    Tagged(Vec<Tag>),
    /// Their disks, or former ones that they may go back to, stand on it.
    Hosts(Vec<HostName>),
    /// They make their hosts from it.
    Pools(Vec<PoolName>),
    /// A working copy stands on it, or what is left of one.
    WorkingCopy,
    /// Hosts are being moved to it.
    Recreation,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Current => f.write_str("it is the current version"),
            Self::Newest(1) => f.write_str("it is the newest"),
            Self::Newest(keep) => write!(f, "it is one of the {keep} newest"),
            Self::Tagged(tags) => write!(f, "it is tagged {}", names(tags)),
            Self::Hosts(hosts) => write!(f, "hosts stand on it: {}", names(hosts)),
            Self::Pools(pools) => write!(f, "pools follow it: {}", names(pools)),
            Self::WorkingCopy => f.write_str("a working copy stands on it"),
            Self::Recreation => f.write_str("hosts are being moved to it"),
        }
    }
}

pub(crate) fn names<T: fmt::Display>(all: &[T]) -> String {
    let mut shown: Vec<String> = all.iter().take(NAMED_MAX).map(|name| format!("`{name}`")).collect();
    if all.len() > NAMED_MAX {
        shown.push(format!("and {} more", all.len() - NAMED_MAX));
    }
    shown.join(", ")
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Keep(Vec<Reason>),
    Delete,
}

/// What becomes of each of `versions`, when the `keep` newest stay (0: all), and whatever has a reason.
pub fn decide(
    versions: &BTreeSet<u32>,
    keep: u32,
    mut reasons: BTreeMap<u32, Vec<Reason>>,
) -> BTreeMap<u32, Verdict> {
    let newest = versions.iter().rev().enumerate();
    newest
        .map(|(age, number)| {
            let mut why = reasons.remove(number).unwrap_or_default();
            if keep == 0 || age < keep as usize {
                why.push(Reason::Newest(if keep == 0 { versions.len() as u32 } else { keep }));
            }
            (*number, if why.is_empty() { Verdict::Delete } else { Verdict::Keep(why) })
        })
        .collect()
}

/// The verdict on every version of the template that is not going already.
pub fn verdicts(world: &World, template: TemplateId) -> BTreeMap<u32, Verdict> {
    let Some(list) = world.templates.get(&template) else { return BTreeMap::new() };
    let staying = staying(list).map(|version| version.number).collect();
    decide(&staying, list.keep, reasons(world, template))
}

/// What depends on each version of the template. One that nothing depends on is not listed.
pub fn reasons(world: &World, template: TemplateId) -> BTreeMap<u32, Vec<Reason>> {
    let Some(list) = world.templates.get(&template) else { return BTreeMap::new() };
    let all = staying(list).map(|version| (version.number, of(world, template, list, version)));
    all.filter(|(_, why)| !why.is_empty()).collect()
}

fn staying(list: &TemplateInWorld) -> impl Iterator<Item = &VersionRef> {
    list.versions.iter().filter(|version| !list.deleting.contains(&version.number))
}

fn of(world: &World, template: TemplateId, list: &TemplateInWorld, version: &VersionRef) -> Vec<Reason> {
    let mut why = Vec::new();
    if list.current.as_ref() == Some(version) {
        why.push(Reason::Current);
    }
    let tags = list.tags.iter().filter(|(_, number)| **number == version.number);
    let tags: Vec<Tag> = tags.map(|(tag, _)| tag.clone()).collect();
    if !tags.is_empty() {
        why.push(Reason::Tagged(tags));
    }
    let hosts = world.hosts.iter();
    let hosts = hosts.filter(|host| host.template == template && host.stands_on(version.digest));
    let mut hosts: Vec<HostName> = hosts.map(|host| host.name.clone()).collect();
    hosts.sort();
    if !hosts.is_empty() {
        why.push(Reason::Hosts(hosts));
    }
    let pools = world.pools.iter().filter(|pool| pool.template == template && pool.follow != Follow::Newest);
    let pools = pools.filter(|pool| pool::version(pool, list) == Some(version));
    let pools: Vec<PoolName> = pools.map(|pool| pool.name.clone()).collect();
    if !pools.is_empty() {
        why.push(Reason::Pools(pools));
    }
    let base = list.maintenance.as_ref().is_some_and(|it| it.base.number == version.number);
    if base || list.discarded.iter().any(|left| left.base == version.digest) {
        why.push(Reason::WorkingCopy);
    }
    let running = |it: &&crate::recreation::Recreation| !it.stage.is_over() && it.template == template;
    if world.recreations.iter().filter(running).any(|it| it.version == version.number) {
        why.push(Reason::Recreation);
    }
    why
}

/// The versions that retention lets go now. None while the current version is on its way or is being
/// read: what is older is what differences are taken from.
pub fn overdue(world: &World, template: TemplateId) -> Vec<u32> {
    let Some(list) = world.templates.get(&template) else { return Vec::new() };
    let few = list.keep == 0 || staying(list).count() <= list.keep as usize;
    if few || list.status != TemplateStatus::Ready || list.publication.is_some() {
        return Vec::new();
    }
    let verdicts = verdicts(world, template).into_iter();
    let overdue = verdicts.filter(|(_, verdict)| *verdict == Verdict::Delete).map(|(number, _)| number);
    let overdue: Vec<u32> = overdue.collect();
    let there = |current: &VersionRef| world.is_ready_somewhere(current.digest);
    let arrived = !overdue.is_empty()
        && list.current.as_ref().is_some_and(there)
        && world.views(template).iter().all(|(.., view)| !view.moving);
    if arrived { overdue } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_newest_stay_and_whatever_has_a_reason_and_each_says_why() {
        let versions = (1..=5).collect();
        let reasons = BTreeMap::from([(5, vec![Reason::Current]), (1, vec![Reason::WorkingCopy])]);
        let verdicts = decide(&versions, 2, reasons);
        assert_eq!(verdicts[&5], Verdict::Keep(vec![Reason::Current, Reason::Newest(2)]));
        assert_eq!(verdicts[&4], Verdict::Keep(vec![Reason::Newest(2)]));
        assert_eq!((&verdicts[&3], &verdicts[&2]), (&Verdict::Delete, &Verdict::Delete));
        assert_eq!(verdicts[&1], Verdict::Keep(vec![Reason::WorkingCopy]));
    }

    #[test]
    fn nothing_goes_where_all_are_kept() {
        let verdicts = decide(&(1..=50).collect(), 0, BTreeMap::new());
        assert!(verdicts.values().all(|verdict| *verdict != Verdict::Delete));
    }

    proptest! {
        #[test]
        fn whatever_has_a_reason_stays_however_few_are_kept(
            versions in proptest::collection::btree_set(1_u32..30, 0..20),
            needed in proptest::collection::btree_set(1_u32..30, 0..20),
            keep in 0_u32..6,
        ) {
            let reasons = needed.iter().map(|number| (*number, vec![Reason::Recreation])).collect();
            let verdicts = decide(&versions, keep, reasons);
            prop_assert_eq!(verdicts.len(), versions.len());
            for number in needed.intersection(&versions) {
                prop_assert!(verdicts[number] != Verdict::Delete);
            }
            let kept = verdicts.values().filter(|verdict| **verdict != Verdict::Delete).count();
            let newest = if keep == 0 { usize::MAX } else { keep as usize };
            prop_assert!(kept >= versions.len().min(newest));
        }
    }
}
