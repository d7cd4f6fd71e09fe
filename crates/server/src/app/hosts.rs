//! Hosts: deploying, showing, starting, stopping, deleting them.

use crate::{
    app::{
        App,
        authorise::Action,
        cx::Cx,
        etag::{self, Tagged},
        host_draft::{self, HostDraft},
        idempotency::{self, Key},
        operations, page, plans,
        refused::Refused,
    },
    picture::{Picture, no_such},
};
use diecast_api::{
    operator::{
        host::{CreateHosts, HostList, HostView},
        operation::OperationView,
        template::PlanView,
    },
    time::rfc3339,
};
use diecast_domain::{
    assignment::Act,
    code::Code,
    host::{Host, HostKind, HostReport, in_use, status},
    ids::{HostId, ProviderId},
    names::HostName,
    pattern::{HOSTS_PER_REQUEST_MAX, NamePattern},
    placement::{Candidate, spread},
    template::TemplateStatus,
    units::ByteCount,
    wishes::may_create_host,
};
use std::collections::BTreeSet;

/// Which hosts; what is left out is not asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) template: Option<String>,
    pub(crate) provider: Option<String>,
}

impl App {
    pub(crate) async fn hosts(&self, cx: &Cx, filter: &Filter, ask: &page::Ask) -> Result<HostList, Refused> {
        cx.may(Action::Read)?;
        let picture = self.picture().await?;
        let template = filter.template.as_deref().map(|name| picture.template_named(name)).transpose()?;
        let provider = filter.provider.as_deref().map(|name| picture.provider_named(name)).transpose()?;
        let lets = |host: &&Host| {
            template.is_none_or(|it| it.id == host.template)
                && provider.is_none_or(|it| it.id == host.provider)
        };
        let mut all: Vec<&Host> = picture.world.hosts.iter().filter(lets).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        let (page, next) = ask.cut(all, |host| host.name.to_string())?;
        Ok(HostList { items: page.into_iter().map(|host| view(&picture, host)).collect(), next })
    }

    pub(crate) async fn host(&self, cx: &Cx, name: &str) -> Result<Tagged<HostView>, Refused> {
        cx.may(Action::Read)?;
        let picture = self.picture().await?;
        let host = named(&picture, name)?;
        Ok(Tagged { etag: etag::of(host), value: view(&picture, host) })
    }

    pub(crate) async fn plan_hosts(&self, cx: &Cx, asked: &CreateHosts) -> Result<PlanView, Refused> {
        cx.may(Action::Read)?;
        let picture = self.picture().await?;
        let places = places(&picture, asked)?;
        let kind = kind(asked).as_str();
        let step = |(name, id): &(HostName, ProviderId)| {
            format!("make {kind} host `{name}` of `{}` on {}", asked.template, picture.provider_name(*id))
        };
        Ok(plans::plan(places.iter().map(step).collect(), &[]))
    }

    pub(crate) async fn create_hosts(
        &self,
        cx: &Cx,
        asked: &CreateHosts,
        key: Option<&Key>,
    ) -> Result<HostList, Refused> {
        cx.may(Action::ChangeHosts)?;
        let (mut change, mut picture) = self.begin().await?;
        if let Some(made) = idempotency::repeated(&mut change, cx, key).await? {
            let made: BTreeSet<&str> = made.split(' ').collect();
            let mut all: Vec<&Host> =
                picture.world.hosts.iter().filter(|host| made.contains(host.name.as_str())).collect();
            all.sort_by(|a, b| a.name.cmp(&b.name));
            return Ok(HostList {
                items: all.into_iter().map(|host| view(&picture, host)).collect(),
                next: None,
            });
        }
        let places = places(&picture, asked)?;
        let record = picture.template_named(&asked.template)?;
        let version = picture
            .current(record)
            .ok_or_else(|| {
                Refused::new(Code::A0010, format!("template `{}` has no version yet", record.name))
            })?
            .clone();
        let mut made = Vec::new();
        let mut events = Vec::new();
        for (name, provider) in places {
            let draft = HostDraft {
                name,
                provider,
                version: &version,
                kind: kind(asked),
                setup: Default::default(),
                pool: None,
            };
            let host = host_draft::add(&mut change, draft, cx.now).await.map_err(Refused::unforeseen)?;
            let sentence = format!(
                "host `{}` of `{}` is to be made on {}",
                host.name,
                asked.template,
                picture.provider_name(provider)
            );
            events.push(cx.event("host.created", "host", host.name.as_str(), sentence));
            made.push(host);
        }
        let names: Vec<&str> = made.iter().map(|host| host.name.as_str()).collect();
        idempotency::remember(&mut change, cx, key, &names.join(" ")).await?;
        self.finish(change, events).await?;
        picture.world.hosts.extend(made.iter().cloned());
        Ok(HostList { items: made.iter().map(|host| view(&picture, host)).collect(), next: None })
    }

    /// Marks it: it is gone when its agent says that nothing of it is left.
    pub(crate) async fn delete_host(
        &self,
        cx: &Cx,
        name: &str,
        if_match: Option<&str>,
    ) -> Result<(), Refused> {
        cx.may(Action::ChangeHosts)?;
        let (mut change, picture) = self.begin().await?;
        let host = named(&picture, name)?;
        etag::check(if_match, host, &format!("host `{name}`"))?;
        if host.deleting {
            return Ok(());
        }
        change.put_host(&Host { deleting: true, problem: None, ..host.clone() }).await?;
        let event = cx.event("host.deleting", "host", name, format!("host `{name}` is to be deleted"));
        self.finish(change, vec![event]).await?;
        Ok(())
    }

    pub(crate) async fn start_host(&self, cx: &Cx, name: &str) -> Result<OperationView, Refused> {
        self.operate(cx, name, "start", |host| Act::StartHost { host }).await
    }

    pub(crate) async fn stop_host(&self, cx: &Cx, name: &str, force: bool) -> Result<OperationView, Refused> {
        self.operate(cx, name, "stop", |host| Act::StopHost { host, force }).await
    }

    async fn operate(
        &self,
        cx: &Cx,
        name: &str,
        what: &str,
        act: impl FnOnce(HostId) -> Act,
    ) -> Result<OperationView, Refused> {
        cx.may(Action::Operate)?;
        let (mut change, picture) = self.begin().await?;
        let host = named(&picture, name)?;
        if host.deleting || !host.made {
            let state = if host.deleting { "being deleted" } else { "not made yet" };
            return Err(Refused::new(Code::A0010, format!("host `{name}` is {state}")));
        }
        let provider =
            picture.providers.get(&host.provider).ok_or_else(|| no_such("provider of host", name))?;
        picture.must_answer(provider)?;
        let record =
            operations::begin(&mut change, cx, host.provider, act(host.id), Some(name.to_owned())).await?;
        let event = cx.event(&format!("host.{what}"), "host", name, format!("host `{name}` is to {what}"));
        self.finish(change, vec![event]).await?;
        Ok(operations::view(&picture, &record))
    }
}

fn named<'a>(picture: &'a Picture, name: &str) -> Result<&'a Host, Refused> {
    let host = picture.world.hosts.iter().find(|host| host.name.as_str() == name);
    host.ok_or_else(|| no_such("host", name).into())
}

const fn kind(asked: &CreateHosts) -> HostKind {
    if asked.full { HostKind::Full } else { HostKind::Linked }
}

/// What each host is called and where it goes.
fn places(picture: &Picture, asked: &CreateHosts) -> Result<Vec<(HostName, ProviderId)>, Refused> {
    if !(1..=HOSTS_PER_REQUEST_MAX).contains(&asked.count) {
        let cause = format!("`count` is {}; it may be 1 to {HOSTS_PER_REQUEST_MAX}", asked.count);
        return Err(Refused::malformed(cause));
    }
    let template = picture.template_named(&asked.template)?;
    if template.status != TemplateStatus::Ready {
        let cause = format!("template `{}` is {}", template.name, template.status.as_str());
        return Err(Refused::new(Code::A0010, cause));
    }
    let ready = picture.ready_on(template.id);
    let mut wanted = Vec::new();
    for name in &asked.providers {
        let id = picture.provider_named(name)?.id;
        may_create_host(&picture.world, template.id, id)?;
        if !ready.contains(&id) {
            let cause = format!("{name} holds no verified replica of `{}` now", template.name);
            return Err(Refused::new(Code::H0006, cause));
        }
        if !wanted.contains(&id) {
            wanted.push(id);
        }
    }
    let candidates = if asked.providers.is_empty() { ready } else { wanted };
    let candidates: Vec<Candidate> = candidates.into_iter().map(|id| candidate(picture, id)).collect();
    if candidates.is_empty() {
        let cause = format!("no provider that answers holds a verified replica of `{}`", template.name);
        return Err(Refused::new(Code::H0006, cause));
    }
    let names = names(picture, asked)?;
    let count = names.len();
    Ok(names.into_iter().zip(spread(count, &candidates)).collect())
}

/// From the pattern; one host may also be named outright.
fn names(picture: &Picture, asked: &CreateHosts) -> Result<Vec<HostName>, Refused> {
    let taken: BTreeSet<HostName> = picture.world.hosts.iter().map(|host| host.name.clone()).collect();
    if asked.count == 1
        && let Ok(name) = asked.name.parse::<HostName>()
    {
        if taken.contains(&name) {
            return Err(Refused::new(Code::A0005, format!("there is a host `{name}` already")));
        }
        return Ok(vec![name]);
    }
    let pattern: NamePattern = asked.name.parse().map_err(|error| Refused::malformed(format!("{error}")))?;
    let names = pattern.free_names(&taken, asked.count as usize);
    names.map_err(|error| Refused::new(Code::A0005, error.to_string()))
}

fn candidate(picture: &Picture, provider: ProviderId) -> Candidate {
    let hosts = picture.world.hosts.iter().filter(|host| host.provider == provider).count();
    let pool = picture.providers.get(&provider).map(|record| record.settings.storage.as_str());
    let storages =
        picture.report(provider).and_then(|it| it.facts.as_ref()).map(|facts| facts.storages.as_slice());
    let storage = storages.unwrap_or_default().iter().find(|storage| Some(storage.name.as_str()) == pool);
    Candidate { provider, hosts, free: storage.map_or(ByteCount::ZERO, |storage| storage.free) }
}

fn view(picture: &Picture, host: &Host) -> HostView {
    let answers = picture.state(host.provider).answers();
    let said = picture.report(host.provider).and_then(|it| it.hosts.iter().find(|it| it.id == host.id));
    let report: Option<&HostReport> = said.filter(|_| answers);
    let template = picture.templates.get(&host.template);
    HostView {
        id: host.id.to_string(),
        name: host.name.to_string(),
        template: template.map(|it| it.name.to_string()).unwrap_or_default(),
        provider: picture.provider_name(host.provider),
        kind: host.kind.as_str().to_owned(),
        version: host.version,
        outdated: picture.is_outdated(host),
        in_use: in_use(report, answers).as_str().to_owned(),
        users: report.and_then(|it| it.users.clone()).unwrap_or_default(),
        pool: None,
        incarnation: host.incarnation,
        setup: Default::default(),
        status: status(host, report, answers).as_str().to_owned(),
        power: report.and_then(|it| it.power).map(|power| power.as_str().to_owned()),
        addresses: report.map(|it| it.addresses.clone()).unwrap_or_default(),
        macs: host.macs.iter().map(ToString::to_string).collect(),
        guest_agent: report.is_some_and(|it| it.guest_agent),
        guest_name: report.and_then(|it| it.guest_name.clone()),
        created_at: rfc3339(host.created_at),
        attempts: host.attempt,
        next_attempt_at: host.next_attempt_at.map(rfc3339),
        problem: host.problem.as_ref().or(report.and_then(|it| it.problem.as_ref())).map(Into::into),
    }
}
