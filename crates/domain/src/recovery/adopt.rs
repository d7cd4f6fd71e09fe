//! From what was found to what the store is to know: records, and why the rest stays as it is.

use super::{FoundVersion, findings};
use crate::{
    code::{Code, Problem},
    digest::Digest,
    distribution::{HeldVersion, Member},
    host::Host,
    ids::{ProviderId, TemplateId},
    names::TemplateName,
    plan::World,
    template::VersionRef,
    units::Timestamp,
};
use std::collections::{BTreeMap, BTreeSet};

/// What the store is to know from now on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Adoption {
    /// Templates that are not there, by the id that they had.
    pub templates: Vec<(TemplateId, TemplateName)>,
    pub versions: Vec<VersionRef>,
    pub members: Vec<(TemplateId, ProviderId, Member)>,
    /// Versions that are current from now on.
    pub current: Vec<(TemplateId, u32)>,
    pub hosts: Vec<Host>,
    /// Their manifests are on their way: to be asked for again.
    pub waiting: Vec<VersionRef>,
    /// What stays as it is, by its name.
    pub refused: Vec<(String, Problem)>,
}

/// Adopts what the providers in `which` hold. Versions that other members know by another number get the
/// next free one.
pub fn adopt(world: &World, which: &BTreeSet<ProviderId>, now: Timestamp) -> Adoption {
    let found = findings(world);
    let mut adoption = Adoption::default();
    let mut adopted: BTreeMap<Digest, VersionRef> = world
        .templates
        .values()
        .flat_map(|list| &list.versions)
        .map(|version| (version.digest, version.clone()))
        .collect();
    for it in found.versions.iter().filter(|it| it.holders.iter().any(|holder| which.contains(holder))) {
        version(world, it, which, now, &mut adoption, &mut adopted);
    }
    for it in found.hosts.iter().filter(|it| which.contains(&it.provider)) {
        let name = it.order.as_ref().map_or_else(|| it.id.to_string(), |order| order.name.to_string());
        let Some(order) = it.order.as_ref().filter(|_| it.problem.is_none()) else {
            adoption.refused.extend(it.problem.clone().map(|problem| (name, problem)));
            continue;
        };
        let digest = it.report.digest.unwrap_or(order.version.digest);
        let Some(version) = adopted.get(&digest) else {
            let waits = adoption.waiting.iter().any(|waiting| waiting.digest == digest);
            if !waits {
                let cause = format!("it stands on version {}, which is not adopted", digest.short());
                adoption.refused.push((name, Problem::new(Code::B0007, cause)));
            }
            continue;
        };
        adoption.hosts.push(Host {
            id: it.id,
            name: order.name.clone(),
            provider: it.provider,
            template: version.template,
            version: version.number,
            digest,
            kind: order.kind,
            macs: order.macs.clone(),
            attempt: order.attempt,
            next_attempt_at: None,
            problem: None,
            made: true,
            deleting: false,
            delete_data: false,
            created_at: now,
            setup: order.setup.clone(),
            // Of no pool: one that is smaller than it was would delete it.
            pool: None,
            incarnation: it.report.stood(),
            restores: None,
            previous: None,
        });
    }
    adoption
}

fn version(
    world: &World,
    found: &FoundVersion,
    which: &BTreeSet<ProviderId>,
    now: Timestamp,
    adoption: &mut Adoption,
    adopted: &mut BTreeMap<Digest, VersionRef>,
) {
    let has_manifest =
        world.recovery.as_ref().is_some_and(|recovery| recovery.manifests.contains(&found.version.digest));
    if !found.known && !has_manifest {
        adoption.waiting.push(found.version.clone());
        return;
    }
    let by_name = world.templates.iter().find(|(_, list)| list.name == found.version.name);
    let template = match by_name {
        Some((id, _)) => *id,
        None => {
            let new = (found.version.template, found.version.name.clone());
            if !adoption.templates.contains(&new) {
                adoption.templates.push(new);
            }
            found.version.template
        }
    };
    let mut version = VersionRef { template, ..found.version.clone() };
    if !found.known {
        let list = by_name.map(|(_, list)| list);
        let others = adoption.versions.iter().filter(|it| it.template == template).map(|it| it.number);
        let taken: BTreeSet<u32> =
            list.iter().flat_map(|list| &list.versions).map(|it| it.number).chain(others).collect();
        if taken.contains(&version.number) {
            let highest = taken.last().copied().unwrap_or(0);
            version.number = highest.max(list.map_or(0, |list| list.numbered)) + 1;
        }
        adoption.versions.push(version.clone());
        if found.newest {
            adoption.current.push((template, version.number));
        }
    }
    adopted.insert(version.digest, version.clone());
    for holder in found.holders.iter().filter(|holder| which.contains(holder)) {
        let member = by_name.is_some_and(|(_, list)| list.members.contains_key(holder));
        let joining = adoption.members.iter().any(|(of, who, _)| *of == template && who == holder);
        if !member && !joining {
            let verified_at = world.replicas.get(&(*holder, version.digest)).and_then(|it| it.verified_at);
            let held = verified_at.map(|verified_at| HeldVersion {
                number: version.number,
                digest: version.digest,
                verified_at,
            });
            adoption.members.push((template, *holder, Member { held, ..Member::new(false, now) }));
        }
    }
}
