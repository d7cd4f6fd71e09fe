//! What the clock changes, without a report.

use super::{
    Changes, MaintenanceOutcome, Subject, Transition, TransitionKind, damage, host_due, maintenance_due,
    member_due, publication_due, version,
};
use crate::{
    distribution::Member,
    host::Host,
    ids::{HostId, TemplateId},
    plan::{TemplateInWorld, World},
    pool::{self, Pool},
    recreation, schedule,
    template::TemplateStatus,
    units::Timestamp,
};
use std::collections::BTreeSet;

/// Everything that time alone changes: attempts that are due, deleted templates of which nothing is
/// left, what recreations, pools and schedules have to do. Nothing after a restore, until an operator has
/// looked at what differs.
pub fn due(world: &World, now: Timestamp) -> Changes {
    let mut changes = Changes::default();
    if world.recovery.is_some() {
        return changes;
    }
    for (id, list) in &world.templates {
        template_due(world, *id, list, now, &mut changes);
    }
    for recreation in world.recreations.iter().filter(|recreation| !recreation.stage.is_over()) {
        let advanced = recreation::advance(recreation, world, now);
        changes.transitions.extend(advanced.transitions);
        changes.hosts.extend(advanced.hosts.into_iter().map(|host| (host.id, Some(host))));
        if advanced.recreation != *recreation {
            changes.recreations.push(advanced.recreation);
        }
    }
    for due in world.schedules.iter().filter_map(|schedule| schedule::due(schedule, world, now)) {
        changes.transitions.extend(due.transitions);
        changes.schedules.push(due.schedule);
        changes.acts.extend(due.acts);
        changes.recreations.extend(due.recreations);
    }
    world.pools.iter().for_each(|pool| pool_due(world, pool, now, &mut changes));
    hosts_due(world, now, &mut changes);
    changes
}

/// Hosts that a recreation moves in this pass are not the pool's to decide about: a look later.
fn pool_due(world: &World, pool: &Pool, now: Timestamp, changes: &mut Changes) {
    let touched: BTreeSet<HostId> = changes.hosts.iter().map(|(id, _)| *id).collect();
    let of_pool = |host: &&Host| host.pool == Some(pool.id) && !touched.contains(&host.id);
    let mut hosts = world.hosts.iter().filter(of_pool);
    if pool.deleting {
        let going = hosts.filter(|host| !host.deleting).map(|host| Host {
            deleting: true,
            delete_data: host.delete_data || pool.delete_data,
            ..host.clone()
        });
        changes.hosts.extend(going.map(|host| (host.id, Some(host))));
        if world.hosts.iter().all(|host| host.pool != Some(pool.id)) {
            let subject = Subject::Pool(pool.id);
            let sentence = format!("pool `{}` is gone", pool.name);
            let kind = TransitionKind::Removed;
            changes.transitions.push(Transition { kind, subject, sentence, code: None });
            changes.pools.push((pool.id, None));
        }
        return;
    }
    let decision = pool::reconcile(pool, world, now);
    let version = world.templates.get(&pool.template).and_then(|list| pool::version(pool, list));
    for host in hosts.by_ref() {
        let (what, next) = if decision.remove.contains(&host.id) {
            ("is removed", Host { deleting: true, ..host.clone() })
        } else if let Some(version) = version.filter(|_| decision.remake.contains(&host.id)) {
            ("is made again", host.remade(version.number, version.digest))
        } else {
            continue;
        };
        let sentence = format!("host `{}` {what}, for pool `{}`", host.name, pool.name);
        let (kind, subject) = (TransitionKind::Retried, Subject::Host(host.id));
        changes.transitions.push(Transition { kind, subject, sentence, code: None });
        changes.hosts.push((host.id, Some(next)));
    }
    changes.hosts_wanted.extend(decision.make.iter().map(|provider| (pool.id, *provider)));
    if decision.why != pool.problem {
        let subject = Subject::Pool(pool.id);
        let (kind, sentence, code) = match &decision.why {
            Some(why) => (TransitionKind::Failed, why.cause.clone(), Some(why.code)),
            None => (TransitionKind::Done, format!("pool `{}` is at its size", pool.name), None),
        };
        changes.transitions.push(Transition { kind, subject, sentence, code });
        changes.pools.push((pool.id, Some(Pool { problem: decision.why, ..pool.clone() })));
    }
}

/// Hosts whose wish was changed already in this pass have their turn in the next.
fn hosts_due(world: &World, now: Timestamp, changes: &mut Changes) {
    let touched: BTreeSet<HostId> = changes.hosts.iter().map(|(id, _)| *id).collect();
    for host in world.hosts.iter().filter(|host| !touched.contains(&host.id)) {
        let mut change = host_due(host, now);
        change.record = change.record.map(|host| recreation::former_due(world, &host).unwrap_or(host));
        if let Some(changed) = changes.take(host, change) {
            changes.hosts.push((host.id, changed));
        }
    }
}

fn template_due(
    world: &World,
    id: TemplateId,
    list: &TemplateInWorld,
    now: Timestamp,
    changes: &mut Changes,
) {
    let mut outcome = maintenance_due(world, id, list, now);
    if let Some(published) = publication_due(id, list, now) {
        if list.maintenance.is_some() {
            outcome.get_or_insert_with(|| MaintenanceOutcome::of(list)).shows(None);
        }
        changes.transitions.extend(published.transitions);
        changes.publications.push((id, published.status, published.publication));
    }
    changes.maintained(id, list, outcome);
    for (provider, member) in &list.members {
        let name = world.providers.get(provider).map_or("a provider", |there| there.name.as_str());
        let sooner = damage::can_be_mended(world, list, *provider, member);
        let waiting = Member { next_attempt_at: member.next_attempt_at.map(|_| now), ..member.clone() };
        let waiting = if sooner { &waiting } else { member };
        let change = member_due(id, list, *provider, name, waiting, now);
        if let Some(member) = changes.take(member, change) {
            changes.members.push((id, *provider, member));
        }
    }
    version::retire(world, id, list, changes);
    let has_hosts = world.hosts.iter().any(|host| host.template == id);
    let nothing_left = list.members.is_empty() && list.discarded.is_empty() && !has_hosts;
    if list.status == TemplateStatus::Deleting && nothing_left {
        changes.templates_gone.push(id);
        changes.transitions.push(Transition {
            kind: TransitionKind::Removed,
            subject: Subject::Template(id),
            sentence: format!("template `{}` is deleted everywhere", list.name),
            code: None,
        });
    }
}
