//! How transitions are called in the event log.

use crate::picture::Picture;
use diecast_domain::reconcile::{Subject, Transition, TransitionKind};
use diecast_store::NewEvent;

/// Who does what nobody asked for at that moment.
pub(crate) const ACTOR: &str = "diecast";

pub(super) fn event(picture: &Picture, transition: &Transition) -> NewEvent {
    use TransitionKind::{Done, Failed, Lost, Removed, Retried};
    let template = |id| picture.templates.get(id).map(|record| record.name.to_string());
    let (object, name, kind) = match &transition.subject {
        Subject::Host(id) => {
            let host = picture.world.hosts.iter().find(|host| host.id == *id);
            let kind = match transition.kind {
                Done => "host.made",
                Failed => "host.failed",
                Retried => "host.retried",
                Lost => "host.missing",
                Removed => "host.deleted",
            };
            ("host", host.map(|host| host.name.to_string()), kind)
        }
        Subject::Provider(id) => {
            let name = picture.providers.get(id).map(|record| record.name.to_string());
            let kind = match transition.kind {
                Done => "provider.done",
                Failed => "provider.failed",
                Retried => "provider.retried",
                Lost => "provider.lost",
                Removed => "provider.removed",
            };
            ("provider", name, kind)
        }
        Subject::Replica { template: id, .. } => {
            let kind = match transition.kind {
                Done => "replica.ready",
                Failed => "replica.failed",
                Retried => "replica.retried",
                Lost => "replica.lost",
                Removed => "replica.removed",
            };
            ("template", template(id), kind)
        }
        Subject::Template(id) => {
            let kind = match transition.kind {
                Done => "template.ready",
                Failed => "template.failed",
                Retried => "template.retried",
                Lost => "template.lost",
                Removed => "template.deleted",
            };
            ("template", template(id), kind)
        }
    };
    NewEvent {
        at: picture.now,
        kind: kind.to_owned(),
        object: object.to_owned(),
        name: name.unwrap_or_default(),
        actor: ACTOR.to_owned(),
        message: transition.sentence.clone(),
        code: transition.code,
    }
}
