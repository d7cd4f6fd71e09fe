//! What is told of damaged replicas: once when it is found, once more if nobody else has the version,
//! and once when it is healed; of every version on the disk, since hosts may stand on any.

use super::{Heard, Subject, Transition, TransitionKind};
use crate::{
    code::Code,
    damage::{Damage, found, mended},
    distribution::Member,
    ids::{ProviderId, TemplateId},
    plan::{TemplateInWorld, World},
    replica::ReplicaReport,
    template::VersionRef,
};

/// Hosts that an event names; the rest is counted.
const HOSTS_NAMED_MAX: usize = 20;

/// Notes on `member` what was told, and gives what is to be told now.
pub(super) fn damage_told(
    world: &World,
    heard: &Heard<'_>,
    template: TemplateId,
    list: &TemplateInWorld,
    member: &mut Member,
) -> Vec<Transition> {
    let mut told = Vec::new();
    let mut tell = |kind, sentence, code| {
        let subject = Subject::Replica { template, provider: heard.report.provider };
        told.push(Transition { kind, subject, sentence, code });
    };
    // A version that is deleted everywhere has nothing more to be told of.
    let is_there = |number: &u32| list.versions.iter().any(|version| version.number == *number);
    member.damaged.retain(|number, _| is_there(number));
    member.mended.retain(|number, _| is_there(number));
    for version in &list.versions {
        let number = version.number;
        let report = heard.report.replicas.iter().find(|report| report.digest == version.digest);
        let before = member.damaged.get(&number).copied();
        let Some(report) = report else {
            if !heard.report.unassigned.contains(&version.digest) {
                member.damaged.remove(&number);
            }
            continue;
        };
        if let Some(damage) = found(report) {
            let code = code_of(report, damage);
            if before == Some(code) {
                continue;
            }
            member.damaged.insert(number, code);
            // That somebody has it after all is no news worth a cry.
            if before.is_none() || code == Code::T0011 {
                tell(TransitionKind::Damaged, damaged(world, heard, list, version, damage), Some(code));
            }
        } else if report.is_ready() {
            let mended = mended(report).and_then(|damage| Some((damage, damage.found_at?)));
            let unheard = mended.filter(|(_, found_at)| member.mended.get(&number) != Some(found_at));
            if let Some((damage, _)) = unheard.filter(|_| before.is_none()) {
                let code = code_of(report, damage);
                tell(TransitionKind::Damaged, damaged(world, heard, list, version, damage), Some(code));
            }
            if before.is_some() || unheard.is_some() {
                let VersionRef { name, .. } = version;
                let sentence =
                    format!("v{number} of `{name}` on {} is whole again, every byte of it", heard.name);
                tell(TransitionKind::Healed, sentence, None);
            }
            member.damaged.remove(&number);
            member.mended.extend(mended.map(|(_, found_at)| (number, found_at)));
        }
    }
    told
}

fn code_of(report: &ReplicaReport, damage: &Damage) -> Code {
    let unreadable = !damage.places.is_empty() && damage.places.iter().all(|place| place.unreadable);
    match &report.problem {
        _ if damage.last_copy => Code::T0011,
        Some(problem) if problem.code == Code::T0005 => Code::T0005,
        _ if unreadable => Code::T0005,
        _ => Code::T0008,
    }
}

fn damaged(
    world: &World,
    heard: &Heard<'_>,
    list: &TemplateInWorld,
    version: &VersionRef,
    damage: &Damage,
) -> String {
    let what = if damage.last_copy { "the last good copy of " } else { "" };
    let hosts = world.linked_to(heard.report.provider, version.digest);
    let hosts: Vec<&str> = hosts.map(|host| host.name.as_str()).collect();
    let named = hosts.iter().take(HOSTS_NAMED_MAX).copied().collect::<Vec<_>>().join(", ");
    let standing = match hosts.len() {
        0 => "no host stands on it".to_owned(),
        count if count > HOSTS_NAMED_MAX => {
            format!("hosts that stand on it: {named} and {} more", count - HOSTS_NAMED_MAX)
        }
        _ => format!("hosts that stand on it: {named}"),
    };
    format!("{what}v{} of `{}` is damaged on {}: {damage}; {standing}", version.number, list.name, heard.name)
}

/// It waits for its next attempt because nobody had what is damaged, and now somebody has.
pub(super) fn can_be_mended(
    world: &World,
    list: &TemplateInWorld,
    provider: ProviderId,
    member: &Member,
) -> bool {
    let alone = member.problem.as_ref().is_some_and(|problem| problem.code == Code::T0011);
    let mut lacking = list.versions.iter().filter(|version| {
        let code = member.damaged.get(&version.number);
        code == Some(&Code::T0011)
    });
    alone && lacking.any(|version| world.holders(version.digest).any(|holder| holder != provider))
}

#[cfg(test)]
#[path = "damage_tests.rs"]
mod tests;
