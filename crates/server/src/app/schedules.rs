//! Schedules: what is done to hosts at a time, or again and again.

mod wish;

use crate::{
    app::{
        App,
        authorise::Action,
        cx::Cx,
        etag::{self, Tagged},
        hosts::view::users_on,
        idempotency::{self, Key},
        page, plans,
        refused::Refused,
    },
    picture::{Picture, no_such},
};
use diecast_api::{
    operator::{
        schedule::{ChangeSchedule, CreateSchedule, ScheduleList, ScheduleView},
        template::PlanView,
    },
    time::rfc3339,
};
use diecast_domain::{
    host::Host,
    recreation::is_outdated,
    schedule::{Action as Does, Schedule, Selection, When, next_after},
};

/// Times that a plan shows.
const TIMES_SHOWN: usize = 5;

impl App {
    pub(crate) async fn schedules(&self, cx: &Cx, ask: &page::Ask) -> Result<ScheduleList, Refused> {
        cx.may(Action::Read)?;
        let picture = self.picture().await?;
        let mut all: Vec<&Schedule> = picture.world.schedules.iter().collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        let (page, next) = ask.cut(all, |schedule| schedule.name.to_string())?;
        Ok(ScheduleList { items: page.into_iter().map(|it| view(&picture, it)).collect(), next })
    }

    pub(crate) async fn schedule(&self, cx: &Cx, name: &str) -> Result<Tagged<ScheduleView>, Refused> {
        cx.may(Action::Read)?;
        let picture = self.picture().await?;
        Ok(tagged(&picture, named(&picture, name)?))
    }

    /// When it would run, and what it would do if that were now.
    pub(crate) async fn plan_schedule(&self, cx: &Cx, asked: &CreateSchedule) -> Result<PlanView, Refused> {
        cx.may(Action::Read)?;
        let picture = self.picture().await?;
        let schedule = wish::schedule(&picture, cx, asked)?;
        let (does, on) = (schedule.action.as_str(), selection(&picture, &schedule.selection));
        let mut steps = Vec::new();
        let mut next = schedule.next_at;
        while let Some(at) = next.filter(|_| steps.len() < TIMES_SHOWN) {
            steps.push(format!("at {}: {does} {on}", rfc3339(at)));
            next = next_after(&schedule.when, at).map_err(|error| error.problem())?;
        }
        let hosts = chosen(&picture, &schedule);
        let users = match schedule.action {
            Does::Start => Vec::new(),
            Does::Recreate { .. } | Does::Stop { .. } => users_on(&picture, hosts.iter().copied()),
        };
        let names = hosts.iter().map(|host| host.name.to_string()).collect();
        Ok(PlanView { hosts: names, users, ..plans::plan(steps, &[]) })
    }

    pub(crate) async fn create_schedule(
        &self,
        cx: &Cx,
        asked: &CreateSchedule,
        key: Option<&Key>,
    ) -> Result<Tagged<ScheduleView>, Refused> {
        cx.may(Action::ChangeHosts)?;
        let (mut change, picture) = self.begin().await?;
        if let Some(made) = idempotency::repeated(&mut change, cx, key).await? {
            return Ok(tagged(&picture, named(&picture, &made)?));
        }
        let schedule = wish::schedule(&picture, cx, asked)?;
        change.put_schedule(&schedule).await?;
        let name = schedule.name.as_str();
        idempotency::remember(&mut change, cx, key, name).await?;
        let (does, on) = (schedule.action.as_str(), selection(&picture, &schedule.selection));
        let sentence = format!("schedule `{name}` is to {does} {on}: {}", when(&schedule.when));
        let event = cx.event("schedule.created", "schedule", name, sentence);
        self.finish(change, vec![event]).await?;
        Ok(tagged(&picture, &schedule))
    }

    /// Lets it rest, or run again: from now on, not for what it missed.
    pub(crate) async fn change_schedule(
        &self,
        cx: &Cx,
        name: &str,
        asked: &ChangeSchedule,
        if_match: Option<&str>,
    ) -> Result<Tagged<ScheduleView>, Refused> {
        cx.may(Action::ChangeHosts)?;
        let (mut change, picture) = self.begin().await?;
        let before = named(&picture, name)?;
        etag::check(if_match, before, &format!("schedule `{name}`"))?;
        let Some(enabled) = asked.enabled.filter(|enabled| *enabled != before.enabled) else {
            return Ok(tagged(&picture, before));
        };
        let next_at = if enabled { Some(wish::first(&before.when, cx.now)?) } else { None };
        let schedule = Schedule { enabled, next_at, ..before.clone() };
        change.put_schedule(&schedule).await?;
        let (kind, sentence) = match enabled {
            true => ("schedule.enabled", format!("schedule `{name}` runs again")),
            false => ("schedule.disabled", format!("schedule `{name}` rests")),
        };
        self.finish(change, vec![cx.event(kind, "schedule", name, sentence)]).await?;
        Ok(tagged(&picture, &schedule))
    }

    pub(crate) async fn delete_schedule(
        &self,
        cx: &Cx,
        name: &str,
        if_match: Option<&str>,
    ) -> Result<(), Refused> {
        cx.may(Action::ChangeHosts)?;
        let (mut change, picture) = self.begin().await?;
        let schedule = named(&picture, name)?;
        etag::check(if_match, schedule, &format!("schedule `{name}`"))?;
        change.delete_schedule(schedule.id).await?;
        let event = cx.event("schedule.deleted", "schedule", name, format!("schedule `{name}` was deleted"));
        self.finish(change, vec![event]).await?;
        Ok(())
    }
}

fn named<'a>(picture: &'a Picture, name: &str) -> Result<&'a Schedule, Refused> {
    let found = picture.world.schedules.iter().find(|schedule| schedule.name.as_str() == name);
    found.ok_or_else(|| no_such("schedule", name).into())
}

/// The hosts that it would act on now.
fn chosen<'a>(picture: &'a Picture, schedule: &Schedule) -> Vec<&'a Host> {
    let selected = |host: &&Host| match &schedule.selection {
        Selection::Template(template) => host.template == *template,
        Selection::Pool(pool) => host.pool == Some(*pool),
        Selection::Hosts(hosts) => hosts.contains(&host.id),
    };
    let concerned = |host: &&Host| match schedule.action {
        Does::Recreate { .. } => is_outdated(&picture.world, host),
        Does::Start | Does::Stop { .. } => true,
    };
    let all = picture.world.hosts.iter().filter(|host| !host.deleting);
    let mut hosts: Vec<&Host> = all.filter(selected).filter(concerned).collect();
    hosts.sort_by(|a, b| a.name.cmp(&b.name));
    hosts
}

fn selection(picture: &Picture, selection: &Selection) -> String {
    match selection {
        Selection::Template(id) => {
            let name = picture.templates.get(id).map(|record| record.name.to_string());
            format!("template `{}`", name.unwrap_or_else(|| id.to_string()))
        }
        Selection::Pool(id) => {
            let pool = picture.world.pools.iter().find(|pool| pool.id == *id);
            format!("pool `{}`", pool.map_or_else(|| id.to_string(), |pool| pool.name.to_string()))
        }
        Selection::Hosts(hosts) => plans::counted(hosts.len(), "host"),
    }
}

fn when(when: &When) -> String {
    match when {
        When::Once { at } => rfc3339(*at),
        When::Cron { expression, zone } => format!("{expression} ({zone})"),
    }
}

fn tagged(picture: &Picture, schedule: &Schedule) -> Tagged<ScheduleView> {
    Tagged { etag: etag::of(schedule), value: view(picture, schedule) }
}

fn view(picture: &Picture, schedule: &Schedule) -> ScheduleView {
    let last = schedule.last.as_ref();
    ScheduleView {
        id: schedule.id.to_string(),
        name: schedule.name.to_string(),
        action: schedule.action.as_str().to_owned(),
        selection: selection(picture, &schedule.selection),
        when: when(&schedule.when),
        enabled: schedule.enabled,
        next_at: schedule.next_at.filter(|_| schedule.enabled).map(rfc3339),
        last_at: last.map(|last| rfc3339(last.at)),
        last_outcome: last.map(|last| last.outcome.clone()),
        last_ok: last.map(|last| last.ok),
        author: schedule.author.clone(),
    }
}
