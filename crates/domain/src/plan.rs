//! From wishes and reports to orders: what each agent should hold and run. Pure, total, and run
//! unchanged in the simulator.
//!
//! [`World`] is one consistent picture, read afresh each time. [`orders`] says what one provider is
//! told; the server stores it under a new generation when it differs from what was told before.

use crate::{
    assignment::{
        ConsoleOrder, Deletion, HostOrder, Operation, Orders, PublicationOrder, Readers, ReplicaOrder,
    },
    digest::Digest,
    distribution::{Desire, Distribution, Member, ProviderNow, ReplicaView, view},
    host::{Host, HostReport},
    ids::{HostId, MaintenanceId, ProviderId, TemplateId},
    maintenance::{Discarded, Maintenance, WorkingCopyReport},
    names::{ProviderName, TemplateName},
    pool::Pool,
    provider::{ProviderSettings, ProviderState, Source},
    recreation::Recreation,
    replica::{Phase, ReplicaReport},
    schedule::Schedule,
    template::{Publication, Tag, TemplateStatus, VersionRef},
    units::{ByteCount, Timestamp},
};
use std::collections::{BTreeMap, BTreeSet};

/// Providers that receive one template at a time, unless the operator says otherwise. Peers carry
/// for each other, so more at once does not load the source more.
pub const CONCURRENCY_DEFAULT: u32 = 8;
/// Sources named to one receiver: enough to survive the loss of some, few enough to be probed fast.
pub const SOURCES_MAX: usize = 4;

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
    pub recreations: Vec<Recreation>,
    pub pools: Vec<Pool>,
    pub schedules: Vec<Schedule>,
}

#[derive(Clone, Debug)]
pub struct ProviderInWorld {
    pub name: ProviderName,
    pub state: ProviderState,
    pub since: Timestamp,
    pub settings: ProviderSettings,
    pub addresses: Vec<String>,
    pub problem: Option<crate::code::Problem>,
    /// Of the storage that it is told to use, as it said last.
    pub storage_free: Option<ByteCount>,
    pub storage_capacity: Option<ByteCount>,
}

#[derive(Clone, Debug)]
pub struct TemplateInWorld {
    pub name: TemplateName,
    pub status: TemplateStatus,
    /// Providers that may receive it at a time.
    pub concurrency: u32,
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
    /// Newest versions that retention keeps; 0: all.
    pub keep: u32,
    pub members: BTreeMap<ProviderId, Member>,
}

impl World {
    /// How one member stands. None if it is on no such list.
    pub fn view(&self, template: TemplateId, provider: ProviderId) -> Option<ReplicaView> {
        let template = self.templates.get(&template)?;
        let member = template.members.get(&provider)?;
        let there = self.providers.get(&provider)?;
        let now = ProviderNow {
            name: there.name.as_str(),
            state: there.state,
            since: there.since,
            problem: there.problem.as_ref(),
        };
        let report =
            template.current.as_ref().and_then(|current| self.replicas.get(&(provider, current.digest)));
        let mut view = view(member, now, template.current.as_ref(), report);
        if view.moving && member.desire == Desire::Hold && template.status == TemplateStatus::Failed {
            nothing_to_bring(&mut view, template.publication.as_ref());
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

    /// The providers that hold `digest` whole and verified, and answer.
    fn holders(&self, digest: Digest) -> impl Iterator<Item = ProviderId> + '_ {
        self.replicas.iter().filter_map(move |((provider, held), report)| {
            let whole =
                matches!(report.phase, Phase::Registering | Phase::Ready) && report.verified_at.is_some();
            let answers = self.providers.get(provider).is_some_and(|there| there.state.answers());
            (*held == digest && whole && answers).then_some(*provider)
        })
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
            let answers = self.providers.get(id).is_some_and(|there| there.state.answers());
            let ready = self.replicas.get(&(*id, digest)).is_some_and(ReplicaReport::is_ready);
            *id != provider && member.desire == Desire::Hold && answers && ready
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
    fn readers(&self, digest: Digest) -> BTreeSet<ProviderId> {
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

/// What `provider` is told. None if there is no such provider.
pub fn orders(world: &World, provider: ProviderId) -> Option<Orders> {
    let there = world.providers.get(&provider)?;
    let mut orders = Orders::none(provider, there.name.clone(), there.settings.clone());
    for (id, template) in &world.templates {
        publication(template, provider, &mut orders);
        replicas(world, *id, template, provider, &mut orders);
    }
    hosts(world, provider, &mut orders);
    orders.operations = world.operations.get(&provider).cloned().unwrap_or_default();
    same_content(&mut orders);
    orders.deletions.sort();
    Some(orders)
}

/// Two templates may have the very same content, and an agent holds it once: it is ordered once,
/// and kept while either of them wants it.
fn same_content(orders: &mut Orders) {
    let mut once: Vec<ReplicaOrder> = Vec::new();
    for order in orders.replicas.drain(..) {
        match once.iter_mut().find(|there| there.version.digest == order.version.digest) {
            Some(there) => {
                there.go |= order.go;
                there.attempt = there.attempt.max(order.attempt);
            }
            None => once.push(order),
        }
    }
    orders.deletions.retain(|deletion| match deletion {
        Deletion::Replica { version } => !once.iter().any(|order| order.version.digest == version.digest),
        Deletion::Host { .. } | Deletion::SetAside { .. } | Deletion::WorkingCopy { .. } => true,
    });
    orders.replicas = once;
}

fn publication(template: &TemplateInWorld, provider: ProviderId, orders: &mut Orders) {
    let due = template.publication.as_ref().filter(|publication| {
        publication.provider == provider && template.status != TemplateStatus::Deleting
    });
    if let Some(publication) = due {
        orders.publications.push(PublicationOrder {
            id: publication.id,
            template: template.name.clone(),
            source: publication.source.clone(),
            attempt: publication.attempt,
        });
    }
}

fn replicas(
    world: &World,
    id: TemplateId,
    template: &TemplateInWorld,
    provider: ProviderId,
    orders: &mut Orders,
) {
    let Some(member) = template.members.get(&provider) else {
        return;
    };
    let leaving = template.status == TemplateStatus::Deleting || member.desire != Desire::Hold;
    for version in &template.versions {
        let is_current = template.current.as_ref() == Some(version);
        let needed_by_hosts = world.hosts_on(provider, version.digest).any(|host| host.template == id);
        if leaving && !needed_by_hosts && !world.holds_the_last(provider, id, version) {
            orders.deletions.push(Deletion::Replica { version: version.clone() });
            continue;
        }
        // An older version is kept where it is, and not brought where it is not.
        let said = world.replicas.get(&(provider, version.digest));
        let holds = said.is_some_and(ReplicaReport::is_ready);
        // Silence takes nobody's turn: what runs there is not stopped because nobody hears of it.
        let unheard = !world.providers.get(&provider).is_some_and(|there| there.state.answers())
            && said.is_some_and(|said| under_way(said.phase));
        if !is_current && !holds && !needed_by_hosts {
            continue;
        }
        orders.replicas.push(ReplicaOrder {
            version: version.clone(),
            attempt: member.attempt,
            go: holds || unheard || needed_by_hosts || (is_current && turns(world, id).contains(&provider)),
            sources: sources(world, version.digest, provider),
        });
        let readers: Vec<ProviderId> =
            world.readers(version.digest).into_iter().filter(|reader| *reader != provider).collect();
        if !readers.is_empty() {
            orders.readers.push(Readers { digest: version.digest, providers: readers });
        }
    }
}

/// The members whose turn it is, under the template's concurrency. Those under way keep their turn;
/// those that wait for a retry or do not answer take none, so nobody's trouble holds up another.
pub fn turns(world: &World, template: TemplateId) -> BTreeSet<ProviderId> {
    let Some(list) = world.templates.get(&template) else {
        return BTreeSet::new();
    };
    let mut moving: Vec<_> = world
        .views(template)
        .into_iter()
        .filter(|(_, desire, view)| *desire == Desire::Hold && view.moving)
        .collect();
    moving.sort_by_key(|(_, _, view)| !view.phase.is_some_and(under_way));
    moving.into_iter().take(list.concurrency.max(1) as usize).map(|(id, ..)| id).collect()
}

/// Begun and not over.
fn under_way(phase: Phase) -> bool {
    phase.is_moving() && phase != Phase::Queued
}

/// Whom to ask for `digest`: holders, each receiver beginning with another one.
fn sources(world: &World, digest: Digest, receiver: ProviderId) -> Vec<Source> {
    let mut holders: Vec<ProviderId> = world.holders(digest).filter(|id| *id != receiver).collect();
    if !holders.is_empty() {
        let first = world.providers.keys().position(|id| *id == receiver).unwrap_or(0);
        let count = holders.len();
        holders.rotate_left(first % count);
    }
    holders
        .into_iter()
        .filter_map(|id| {
            let there = world.providers.get(&id)?;
            Some(Source { provider: id, name: there.name.clone(), addresses: there.addresses.clone() })
        })
        .take(SOURCES_MAX)
        .collect()
}

fn hosts(world: &World, provider: ProviderId, orders: &mut Orders) {
    for host in world.hosts.iter().filter(|host| host.provider == provider) {
        if host.deleting {
            orders.deletions.push(Deletion::Host { host: host.id, data: host.delete_data });
            continue;
        }
        let version = world
            .templates
            .get(&host.template)
            .and_then(|template| template.versions.iter().find(|version| version.digest == host.digest));
        if let Some(version) = version {
            orders.hosts.push(HostOrder {
                id: host.id,
                name: host.name.clone(),
                version: version.clone(),
                kind: host.kind,
                macs: host.macs.clone(),
                attempt: host.attempt,
                made: host.made,
                incarnation: host.incarnation,
                restores: host.restores,
                setup: host.setup.clone(),
            });
        }
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
