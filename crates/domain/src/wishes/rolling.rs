//! Which wishes about versions and maintenance are taken.

use super::Refusal;
use crate::{
    digest::Digest,
    ids::{ProviderId, TemplateId},
    plan::{TemplateInWorld, World},
    retention,
    template::{TemplateStatus, VersionRef},
    units::Timestamp,
};
use std::time::Duration;

/// Where a working copy of the current version would be made: on `wanted`, else on the first of the
/// list that holds it verified and answers. Refused while another one is there.
pub fn may_enter_maintenance(
    world: &World,
    template: TemplateId,
    wanted: Option<ProviderId>,
    now: Timestamp,
) -> Result<(ProviderId, VersionRef), Refusal> {
    let list = world.templates.get(&template).ok_or(Refusal::Unknown)?;
    let name = || list.name.clone();
    if let Some(there) = &list.maintenance {
        let since = for_how_long(now.since(there.since));
        return Err(Refusal::InMaintenance { template: name(), author: there.author.clone(), since });
    }
    let current = list.current.clone().filter(|_| list.status == TemplateStatus::Ready);
    let Some(current) = current else {
        return Err(Refusal::NotReady { template: name(), status: list.status });
    };
    let holds = |provider: &ProviderId| world.is_ready_on(*provider, current.digest);
    if let Some(wanted) = wanted {
        let there = world.providers.get(&wanted).ok_or(Refusal::Unknown)?;
        let (template, provider, version) = (name(), there.name.clone(), current.number);
        return if holds(&wanted) {
            Ok((wanted, current))
        } else {
            Err(Refusal::NotHeldThere { template, provider, version })
        };
    }
    match list.members.keys().copied().find(holds) {
        Some(provider) => Ok((provider, current)),
        None => Err(Refusal::HeldByNobody { template: name(), version: current.number }),
    }
}

/// What becomes of a version that a bundle brings to a template that there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Import {
    /// It becomes the current one.
    New,
    /// The template has this content already, under this number.
    Known(u32),
}

/// Whether a template may get a version of this number and content from elsewhere. Numbers only rise, so
/// what is imported is always the newest.
pub fn may_import_version(
    world: &World,
    template: TemplateId,
    number: u32,
    digest: Digest,
) -> Result<Import, Refusal> {
    let list = world.templates.get(&template).ok_or(Refusal::Unknown)?;
    let name = || list.name.clone();
    let here = list.versions.iter().find(|version| version.digest == digest);
    if let Some(version) = here.filter(|version| !list.deleting.contains(&version.number)) {
        return Ok(Import::Known(version.number));
    }
    if let Some(there) = &list.maintenance {
        return Err(Refusal::MaintenanceDepends {
            template: name(),
            provider: world.name_of(there.provider),
        });
    }
    if list.status != TemplateStatus::Ready || list.publication.is_some() {
        return Err(Refusal::NotReady { template: name(), status: list.status });
    }
    if list.versions.iter().any(|version| version.number == number) {
        return Err(Refusal::OtherContent { template: name(), number });
    }
    let newest = list.versions.iter().map(|version| version.number).max().unwrap_or_default();
    let newest = newest.max(list.numbered);
    if number <= newest {
        return Err(Refusal::Outnumbered { template: name(), number, newest });
    }
    Ok(Import::New)
}

fn for_how_long(time: Duration) -> String {
    match time.as_secs() {
        0..=119 => "for a minute".into(),
        seconds @ 120..=7199 => format!("for {} minutes", seconds / 60),
        seconds @ 7200..=172_799 => format!("for {} hours", seconds / 3600),
        seconds => format!("for {} days", seconds / 86_400),
    }
}

/// Whether the version may be deleted everywhere. Refused with the list of what depends on it.
pub fn may_delete_version(world: &World, template: TemplateId, number: u32) -> Result<(), Refusal> {
    let list = world.templates.get(&template).ok_or(Refusal::Unknown)?;
    known(list, number)?;
    match retention::reasons(world, template).remove(&number) {
        Some(why) => Err(Refusal::VersionNeeded { template: list.name.clone(), number, why }),
        None => Ok(()),
    }
}

/// Whether the version may be made the current one: somebody must still hold it.
pub fn may_activate_version(world: &World, template: TemplateId, number: u32) -> Result<(), Refusal> {
    let list = world.templates.get(&template).ok_or(Refusal::Unknown)?;
    let version = known(list, number)?;
    if list.status != TemplateStatus::Ready {
        return Err(Refusal::NotReady { template: list.name.clone(), status: list.status });
    }
    if world.holders(version.digest).next().is_none() {
        return Err(Refusal::HeldByNobody { template: list.name.clone(), version: number });
    }
    Ok(())
}

fn known(list: &TemplateInWorld, number: u32) -> Result<&VersionRef, Refusal> {
    let template = list.name.clone();
    list.version(number).ok_or(Refusal::NoSuchVersion { template, number })
}
