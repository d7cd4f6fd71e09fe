//! What becomes of versions that nobody needs: marked by retention or by an operator, named to
//! everybody, gone when nobody has them.

use super::{Changes, Heard, Subject, Transition, TransitionKind};
use crate::{
    assignment::Deletion,
    digest::Digest,
    ids::{ProviderId, TemplateId},
    plan::{TemplateInWorld, World},
    replica::Phase,
    retention,
    template::{TemplateStatus, VersionRef},
};

/// Marks what retention lets go.
pub(super) fn retire(world: &World, template: TemplateId, list: &TemplateInWorld, changes: &mut Changes) {
    for number in retention::overdue(world, template) {
        changes.versions_deleting.push((template, number));
        let sentence = format!("v{number} of `{}` is deleted: nobody needs it", list.name);
        let subject = Subject::Template(template);
        changes.transitions.push(Transition { kind: TransitionKind::Removed, subject, sentence, code: None });
    }
}

/// Versions of which nothing is left anywhere, after the agent of `heard` has accepted orders that
/// name them. Who does not answer and may have one keeps it pending.
pub(super) fn gone(
    world: &World,
    heard: &Heard<'_>,
    template: TemplateId,
    list: &TemplateInWorld,
    changes: &mut Changes,
) {
    if list.status == TemplateStatus::Deleting {
        return;
    }
    for version in list.versions.iter().filter(|version| list.deleting.contains(&version.number)) {
        let others = || world.providers.keys().filter(|id| **id != heard.report.provider);
        if is_gone_here(world, heard, version)
            && others().all(|id| !may_have(world, list, *id, version))
            && !needed(world, template, list, version.digest)
        {
            changes.versions_gone.push((template, version.number));
            let sentence = format!("v{} of `{}` is gone everywhere", version.number, list.name);
            let subject = Subject::Template(template);
            let kind = TransitionKind::Removed;
            changes.transitions.push(Transition { kind, subject, sentence, code: None });
        }
    }
}

fn is_gone_here(world: &World, heard: &Heard<'_>, version: &VersionRef) -> bool {
    let Some(told) = heard.seen() else { return false };
    let report = heard.report;
    let held = report.replicas.iter().any(|it| it.digest == version.digest && it.phase != Phase::Absent);
    let left = held || report.unassigned.contains(&version.digest);
    let named = told.orders.deletions.contains(&Deletion::Replica { version: version.clone() });
    kept_for_another(world, version) || (named && !left)
}

fn may_have(world: &World, list: &TemplateInWorld, provider: ProviderId, version: &VersionRef) -> bool {
    let digest = version.digest;
    let said = world.replicas.get(&(provider, digest)).is_some_and(|it| it.phase != Phase::Absent);
    let left = world.unassigned.get(&provider).is_some_and(|held| held.contains(&digest));
    if kept_for_another(world, version) {
        return false;
    }
    // A member that is silent may have what it had: nobody knows.
    said || left || (!world.answers(provider) && list.members.contains_key(&provider))
}

/// The very same bytes belong to a version that stays: they are that one's.
fn kept_for_another(world: &World, version: &VersionRef) -> bool {
    world.templates.values().any(|list| {
        list.versions
            .iter()
            .any(|other| other.digest == version.digest && !list.deleting.contains(&other.number))
    })
}

fn needed(world: &World, template: TemplateId, list: &TemplateInWorld, digest: Digest) -> bool {
    let hosts = world.hosts.iter().any(|host| host.template == template && host.stands_on(digest));
    let works = |provider: &ProviderId| list.worked_on(*provider, digest);
    hosts || world.providers.keys().any(works)
}
