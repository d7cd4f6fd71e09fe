//! How transitions are called in the event log.

use crate::picture::Picture;
use diecast_domain::reconcile::{Subject, Transition, TransitionKind};
use diecast_store::NewEvent;

/// Who does what nobody asked for at that moment.
pub(crate) const ACTOR: &str = "diecast";

/// What a transition is called, by its kind.
struct Words {
    done: &'static str,
    failed: &'static str,
    begun: &'static str,
    retried: &'static str,
    lost: &'static str,
    removed: &'static str,
}

const HOST: Words = Words {
    done: "host.made",
    failed: "host.failed",
    begun: "host.recreating",
    retried: "host.retried",
    lost: "host.missing",
    removed: "host.deleted",
};
const POOL: Words = Words {
    done: "pool.ok",
    failed: "pool.short",
    begun: "pool.begun",
    retried: "pool.retried",
    lost: "pool.lost",
    removed: "pool.deleted",
};
const PROVIDER: Words = Words {
    done: "provider.done",
    failed: "provider.failed",
    begun: "provider.begun",
    retried: "provider.retried",
    lost: "provider.lost",
    removed: "provider.removed",
};
const RECREATION: Words = Words {
    done: "recreation.done",
    failed: "recreation.stopped",
    begun: "recreation.begun",
    retried: "recreation.retried",
    lost: "recreation.waiting",
    removed: "recreation.cancelled",
};
const REPLICA: Words = Words {
    done: "replica.ready",
    failed: "replica.failed",
    begun: "replica.begun",
    retried: "replica.retried",
    lost: "replica.lost",
    removed: "replica.removed",
};
const SCHEDULE: Words = Words {
    done: "schedule.done",
    failed: "schedule.failed",
    begun: "schedule.begun",
    retried: "schedule.retried",
    lost: "schedule.missed",
    removed: "schedule.over",
};
const TEMPLATE: Words = Words {
    done: "template.ready",
    failed: "template.failed",
    begun: "template.begun",
    retried: "template.retried",
    lost: "template.lost",
    removed: "template.deleted",
};

pub(super) fn event(picture: &Picture, transition: &Transition) -> NewEvent {
    let world = &picture.world;
    let template = |id| picture.templates.get(id).map(|record| record.name.to_string());
    let (object, words, name) = match &transition.subject {
        Subject::Host(id) => {
            let host = world.hosts.iter().find(|host| host.id == *id);
            ("host", &HOST, host.map(|host| host.name.to_string()))
        }
        Subject::Pool(id) => {
            let pool = world.pools.iter().find(|pool| pool.id == *id);
            ("pool", &POOL, pool.map(|pool| pool.name.to_string()))
        }
        Subject::Provider(id) => {
            let provider = picture.providers.get(id);
            ("provider", &PROVIDER, provider.map(|record| record.name.to_string()))
        }
        Subject::Recreation(id) => ("recreation", &RECREATION, Some(id.to_string())),
        Subject::Replica { template: id, .. } => ("template", &REPLICA, template(id)),
        Subject::Schedule(id) => {
            let schedule = world.schedules.iter().find(|schedule| schedule.id == *id);
            ("schedule", &SCHEDULE, schedule.map(|schedule| schedule.name.to_string()))
        }
        Subject::Template(id) => ("template", &TEMPLATE, template(id)),
    };
    let kind = match transition.kind {
        TransitionKind::Done => words.done,
        TransitionKind::WavePassed => "recreation.wave",
        TransitionKind::Failed => words.failed,
        TransitionKind::Begun => words.begun,
        TransitionKind::Retried => words.retried,
        TransitionKind::Lost => words.lost,
        TransitionKind::Damaged => "replica.damaged",
        TransitionKind::Healed => "replica.healed",
        TransitionKind::Removed => words.removed,
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
