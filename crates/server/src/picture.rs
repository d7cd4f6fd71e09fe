//! One consistent picture of everything: the store's records, what agents say, and the clock.
//!
//! Both the reconciler and the use cases look at this, so that what is decided and what is shown
//! cannot differ.

use crate::{
    app::{bundles, consoles},
    live::{Agent, Live},
};
use diecast_domain::{
    assignment::Assignment,
    code::{Code, Problem},
    distribution::{Desire, ReplicaState, ReplicaView, Status, status},
    host::Host,
    ids::{ProviderId, TemplateId},
    plan::{ProviderInWorld, TemplateInWorld, World},
    pool::Follow,
    provider::{ProviderState, SILENCE_MAX, state},
    recovery::Recovery,
    report::Report,
    template::VersionRef,
    units::Timestamp,
};
use diecast_store::{
    Contact, OperationRecord, ProviderRecord, StoreError, TemplateRecord, VersionRecord, View,
};
use std::collections::BTreeMap;

pub(crate) struct Picture {
    pub(crate) now: Timestamp,
    pub(crate) providers: BTreeMap<ProviderId, ProviderRecord>,
    pub(crate) contacts: BTreeMap<ProviderId, Contact>,
    pub(crate) templates: BTreeMap<TemplateId, TemplateRecord>,
    pub(crate) versions: Vec<VersionRecord>,
    pub(crate) operations: Vec<OperationRecord>,
    pub(crate) agents: BTreeMap<ProviderId, Agent>,
    pub(crate) world: World,
}

impl Picture {
    pub(crate) async fn take(view: &mut View, live: &Live, now: Timestamp) -> Result<Self, StoreError> {
        let providers = view.providers().await?.into_iter().map(|record| (record.id, record)).collect();
        let contacts =
            view.contacts().await?.into_iter().map(|contact| (contact.provider, contact)).collect();
        let templates = view.templates().await?.into_iter().map(|record| (record.id, record)).collect();
        let versions = view.versions().await?;
        let operations = view.operations_waiting().await?;
        let mut agents = live.all();
        let mut picture = Self {
            now,
            providers,
            contacts,
            templates,
            versions,
            operations,
            agents: BTreeMap::new(),
            world: World::default(),
        };
        // A provider that was removed a moment ago may have spoken since.
        agents.retain(|id, _| picture.providers.contains_key(id));
        picture.agents = agents;
        picture.world.hosts = view.hosts().await?;
        picture.world.hosts.sort_by_key(|host| host.id);
        picture.world.recreations = view.recreations_running().await?;
        picture.world.pools = view.pools().await?;
        picture.world.schedules = view.schedules().await?;
        let links = view.site_links().await?.into_iter();
        picture.world.links = links.filter_map(|it| Some((it.link()?, it.limit))).collect();
        picture.world.consoles = consoles::orders(&live.consoles);
        picture.world.bundles = bundles::orders(&live.bundles);
        if view.open_recovery().await?.is_some() {
            let manifests = view.manifests_there().await?;
            picture.world.recovery = Some(Recovery { manifests, ..Recovery::default() });
        }
        picture.fill_providers(live.started);
        picture.fill_templates(view.members().await?);
        Ok(picture)
    }

    fn fill_providers(&mut self, started: Timestamp) {
        for (id, record) in &self.providers {
            let contact = self.contacts.get(id);
            let agent = self.agents.get(id);
            let state = provider_state(contact, agent, started, self.now);
            let known = contact.filter(|contact| contact.state == state);
            let report = agent.and_then(|agent| agent.report.as_deref());
            let facts = report.and_then(|report| report.facts.as_ref());
            let storage = facts.and_then(|facts| {
                facts.storages.iter().find(|storage| storage.name == record.settings.storage)
            });
            let there = ProviderInWorld {
                name: record.name.clone(),
                state,
                since: known.map_or(self.now, |contact| contact.since),
                settings: record.settings.clone(),
                addresses: report.map(|report| report.addresses.clone()).unwrap_or_default(),
                problem: report.and_then(|report| report.hypervisor_problem.clone()),
                storage_free: storage.map(|storage| storage.free),
                storage_capacity: storage.map(|storage| storage.capacity),
                limit: record.limit.clone(),
                scrub: record.scrub.clone(),
                site: record.site.clone(),
            };
            self.world.providers.insert(*id, there);
            let Some(report) = report else { continue };
            self.world.unassigned.insert(*id, report.unassigned.iter().copied().collect());
            for replica in &report.replicas {
                self.world.replicas.insert((*id, replica.digest), replica.clone());
            }
            let hosts = report.hosts.iter().map(|host| (host.id, host.clone()));
            self.world.host_reports.extend(hosts);
            if let Some(recovery) = &mut self.world.recovery {
                self.world.found_on.extend(report.hosts.iter().map(|host| (host.id, *id)));
                self.world.copies_on.extend(report.working_copies.iter().map(|copy| (copy.id, *id)));
                recovery.formers.extend(report.former.iter().map(|former| (*id, (**former).clone())));
            }
            let copies = report.working_copies.iter().map(|copy| (copy.id, copy.clone()));
            self.world.working_copies.extend(copies);
        }
        for record in &self.operations {
            self.world.operations.entry(record.provider).or_default().push(record.operation.clone());
        }
    }

    fn fill_templates(
        &mut self,
        members: Vec<(TemplateId, ProviderId, diecast_domain::distribution::Member)>,
    ) {
        for (id, record) in &self.templates {
            let versions: Vec<VersionRef> =
                self.versions_of(*id).map(|version| version_ref(record, version)).collect();
            let tags =
                self.versions_of(*id).flat_map(|it| it.tags.iter().map(|tag| (tag.clone(), it.number)));
            let current = versions.iter().find(|version| Some(version.number) == record.current).cloned();
            let list = TemplateInWorld {
                maintenance: record.maintenance.clone(),
                discarded: record.discarded.clone(),
                deleting: self.versions_of(*id).filter(|it| it.deleting).map(|it| it.number).collect(),
                tags: tags.collect(),
                numbered: record.numbered,
                keep: record.keep,
                name: record.name.clone(),
                status: record.status,
                concurrency: record.concurrency,
                limit: record.limit.clone(),
                current,
                versions,
                publication: record.publication.clone(),
                members: BTreeMap::new(),
            };
            self.world.templates.insert(*id, list);
        }
        for (template, provider, member) in members {
            if let Some(list) = self.world.templates.get_mut(&template) {
                list.members.insert(provider, member);
            }
        }
    }

    pub(crate) fn report(&self, provider: ProviderId) -> Option<&Report> {
        self.agents.get(&provider)?.report.as_deref()
    }

    pub(crate) fn provider_named(&self, name: &str) -> Result<&ProviderRecord, Problem> {
        self.providers
            .values()
            .find(|record| record.name.as_str() == name)
            .ok_or_else(|| no_such("provider", name))
    }

    pub(crate) fn provider_name(&self, id: ProviderId) -> String {
        self.providers.get(&id).map_or_else(|| id.to_string(), |record| record.name.to_string())
    }

    pub(crate) fn template_named(&self, name: &str) -> Result<&TemplateRecord, Problem> {
        self.templates
            .values()
            .find(|record| record.name.as_str() == name)
            .ok_or_else(|| no_such("template", name))
    }

    pub(crate) fn list(&self, template: TemplateId) -> Option<&TemplateInWorld> {
        self.world.templates.get(&template)
    }

    pub(crate) fn versions_of(&self, template: TemplateId) -> impl Iterator<Item = &VersionRecord> {
        self.versions.iter().filter(move |version| version.template == template)
    }

    pub(crate) fn current(&self, template: &TemplateRecord) -> Option<&VersionRecord> {
        self.versions
            .iter()
            .find(|version| version.template == template.id && Some(version.number) == template.current)
    }

    /// The version that a host should run: its pool's, or its template's current one.
    pub(crate) fn wanted_version(&self, host: &Host) -> Option<u32> {
        let pool = host.pool.and_then(|id| self.world.pools.iter().find(|pool| pool.id == id));
        self.followed(host.template, pool.map_or(&Follow::Newest, |pool| &pool.follow))
    }

    /// Hosts that follow the template's current version, and not a tag or a number.
    pub(crate) fn followers(&self, template: TemplateId) -> impl Iterator<Item = &Host> {
        self.world.hosts.iter().filter(move |host| {
            let pool = host.pool.and_then(|id| self.world.pools.iter().find(|pool| pool.id == id));
            let follows = pool.is_none_or(|pool| pool.follow == Follow::Newest);
            host.template == template && !host.deleting && follows
        })
    }

    /// The number of the version that is followed now, if there is one.
    pub(crate) fn followed(&self, template: TemplateId, follow: &Follow) -> Option<u32> {
        let list = self.list(template)?;
        match follow {
            Follow::Newest => list.current.as_ref().map(|current| current.number),
            Follow::Tag(tag) => list.tags.get(tag).copied(),
            Follow::Pinned(number) => Some(*number),
        }
    }

    /// The number of the version that it runs: what its disks were made from, or are to be.
    pub(crate) fn runs(&self, host: &Host) -> u32 {
        let said = self.world.host_reports.get(&host.id).and_then(|report| report.digest);
        let Some(said) = said.filter(|said| *said != host.digest) else { return host.version };
        let former = host.previous.filter(|former| former.digest == said).map(|former| former.version);
        let number = || self.versions_of(host.template).find(|it| it.digest == said).map(|it| it.number);
        former.or_else(number).unwrap_or(host.version)
    }

    /// It runs another version than it should; also while it is being moved.
    pub(crate) fn is_outdated(&self, host: &Host) -> bool {
        self.wanted_version(host).is_some_and(|wanted| wanted != self.runs(host))
    }

    /// Everybody who is taken to answer has been heard since this server began. Before that, whether
    /// somebody works on a host is known as of yesterday.
    pub(crate) fn has_heard_all(&self) -> bool {
        let heard = |id: &ProviderId| self.agents.get(id).is_some_and(Agent::hearing_began);
        self.world.providers.iter().all(|(id, there)| !there.state.answers() || heard(id))
    }

    pub(crate) fn state(&self, provider: ProviderId) -> ProviderState {
        self.world.providers.get(&provider).map_or(ProviderState::NotAvailable, |there| there.state)
    }

    /// Refuses what needs an answer from a provider that gives none.
    pub(crate) fn must_answer(&self, provider: &ProviderRecord) -> Result<(), Problem> {
        let state = self.state(provider.id);
        if state.answers() {
            return Ok(());
        }
        let problem = self.world.providers.get(&provider.id).and_then(|there| there.problem.clone());
        Err(match (state, problem) {
            (ProviderState::HypervisorSilent, Some(problem)) => problem,
            (ProviderState::HypervisorSilent, None) => Problem::new(
                Code::P0002,
                format!("the hypervisor of {} does not answer its agent", provider.name),
            ),
            (ProviderState::AwaitingAgent, _) => {
                Problem::new(Code::P0001, format!("the agent of {} has never called", provider.name))
            }
            _ => Problem::new(Code::P0001, format!("{} does not answer", provider.name)),
        })
    }

    /// The distribution of a template: its rows and its word.
    pub(crate) fn distribution(&self, template: TemplateId) -> (Vec<(ProviderId, ReplicaView)>, Status) {
        let rows = self.world.views(template);
        let views: Vec<(Desire, ReplicaView)> =
            rows.iter().map(|(_, desire, view)| (*desire, view.clone())).collect();
        (rows.into_iter().map(|(id, _, view)| (id, view)).collect(), status(&views))
    }

    /// Where a host of the current version can be made now.
    pub(crate) fn ready_on(&self, template: TemplateId) -> Vec<ProviderId> {
        let rows = self.world.views(template);
        let ready = rows
            .into_iter()
            .filter(|(_, desire, view)| *desire == Desire::Hold && view.state == ReplicaState::Ready);
        ready.map(|(id, ..)| id).collect()
    }
}

pub(crate) fn version_ref(template: &TemplateRecord, version: &VersionRecord) -> VersionRef {
    VersionRef {
        template: template.id,
        name: template.name.clone(),
        number: version.number,
        digest: version.digest,
    }
}

pub(crate) fn no_such(what: &str, name: &str) -> Problem {
    let shown: String = name.chars().take(80).collect();
    Problem::new(Code::A0004, format!("there is no {what} `{shown}`"))
}

/// As `domain` says it, but for an agent that has not called since this server began: it is given
/// the time to, and stays what it was meanwhile.
fn provider_state(
    contact: Option<&Contact>,
    agent: Option<&Agent>,
    started: Timestamp,
    now: Timestamp,
) -> ProviderState {
    let Some(contact) = contact.filter(|contact| !contact.certificates.is_empty()) else {
        return ProviderState::AwaitingAgent;
    };
    let Some(heard) = agent.and_then(Agent::heard) else {
        let waits = now.since(started) < SILENCE_MAX || contact.state == ProviderState::AwaitingAgent;
        return if waits { contact.state } else { ProviderState::NotAvailable };
    };
    let report = agent.and_then(|agent| agent.report.as_deref());
    let answers = report.is_some_and(|report| report.facts.is_some() && report.hypervisor_problem.is_none());
    state(Some(heard), answers, now)
}

/// What each provider was told last.
pub(crate) async fn told(view: &mut View) -> Result<BTreeMap<ProviderId, Assignment>, StoreError> {
    let all = view.assignments().await?;
    Ok(all.into_iter().map(|assignment| (assignment.orders.provider, assignment)).collect())
}
