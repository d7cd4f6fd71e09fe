//! What becomes of the reading of a golden machine.

use super::{Heard, Subject, Transition, TransitionKind};
use crate::{
    ids::TemplateId,
    plan::TemplateInWorld,
    report::{PublicationPhase, Published},
    template::{Publication, PublicationSource, TemplateStatus, VersionRef},
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
    /// The version that is current from now on, without being new.
    pub again: Option<VersionRef>,
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
            let (made, sentence) = made(template, list, publication, published);
            let (version, again) = match made {
                Made::New(version) => (Some((version, published.clone())), None),
                Made::Again(version) => (None, Some(version)),
                Made::Nothing => (None, None),
            };
            let done = Transition { kind: TransitionKind::Done, subject, sentence, code: None };
            Some(PublicationOutcome {
                status: TemplateStatus::Ready,
                publication: None,
                version,
                again,
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
                again: None,
                transitions: vec![failed],
            })
        }
        _ => None,
    }
}

/// What a publication made: of a working copy nothing if nothing was changed in it, and the version
/// that there is already if it was changed back to that.
enum Made {
    New(VersionRef),
    Again(VersionRef),
    Nothing,
}

fn made(
    template: TemplateId,
    list: &TemplateInWorld,
    publication: &Publication,
    published: &Published,
) -> (Made, String) {
    let (name, digest) = (&list.name, published.digest);
    if let PublicationSource::WorkingCopy { base, .. } = &publication.source {
        let current = list.current.as_ref().map(|current| current.digest);
        if base.digest == digest || current == Some(digest) {
            let sentence = format!("nothing was changed in `{name}`: v{} stays as it is", base.number);
            return (Made::Nothing, sentence);
        }
        let staying = |version: &&VersionRef| !list.deleting.contains(&version.number);
        if let Some(older) = list.versions.iter().filter(staying).find(|it| it.digest == digest) {
            let sentence = format!(
                "what was published of `{name}` is v{} to the byte: it is current again",
                older.number
            );
            return (Made::Again(older.clone()), sentence);
        }
    }
    let newest = list.versions.iter().map(|version| version.number).max().unwrap_or(0);
    let number = newest.max(list.numbered) + 1;
    let version = VersionRef { template, name: name.clone(), number, digest };
    let sentence = format!("v{number} of template `{name}` is published");
    (Made::New(version), sentence)
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
        again: None,
        transitions: vec![Transition { kind: TransitionKind::Retried, subject, sentence, code: None }],
    })
}

/// A template that has a version stays `Ready`, whatever becomes of the next one.
fn status(list: &TemplateInWorld, otherwise: TemplateStatus) -> TemplateStatus {
    if list.current.is_some() { list.status } else { otherwise }
}
