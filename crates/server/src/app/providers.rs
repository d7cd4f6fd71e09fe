//! Providers: adding, showing, changing, removing them.

use crate::{
    app::{
        App,
        authorise::Action,
        cx::Cx,
        etag::{self, Tagged},
        idempotency::{self, Key},
        integrity, limits, page,
        refused::Refused,
    },
    picture::Picture,
    secret,
};
use diecast_api::{
    operator::provider::{
        AddProvider, ChangeProvider, FactsView, JoinView, LoadView, NetworkView, ProviderList, ProviderView,
        StorageView,
    },
    time::rfc3339,
};
use diecast_domain::{
    code::{Code, Problem},
    distribution::Desire,
    ids::ProviderId,
    limit::LimitedBy,
    names::ProviderName,
    protocol::{Age, age},
    provider::{NetworkKind, ProviderFacts, ProviderKind, ProviderSettings, ProviderState},
    site::UNNAMED,
    template::TemplateStatus,
    units::Timestamp,
    wishes::{may_move_storage, may_remove_provider},
};
use diecast_store::{Change, Contact, EnrolmentToken, ProviderRecord};
use std::{collections::BTreeMap, time::Duration};
use uuid::Uuid;

/// How long a token to enrol works.
pub(crate) const ENROLMENT_LIFE: Duration = Duration::from_secs(24 * 3600);
/// Mappings or labels of one provider.
const PAIRS_MAX: usize = 100;
/// A label, a pool's name, a URI: each goes into a command line somewhere.
const TEXT_LENGTH_MAX: usize = 255;

impl App {
    pub(crate) async fn providers(&self, cx: &Cx, ask: &page::Ask) -> Result<ProviderList, Refused> {
        cx.may(Action::Read)?;
        let picture = self.picture().await?;
        let mut all: Vec<&ProviderRecord> = picture.providers.values().collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        let (records, next) = ask.cut(all, |record| record.name.to_string())?;
        Ok(ProviderList { items: records.into_iter().map(|record| view(&picture, record)).collect(), next })
    }

    pub(crate) async fn provider(&self, cx: &Cx, name: &str) -> Result<Tagged<ProviderView>, Refused> {
        cx.may(Action::Read)?;
        let picture = self.picture().await?;
        let record = picture.provider_named(name)?;
        Ok(Tagged { etag: etag::of(record), value: view(&picture, record) })
    }

    pub(crate) async fn add_provider(
        &self,
        cx: &Cx,
        asked: AddProvider,
        key: Option<&Key>,
    ) -> Result<JoinView, Refused> {
        cx.may(Action::ChangeProviders)?;
        let name: ProviderName = asked.name.parse()?;
        let mut change = self.store().change().await?;
        let repeated = idempotency::repeated(&mut change, cx, key).await?;
        if let Some(before) = change.provider_named(name.as_str()).await? {
            // The token was said once and is not kept: whoever asks again gets a new one.
            if repeated.is_some() {
                return self.join(cx, change, &before, Vec::new()).await;
            }
            return Err(Refused::new(Code::A0005, format!("there is a provider `{name}` already")));
        }
        if asked.kind != ProviderKind::Libvirt.as_str() {
            return Err(Refused::malformed(format!(
                "`{}` is no kind of provider; use `libvirt`",
                short(&asked.kind)
            )));
        }
        let settings = ProviderSettings { uri: asked.uri, storage: asked.storage, networks: asked.networks };
        let record = ProviderRecord {
            id: ProviderId::from_uuid(Uuid::now_v7()),
            name,
            kind: ProviderKind::Libvirt,
            settings,
            site: asked.site,
            labels: asked.labels,
            created_at: cx.now,
            scrub: Default::default(),
            limit: limits::wish(asked.limit.as_deref(), None)?,
        };
        check(&record)?;
        change.put_provider(&record).await?;
        let contact = Contact {
            provider: record.id,
            state: ProviderState::AwaitingAgent,
            since: cx.now,
            certificates: Vec::new(),
            certificate_expires_at: None,
        };
        change.put_contact(&contact).await?;
        idempotency::remember(&mut change, cx, key, record.name.as_str()).await?;
        let event = cx.event(
            "provider.added",
            "provider",
            record.name.as_str(),
            format!("provider {} was added", record.name),
        );
        self.join(cx, change, &record, vec![event]).await
    }

    /// A new token for an agent that is to enrol, or to enrol anew.
    pub(crate) async fn rejoin_provider(&self, cx: &Cx, name: &str) -> Result<JoinView, Refused> {
        cx.may(Action::ChangeProviders)?;
        let (change, picture) = self.begin().await?;
        let record = picture.provider_named(name)?;
        let event =
            cx.event("provider.rejoin", "provider", name, format!("a new token to join was made for {name}"));
        self.join(cx, change, record, vec![event]).await
    }

    async fn join(
        &self,
        cx: &Cx,
        mut change: Change,
        provider: &ProviderRecord,
        events: Vec<diecast_store::NewEvent>,
    ) -> Result<JoinView, Refused> {
        let token = secret::token("dcj");
        let kept =
            EnrolmentToken { provider: provider.id, expires_at: cx.now + ENROLMENT_LIFE, used_by: None };
        change.put_enrolment_token(&secret::token_hash(&token), &kept).await?;
        self.finish(change, events).await?;
        let server = self.url().to_owned();
        let ca_fingerprint = self.authority().fingerprint().to_string();
        let join = format!(
            "diecast-agent join --server {server} --ca-fingerprint {ca_fingerprint} --token {token} --start"
        );
        Ok(JoinView {
            name: provider.name.to_string(),
            server,
            ca_fingerprint,
            token,
            expires_at: rfc3339(kept.expires_at),
            join,
        })
    }

    pub(crate) async fn change_provider(
        &self,
        cx: &Cx,
        name: &str,
        asked: ChangeProvider,
        if_match: Option<&str>,
    ) -> Result<Tagged<ProviderView>, Refused> {
        cx.may(Action::ChangeProviders)?;
        let (mut change, mut picture) = self.begin().await?;
        let before = picture.provider_named(name)?.clone();
        etag::check(if_match, &before, &format!("provider `{name}`"))?;
        let mut record = before.clone();
        record.settings.uri = asked.uri.unwrap_or(record.settings.uri);
        record.settings.storage = asked.storage.unwrap_or(record.settings.storage);
        merge(&mut record.settings.networks, asked.networks);
        merge(&mut record.labels, asked.labels);
        record.limit = limits::wish(asked.limit.as_deref(), record.limit)?;
        if let Some(scrub) = &asked.scrub {
            record.scrub = integrity::changed(&record.scrub, scrub)?;
        }
        if let Some(site) = asked.site {
            record.site = Some(site).filter(|site| !site.is_empty());
        }
        check(&record)?;
        let (now, then) = (&record.settings, &before.settings);
        if (&now.uri, &now.storage) != (&then.uri, &then.storage) {
            may_move_storage(&picture.world, record.id)?;
        }
        if record != before {
            change.put_provider(&record).await?;
            let event =
                cx.event("provider.changed", "provider", name, format!("provider {name} was changed"));
            self.finish(change, vec![event]).await?;
        }
        picture.providers.insert(record.id, record.clone());
        Ok(Tagged { etag: etag::of(&record), value: view(&picture, &record) })
    }

    pub(crate) async fn remove_provider(
        &self,
        cx: &Cx,
        name: &str,
        forget: bool,
        if_match: Option<&str>,
    ) -> Result<(), Refused> {
        cx.may(Action::ChangeProviders)?;
        let (mut change, picture) = self.begin().await?;
        let record = picture.provider_named(name)?;
        etag::check(if_match, record, &format!("provider `{name}`"))?;
        may_remove_provider(&picture.world, record.id, forget)?;
        let mut events = Vec::new();
        for host in picture.world.hosts.iter().filter(|host| host.provider == record.id) {
            change.delete_host(host.id).await?;
            let sentence = format!("host `{}` was given up with {name}", host.name);
            events.push(cx.event("host.forgotten", "host", host.name.as_str(), sentence));
        }
        give_up_publications(&mut change, &picture, record).await?;
        change.delete_provider(record.id).await?;
        let what = if forget { "forgotten" } else { "removed" };
        events.push(cx.event("provider.removed", "provider", name, format!("provider {name} was {what}")));
        self.finish(change, events).await?;
        self.live().forget(record.id);
        self.told().forget(record.id);
        Ok(())
    }
}

/// What was being read on a provider that is given up cannot be read any more.
async fn give_up_publications(
    change: &mut Change,
    picture: &Picture,
    provider: &ProviderRecord,
) -> Result<(), Refused> {
    for template in picture.templates.values() {
        let mut template = template.clone();
        let Some(publication) = template.publication.as_mut().filter(|it| it.provider == provider.id) else {
            continue;
        };
        let cause = format!("{} was given up while it was reading {}", provider.name, publication.source);
        publication.problem = Some(
            Problem::new(Code::P0001, cause)
                .with_hint("delete the template, and create it from another provider"),
        );
        publication.next_attempt_at = None;
        if template.current.is_none() && template.status != TemplateStatus::Deleting {
            template.status = TemplateStatus::Failed;
        }
        change.put_template(&template).await?;
    }
    Ok(())
}

/// Takes `changes` into `pairs`; an empty value takes a pair away.
fn merge(pairs: &mut BTreeMap<String, String>, changes: BTreeMap<String, String>) {
    for (key, value) in changes {
        if value.is_empty() {
            pairs.remove(&key);
        } else {
            pairs.insert(key, value);
        }
    }
}

fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

/// Everything that an operator typed, before it is stored and told to an agent.
fn check(record: &ProviderRecord) -> Result<(), Refused> {
    let settings = &record.settings;
    if settings.networks.len() > PAIRS_MAX || record.labels.len() > PAIRS_MAX {
        return Err(Refused::malformed(format!("more than {PAIRS_MAX} networks or labels")));
    }
    let pairs = settings.networks.iter().chain(&record.labels);
    let mut texts: Vec<(&str, &str)> =
        pairs.flat_map(|(key, value)| [("a name", key.as_str()), ("a value", value.as_str())]).collect();
    texts.extend([("`uri`", settings.uri.as_str()), ("`storage`", settings.storage.as_str())]);
    texts.extend(record.site.iter().map(|site| ("`site`", site.as_str())));
    if record.site.as_deref() == Some(UNNAMED) {
        let cause = format!("`{UNNAMED}` stands for those that name no site: give the site another name");
        return Err(Refused::malformed(cause));
    }
    for (what, text) in texts {
        if text.is_empty() || text.len() > TEXT_LENGTH_MAX || text.chars().any(char::is_control) {
            let cause = format!(
                "{what} is empty, too long or has control characters: `{}`",
                short(text).escape_debug()
            );
            return Err(Refused::malformed(cause));
        }
    }
    if !settings.uri.starts_with("qemu") {
        let cause =
            format!("`{}` is no address of a libvirt hypervisor that runs QEMU", short(&settings.uri));
        return Err(Refused::new(Code::P0010, cause).with_status(400));
    }
    Ok(())
}

pub(crate) fn view(picture: &Picture, record: &ProviderRecord) -> ProviderView {
    let there = picture.world.providers.get(&record.id);
    let agent = picture.agents.get(&record.id);
    let report = picture.report(record.id);
    let aged = report.map(|it| age(it.protocol, &it.agent_version, env!("CARGO_PKG_VERSION")));
    let contact = picture.contacts.get(&record.id);
    let holds = |list: &&diecast_domain::plan::TemplateInWorld| {
        list.members.get(&record.id).is_some_and(|member| member.desire == Desire::Hold)
    };
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let rival = agent.is_some_and(|agent| agent.has_rival(picture.now)).then(|| {
        Problem::new(Code::P0009, format!("a second agent calls itself {}; it is refused", record.name))
    });
    let silence = picture.must_answer(record).err().filter(|_| contact.is_some());
    let held = integrity::held_by(picture, record.id);
    ProviderView {
        id: record.id.to_string(),
        name: record.name.to_string(),
        kind: record.kind.as_str().to_owned(),
        uri: record.settings.uri.clone(),
        storage: record.settings.storage.clone(),
        networks: record.settings.networks.clone(),
        site: record.site.clone(),
        labels: record.labels.clone(),
        state: picture.state(record.id).as_str().to_owned(),
        since: rfc3339(there.map_or(Timestamp::default(), |there| there.since)),
        problem: rival.or(silence).as_ref().map(Into::into),
        agent_version: report.map(|report| report.agent_version.clone()),
        agent_age: aged.map(|age| age.as_str().to_owned()),
        agent_outdated: aged == Some(Age::Older),
        addresses: report.map(|report| report.addresses.clone()).unwrap_or_default(),
        facts: report.and_then(|report| report.facts.as_ref()).map(facts),
        load: report
            .and_then(|report| report.load)
            .map(|load| LoadView { processors: load.processors, memory: load.memory }),
        templates: count(picture.world.templates.values().filter(holds).count()),
        hosts: count(picture.world.hosts.iter().filter(|host| host.provider == record.id).count()),
        certificate_expires_at: contact.and_then(|contact| contact.certificate_expires_at).map(rfc3339),
        unassigned: report
            .map(|report| report.unassigned.iter().map(ToString::to_string).collect())
            .unwrap_or_default(),
        scrub: Some(integrity::scrub(picture, record)),
        verified_at: integrity::oldest(held.iter().map(|held| &held.verified_at)),
        held,
        limit: record.limit.as_ref().map(ToString::to_string),
        limited: limits::view(LimitedBy::Provider(record.name.clone()), record.limit.as_ref(), picture.now),
    }
}

fn facts(facts: &ProviderFacts) -> FactsView {
    let firmware = [
        (facts.firmware.bios, "bios"),
        (facts.firmware.uefi, "uefi"),
        (facts.firmware.secure_boot, "secure-boot"),
    ];
    FactsView {
        hypervisor: facts.hypervisor.clone(),
        cpu_model: facts.cpu.model.clone(),
        cpu_count: facts.cpu.count,
        memory_bytes: facts.memory.0,
        hardware_acceleration: facts.hardware_acceleration,
        firmware: firmware
            .iter()
            .filter(|(offered, _)| *offered)
            .map(|(_, name)| (*name).to_owned())
            .collect(),
        storages: facts
            .storages
            .iter()
            .map(|storage| StorageView {
                name: storage.name.clone(),
                path: storage.path.clone(),
                active: storage.active,
                capacity_bytes: storage.capacity.0,
                free_bytes: storage.free.0,
            })
            .collect(),
        networks: facts
            .networks
            .iter()
            .map(|network| NetworkView {
                name: network.name.clone(),
                kind: match network.kind {
                    NetworkKind::Bridge => "bridge",
                    NetworkKind::Network => "network",
                }
                .to_owned(),
                active: network.active,
            })
            .collect(),
    }
}
