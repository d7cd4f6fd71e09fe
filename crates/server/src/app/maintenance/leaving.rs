//! The wish to leave: what is said with it, and the publication that it becomes.

use crate::app::{
    cx::Cx,
    refused::Refused,
    rollout::{Rollout, recreate},
    templates::check_note,
    terms::{self, if_unavailable},
};
use diecast_api::operator::{maintenance::LeaveMaintenance, recreation::TermsBody};
use diecast_domain::{
    ids::{PublicationId, RecreationId},
    maintenance::{FORCED_SHUTDOWN_SECONDS_DEFAULT, Leave, SHUTDOWN_SECONDS_DEFAULT, Stage},
    template::{Publication, PublicationSource},
};
use diecast_store::TemplateRecord;
use uuid::Uuid;

/// The longest time that a guest is given: who wants to wait longer shuts it down at its console.
const SHUTDOWN_SECONDS_MAX: u32 = 3600;

/// Writes the wish into `record`, which must be in maintenance. What is left out when it is said
/// again stays as it was said before.
pub(super) fn leave(record: &mut TemplateRecord, asked: &LeaveMaintenance, cx: &Cx) -> Result<(), Refused> {
    let source = record.publication.take();
    let Some(stay) = &mut record.maintenance else { return Ok(()) };
    let wish = wish(stay.leave.take(), asked, cx)?;
    let source = match source.filter(|_| stay.stage == Stage::Leaving) {
        Some(before) => Publication {
            source: working_copy(stay, asked)?,
            trim: asked.trim,
            attempt: before.attempt.saturating_add(1),
            next_attempt_at: None,
            problem: None,
            ..before
        },
        None => Publication {
            id: PublicationId::from_uuid(Uuid::now_v7()),
            provider: stay.provider,
            source: working_copy(stay, asked)?,
            trim: asked.trim,
            attempt: 1,
            next_attempt_at: None,
            problem: None,
        },
    };
    stay.leave = Some(wish);
    stay.stage = Stage::Leaving;
    record.publication = Some(source);
    Ok(())
}

fn working_copy(
    stay: &diecast_domain::maintenance::Maintenance,
    asked: &LeaveMaintenance,
) -> Result<PublicationSource, Refused> {
    let shutdown_seconds = shutdown_seconds(asked)?;
    Ok(PublicationSource::WorkingCopy {
        maintenance: stay.id,
        base: stay.base.clone(),
        shutdown_seconds,
        force: asked.force,
    })
}

pub(super) fn shutdown_seconds(asked: &LeaveMaintenance) -> Result<u32, Refused> {
    let default = if asked.force { FORCED_SHUTDOWN_SECONDS_DEFAULT } else { SHUTDOWN_SECONDS_DEFAULT };
    let seconds = asked.shutdown_seconds.unwrap_or(default);
    if seconds <= SHUTDOWN_SECONDS_MAX {
        return Ok(seconds);
    }
    let cause = format!("`shutdown_seconds` is {seconds}; it may be 0 to {SHUTDOWN_SECONDS_MAX}");
    Err(Refused::malformed(cause))
}

/// What is asked, over what was said before.
pub(super) fn wish(before: Option<Leave>, asked: &LeaveMaintenance, cx: &Cx) -> Result<Leave, Refused> {
    check_note(asked.note.as_deref())?;
    let mut wish = match before {
        Some(before) => before,
        None => first(cx)?,
    };
    wish.author = cx.who();
    if asked.note.is_some() {
        wish.note.clone_from(&asked.note);
    }
    if asked.recreate.is_some() {
        wish.recreate = recreate(asked.recreate.as_deref(), cx.now)?;
    }
    if asked.if_unavailable.is_some() {
        wish.if_unavailable = if_unavailable(asked.if_unavailable.as_deref())?;
    }
    if asked.terms != TermsBody::default() {
        wish.terms = terms::parse(&asked.terms, cx.now)?;
    }
    Ok(wish)
}

fn first(cx: &Cx) -> Result<Leave, Refused> {
    let Rollout { when, if_unavailable, terms } = Rollout::parse(None, None, &TermsBody::default(), cx.now)?;
    Ok(Leave {
        note: None,
        author: cx.who(),
        recreate: when,
        if_unavailable,
        terms,
        recreation: RecreationId::from_uuid(Uuid::now_v7()),
    })
}
