//! How everything stands now, from the picture that the reconciler decides by too.

use super::page::{Kind, Page};
use crate::{live::Agent, picture::Picture};
use diecast_domain::{
    alarm::{Alarm, AlarmKind, Severity},
    distribution::{Desire, Distribution, ReplicaState},
    host::{HostStatus, status},
    ids::ProviderId,
    provider::ProviderState,
    replica::Phase,
    report::{Report, Traffic},
    template::TemplateStatus,
    units::Timestamp,
};
use std::collections::BTreeMap;

/// Characters of an agent's version that are shown: it is what an agent said.
const VERSION_LENGTH_MAX: usize = 32;

/// `started` is when this server began: before, nobody was heard.
pub(super) fn write(page: &mut Page, picture: &Picture, started: Timestamp) {
    let version = env!("CARGO_PKG_VERSION");
    let help = "The server's release; the value is always 1.";
    page.family("diecast_build_info", Kind::Gauge, help).sample(&[("version", version)], 1.0);
    providers(page, picture, started);
    let heard: Vec<_> = picture.agents.iter().filter(|(_, agent)| agent.hearing_began()).collect();
    let reports: Vec<Heard<'_>> = heard
        .into_iter()
        .filter_map(|(id, agent)| Some(Heard { id: *id, name: name(picture, *id)?, report: report(agent)? }))
        .collect();
    storage(page, picture, &reports);
    traffic(page, picture, &reports);
    verification(page, picture, &reports);
    templates(page, picture);
    hosts(page, picture);
}

/// An agent that has said something since this server began.
struct Heard<'a> {
    id: ProviderId,
    name: &'a str,
    report: &'a Report,
}

fn report(agent: &Agent) -> Option<&Report> {
    agent.report.as_deref()
}

fn name(picture: &Picture, id: ProviderId) -> Option<&str> {
    picture.providers.get(&id).map(|record| record.name.as_str())
}

/// A gauge of how many there are in each state, those in which there is none included: an alert on
/// something that is not there never fires.
fn count<'a>(
    page: &mut Page,
    metric: (&'static str, &'a str),
    help: &str,
    states: impl IntoIterator<Item = &'a str>,
    found: impl IntoIterator<Item = &'a str>,
) {
    let mut counts: BTreeMap<&str, u64> = states.into_iter().map(|state| (state, 0)).collect();
    for state in found {
        *counts.entry(state).or_default() += 1;
    }
    let (metric, label) = metric;
    let mut family = page.family(metric, Kind::Gauge, help);
    for (state, count) in counts {
        family.sample(&[(label, state)], count as f64);
    }
}

fn providers(page: &mut Page, picture: &Picture, started: Timestamp) {
    use ProviderState::*;
    let there = || picture.world.providers.iter();
    let states = [AwaitingAgent, Available, HypervisorSilent, NotAvailable].map(ProviderState::as_str);
    let found = there().map(|(_, provider)| provider.state.as_str());
    count(page, ("diecast_providers", "state"), "Providers, by their state.", states, found);
    let help = "Whether the provider's agent calls and its hypervisor answers: 1 or 0.";
    let mut family = page.family("diecast_provider_available", Kind::Gauge, help);
    for (_, provider) in there() {
        let available = f64::from(u8::from(provider.state.answers()));
        family.sample(&[("provider", provider.name.as_str())], available);
    }
    let help = "Since the provider's agent was last heard; at least so long, if not since the server began.";
    let mut family = page.family("diecast_agent_silence_seconds", Kind::Gauge, help);
    for (id, provider) in there().filter(|(_, provider)| provider.state != AwaitingAgent) {
        let heard = picture.agents.get(id).and_then(Agent::heard).unwrap_or(started);
        let silence = picture.now.since(heard).as_secs_f64();
        family.sample(&[("provider", provider.name.as_str())], silence);
    }
    let help = "When the certificate of the provider's agent ends, Unix time.";
    let mut family = page.family("diecast_agent_certificate_expiry_timestamp_seconds", Kind::Gauge, help);
    for (id, provider) in there() {
        let contact = picture.contacts.get(id);
        let Some(expires) = contact.and_then(|contact| contact.certificate_expires_at) else { continue };
        family.sample(&[("provider", provider.name.as_str())], expires.0 as f64 / 1000.0);
    }
    let versions = picture.agents.values().filter_map(report).map(|report| {
        let end = report.agent_version.char_indices().nth(VERSION_LENGTH_MAX);
        &report.agent_version[..end.map_or(report.agent_version.len(), |(end, _)| end)]
    });
    count(page, ("diecast_agents", "version"), "Agents, by their release.", [], versions);
}

fn storage(page: &mut Page, picture: &Picture, reports: &[Heard<'_>]) {
    let sizes = |heard: &Heard<'_>| {
        let provider = picture.world.providers.get(&heard.id)?;
        Some((provider.storage_free?, provider.storage_capacity?))
    };
    let help = "Free space in the storage where the provider keeps templates and hosts.";
    let mut family = page.family("diecast_storage_free_bytes", Kind::Gauge, help);
    for heard in reports {
        let Some((free, _)) = sizes(heard) else { continue };
        family.sample(&[("provider", heard.name)], free.0 as f64);
    }
    let help = "The size of that storage.";
    let mut family = page.family("diecast_storage_capacity_bytes", Kind::Gauge, help);
    for heard in reports {
        let Some((_, capacity)) = sizes(heard) else { continue };
        family.sample(&[("provider", heard.name)], capacity.0 as f64);
    }
}

fn traffic(page: &mut Page, picture: &Picture, reports: &[Heard<'_>]) {
    let help = "Bytes since the agent began: received from and sent to peers over the network, copied \
                from other versions there, left out as holes, verified by reading them back.";
    let mut family = page.family("diecast_traffic_bytes_total", Kind::Counter, help);
    for heard in reports {
        let Traffic { received, sent, copied, holes, verified } = heard.report.traffic;
        let kinds = [
            ("received", received),
            ("sent", sent),
            ("copied", copied),
            ("holes", holes),
            ("verified", verified),
        ];
        for (kind, bytes) in kinds {
            family.sample(&[("provider", heard.name), ("kind", kind)], bytes.0 as f64);
        }
    }
    let help = "How fast the provider's disks are being filled now, whichever way.";
    let mut family = page.family("diecast_transfer_rate_bytes_per_second", Kind::Gauge, help);
    for heard in reports.iter().filter(|heard| picture.state(heard.id).answers()) {
        let moving = heard.report.replicas.iter().filter(|replica| replica.phase == Phase::Transferring);
        let rate: u64 = moving.map(|replica| replica.progress.rate.0).sum();
        family.sample(&[("provider", heard.name)], rate as f64);
    }
    let phases = Phase::ALL.into_iter().filter(|phase| *phase != Phase::Absent).map(Phase::as_str);
    let found = reports.iter().flat_map(|heard| &heard.report.replicas).map(|it| it.phase.as_str());
    let help = "Replicas of every version as agents report them, by phase.";
    count(page, ("diecast_replica_phases", "phase"), help, phases, found);
}

fn verification(page: &mut Page, picture: &Picture, reports: &[Heard<'_>]) {
    let help = "Since the longest unverified replica of the provider was last read whole and matched.";
    let mut family = page.family("diecast_replica_oldest_verification_age_seconds", Kind::Gauge, help);
    for heard in reports {
        let whole = heard.report.replicas.iter().filter(|replica| replica.is_ready());
        let Some(oldest) = whole.filter_map(|replica| replica.verified_at).min() else { continue };
        family.sample(&[("provider", heard.name)], picture.now.since(oldest).as_secs_f64());
    }
}

fn templates(page: &mut Page, picture: &Picture) {
    use TemplateStatus::*;
    let all = [Creating, Ready, EnteringMaintenance, Maintenance, LeavingMaintenance, Failed, Deleting];
    let found = picture.templates.values().map(|record| record.status.as_str());
    let help = "Templates, by their status.";
    count(page, ("diecast_templates", "status"), help, all.map(TemplateStatus::as_str), found);
    let mut words = Vec::new();
    let mut replicas = Vec::new();
    for (id, record) in &picture.templates {
        let (_, whole) = picture.distribution(*id);
        words.push(whole.word.as_str());
        let mut counts = [ReplicaState::Ready, ReplicaState::NotAvailable, ReplicaState::NeedsUpdate]
            .map(|state| (state, 0_u64));
        let rows = picture.world.views(*id).into_iter().filter(|(_, desire, _)| *desire == Desire::Hold);
        for (.., view) in rows {
            counts.iter_mut().filter(|(state, _)| *state == view.state).for_each(|(_, count)| *count += 1);
        }
        replicas.push((record.name.as_str(), counts));
    }
    let all = [
        Distribution::RemovingProvider,
        Distribution::AddingProvider,
        Distribution::Distributing,
        Distribution::Failed,
        Distribution::Ok,
    ];
    let help = "Templates, by how their distribution stands.";
    count(page, ("diecast_distributions", "distribution"), help, all.map(Distribution::as_str), words);
    let help = "Providers that are to hold the template's current version, by the state of it there.";
    let mut family = page.family("diecast_replicas", Kind::Gauge, help);
    for (template, counts) in replicas {
        for (state, count) in counts {
            family.sample(&[("template", template), ("state", state.as_str())], count as f64);
        }
    }
}

fn hosts(page: &mut Page, picture: &Picture) {
    use HostStatus::*;
    let all = [Creating, Preparing, Ready, Off, Recreating, FailedToCreate, Deleting, Missing, Unknown];
    let found = picture.world.hosts.iter().map(|host| {
        let answers = picture.state(host.provider).answers();
        let report = picture.world.host_reports.get(&host.id).filter(|_| answers);
        status(host, report, answers).as_str()
    });
    count(page, ("diecast_hosts", "status"), "Hosts, by their status.", all.map(HostStatus::as_str), found);
    let outdated = picture.world.hosts.iter().filter(|host| picture.is_outdated(host)).count();
    let help = "Hosts that should run another version than they do.";
    page.gauge("diecast_hosts_outdated", help, outdated as f64);
}

/// Every kind, also those of which none stands.
pub(super) fn alarms(page: &mut Page, alarms: &[Alarm]) {
    let kinds = AlarmKind::ALL.iter().map(|kind| kind.as_str());
    let found = alarms.iter().map(|alarm| alarm.kind.as_str());
    count(page, ("diecast_alarms", "kind"), "Alarms that stand, by what is not well.", kinds, found);
    let severities = [Severity::Warning, Severity::Critical].map(Severity::as_str);
    let found = alarms.iter().map(|alarm| alarm.severity.as_str());
    let help = "Alarms that stand, by how soon to look at them.";
    count(page, ("diecast_alarms_by_severity", "severity"), help, severities, found);
}
