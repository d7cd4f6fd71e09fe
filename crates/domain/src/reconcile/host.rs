//! What becomes of a host.

use super::{Change, Heard, Subject, Transition, TransitionKind};
use crate::{
    assignment::Deletion,
    code::{Code, Problem},
    host::{Host, HostPhase, HostReport, SetAside},
    plan::TemplateInWorld,
    units::Timestamp,
};

/// Takes down what happened to one host.
struct Notes<'a> {
    host: &'a Host,
    transitions: Vec<Transition>,
}

impl Notes<'_> {
    fn note(&mut self, kind: TransitionKind, what: String, code: Option<Code>) {
        let sentence = format!("host `{}` {what}", self.host.name);
        self.transitions.push(Transition { kind, subject: Subject::Host(self.host.id), sentence, code });
    }
}

/// The host after its agent said `heard.report`. Its record is gone when it was to be deleted and
/// nothing of it is left there. `list` is its template, if that is there.
pub fn host_after_report(heard: &Heard<'_>, list: Option<&TemplateInWorld>, host: &Host) -> Change<Host> {
    let report = heard.report.hosts.iter().find(|report| report.id == host.id);
    let mut notes = Notes { host, transitions: Vec::new() };
    let Some(report) = report else {
        let deletion = Deletion::Host { host: host.id, data: host.delete_data };
        let gone =
            host.deleting && heard.seen().is_some_and(|told| told.orders.deletions.contains(&deletion));
        if gone {
            notes.note(TransitionKind::Removed, format!("is gone from {}", heard.name), None);
        }
        return Change { record: (!gone).then(|| host.clone()), transitions: notes.transitions };
    };
    let mut next = host.clone();
    let code = report.problem.as_ref().map(|problem| problem.code);
    if host.deleting {
        if report.phase == HostPhase::Failed && next.problem != report.problem {
            let what = format!("could not be deleted: {}", cause(report));
            notes.note(TransitionKind::Failed, what, code);
            next.problem = report.problem.clone();
        }
        return Change { record: Some(next), transitions: notes.transitions };
    }
    catch_up(report, list, &mut next);
    match report.phase {
        HostPhase::Made if report.stood() >= next.incarnation => made(heard, &mut next, &mut notes),
        HostPhase::Failed if !next.made || report.stood() < next.incarnation => {
            failed(heard, report, &mut next, &mut notes);
        }
        HostPhase::Gone if report.stood() >= next.incarnation => gone(heard, &mut next, &mut notes),
        HostPhase::Made
        | HostPhase::Gone
        | HostPhase::Creating
        | HostPhase::Recreating
        | HostPhase::Failed
        | HostPhase::Deleting => {}
    }
    former(heard, report, &mut next);
    Change { record: Some(next), transitions: notes.transitions }
}

fn cause(report: &HostReport) -> &str {
    report.problem.as_ref().map_or("no cause was given", |problem| problem.cause.as_str())
}

/// A server restored from a backup may have counted less far than the agent: what stands there is
/// what the host is.
fn catch_up(report: &HostReport, list: Option<&TemplateInWorld>, next: &mut Host) {
    if report.stood() <= next.incarnation {
        return;
    }
    next.incarnation = report.stood();
    (next.restores, next.previous) = (None, None);
    let stands_on =
        report.digest.and_then(|digest| list?.versions.iter().find(|version| version.digest == digest));
    if let Some(version) = stands_on {
        (next.version, next.digest) = (version.number, version.digest);
    }
}

fn made(heard: &Heard<'_>, next: &mut Host, notes: &mut Notes<'_>) {
    if !next.made {
        notes.note(TransitionKind::Done, format!("is made on {}", heard.name), None);
    } else if next.restores.is_some() {
        let what = format!("is back on v{} on {}, as it was before", next.version, heard.name);
        notes.note(TransitionKind::Done, what, None);
    } else if next.problem.is_some() {
        notes.note(TransitionKind::Done, format!("is back on {}", heard.name), None);
    }
    next.made = true;
    next.next_attempt_at = None;
    next.problem = None;
    if next.restores.take().is_some() {
        // What was set aside is what stands now.
        next.previous = None;
    }
}

fn failed(heard: &Heard<'_>, report: &HostReport, next: &mut Host, notes: &mut Notes<'_>) {
    let code = report.problem.as_ref().map(|problem| problem.code);
    let again_at = heard.again_at(report.attempt, code);
    let given_up = again_at.is_none() && next.problem == report.problem;
    let known = next.next_attempt_at.is_some() || given_up;
    if report.attempt > next.attempt || (report.attempt == next.attempt && !known) {
        let done = if next.made { "recreated" } else { "made" };
        let what = format!("could not be {done} on {}: {}", heard.name, cause(report));
        notes.note(TransitionKind::Failed, what, code);
        next.attempt = report.attempt;
        next.next_attempt_at = again_at;
        next.problem = report.problem.clone();
    }
}

fn gone(heard: &Heard<'_>, next: &mut Host, notes: &mut Notes<'_>) {
    if next.made && next.problem.as_ref().map(|it| it.code) == Some(Code::H0005) {
        return;
    }
    // It stood before anybody here heard of it, and was taken away: it was made all the same.
    next.made = true;
    next.next_attempt_at = None;
    let cause = format!("host `{}` is no longer on {}", next.name, heard.name);
    notes.note(TransitionKind::Lost, format!("is gone from {}", heard.name), Some(Code::H0005));
    next.problem = Some(Problem::new(Code::H0005, cause));
}

/// Former disks: forgotten when they were ordered away and nothing of them is left; taken down, to be
/// ordered away, when there are some that nobody here knows of.
fn former(heard: &Heard<'_>, report: &HostReport, next: &mut Host) {
    match next.previous {
        Some(former) if former.dropping => {
            let deletion = Deletion::SetAside { host: next.id, incarnation: former.incarnation };
            let named = heard.seen().is_some_and(|told| told.orders.deletions.contains(&deletion));
            if named && !report.set_aside.contains(&former.incarnation) {
                next.previous = None;
            }
        }
        Some(_) => {}
        None => {
            let stands = report.phase == HostPhase::Made && report.stood() == next.incarnation;
            let kept = report.set_aside.iter().copied().find(|kept| *kept < next.incarnation);
            if let Some(incarnation) = kept.filter(|_| stands) {
                let (version, digest) = (next.version, next.digest);
                next.previous = Some(SetAside { incarnation, version, digest, dropping: true });
            }
        }
    }
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
