//! A pool as operators see it.

use crate::{
    app::{plans::counted, setup, terms},
    picture::Picture,
};
use diecast_api::{operator::pool::PoolView, time::rfc3339};
use diecast_domain::{
    code::{Code, Problem},
    host::{Host, HostStatus, InUse, status},
    pool::{Decision, Follow, Pool, Strategy, reconcile, there, wanted},
};
use std::collections::BTreeMap;

/// Its hosts, in the order of their names.
pub(super) fn hosts<'a>(picture: &'a Picture, pool: &Pool) -> Vec<&'a Host> {
    let mut hosts: Vec<&Host> =
        picture.world.hosts.iter().filter(|host| host.pool == Some(pool.id)).collect();
    hosts.sort_by(|a, b| a.name.cmp(&b.name));
    hosts
}

pub(super) fn view(picture: &Picture, pool: &Pool) -> PoolView {
    let hosts = hosts(picture, pool);
    let count = |which: &dyn Fn(&Host) -> bool| {
        u32::try_from(hosts.iter().filter(|host| which(host)).count()).unwrap_or(u32::MAX)
    };
    let ready = |host: &Host| {
        let answers = picture.state(host.provider).answers();
        status(host, picture.world.host_reports.get(&host.id), answers) == HostStatus::Ready
    };
    let mut spread = BTreeMap::new();
    for host in &hosts {
        *spread.entry(picture.provider_name(host.provider)).or_insert(0) += 1;
    }
    let name = |id| picture.provider_name(id);
    let weights = match &pool.placement.strategy {
        Strategy::Weights(weights) => weights.iter().map(|(id, weight)| (name(*id), *weight)).collect(),
        Strategy::Spread | Strategy::Fill => BTreeMap::new(),
    };
    let found = reconcile(pool, &picture.world, picture.now);
    let wanted = wanted(pool, &picture.world, picture.now);
    let template = picture.templates.get(&pool.template).map(|record| record.name.to_string());
    PoolView {
        id: pool.id.to_string(),
        name: pool.name.to_string(),
        template: template.unwrap_or_else(|| pool.template.to_string()),
        pattern: pool.pattern.to_string(),
        follows: follows(&pool.follow),
        version: picture.followed(pool.template, &pool.follow),
        min: pool.min,
        max: pool.max,
        spare: pool.spare,
        kind: pool.kind.as_str().to_owned(),
        placement: strategy(&pool.placement.strategy).to_owned(),
        weights,
        cap: pool.placement.cap,
        providers: pool.placement.providers.iter().map(|id| name(*id)).collect(),
        replace_elsewhere_seconds: pool.replace_elsewhere,
        setup: setup::body(&pool.setup),
        terms: terms::body(&pool.terms),
        status: word(picture, pool, &found, &hosts, wanted).to_owned(),
        wanted: u32::try_from(wanted).unwrap_or(u32::MAX),
        hosts: count(&|_| true),
        ready: count(&ready),
        in_use: count(&|host| picture.world.in_use(host) == InUse::Yes),
        outdated: count(&|host| picture.is_outdated(host)),
        spread,
        problem: found.why.clone().or_else(|| too_many(picture, pool, &found)).as_ref().map(Into::into),
        created_at: rfc3339(pool.created_at),
    }
}

/// Hosts that it has too many, that nobody uses, and that it may not remove all the same.
pub(super) fn too_many(picture: &Picture, pool: &Pool, found: &Decision) -> Option<Problem> {
    let world = &picture.world;
    let standing = there(pool, world, picture.now);
    let surplus = standing.len().checked_sub(wanted(pool, world, picture.now) + found.remove.len())?;
    let kept = |host: &&&Host| host.setup.data_disk.is_some() && world.in_use(host) == InUse::No;
    let mut kept: Vec<String> = standing.iter().filter(kept).map(|host| format!("`{}`", host.name)).collect();
    kept.sort();
    kept.truncate(surplus);
    let have = match kept.len() {
        0 => return None,
        1 => "has a data disk",
        _ => "have data disks",
    };
    let cause = format!(
        "pool `{}` has {} too many, and {} {have}, which goes only by `diecast host delete`",
        pool.name,
        counted(surplus, "host"),
        kept.join(", ")
    );
    Some(Problem::new(Code::H0007, cause))
}

/// How it stands, in one word. Hosts that are made up for elsewhere do not count.
fn word(picture: &Picture, pool: &Pool, found: &Decision, hosts: &[&Host], wanted: usize) -> &'static str {
    let staying = there(pool, &picture.world, picture.now);
    let mut going = hosts.iter().filter(|host| host.deleting).peekable();
    if pool.deleting {
        "Deleting"
    } else if found.why.is_some() {
        "Cannot fill"
    } else if staying.len() > wanted || !found.remove.is_empty() {
        "Shrinking"
    } else if staying.len() < wanted || !found.remake.is_empty() || staying.iter().any(|host| !host.made) {
        "Filling"
    } else if going.peek().is_some() {
        "Shrinking"
    } else {
        "OK"
    }
}

/// `newest`, a tag or a number, as it is set.
pub(super) fn follows(follow: &Follow) -> String {
    match follow {
        Follow::Newest => "newest".to_owned(),
        Follow::Tag(tag) => tag.to_string(),
        Follow::Pinned(number) => number.to_string(),
    }
}

const fn strategy(strategy: &Strategy) -> &'static str {
    match strategy {
        Strategy::Spread => "spread",
        Strategy::Fill => "fill",
        Strategy::Weights(_) => "weights",
    }
}
