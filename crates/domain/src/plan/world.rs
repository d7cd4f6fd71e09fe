//! One consistent picture of everything that the decisions depend on, and what can be read from it.

use super::ToldLinks;
use crate::{
    assignment::{ConsoleOrder, Operation},
    bundle::BundleOrder,
    code::Problem,
    digest::Digest,
    distribution::{Desire, Distribution, Member, ProviderNow, ReplicaView, silence, view},
    host::{Host, HostReport, InUse, in_use},
    ids::{HostId, MaintenanceId, ProviderId, TemplateId},
    limit::Limit,
    maintenance::{Discarded, Maintenance, WorkingCopyReport},
    names::{ProviderName, TemplateName},
    pool::Pool,
    provider::{ProviderSettings, ProviderState},
    recovery::{self, Recovery},
    recreation::Recreation,
    replica::{Phase, ReplicaReport},
    schedule::Schedule,
    scrub::ScrubPolicy,
    site::{self, SiteLink},
    template::{Publication, Tag, TemplateStatus, VersionRef},
    units::{ByteCount, Timestamp},
};
use std::collections::{BTreeMap, BTreeSet};

/// Everything the decisions depend on.
#[derive(Clone, Debug, Default)]
pub struct World {
    pub providers: BTreeMap<ProviderId, ProviderInWorld>,
    pub templates: BTreeMap<TemplateId, TemplateInWorld>,
    pub hosts: Vec<Host>,
    pub operations: BTreeMap<ProviderId, Vec<Operation>>,
    /// What agents last said of the versions they hold.
    pub replicas: BTreeMap<(ProviderId, Digest), ReplicaReport>,
    /// What agents last said of hosts.
    pub host_reports: BTreeMap<HostId, HostReport>,
    /// What agents last said of working copies.
    pub working_copies: BTreeMap<MaintenanceId, WorkingCopyReport>,
    /// Versions that agents hold although no order names them.
    pub unassigned: BTreeMap<ProviderId, BTreeSet<Digest>>,
    /// Screens that somebody wants to see now.
    pub consoles: BTreeMap<ProviderId, Vec<ConsoleOrder>>,
    /// Bundles that somebody writes or reads now.
    pub bundles: BTreeMap<ProviderId, Vec<BundleOrder>>,
    pub recreations: Vec<Recreation>,
    pub pools: Vec<Pool>,
    pub schedules: Vec<Schedule>,
    /// On what crosses between two sites, in each direction.
    pub links: BTreeMap<SiteLink, Limit>,
    /// What each agent was told last of those. Empty in a picture that nobody is told by.
    pub told_links: BTreeMap<ProviderId, ToldLinks>,
    /// Whose report each host is in.
    pub found_on: BTreeMap<HostId, ProviderId>,
    /// Whose report each working copy is in.
    pub copies_on: BTreeMap<MaintenanceId, ProviderId>,
    /// The server was restored from a backup, and nobody has finished looking at what differs.
    pub recovery: Option<Recovery>,
}

#[derive(Clone, Debug)]
pub struct ProviderInWorld {
    pub name: ProviderName,
    pub state: ProviderState,
    pub since: Timestamp,
    pub settings: ProviderSettings,
    pub addresses: Vec<String>,
    pub problem: Option<Problem>,
    /// Of the storage that it is told to use, as it said last.
    pub storage_free: Option<ByteCount>,
    pub storage_capacity: Option<ByteCount>,
    /// On all that it receives of versions, and on all that it sends.
    pub limit: Option<Limit>,
    pub scrub: ScrubPolicy,
    pub site: Option<String>,
}

#[derive(Clone, Debug)]
pub struct TemplateInWorld {
    pub name: TemplateName,
    pub status: TemplateStatus,
    /// Providers that may receive it at a time.
    pub concurrency: u32,
    /// On each transfer of it.
    pub limit: Option<Limit>,
    pub current: Option<VersionRef>,
    /// Every version there is, the current one included.
    pub versions: Vec<VersionRef>,
    pub publication: Option<Publication>,
    pub maintenance: Option<Maintenance>,
    /// Working copies that are to go.
    pub discarded: Vec<Discarded>,
    /// Numbers of versions that are to go everywhere.
    pub deleting: BTreeSet<u32>,
    pub tags: BTreeMap<Tag, u32>,
    /// The highest number that a version of it ever had: none is given twice.
    pub numbered: u32,
    /// Newest versions that retention keeps; 0: all.
    pub keep: u32,
    pub members: BTreeMap<ProviderId, Member>,
}

impl ProviderInWorld {
    /// What its site is called.
    pub fn site(&self) -> &str {
        self.site.as_deref().unwrap_or(site::UNNAMED)
    }

    fn now(&self) -> ProviderNow<'_> {
        ProviderNow {
            name: self.name.as_str(),
            state: self.state,
            since: self.since,
            problem: self.problem.as_ref(),
        }
    }

    /// Why nothing is heard of it, while it does not answer, and what to check.
    pub fn silence(&self) -> Problem {
        silence(self.now())
    }
}

impl TemplateInWorld {
    /// The version of this number that is to stay.
    pub fn version(&self, number: u32) -> Option<&VersionRef> {
        let staying = |version: &&VersionRef| version.number == number && !self.deleting.contains(&number);
        self.versions.iter().find(staying)
    }

    /// Whether its working copy, or what is left of one, stands on `digest` there.
    pub fn worked_on(&self, provider: ProviderId, digest: Digest) -> bool {
        let base = |it: &Maintenance| it.provider == provider && it.base.digest == digest;
        let left = |it: &Discarded| it.provider == provider && it.base == digest;
        self.maintenance.as_ref().is_some_and(base) || self.discarded.iter().any(left)
    }
}

impl World {
    /// How one member stands. None if it is on no such list.
    pub fn view(&self, template: TemplateId, provider: ProviderId) -> Option<ReplicaView> {
        let template = self.templates.get(&template)?;
        let member = template.members.get(&provider)?;
        let there = self.providers.get(&provider)?;
        let now = there.now();
        let report =
            template.current.as_ref().and_then(|current| self.replicas.get(&(provider, current.digest)));
        let mut view = view(member, now, template.current.as_ref(), report);
        if view.moving && member.desire == Desire::Hold && template.status == TemplateStatus::Failed {
            nothing_to_bring(&mut view, template.publication.as_ref());
        }
        if view.moving && self.recovery.is_some() {
            view.moving = false;
            view.progress = Distribution::Failed;
            view.phase = Some(Phase::Queued);
            view.problem = Some(recovery::waits());
        }
        Some(view)
    }

    /// Every member of a list with its desire, in the order of the providers' names.
    pub fn views(&self, template: TemplateId) -> Vec<(ProviderId, Desire, ReplicaView)> {
        let Some(list) = self.templates.get(&template) else {
            return Vec::new();
        };
        let mut rows: Vec<_> = list
            .members
            .iter()
            .filter_map(|(id, member)| Some((*id, member.desire, self.view(template, *id)?)))
            .collect();
        rows.sort_by_key(|(id, ..)| self.providers.get(id).map(|provider| provider.name.clone()));
        rows
    }

    /// Where a provider stands. Those that name no site are one site together.
    pub fn site_of(&self, provider: ProviderId) -> &str {
        self.providers.get(&provider).map_or(site::UNNAMED, ProviderInWorld::site)
    }

    /// The providers that answer and can give every frame of `digest`.
    pub fn holders(&self, digest: Digest) -> impl Iterator<Item = ProviderId> + '_ {
        self.replicas.iter().filter_map(move |((provider, held), report)| {
            (*held == digest && report.has_whole() && self.answers(*provider)).then_some(*provider)
        })
    }

    pub fn answers(&self, provider: ProviderId) -> bool {
        self.providers.get(&provider).is_some_and(|there| there.state.answers())
    }

    /// Every byte of `digest` was verified on `provider`, it is registered there, and it answers.
    pub fn is_ready_on(&self, provider: ProviderId, digest: Digest) -> bool {
        let said = self.replicas.get(&(provider, digest));
        self.answers(provider) && said.is_some_and(ReplicaReport::is_ready)
    }

    /// Some provider that answers holds `digest`, verified.
    pub fn is_ready_somewhere(&self, digest: Digest) -> bool {
        self.providers.keys().any(|provider| self.is_ready_on(*provider, digest))
    }

    /// What the server calls a provider.
    pub fn name_of(&self, provider: ProviderId) -> String {
        self.providers.get(&provider).map_or_else(|| provider.to_string(), |there| there.name.to_string())
    }

    /// What the agent of a host last said of it, and whether it can be said now.
    pub fn in_use(&self, host: &Host) -> InUse {
        in_use(self.host_reports.get(&host.id), self.answers(host.provider))
    }

    /// Whether an overlay that is no host's stands on the files of `digest` there: a working copy, or
    /// what is left of one.
    pub fn worked_on(&self, provider: ProviderId, digest: Digest) -> bool {
        self.templates.values().any(|list| list.worked_on(provider, digest))
    }

    /// Hosts on `provider` that stand on `digest`.
    pub fn hosts_on(&self, provider: ProviderId, digest: Digest) -> impl Iterator<Item = &Host> {
        self.hosts.iter().filter(move |host| host.provider == provider && host.stands_on(digest))
    }

    /// Whether taking `version` from `provider` would leave a template or a host without a verified
    /// replica: any of the same content, for the bytes are what is needed. Only one that stays on a
    /// list, answers and is `Ready` now counts as another: what a silent provider still has is a hope.
    pub fn holds_the_last(&self, provider: ProviderId, template: TemplateId, version: &VersionRef) -> bool {
        let Some(list) = self.templates.get(&template) else {
            return false;
        };
        let digest = version.digest;
        let is_current = |list: &TemplateInWorld| list.current.as_ref().is_some_and(|it| it.digest == digest);
        let mut staying = self.templates.values().filter(|list| list.status != TemplateStatus::Deleting);
        let needed = staying.clone().any(is_current) || self.hosts.iter().any(|host| host.stands_on(digest));
        let ready_and_staying = |(id, member): (&ProviderId, &Member)| {
            *id != provider && member.desire == Desire::Hold && self.is_ready_on(*id, digest)
        };
        let another = staying.any(|list| list.members.iter().any(ready_and_staying));
        let remembered = |member: &Member| member.held.is_some_and(|held| held.digest == digest);
        // A version just published is remembered of nobody: then anyone may be the one that has it.
        let unknown = is_current(list) && !list.members.values().any(remembered);
        let has_it = list.members.get(&provider).is_some_and(remembered)
            || (unknown && list.status != TemplateStatus::Deleting)
            || self.replicas.get(&(provider, digest)).is_some_and(|there| there.verified_at.is_some());
        // Another template that keeps the same bytes right here loses nothing.
        let hosts_keep_it = self.hosts_on(provider, digest).any(|host| host.template != template);
        let kept_here = hosts_keep_it
            || self.templates.iter().any(|(id, other)| {
                let holds = other.members.get(&provider).is_some_and(|member| member.desire == Desire::Hold);
                *id != template && other.status != TemplateStatus::Deleting && holds && is_current(other)
            });
        needed && has_it && !another && !kept_here
    }

    /// Who may fetch `digest`: whoever is to hold it, or has hosts that need it.
    pub(super) fn readers(&self, digest: Digest) -> BTreeSet<ProviderId> {
        let lists = self.templates.values();
        let with_it = lists.filter(|list| list.versions.iter().any(|version| version.digest == digest));
        let members = with_it.flat_map(|list| &list.members);
        let wanting = members.filter(|(id, member)| {
            member.desire == Desire::Hold || self.hosts_on(**id, digest).next().is_some()
        });
        wanting.map(|(id, _)| *id).collect()
    }
}

/// The publication that everybody on the list waits for has failed: until its next attempt begins,
/// nothing moves anywhere, and its cause is everybody's.
fn nothing_to_bring(view: &mut ReplicaView, publication: Option<&Publication>) {
    view.moving = false;
    view.progress = Distribution::Failed;
    view.phase = Some(Phase::Failed);
    view.problem = publication.and_then(|publication| publication.problem.clone());
    view.next_attempt_at = publication.and_then(|publication| publication.next_attempt_at);
}
