//! What becomes of a host.

use super::{Change, Heard, Subject, Transition, TransitionKind};
use crate::{
    assignment::Deletion,
    code::{Code, Problem},
    host::{Host, HostPhase},
    units::Timestamp,
};

/// The host after its agent said `heard.report`. Its record is gone when it was to be deleted and
/// nothing of it is left there.
pub fn host_after_report(heard: &Heard<'_>, host: &Host) -> Change<Host> {
    let report = heard.report.hosts.iter().find(|report| report.id == host.id);
    let mut next = host.clone();
    let mut change = Change { record: None, transitions: Vec::new() };
    let mut note = |kind, what: String, code| {
        let sentence = format!("host `{}` {what}", host.name);
        change.transitions.push(Transition { kind, subject: Subject::Host(host.id), sentence, code });
    };
    let Some(report) = report else {
        let deletion = Deletion::Host { host: host.id, data: host.delete_data };
        if host.deleting && heard.seen().is_some_and(|told| told.orders.deletions.contains(&deletion)) {
            note(TransitionKind::Removed, format!("is gone from {}", heard.name), None);
        } else {
            change.record = Some(next);
        }
        return change;
    };
    let cause = || report.problem.as_ref().map_or("no cause was given", |problem| problem.cause.as_str());
    let code = report.problem.as_ref().map(|problem| problem.code);
    match report.phase {
        _ if host.deleting => {
            if report.phase == HostPhase::Failed && next.problem != report.problem {
                note(TransitionKind::Failed, format!("could not be deleted: {}", cause()), code);
                next.problem = report.problem.clone();
            }
        }
        HostPhase::Made => {
            if !host.made {
                note(TransitionKind::Done, format!("is made on {}", heard.name), None);
            } else if host.problem.is_some() {
                note(TransitionKind::Done, format!("is back on {}", heard.name), None);
            }
            next.made = true;
            next.next_attempt_at = None;
            next.problem = None;
        }
        HostPhase::Failed if !host.made && report.attempt >= host.attempt => {
            let again_at = heard.again_at(report.attempt, code);
            let given_up = again_at.is_none() && host.problem == report.problem;
            let known = host.next_attempt_at.is_some() || given_up;
            if report.attempt > host.attempt || !known {
                note(
                    TransitionKind::Failed,
                    format!("could not be made on {}: {}", heard.name, cause()),
                    code,
                );
                next.attempt = report.attempt;
                next.next_attempt_at = again_at;
                next.problem = report.problem.clone();
            }
        }
        HostPhase::Gone if !host.made || host.problem.as_ref().map(|it| it.code) != Some(Code::H0005) => {
            // It stood before anybody here heard of it, and was taken away: it was made all the same.
            next.made = true;
            next.next_attempt_at = None;
            let cause = format!("host `{}` is no longer on {}", host.name, heard.name);
            note(TransitionKind::Lost, format!("is gone from {}", heard.name), Some(Code::H0005));
            next.problem = Some(Problem::new(Code::H0005, cause));
        }
        HostPhase::Creating
        | HostPhase::Recreating
        | HostPhase::Failed
        | HostPhase::Deleting
        | HostPhase::Gone => {}
    }
    change.record = Some(next);
    change
}

/// The host after its pause, if that is over.
pub fn host_due(host: &Host, now: Timestamp) -> Change<Host> {
    let mut next = host.clone();
    let mut transitions = Vec::new();
    if host.next_attempt_at.is_some_and(|at| at <= now) {
        next.next_attempt_at = None;
        next.attempt = host.attempt.saturating_add(1);
        let sentence = format!("attempt {} to make host `{}` begins", next.attempt, host.name);
        let subject = Subject::Host(host.id);
        transitions.push(Transition { kind: TransitionKind::Retried, subject, sentence, code: None });
    }
    Change { record: Some(next), transitions }
}
