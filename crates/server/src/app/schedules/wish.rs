//! What a schedule is to do, as operators write it: checked before it is taken.

use crate::{
    app::{cx::Cx, hosts, pools::pool_named, refused::Refused, setup::unknown, terms},
    picture::Picture,
};
use diecast_api::operator::{recreation::TermsBody, schedule::CreateSchedule};
use diecast_domain::{
    code::Code,
    ids::{HostId, ScheduleId},
    names::ScheduleName,
    pattern::HOSTS_PER_REQUEST_MAX,
    schedule::{Action, Schedule, Selection, When, check},
    units::Timestamp,
};
use uuid::Uuid;

/// The zone of an expression that names none.
const ZONE_DEFAULT: &str = "UTC";

pub(super) fn schedule(picture: &Picture, cx: &Cx, asked: &CreateSchedule) -> Result<Schedule, Refused> {
    let name: ScheduleName = asked.name.parse()?;
    if picture.world.schedules.iter().any(|there| there.name == name) {
        return Err(Refused::new(Code::A0005, format!("there is a schedule `{name}` already")));
    }
    let when = when(asked)?;
    let next_at = first(&when, cx.now)?;
    let selection = selection(picture, asked)?;
    Ok(Schedule {
        id: ScheduleId::from_uuid(Uuid::now_v7()),
        name,
        action: action(picture, asked, cx.now)?,
        selection,
        when,
        enabled: true,
        next_at: Some(next_at),
        last: None,
        author: cx.who(),
        created_at: cx.now,
    })
}

/// When it runs first. A schedule that would never run is refused.
pub(super) fn first(when: &When, now: Timestamp) -> Result<Timestamp, Refused> {
    check(when, now).map_err(|error| error.problem().into())
}

fn when(asked: &CreateSchedule) -> Result<When, Refused> {
    match (&asked.at, &asked.cron) {
        (Some(_), Some(_)) | (None, None) => Err(Refused::malformed("say either `at` or `cron`")),
        (Some(_), None) if asked.zone.is_some() => {
            Err(Refused::malformed("`zone` goes with `cron`; the time of `at` has an offset of its own"))
        }
        (Some(at), None) => Ok(When::Once { at: terms::time("at", at)? }),
        (None, Some(expression)) => Ok(When::Cron {
            expression: expression.trim().to_owned(),
            zone: asked.zone.clone().unwrap_or_else(|| ZONE_DEFAULT.to_owned()),
        }),
    }
}

fn action(picture: &Picture, asked: &CreateSchedule, now: Timestamp) -> Result<Action, Refused> {
    let recreates = asked.action == "recreate";
    if !recreates && asked.terms != TermsBody::default() {
        return Err(Refused::malformed("`terms` go only with the action `recreate`"));
    }
    if asked.force && asked.action != "stop" {
        return Err(Refused::malformed("`force` goes only with the action `stop`"));
    }
    match asked.action.as_str() {
        "recreate" => {
            if asked.cron.is_some() {
                terms::without_deadline(&asked.terms, "a `cron` schedule")?;
            }
            let pool = asked.pool.as_deref().map(|name| pool_named(picture, name)).transpose()?;
            let before = pool.map(|pool| pool.terms.clone()).unwrap_or_default();
            Ok(Action::Recreate { terms: terms::merged(&before, &asked.terms, now)? })
        }
        "start" => Ok(Action::Start),
        "stop" => Ok(Action::Stop { force: asked.force }),
        other => Err(unknown("action", other, "`recreate`, `start` or `stop`")),
    }
}

fn selection(picture: &Picture, asked: &CreateSchedule) -> Result<Selection, Refused> {
    match (&asked.template, &asked.pool, &asked.hosts[..]) {
        (Some(name), None, []) => Ok(Selection::Template(picture.template_named(name)?.id)),
        (None, Some(name), []) => Ok(Selection::Pool(pool_named(picture, name)?.id)),
        (None, None, names @ [_, ..]) => {
            if names.len() > HOSTS_PER_REQUEST_MAX as usize {
                let cause = format!("`hosts` names {}; it may name {HOSTS_PER_REQUEST_MAX}", names.len());
                return Err(Refused::malformed(cause));
            }
            let mut ids: Vec<HostId> = Vec::new();
            for name in names {
                let id = hosts::named(picture, name)?.id;
                if !ids.contains(&id) {
                    ids.push(id);
                }
            }
            Ok(Selection::Hosts(ids))
        }
        _ => Err(Refused::malformed("say exactly one of `template`, `pool` and `hosts`")),
    }
}
