//! What creating, changing or deleting a pool would do.

use super::{
    settings::{places, room},
    view::{follows, hosts, too_many},
};
use crate::{
    app::{
        hosts::{undecided, view::users_on},
        plans::{self, counted},
    },
    picture::Picture,
};
use diecast_api::operator::template::{BlockerView, PlanView};
use diecast_domain::{
    code::{Code, Problem},
    host::{Host, HostKind},
    ids::ProviderId,
    pool::{Decision, Pool, reconcile},
    units::ByteCount,
};
use diecast_store::VersionRecord;
use std::collections::BTreeMap;

/// `20 hosts`, or `10 to 60 hosts`.
pub(super) fn between(pool: &Pool) -> String {
    let most = counted(pool.max as usize, "host");
    if pool.min == pool.max { most } else { format!("{} to {most}", pool.min) }
}

/// The pool as it would be, `before` it was so.
pub(super) fn of(picture: &Picture, before: Option<&Pool>, pool: &Pool) -> PlanView {
    let mut steps = match before {
        Some(before) => differences(picture, before, pool),
        None => vec![format!("keep {} in pool `{}`", between(pool), pool.name)],
    };
    let found = reconcile(pool, &picture.world, picture.now);
    let mut by_provider: BTreeMap<String, usize> = BTreeMap::new();
    for provider in &found.make {
        *by_provider.entry(picture.provider_name(*provider)).or_default() += 1;
    }
    let kind = pool.kind.as_str();
    for (provider, count) in by_provider {
        steps.push(format!("make {} on {provider}", counted(count, &format!("{kind} host"))));
    }
    for host in picture.world.hosts.iter().filter(|host| found.remake.contains(&host.id)) {
        steps.push(format!("make host `{}` again on {}", host.name, picture.provider_name(host.provider)));
    }
    steps.extend(plans::written(disks(picture, pool, &found)));
    let surplus: Vec<&Host> = picture.world.hosts.iter().filter(|it| found.remove.contains(&it.id)).collect();
    for host in &surplus {
        steps.push(format!("remove host `{}` from {}", host.name, picture.provider_name(host.provider)));
    }
    let mut obstacles: Vec<Problem> = too_many(picture, pool, &found).into_iter().collect();
    obstacles.extend(found.why);
    if let Some(room) = room(picture, pool).filter(|room| *room < pool.max) {
        let cause = format!(
            "pool `{}` may have {} hosts, and its providers take {room} of them",
            pool.name, pool.max
        );
        obstacles.push(Problem::new(Code::L0001, cause));
    }
    let plan = plans::plan(steps, &obstacles);
    let names = surplus.iter().map(|host| host.name.to_string()).collect();
    let users = users_on(picture, surplus.iter().copied());
    // Hosts are made of what is on their providers already.
    PlanView { hosts: names, users, blockers: blockers(picture, pool), bytes_network: Some(0), ..plan }
}

/// What its next full hosts occupy: a whole copy each of the version that it follows.
fn disks(picture: &Picture, pool: &Pool, found: &Decision) -> ByteCount {
    let remade = |host: &&Host| found.remake.contains(&host.id) && host.kind == HostKind::Full;
    let remade = picture.world.hosts.iter().filter(remade).count();
    let made = if pool.kind == HostKind::Full { found.make.len() } else { 0 };
    let each = followed(picture, pool).map_or(ByteCount::ZERO, |version| version.size.data_bytes);
    ByteCount(each.0.saturating_mul((made + remade) as u64))
}

fn followed<'a>(picture: &'a Picture, pool: &Pool) -> Option<&'a VersionRecord> {
    let number = picture.followed(pool.template, &pool.follow);
    picture.versions_of(pool.template).find(|version| Some(version.number) == number)
}

/// Who of its providers takes no host now, and why.
fn blockers(picture: &Picture, pool: &Pool) -> Vec<BlockerView> {
    let version = followed(picture, pool);
    let blocker = |id: ProviderId| {
        let record = picture.providers.get(&id)?;
        let lacks = || {
            let version = version.filter(|version| !picture.world.is_ready_on(id, version.digest))?;
            let cause = format!("{} holds no verified replica of v{} now", record.name, version.number);
            Some(Problem::new(Code::H0006, cause))
        };
        let problem = picture.must_answer(record).err().or_else(lacks)?;
        Some(BlockerView { provider: record.name.to_string(), problem: (&problem).into() })
    };
    let mut blockers: Vec<BlockerView> = places(picture, pool).into_iter().filter_map(blocker).collect();
    blockers.sort_by(|a, b| a.provider.cmp(&b.provider));
    blockers
}

/// What is different, a sentence each.
pub(super) fn differences(picture: &Picture, before: &Pool, pool: &Pool) -> Vec<String> {
    let mut found = Vec::new();
    let mut differs = |differs: bool, sentence: String| {
        if differs {
            found.push(sentence);
        }
    };
    let name = &pool.name;
    let sizes = (before.min, before.max) != (pool.min, pool.max);
    differs(sizes, format!("keep {} in pool `{name}` instead of {}", between(pool), between(before)));
    differs(
        before.spare != pool.spare,
        format!("keep {} instead of {}", counted(pool.spare as usize, "spare host"), before.spare),
    );
    let (was, is) = (follows(&before.follow), follows(&pool.follow));
    differs(was != is, format!("follow {is} instead of {was}: hosts of other versions become outdated"));
    differs(before.kind != pool.kind, format!("make its next hosts {}", pool.kind.as_str()));
    let placement = before.placement != pool.placement;
    let where_: Vec<String> = places(picture, pool).into_iter().map(|id| picture.provider_name(id)).collect();
    differs(placement, format!("lay its next hosts over {}", where_.join(", ")));
    differs(before.setup != pool.setup, "prepare its next hosts differently".to_owned());
    differs(before.terms != pool.terms, "recreate its hosts in another way".to_owned());
    let elsewhere = match pool.replace_elsewhere {
        Some(seconds) => format!("make up elsewhere for a provider that is silent for {seconds} s"),
        None => "make up elsewhere for no provider that is silent".to_owned(),
    };
    differs(before.replace_elsewhere != pool.replace_elsewhere, elsewhere);
    found
}

pub(super) fn of_deletion(picture: &Picture, pool: &Pool, keep_hosts: bool, data: Option<bool>) -> PlanView {
    let hosts = hosts(picture, pool);
    let mut steps = Vec::new();
    let mut obstacles = Vec::new();
    if keep_hosts {
        steps.push(format!("leave its {}, of no pool from then on", counted(hosts.len(), "host")));
    } else {
        for host in &hosts {
            let on = picture.provider_name(host.provider);
            steps.push(format!("delete host `{}` with its disks on {on}", host.name));
        }
        let with_data = hosts.iter().filter(|host| host.setup.data_disk.is_some()).count();
        match data {
            Some(true) if with_data > 0 => steps.push(format!("delete {}", counted(with_data, "data disk"))),
            Some(false) if with_data > 0 => {
                steps.push(format!("leave {} on their providers", counted(with_data, "data disk")))
            }
            _ => {}
        }
        obstacles.extend(undecided(hosts.iter().copied(), data).err());
    }
    steps.push(format!("delete pool `{}`", pool.name));
    let plan = plans::plan(steps, &obstacles);
    if keep_hosts {
        return plan;
    }
    let names = hosts.iter().map(|host| host.name.to_string()).collect();
    PlanView { hosts: names, users: users_on(picture, hosts.iter().copied()), ..plan }
}
