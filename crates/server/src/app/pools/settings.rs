//! What a pool is to be like, as operators write it: checked against what there is.

use crate::{
    app::{
        named_version::{named_version, number},
        refused::Refused,
        setup::{self, unknown},
        terms,
    },
    picture::Picture,
};
use diecast_api::operator::pool::PoolSettings;
use diecast_domain::{
    code::{Code, Problem},
    distribution::Desire,
    host::HostKind,
    ids::{ProviderId, TemplateId},
    names::HostName,
    pool::{Follow, Placement, Pool, Strategy},
    units::Timestamp,
};
use std::collections::{BTreeMap, BTreeSet};

/// Hosts of one pool: more than the largest site has, few enough to be looked at in every pass.
const HOSTS_MAX: u32 = 10_000;
/// A provider that was silent for a week is gone.
const REPLACE_ELSEWHERE_MAX: u32 = 7 * 24 * 3600;
/// Weights are proportions.
const WEIGHT_MAX: u32 = 1_000_000;

/// The pool as `asked` changes it; what is left out stays.
pub(super) fn changed(
    picture: &Picture,
    before: Pool,
    asked: &PoolSettings,
    now: Timestamp,
) -> Result<Pool, Refused> {
    let mut pool = before;
    if let Some(version) = &asked.version {
        pool.follow = follow(picture, pool.template, version)?;
    }
    sizes(&mut pool, asked)?;
    if let Some(full) = asked.full {
        pool.kind = if full { HostKind::Full } else { HostKind::Linked };
    }
    pool.placement = placement(picture, &pool, asked)?;
    if let Some(seconds) = asked.replace_elsewhere_seconds {
        if seconds > REPLACE_ELSEWHERE_MAX {
            let cause = format!(
                "`replace_elsewhere_seconds` is {seconds}; it may be 0 (never) to {REPLACE_ELSEWHERE_MAX}"
            );
            return Err(Refused::malformed(cause));
        }
        pool.replace_elsewhere = (seconds > 0).then_some(seconds);
    }
    if let Some(setup) = &asked.setup {
        pool.setup = setup::merged(&pool.setup, setup)?;
    }
    if let Some(terms) = &asked.terms {
        terms::without_deadline(terms, "what a pool says")?;
        pool.terms = terms::merged(&pool.terms, terms, now)?;
    }
    Ok(pool)
}

fn follow(picture: &Picture, template: TemplateId, said: &str) -> Result<Follow, Refused> {
    if said == diecast_domain::template::NEWEST {
        return Ok(Follow::Newest);
    }
    let Some(record) = picture.templates.get(&template) else {
        return Err(Refused::new(Code::A0004, "there is no such template"));
    };
    let version = named_version(picture, record, said)?;
    if number(said).is_some() {
        return Ok(Follow::Pinned(version.number));
    }
    said.parse().map(Follow::Tag).map_err(|error| Refused::malformed(format!("{error}")))
}

fn sizes(pool: &mut Pool, asked: &PoolSettings) -> Result<(), Refused> {
    if let Some(size) = asked.size {
        if asked.min.is_some() || asked.max.is_some() {
            return Err(Refused::malformed("`size` is `min` and `max` in one; say it, or the two"));
        }
        (pool.min, pool.max) = (size, size);
        // No room is left for spare hosts above a fixed size; within it they mean nothing.
        pool.spare = 0;
    }
    pool.min = asked.min.unwrap_or(pool.min);
    pool.max = asked.max.unwrap_or(pool.max);
    pool.spare = asked.spare.unwrap_or(pool.spare);
    let Pool { min, max, spare, .. } = *pool;
    let cause = if !(1..=HOSTS_MAX).contains(&max) {
        format!("a pool may have 1 to {HOSTS_MAX} hosts, and `max` is {max}")
    } else if min > max {
        format!("`min` is {min}, more than `max`, which is {max}")
    } else if spare > max {
        format!("`spare` is {spare}, more than `max`, which is {max}")
    } else {
        return Ok(());
    };
    Err(Refused::malformed(cause))
}

fn placement(picture: &Picture, pool: &Pool, asked: &PoolSettings) -> Result<Placement, Refused> {
    let mut placement = pool.placement.clone();
    if let Some(cap) = asked.cap {
        placement.cap = (cap > 0).then_some(cap);
    }
    if let Some(names) = &asked.providers {
        placement.providers = on_the_list(picture, pool.template, names)?;
    }
    let before = std::mem::take(&mut placement.strategy);
    placement.strategy = match (asked.placement.as_deref(), &asked.weights, before) {
        (Some("weights"), None, Strategy::Weights(weights)) => Strategy::Weights(weights),
        (Some("weights"), None, _) => {
            return Err(Refused::malformed("`placement` is `weights`, and `weights` names no provider"));
        }
        (Some("weights"), Some(said), _) | (None, Some(said), Strategy::Weights(_)) => {
            Strategy::Weights(weights(picture, pool.template, said)?)
        }
        (Some("spread" | "fill") | None, Some(said), _) if !said.is_empty() => {
            return Err(Refused::malformed("`weights` go only with the placement `weights`"));
        }
        (Some("spread"), ..) => Strategy::Spread,
        (Some("fill"), ..) => Strategy::Fill,
        (Some(other), ..) => return Err(unknown("placement", other, "`spread`, `fill` or `weights`")),
        (None, _, before) => before,
    };
    if let Strategy::Weights(weights) = &placement.strategy
        && !placement.providers.is_empty()
    {
        let named = |id: &&ProviderId| !placement.providers.contains(id);
        if let Some(other) = weights.keys().find(named) {
            let name = picture.provider_name(*other);
            return Err(Refused::malformed(format!("`weights` names {name}, which `providers` does not")));
        }
    }
    Ok(placement)
}

fn weights(
    picture: &Picture,
    template: TemplateId,
    said: &BTreeMap<String, u32>,
) -> Result<BTreeMap<ProviderId, u32>, Refused> {
    if let Some((name, weight)) = said.iter().find(|(_, weight)| **weight > WEIGHT_MAX) {
        return Err(Refused::malformed(format!(
            "the weight of {name} is {weight}; it may be 0 to {WEIGHT_MAX}"
        )));
    }
    if said.values().all(|weight| *weight == 0) {
        return Err(Refused::malformed("`weights` gives every provider 0: no host could be made anywhere"));
    }
    let names: Vec<String> = said.keys().cloned().collect();
    let ids = on_the_list(picture, template, &names)?;
    Ok(ids.into_iter().zip(said.values().copied()).collect())
}

/// Providers by name, each once, which must be on the template's list.
fn on_the_list(
    picture: &Picture,
    template: TemplateId,
    names: &[String],
) -> Result<Vec<ProviderId>, Refused> {
    let mut found = Vec::new();
    for name in names {
        let id = picture.provider_named(name)?.id;
        if !members(picture, template).contains(&id) {
            let template = picture.list(template).map(|list| list.name.to_string()).unwrap_or_default();
            let cause = format!("{name} is not on the distribution list of template `{template}`");
            return Err(Refused::new(Code::A0004, cause));
        }
        if !found.contains(&id) {
            found.push(id);
        }
    }
    Ok(found)
}

/// Who is to hold the template.
fn members(picture: &Picture, template: TemplateId) -> Vec<ProviderId> {
    let members = picture.list(template).map(|list| &list.members).into_iter().flatten();
    members.filter(|(_, member)| member.desire == Desire::Hold).map(|(id, _)| *id).collect()
}

/// Where the pool's hosts may be.
pub(super) fn places(picture: &Picture, pool: &Pool) -> Vec<ProviderId> {
    let members = members(picture, pool.template);
    let named =
        |id: &ProviderId| pool.placement.providers.is_empty() || pool.placement.providers.contains(id);
    let weighed = |id: &ProviderId| match &pool.placement.strategy {
        Strategy::Weights(weights) => weights.get(id).is_some_and(|weight| *weight > 0),
        Strategy::Spread | Strategy::Fill => true,
    };
    members.into_iter().filter(|id| named(id) && weighed(id)).collect()
}

/// The most hosts that its providers may have together. None: no limit.
pub(super) fn room(picture: &Picture, pool: &Pool) -> Option<u32> {
    let count = u32::try_from(places(picture, pool).len()).unwrap_or(u32::MAX);
    if count == 0 { Some(0) } else { pool.placement.cap.map(|cap| cap.saturating_mul(count)) }
}

/// What can never be, whatever happens on the providers: refused at the door.
pub(super) fn must_be_possible(picture: &Picture, pool: &Pool) -> Result<(), Problem> {
    if let Some(room) = room(picture, pool).filter(|room| *room < pool.min) {
        let count = places(picture, pool).len();
        let cap = pool.placement.cap.map(|cap| format!(" of {cap} hosts each")).unwrap_or_default();
        let cause = format!(
            "pool `{}` is to have at least {} hosts, and its {count} providers{cap} take {room}",
            pool.name, pool.min
        );
        return Err(Problem::new(Code::L0001, cause));
    }
    let others = picture.world.hosts.iter().filter(|host| host.pool != Some(pool.id));
    let taken: BTreeSet<HostName> = others.map(|host| host.name.clone()).collect();
    match pool.pattern.free_names(&taken, pool.max as usize) {
        Ok(_) => Ok(()),
        Err(error) => {
            let cause = format!("pool `{}` may have {} hosts, and {error}", pool.name, pool.max);
            Err(Problem::new(Code::L0005, cause))
        }
    }
}
