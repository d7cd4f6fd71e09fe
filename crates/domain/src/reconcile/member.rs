//! What becomes of a member of a distribution list.

use super::{Change, Heard, Subject, Transition, TransitionKind};
use crate::{
    assignment::Deletion,
    damage,
    digest::Digest,
    distribution::{Desire, HeldVersion, Member},
    ids::{ProviderId, TemplateId},
    plan::TemplateInWorld,
    replica::{Phase, ReplicaReport},
    report::Report,
    template::{TemplateStatus, VersionRef},
    units::Timestamp,
};

/// The member after its agent said `heard.report`. Its record is gone when it was to be removed and
/// nothing of it is left there.
pub fn member_after_report(
    heard: &Heard<'_>,
    template: TemplateId,
    list: &TemplateInWorld,
    member: &Member,
) -> Change<Member> {
    let mut next = member.clone();
    let mut transitions = Vec::new();
    let mut note = |kind, sentence: String, code| {
        let subject = Subject::Replica { template, provider: heard.report.provider };
        transitions.push(Transition { kind, subject, sentence, code });
    };
    let leaving = list.status == TemplateStatus::Deleting || member.desire != Desire::Hold;
    if leaving && is_gone(heard, &list.versions) {
        note(TransitionKind::Removed, format!("template `{}` is gone from {}", list.name, heard.name), None);
        return Change { record: None, transitions };
    }
    if let Some(held) = member.held.filter(|held| !still_holds(heard.report, held.digest)) {
        next.held = None;
        next.since = heard.now;
        let report = of(heard.report, held.digest);
        // Damage is told with its places and hosts, by its own words.
        if !leaving && report.and_then(damage::found).is_none() {
            let sentence =
                format!("{} no longer holds v{} of `{}` intact", heard.name, held.number, list.name);
            let code = report.and_then(|report| report.problem.as_ref()).map(|problem| problem.code);
            note(TransitionKind::Lost, sentence, code);
        }
    }
    let current = list.current.as_ref();
    if let Some((current, report)) =
        current.and_then(|current| Some((current, of(heard.report, current.digest)?)))
    {
        match (report.phase, report.verified_at) {
            (Phase::Ready, Some(verified_at)) => {
                if next.held.is_none_or(|held| held.digest != current.digest) {
                    let sentence =
                        format!("v{} of `{}` is ready on {}", current.number, list.name, heard.name);
                    note(TransitionKind::Done, sentence, None);
                    next.since = heard.now;
                }
                next.held = Some(HeldVersion { number: current.number, digest: current.digest, verified_at });
                next.joined_later = false;
                match failed_beside(heard, list, current) {
                    Some(report) if report.attempt >= member.attempt => {
                        failed(heard, list, report, member, &mut next, &mut note);
                    }
                    Some(_) => {}
                    None => forget_failures(&mut next),
                }
            }
            (Phase::Failed, _) if report.attempt >= member.attempt => {
                failed(heard, list, report, member, &mut next, &mut note);
            }
            _ => {}
        }
    }
    Change { record: Some(next), transitions }
}

/// An older version that hosts or working copies there need, and that could not be brought: it is
/// tried again under the member's count, once the current version needs that no more.
fn failed_beside<'a>(
    heard: &Heard<'a>,
    list: &TemplateInWorld,
    current: &VersionRef,
) -> Option<&'a ReplicaReport> {
    let told = heard.seen()?;
    let older = list.versions.iter().filter(|version| version.digest != current.digest);
    let ordered = older.filter(|version| told.orders.replica(&version.digest).is_some());
    let mut said = ordered.filter_map(|version| of(heard.report, version.digest));
    said.find(|report| report.phase == Phase::Failed)
}

/// An attempt is over. One that is known already changes nothing.
fn failed(
    heard: &Heard<'_>,
    list: &TemplateInWorld,
    report: &ReplicaReport,
    member: &Member,
    next: &mut Member,
    note: &mut impl FnMut(TransitionKind, String, Option<crate::code::Code>),
) {
    let code = report.problem.as_ref().map(|problem| problem.code);
    let again_at = heard.again_at(report.attempt, code);
    let given_up = again_at.is_none() && member.problem == report.problem;
    if report.attempt == member.attempt && (member.next_attempt_at.is_some() || given_up) {
        return;
    }
    // A server restored from a backup may have counted less far than the agent: it catches up, or
    // the agent would wait for ever for a number that it has not yet failed at.
    next.attempt = report.attempt;
    next.next_attempt_at = again_at;
    next.problem = report.problem.clone();
    next.since = heard.now;
    let cause = report.problem.as_ref().map_or("no cause was given", |problem| problem.cause.as_str());
    note(
        TransitionKind::Failed,
        format!("`{}` could not be brought to {}: {cause}", list.name, heard.name),
        code,
    );
}

/// The agent has accepted orders that let go of every version here, and has none of them. Another
/// template of the very same content may keep the bytes there.
fn is_gone(heard: &Heard<'_>, versions: &[VersionRef]) -> bool {
    let Some(told) = heard.seen() else { return false };
    versions.iter().all(|version| {
        let kept_for_another = told
            .orders
            .replica(&version.digest)
            .is_some_and(|order| order.version.template != version.template);
        let named = told.orders.deletions.contains(&Deletion::Replica { version: version.clone() });
        kept_for_another || (named && nothing_left(heard.report, version.digest))
    })
}

fn nothing_left(report: &Report, digest: Digest) -> bool {
    let absent = of(report, digest).is_none_or(|replica| replica.phase == Phase::Absent);
    absent && !report.unassigned.contains(&digest)
}

/// The copy that was verified is there and nothing speaks against it. Silence never does: without a
/// report nobody asks.
fn still_holds(report: &Report, digest: Digest) -> bool {
    match of(report, digest) {
        None => report.unassigned.contains(&digest),
        Some(replica) => match replica.phase {
            Phase::Ready | Phase::Registering | Phase::Verifying | Phase::Removing => true,
            Phase::Failed => replica.verified_at.is_some(),
            Phase::Absent | Phase::Queued | Phase::Preflight | Phase::Transferring | Phase::Damaged => false,
        },
    }
}

fn of(report: &Report, digest: Digest) -> Option<&ReplicaReport> {
    report.replicas.iter().find(|replica| replica.digest == digest)
}

/// Another version is to be held from now on: attempts count from one again.
pub(super) fn begin_anew(member: &mut Member, now: Timestamp) {
    forget_failures(member);
    member.since = now;
}

fn forget_failures(member: &mut Member) {
    member.attempt = 1;
    member.next_attempt_at = None;
    member.problem = None;
}

/// The member after its pause, if that is over.
pub fn member_due(
    template: TemplateId,
    list: &TemplateInWorld,
    provider: ProviderId,
    name: &str,
    member: &Member,
    now: Timestamp,
) -> Change<Member> {
    if member.next_attempt_at.is_none_or(|at| at > now) {
        return Change { record: Some(member.clone()), transitions: Vec::new() };
    }
    let next = member_retried(member, now);
    let sentence = format!("attempt {} to bring `{}` to {name} begins", next.attempt, list.name);
    let subject = Subject::Replica { template, provider };
    let transition = Transition { kind: TransitionKind::Retried, subject, sentence, code: None };
    Change { record: Some(next), transitions: vec![transition] }
}

/// The member with its next attempt begun now: by the clock, or by an operator's retry.
#[must_use]
pub fn member_retried(member: &Member, now: Timestamp) -> Member {
    let attempt = member.attempt.saturating_add(1);
    Member { attempt, next_attempt_at: None, since: now, ..member.clone() }
}
