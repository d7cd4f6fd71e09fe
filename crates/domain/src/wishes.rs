//! Which wishes are taken: what must hold before an operator's change is written down.
//!
//! Each check is a pure function of one consistent [`World`], to be called in the transaction that
//! writes the wish. A refusal names what stands in the way, so that the operator need not search.

mod maintenance;
mod rolling;

pub use maintenance::{
    may_cancel_maintenance, may_leave_maintenance, may_see_working_copy, may_start_working_copy,
};
pub use rolling::{
    Import, may_activate_version, may_delete_version, may_enter_maintenance, may_import_version,
};

use crate::{
    code::{Code, Problem},
    distribution::Desire,
    ids::{ProviderId, TemplateId},
    names::{HostName, PoolName, ProviderName, TemplateName},
    plan::World,
    retention::{Reason, names},
    template::TemplateStatus,
};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("there is no such template or provider")]
    Unknown,
    #[error("{provider} is not on the distribution list of template `{template}`")]
    NotOnTheList { template: TemplateName, provider: ProviderName },
    #[error("template `{template}` is {}", .status.as_str())]
    NotReady { template: TemplateName, status: TemplateStatus },
    #[error("hosts depend on it: {}", names(.hosts))]
    HostsDepend { hosts: Vec<HostName> },
    #[error("{provider} holds the last verified replica of v{version} of template `{template}`")]
    LastReplica { template: TemplateName, provider: ProviderName, version: u32 },
    #[error("{provider} is publishing template `{template}`")]
    Publishing { template: TemplateName, provider: ProviderName },
    #[error("{provider} is on the distribution lists of {}", names(.templates))]
    OnLists { provider: ProviderName, templates: Vec<TemplateName> },
    #[error("in its present storage {provider} holds {}", names(.templates))]
    HoldsThere { provider: ProviderName, templates: Vec<TemplateName> },
    #[error("template `{template}` is in maintenance: its working copy is on {provider}")]
    MaintenanceDepends { template: TemplateName, provider: String },
    #[error("template `{template}` has been in maintenance {since}, by {author}")]
    InMaintenance { template: TemplateName, author: String, since: String },
    #[error("template `{template}` is not in maintenance")]
    NotInMaintenance { template: TemplateName },
    #[error("pools depend on it: {}", names(.pools))]
    PoolsDepend { pools: Vec<PoolName> },
    #[error("no provider that answers holds v{version} of template `{template}`, verified")]
    HeldByNobody { template: TemplateName, version: u32 },
    #[error("{provider} does not hold v{version} of template `{template}`, verified, or does not answer")]
    NotHeldThere { template: TemplateName, provider: ProviderName, version: u32 },
    #[error("template `{template}` has no version {number}")]
    NoSuchVersion { template: TemplateName, number: u32 },
    #[error("v{number} of template `{template}` is needed: {}", because(.why))]
    VersionNeeded { template: TemplateName, number: u32, why: Vec<Reason> },
    #[error("v{number} of template `{template}` is other content here")]
    OtherContent { template: TemplateName, number: u32 },
    #[error("template `{template}` has had v{newest} already, and the bundle has v{number}")]
    Outnumbered { template: TemplateName, number: u32, newest: u32 },
    #[error("{provider} answers; only what died is forgotten")]
    Answers { provider: ProviderName },
}

fn because(why: &[Reason]) -> String {
    why.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl Refusal {
    /// As an administrator reads it.
    pub fn problem(&self) -> Problem {
        let (code, hint) = match self {
            Self::Unknown | Self::NotOnTheList { .. } | Self::NoSuchVersion { .. } => (Code::A0004, None),
            Self::InMaintenance { .. } => (Code::M0001, None),
            Self::MaintenanceDepends { .. } => (
                Code::A0007,
                Some(
                    "leave or cancel the maintenance first; if its provider died, `diecast maintenance cancel --forget`",
                ),
            ),
            Self::PoolsDepend { .. } => (Code::A0007, Some("delete the pools first")),
            Self::VersionNeeded { .. } => {
                (Code::A0007, Some("move what the message lists to another version first"))
            }
            Self::HeldByNobody { .. } | Self::NotHeldThere { .. } => (Code::H0006, None),
            Self::NotInMaintenance { .. } => (Code::A0010, None),
            Self::HostsDepend { .. } => (
                Code::A0007,
                Some(
                    "delete the hosts first; `distribution remove --when-free` waits for those of one provider",
                ),
            ),
            Self::LastReplica { .. } => (
                Code::A0007,
                Some("wait until another provider on the list is `Ready`, or delete the template"),
            ),
            Self::OnLists { .. } => (
                Code::A0007,
                Some("take it off the lists first; if it died, use `diecast provider remove --forget`"),
            ),
            Self::HoldsThere { .. } => {
                (Code::A0007, Some("take it off the lists first, and add it again afterwards"))
            }
            Self::OtherContent { .. } | Self::Outnumbered { .. } => (Code::T0023, None),
            Self::NotReady { .. } | Self::Publishing { .. } => (Code::A0010, None),
            Self::Answers { .. } => (Code::A0010, Some("remove it without `--forget`")),
        };
        let problem = Problem::new(code, self.to_string());
        match hint {
            Some(hint) => problem.with_hint(hint),
            None => problem,
        }
    }
}

/// Whether `provider` may be taken off the list. With `when_free` its hosts are waited for.
pub fn may_remove_member(
    world: &World,
    template: TemplateId,
    provider: ProviderId,
    when_free: bool,
) -> Result<(), Refusal> {
    let list = world.templates.get(&template).ok_or(Refusal::Unknown)?;
    let there = world.providers.get(&provider).ok_or(Refusal::Unknown)?;
    let (name, on) = (list.name.clone(), there.name.clone());
    if !list.members.contains_key(&provider) {
        return Err(Refusal::NotOnTheList { template: name, provider: on });
    }
    let publishes = list.publication.as_ref().is_some_and(|publication| publication.provider == provider);
    if publishes && list.current.is_none() {
        return Err(Refusal::Publishing { template: name, provider: on });
    }
    let hosts = hosts(world, |host| host.template == template && host.provider == provider);
    if !when_free && !hosts.is_empty() {
        return Err(Refusal::HostsDepend { hosts });
    }
    let works = |provider| list.versions.iter().any(|version| list.worked_on(provider, version.digest));
    if !when_free && works(provider) {
        return Err(Refusal::MaintenanceDepends { template: name, provider: on.to_string() });
    }
    match list.versions.iter().find(|version| world.holds_the_last(provider, template, version)) {
        Some(version) => Err(Refusal::LastReplica { template: name, provider: on, version: version.number }),
        None => Ok(()),
    }
}

/// Whether the template may be deleted, with every replica of it.
pub fn may_delete_template(world: &World, template: TemplateId) -> Result<(), Refusal> {
    let list = world.templates.get(&template).ok_or(Refusal::Unknown)?;
    if let Some(maintenance) = &list.maintenance {
        let provider = world.name_of(maintenance.provider);
        return Err(Refusal::MaintenanceDepends { template: list.name.clone(), provider });
    }
    let pools = world.pools.iter().filter(|pool| pool.template == template);
    let pools: Vec<PoolName> = pools.map(|pool| pool.name.clone()).collect();
    if !pools.is_empty() {
        return Err(Refusal::PoolsDepend { pools });
    }
    let hosts = hosts(world, |host| host.template == template);
    if hosts.is_empty() { Ok(()) } else { Err(Refusal::HostsDepend { hosts }) }
}

/// Whether the provider may be removed altogether. `forget` gives up whatever it holds, and is for
/// one that does not answer.
pub fn may_remove_provider(world: &World, provider: ProviderId, forget: bool) -> Result<(), Refusal> {
    let there = world.providers.get(&provider).ok_or(Refusal::Unknown)?;
    if forget {
        let answers = there.state.answers();
        return if answers { Err(Refusal::Answers { provider: there.name.clone() }) } else { Ok(()) };
    }
    let hosts = hosts(world, |host| host.provider == provider);
    if !hosts.is_empty() {
        return Err(Refusal::HostsDepend { hosts });
    }
    let on = world.templates.values().filter(|list| {
        let publishes = list.publication.as_ref().is_some_and(|publication| publication.provider == provider);
        publishes || list.members.contains_key(&provider)
    });
    let templates: Vec<TemplateName> = on.map(|list| list.name.clone()).collect();
    if templates.is_empty() {
        Ok(())
    } else {
        Err(Refusal::OnLists { provider: there.name.clone(), templates })
    }
}

/// Whether the provider may be given another storage or hypervisor: what it holds would stay behind.
pub fn may_move_storage(world: &World, provider: ProviderId) -> Result<(), Refusal> {
    let there = world.providers.get(&provider).ok_or(Refusal::Unknown)?;
    let hosts = hosts(world, |host| host.provider == provider);
    if !hosts.is_empty() {
        return Err(Refusal::HostsDepend { hosts });
    }
    let holds = |members: &std::collections::BTreeMap<ProviderId, crate::distribution::Member>| {
        members.get(&provider).is_some_and(|member| member.held.is_some())
    };
    let lists = world.templates.values().filter(|list| holds(&list.members));
    let templates: Vec<TemplateName> = lists.map(|list| list.name.clone()).collect();
    if templates.is_empty() {
        Ok(())
    } else {
        Err(Refusal::HoldsThere { provider: there.name.clone(), templates })
    }
}

/// Whether a host of the template's current version may be wished for on `provider`.
pub fn may_create_host(world: &World, template: TemplateId, provider: ProviderId) -> Result<(), Refusal> {
    let list = world.templates.get(&template).ok_or(Refusal::Unknown)?;
    let there = world.providers.get(&provider).ok_or(Refusal::Unknown)?;
    if list.status != TemplateStatus::Ready || list.current.is_none() {
        return Err(Refusal::NotReady { template: list.name.clone(), status: list.status });
    }
    match list.members.get(&provider) {
        Some(member) if member.desire == Desire::Hold => Ok(()),
        _ => Err(Refusal::NotOnTheList { template: list.name.clone(), provider: there.name.clone() }),
    }
}

fn hosts(world: &World, which: impl Fn(&crate::host::Host) -> bool) -> Vec<HostName> {
    world.hosts.iter().filter(|host| which(host)).map(|host| host.name.clone()).collect()
}

#[cfg(test)]
#[path = "wishes_tests.rs"]
mod tests;
