//! What becomes of the reading of a golden machine.

use super::{Heard, Subject, Transition, TransitionKind};
use crate::{
    ids::TemplateId,
    plan::TemplateInWorld,
    report::{PublicationPhase, Published},
    template::{Publication, TemplateStatus, VersionRef},
    units::Timestamp,
};

/// A publication that changed. None of it is stored if nothing did.
#[derive(Clone, Debug, PartialEq)]
pub struct PublicationOutcome {
    pub status: TemplateStatus,
    /// None once it is done.
    pub publication: Option<Publication>,
    /// The version it made, which is the current one from now on.
    pub version: Option<(VersionRef, Published)>,
    pub transitions: Vec<Transition>,
}

/// The template's publication after its agent said `heard.report`. None if nothing changed.
pub fn publication_after_report(
    heard: &Heard<'_>,
    template: TemplateId,
    list: &TemplateInWorld,
) -> Option<PublicationOutcome> {
    let publication = list.publication.as_ref()?;
    if publication.provider != heard.report.provider || list.status == TemplateStatus::Deleting {
        return None;
    }
    let report = heard.report.publications.iter().find(|report| report.id == publication.id)?;
    let subject = Subject::Template(template);
    match (report.phase, &report.published) {
        (PublicationPhase::Done, Some(published)) => {
            let number = list.versions.iter().map(|version| version.number).max().unwrap_or(0) + 1;
            let digest = published.digest;
            let version = VersionRef { template, name: list.name.clone(), number, digest };
            let sentence = format!("v{number} of template `{}` is published", list.name);
            let done = Transition { kind: TransitionKind::Done, subject, sentence, code: None };
            Some(PublicationOutcome {
                status: TemplateStatus::Ready,
                publication: None,
                version: Some((version, published.clone())),
                transitions: vec![done],
            })
        }
        (PublicationPhase::Failed, _) if report.attempt >= publication.attempt => {
            let code = report.problem.as_ref().map(|problem| problem.code);
            let again_at = heard.again_at(report.attempt, code);
            let waits = publication.next_attempt_at.is_some();
            let given_up = again_at.is_none() && publication.problem == report.problem;
            if report.attempt == publication.attempt && (waits || given_up) {
                return None;
            }
            let next = Publication {
                attempt: report.attempt,
                next_attempt_at: again_at,
                problem: report.problem.clone(),
                ..publication.clone()
            };
            let cause = report.problem.as_ref().map_or("no cause was given", |problem| &problem.cause);
            let sentence =
                format!("{} could not be published as `{}`: {cause}", publication.source, list.name);
            let failed = Transition { kind: TransitionKind::Failed, subject, sentence, code };
            Some(PublicationOutcome {
                status: status(list, TemplateStatus::Failed),
                publication: Some(next),
                version: None,
                transitions: vec![failed],
            })
        }
        _ => None,
    }
}

/// The publication after its pause. None if that is not over.
pub fn publication_due(
    template: TemplateId,
    list: &TemplateInWorld,
    now: Timestamp,
) -> Option<PublicationOutcome> {
    let publication = list.publication.as_ref()?;
    if publication.next_attempt_at? > now || list.status == TemplateStatus::Deleting {
        return None;
    }
    let attempt = publication.attempt.saturating_add(1);
    let next = Publication { attempt, next_attempt_at: None, ..publication.clone() };
    let sentence = format!("attempt {attempt} to publish `{}` begins", list.name);
    let subject = Subject::Template(template);
    Some(PublicationOutcome {
        status: status(list, TemplateStatus::Creating),
        publication: Some(next),
        version: None,
        transitions: vec![Transition { kind: TransitionKind::Retried, subject, sentence, code: None }],
    })
}

/// A template that has a version stays `Ready`, whatever becomes of the next one.
fn status(list: &TemplateInWorld, otherwise: TemplateStatus) -> TemplateStatus {
    if list.current.is_some() { list.status } else { otherwise }
}
