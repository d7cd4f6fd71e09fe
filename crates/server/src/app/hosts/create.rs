//! Deploying hosts: what is asked, checked, then written down as wishes.

use super::view::row;
use crate::{
    app::{
        App,
        authorise::Action,
        cx::Cx,
        host_defaults::{self, Wanted},
        host_draft::{self, HostDraft},
        idempotency::{self, Key},
        named_version::{current_version, named_version},
        plans,
        refused::Refused,
    },
    picture::Picture,
};
use diecast_api::operator::{
    host::{CreateHosts, HostList, HostView},
    template::{BlockerView, PlanView},
};
use diecast_domain::{
    code::{Code, Problem},
    distribution::Desire,
    host::{Host, HostKind, HostSetup},
    ids::ProviderId,
    names::HostName,
    pattern::{HOSTS_PER_REQUEST_MAX, NamePattern},
    placement::{Candidate, spread},
    replica::ReplicaReport,
    template::TemplateStatus,
    units::ByteCount,
    wishes::may_create_host,
};
use diecast_store::{TemplateRecord, VersionRecord};
use std::collections::BTreeSet;

/// A creation that was checked.
struct Wish<'a> {
    template: &'a TemplateRecord,
    version: &'a VersionRecord,
    kind: HostKind,
    setup: HostSetup,
    /// What each is called and where it goes.
    places: Vec<(HostName, ProviderId)>,
}

impl App {
    pub(crate) async fn plan_hosts(&self, cx: &Cx, asked: &CreateHosts) -> Result<PlanView, Refused> {
        cx.may(Action::Read)?;
        let picture = self.picture().await?;
        let wish = wish(&picture, asked)?;
        let steps = wish.places.iter().map(|(name, provider)| {
            let (kind, template) = (wish.kind.as_str(), &wish.template.name);
            let of = match wish.template.current == Some(wish.version.number) {
                true => String::new(),
                false => format!(" v{}", wish.version.number),
            };
            let data = wish.setup.data_disk.map(|size| format!(", with a data disk of {size}"));
            let on = picture.provider_name(*provider);
            format!("make {kind} host `{name}` of `{template}`{of} on {on}{}", data.unwrap_or_default())
        });
        let plan = plans::plan(steps.collect(), &[]);
        let hosts = wish.places.iter().map(|(name, _)| name.to_string()).collect();
        Ok(PlanView { hosts, blockers: blockers(&picture, &wish), ..plan })
    }

    pub(crate) async fn create_hosts(
        &self,
        cx: &Cx,
        asked: &CreateHosts,
        key: Option<&Key>,
    ) -> Result<HostList, Refused> {
        cx.may(Action::ChangeHosts)?;
        let (mut change, picture) = self.begin().await?;
        if let Some(made) = idempotency::repeated(&mut change, cx, key).await? {
            return Ok(made_before(&picture, &made));
        }
        let wish = wish(&picture, asked)?;
        let mut made = Vec::new();
        let mut events = Vec::new();
        for (name, provider) in wish.places {
            let draft = HostDraft {
                name,
                provider,
                version: wish.version,
                kind: wish.kind,
                setup: wish.setup.clone(),
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
        Ok(whole(made.iter().map(|host| row(&picture, host)).collect()))
    }
}

fn whole(items: Vec<HostView>) -> HostList {
    let total = u32::try_from(items.len()).unwrap_or(u32::MAX);
    HostList { items, next: None, total }
}

/// Those of them that are still there.
fn made_before(picture: &Picture, names: &str) -> HostList {
    let made: BTreeSet<&str> = names.split(' ').collect();
    let mut all: Vec<&Host> =
        picture.world.hosts.iter().filter(|host| made.contains(host.name.as_str())).collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    whole(all.into_iter().map(|host| row(picture, host)).collect())
}

fn wish<'a>(picture: &'a Picture, asked: &CreateHosts) -> Result<Wish<'a>, Refused> {
    if !(1..=HOSTS_PER_REQUEST_MAX).contains(&asked.count) {
        let cause = format!("`count` is {}; it may be 1 to {HOSTS_PER_REQUEST_MAX}", asked.count);
        return Err(Refused::malformed(cause));
    }
    let template = picture.template_named(&asked.template)?;
    let Wanted { name, kind, setup } = host_defaults::wanted(template, asked)?;
    if template.status != TemplateStatus::Ready {
        let cause = format!("template `{}` is {}", template.name, template.status.as_str());
        return Err(Refused::new(Code::A0010, cause));
    }
    let version = match asked.version.as_deref() {
        Some(text) => named_version(picture, template, text)?,
        None => current_version(picture, template)?,
    };
    let candidates: Vec<Candidate> = candidates(picture, asked, template, version)?
        .into_iter()
        .map(|provider| candidate(picture, provider))
        .collect();
    let names = names(picture, &name, asked.count)?;
    let count = names.len();
    let places = names.into_iter().zip(spread(count, &candidates)).collect();
    Ok(Wish { template, version, kind, setup, places })
}

/// Where it can be made now: wherever the version is, or where it is asked for and the version is.
fn candidates(
    picture: &Picture,
    asked: &CreateHosts,
    template: &TemplateRecord,
    version: &VersionRecord,
) -> Result<Vec<ProviderId>, Refused> {
    let ready = ready_with(picture, template, version);
    let mut wanted = Vec::new();
    for name in &asked.providers {
        let id = picture.provider_named(name)?.id;
        may_create_host(&picture.world, template.id, id)?;
        if !ready.contains(&id) {
            return Err(lacks(picture, id, template, version).into());
        }
        if !wanted.contains(&id) {
            wanted.push(id);
        }
    }
    let found = if asked.providers.is_empty() { ready } else { wanted };
    if found.is_empty() {
        let cause = format!(
            "no provider that answers holds a verified replica of v{} of `{}`",
            version.number, template.name
        );
        return Err(Refused::new(Code::H0006, cause));
    }
    Ok(found)
}

fn lacks(picture: &Picture, id: ProviderId, template: &TemplateRecord, version: &VersionRecord) -> Problem {
    let name = picture.provider_name(id);
    let cause = format!("{name} holds no verified replica of v{} of `{}` now", version.number, template.name);
    Problem::new(Code::H0006, cause)
}

/// The providers where a host of `version` can be made now.
fn ready_with(picture: &Picture, template: &TemplateRecord, version: &VersionRecord) -> Vec<ProviderId> {
    if template.current == Some(version.number) {
        return picture.ready_on(template.id);
    }
    let members = picture.list(template.id).map(|list| &list.members).into_iter().flatten();
    let holds = members.filter(|(id, member)| {
        let replica = picture.world.replicas.get(&(**id, version.digest));
        let ready = replica.is_some_and(ReplicaReport::is_ready) && picture.state(**id).answers();
        member.desire == Desire::Hold && ready
    });
    holds.map(|(id, _)| *id).collect()
}

/// Who on the list takes no host now, and why.
fn blockers(picture: &Picture, wish: &Wish<'_>) -> Vec<BlockerView> {
    let ready = ready_with(picture, wish.template, wish.version);
    let members = picture.list(wish.template.id).map(|list| &list.members).into_iter().flatten();
    let others = members.filter(|(id, member)| member.desire == Desire::Hold && !ready.contains(id));
    let mut blockers: Vec<BlockerView> = others
        .filter_map(|(id, _)| {
            let record = picture.providers.get(id)?;
            let problem = picture.must_answer(record).err();
            let problem = problem.unwrap_or_else(|| lacks(picture, *id, wish.template, wish.version));
            Some(BlockerView { provider: record.name.to_string(), problem: (&problem).into() })
        })
        .collect();
    blockers.sort_by(|a, b| a.provider.cmp(&b.provider));
    blockers
}

/// From the pattern; one host may also be named outright.
fn names(picture: &Picture, wanted: &str, count: u32) -> Result<Vec<HostName>, Refused> {
    let taken: BTreeSet<HostName> = picture.world.hosts.iter().map(|host| host.name.clone()).collect();
    if count == 1
        && let Ok(name) = wanted.parse::<HostName>()
    {
        if taken.contains(&name) {
            return Err(Refused::new(Code::A0005, format!("there is a host `{name}` already")));
        }
        return Ok(vec![name]);
    }
    let pattern: NamePattern = wanted.parse().map_err(|error| Refused::malformed(format!("{error}")))?;
    let names = pattern.free_names(&taken, count as usize);
    names.map_err(|error| Refused::new(Code::A0005, error.to_string()))
}

fn candidate(picture: &Picture, provider: ProviderId) -> Candidate {
    let hosts = picture.world.hosts.iter().filter(|host| host.provider == provider).count();
    let free = picture.world.providers.get(&provider).and_then(|there| there.storage_free);
    Candidate { provider, hosts, free: free.unwrap_or(ByteCount::ZERO) }
}
