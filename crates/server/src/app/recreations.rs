//! Recreations: hosts moved to another version, in waves.

mod chosen;
mod view;

use crate::{
    app::{
        App,
        authorise::Action,
        cx::Cx,
        hosts::view::users_on,
        idempotency::{self, Key},
        page, plans,
        refused::Refused,
        terms,
    },
    picture::{Picture, no_such},
};
use chosen::Group;
use diecast_api::{
    operator::{
        recreation::{CreateRecreation, RecreationList, RecreationView},
        template::{BlockerView, PlanView},
    },
    time::rfc3339,
};
use diecast_domain::{
    code::Code,
    ids::RecreationId,
    recreation::{Recreation, Stage, Wish, advance, outlook},
    units::{ByteCount, Timestamp},
};
use diecast_store::Change;
use std::collections::BTreeSet;
use uuid::Uuid;
use view::view;

/// Which recreations; what is left out is not asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) template: Option<String>,
    pub(crate) running: Option<bool>,
}

impl App {
    /// The newest first.
    pub(crate) async fn recreations(
        &self,
        cx: &Cx,
        filter: &Filter,
        ask: &page::Ask,
    ) -> Result<RecreationList, Refused> {
        cx.may(Action::Read)?;
        let mut stored = self.store().view().await?;
        let all = stored.recreations().await?;
        let picture = Picture::take(&mut stored, self.live(), cx.now).await?;
        let template = filter.template.as_deref().map(|name| picture.template_named(name)).transpose()?;
        let lets = |it: &&Recreation| {
            template.is_none_or(|template| template.id == it.template)
                && filter.running.is_none_or(|running| running != it.stage.is_over())
        };
        let mut all: Vec<&Recreation> = all.iter().filter(lets).collect();
        all.sort_by_cached_key(|it| newest_first(it));
        let (page, next) = ask.cut(all, |it| newest_first(it))?;
        Ok(RecreationList { items: page.into_iter().map(|it| view(&picture, it)).collect(), next })
    }

    pub(crate) async fn recreation(&self, cx: &Cx, id: &str) -> Result<RecreationView, Refused> {
        cx.may(Action::Read)?;
        let mut stored = self.store().view().await?;
        let picture = Picture::take(&mut stored, self.live(), cx.now).await?;
        let found = find(stored.recreations().await?, id)?;
        Ok(view(&picture, &found))
    }

    /// What it would do: wave by wave, and what stands in the way on which provider.
    pub(crate) async fn plan_recreation(
        &self,
        cx: &Cx,
        asked: &CreateRecreation,
    ) -> Result<PlanView, Refused> {
        cx.may(Action::Read)?;
        let picture = self.picture().await?;
        begins_at(asked, cx.now)?;
        terms::if_unavailable(asked.if_unavailable.as_deref())?;
        let mut plan = plans::plan(Vec::new(), &[]);
        let mut bytes = ByteCount::ZERO;
        for group in chosen::groups(&picture, asked, cx.now)? {
            bytes += tell(&picture, &group, asked.at.as_deref(), &mut plan, cx.now);
        }
        if plan.hosts.is_empty() {
            plan.steps.push("nothing to do: no host is outdated".to_owned());
        }
        // Disks are made of what is there already: nothing crosses the network for it.
        plan.bytes_network = Some(0);
        plan.steps.extend(plans::written(bytes));
        Ok(plan)
    }

    /// One for each template and version. None if no host is outdated.
    pub(crate) async fn recreate(
        &self,
        cx: &Cx,
        asked: &CreateRecreation,
        key: Option<&Key>,
    ) -> Result<RecreationList, Refused> {
        cx.may(Action::ChangeHosts)?;
        let (mut change, mut picture) = self.begin().await?;
        if let Some(made) = idempotency::repeated(&mut change, cx, key).await? {
            let ids: BTreeSet<&str> = made.split(' ').collect();
            let all = change.recreations().await?;
            let made = all.iter().filter(|it| ids.contains(it.id.to_string().as_str()));
            return Ok(RecreationList { items: made.map(|it| view(&picture, it)).collect(), next: None });
        }
        let begins_at = begins_at(asked, cx.now)?;
        let if_unavailable = terms::if_unavailable(asked.if_unavailable.as_deref())?;
        let mut made = Vec::new();
        let mut events = Vec::new();
        for group in chosen::groups(&picture, asked, cx.now)? {
            let hosts = group.hosts.iter().map(|host| host.id).collect();
            let wish = Wish {
                id: RecreationId::from_uuid(Uuid::now_v7()),
                target: group.target,
                hosts,
                terms: group.terms,
                refresh: group.refresh,
                if_unavailable,
                begins_at,
                author: cx.who(),
            };
            let are = if wish.hosts.len() == 1 { "is" } else { "are" };
            let sentence = format!(
                "{} of `{}` {are} to be recreated on v{}",
                plans::counted(wish.hosts.len(), "host"),
                wish.target.name,
                wish.target.number
            );
            let chosen = asked.version.is_some();
            let recreation = Recreation { chosen, ..Recreation::new(wish, cx.now) };
            change.put_recreation(&recreation).await?;
            events.push(cx.event("recreation.created", "recreation", &recreation.id.to_string(), sentence));
            made.push(recreation);
        }
        give_up_former(&mut change, &picture, &made).await?;
        let ids: Vec<String> = made.iter().map(|it| it.id.to_string()).collect();
        idempotency::remember(&mut change, cx, key, &ids.join(" ")).await?;
        self.finish(change, events).await?;
        picture.world.recreations.extend(made.iter().cloned());
        Ok(RecreationList { items: made.iter().map(|it| soon(&picture, it)).collect(), next: None })
    }

    /// Goes on without the providers that do not answer; their hosts follow when they return.
    pub(crate) async fn proceed_recreation(&self, cx: &Cx, id: &str) -> Result<RecreationView, Refused> {
        self.change_recreation(cx, id, "recreation.proceeds", |it| {
            let silence = matches!(it.stage, Stage::Scheduled | Stage::AwaitingDecision);
            if !silence || it.cancelling {
                return Err(Refused::new(Code::A0010, format!("the recreation {} waits for nobody", it.id)));
            }
            it.proceed = true;
            Ok(format!("the recreation {} goes on without providers that do not answer", it.id))
        })
        .await
    }

    /// Begins nothing more. What has begun is seen to its end.
    pub(crate) async fn cancel_recreation(&self, cx: &Cx, id: &str) -> Result<RecreationView, Refused> {
        self.change_recreation(cx, id, "recreation.cancelling", |it| {
            it.cancelling = true;
            Ok(format!("the recreation {} is to begin nothing more", it.id))
        })
        .await
    }

    async fn change_recreation(
        &self,
        cx: &Cx,
        id: &str,
        kind: &str,
        how: impl FnOnce(&mut Recreation) -> Result<String, Refused>,
    ) -> Result<RecreationView, Refused> {
        cx.may(Action::ChangeHosts)?;
        let (mut change, picture) = self.begin().await?;
        let before = find(change.recreations().await?, id)?;
        if before.stage.is_over() {
            let cause = format!("the recreation {id} is over: {}", before.stage.as_str());
            return Err(Refused::new(Code::A0010, cause));
        }
        let mut after = before.clone();
        let sentence = how(&mut after)?;
        if after != before {
            change.put_recreation(&after).await?;
            let event = cx.event(kind, "recreation", &after.id.to_string(), sentence);
            self.finish(change, vec![event]).await?;
        }
        Ok(view(&picture, &after))
    }
}

/// As the reconciler will find it at once: somebody who asks for it now learns from the answer that
/// a decision is awaited.
fn soon(picture: &Picture, it: &Recreation) -> RecreationView {
    let looked = advance(it, &picture.world, picture.now);
    view(picture, if looked.hosts.is_empty() { &looked.recreation } else { it })
}

fn find(all: Vec<Recreation>, id: &str) -> Result<Recreation, Refused> {
    let parsed: Option<RecreationId> = id.parse().ok();
    let found = all.into_iter().find(|it| Some(it.id) == parsed);
    found.ok_or_else(|| no_such("recreation", id).into())
}

/// Sorts as text with the newest first.
fn newest_first(it: &Recreation) -> String {
    format!("{:020}-{}", i64::MAX.saturating_sub(it.created_at.0), it.id)
}

fn begins_at(asked: &CreateRecreation, now: Timestamp) -> Result<Timestamp, Refused> {
    asked.at.as_deref().map_or(Ok(now), |at| terms::to_come("at", at, now))
}

/// Recreations that have begun nothing, and all of whose hosts these new ones take over: nobody is
/// to decide about them any more.
async fn give_up_former(change: &mut Change, picture: &Picture, made: &[Recreation]) -> Result<(), Refused> {
    for former in &picture.world.recreations {
        let idle = matches!(former.stage, Stage::Scheduled | Stage::AwaitingDecision);
        let taken = |id| made.iter().any(|it| it.hosts.contains_key(id));
        if idle && !made.is_empty() && former.hosts.keys().all(taken) {
            change.put_recreation(&Recreation { cancelling: true, ..former.clone() }).await?;
        }
    }
    Ok(())
}

/// Adds to `plan` what becomes of one group; the bytes that are written for it.
fn tell(
    picture: &Picture,
    group: &Group<'_>,
    at: Option<&str>,
    plan: &mut PlanView,
    now: Timestamp,
) -> ByteCount {
    let hosts: Vec<_> = group.hosts.iter().map(|host| host.id).collect();
    let outlook = outlook(&picture.world, &hosts, &group.target, &group.terms, group.data, now);
    let target = format!("v{} of `{}`", group.target.number, group.target.name);
    let names = |hosts: &[&str]| hosts.join(", ");
    let when = at.map(|at| format!("at {at}: ")).unwrap_or_default();
    for (number, wave) in outlook.waves.iter().enumerate() {
        let wave: Vec<&str> = wave.iter().map(|host| host.name.as_str()).collect();
        plan.steps.push(format!("{when}wave {}: recreate {} on {target}", number + 1, names(&wave)));
    }
    if !outlook.in_use.is_empty() {
        let waiting: Vec<&str> = outlook.in_use.iter().map(|host| host.name.as_str()).collect();
        let until = match group.terms.deadline {
            Some(deadline) => format!("free, or until {}", rfc3339(deadline)),
            None => "free".to_owned(),
        };
        let (are, them) = if waiting.len() == 1 { ("is", "it") } else { ("are", "them") };
        let waiting = names(&waiting);
        plan.steps.push(format!("{when}wait until {waiting} {are} {until}, then recreate {them}"));
    }
    for blocker in &outlook.blockers {
        let held: Vec<&str> = blocker.hosts.iter().map(|name| name.as_str()).collect();
        plan.steps.push(format!("{when}wait for {}, then recreate {}", blocker.name, names(&held)));
        let problem = (&blocker.problem).into();
        plan.blockers.push(BlockerView { provider: blocker.name.clone(), problem });
    }
    plan.hosts.extend(group.hosts.iter().map(|host| host.name.to_string()));
    plan.hosts.sort();
    plan.users.extend(users_on(picture, group.hosts.iter().copied()));
    outlook.bytes
}
