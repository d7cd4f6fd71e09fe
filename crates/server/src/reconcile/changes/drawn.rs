//! What pools and schedules want: new hosts and one-time acts, with identities drawn for them.

use crate::{
    app::{
        host_draft::{self, DraftError, HostDraft},
        operations,
    },
    picture::Picture,
    reconcile::{Pass, events::ACTOR},
};
use diecast_domain::{
    assignment::Act,
    ids::{PoolId, ProviderId},
    names::HostName,
    pool::Pool,
};
use diecast_store::{Change, NewEvent, StoreError, VersionRecord};
use std::collections::BTreeSet;

/// Writes down the hosts that pools want. What cannot be drawn now is wanted again in the next pass.
pub(super) async fn hosts(
    change: &mut Change,
    picture: &mut Picture,
    wanted: Vec<(PoolId, ProviderId)>,
    pass: &mut Pass,
) -> Result<(), StoreError> {
    if wanted.is_empty() {
        return Ok(());
    }
    let mut taken: BTreeSet<HostName> = picture.world.hosts.iter().map(|host| host.name.clone()).collect();
    for (id, provider) in wanted {
        let pool = picture.world.pools.iter().find(|pool| pool.id == id).cloned();
        let drawn = pool.and_then(|pool| {
            let version = version(picture, &pool)?.clone();
            let name = pool.pattern.free_names(&taken, 1).ok()?.pop()?;
            Some((pool, version, name))
        });
        let Some((pool, version, name)) = drawn else { continue };
        let draft = HostDraft {
            name: name.clone(),
            provider,
            version: &version,
            kind: pool.kind,
            setup: pool.setup.clone(),
            pool: Some(pool.id),
        };
        let host = match host_draft::add(change, draft, picture.now).await {
            Ok(host) => host,
            Err(DraftError::Store(error)) => return Err(error),
            Err(error @ DraftError::NoAddress) => {
                tracing::warn!(pool = %pool.name, %error, "a pool's host could not be drawn up");
                continue;
            }
        };
        let on = picture.provider_name(provider);
        pass.events.push(NewEvent {
            at: picture.now,
            kind: "host.created".to_owned(),
            object: "host".to_owned(),
            name: name.to_string(),
            actor: ACTOR.to_owned(),
            message: format!("host `{name}` is to be made on {on} for pool `{}`", pool.name),
            code: None,
        });
        taken.insert(name);
        picture.world.hosts.push(host);
    }
    picture.world.hosts.sort_by_key(|host| host.id);
    Ok(())
}

/// What a pool's hosts are made from now.
fn version<'a>(picture: &'a Picture, pool: &Pool) -> Option<&'a VersionRecord> {
    let number = picture.followed(pool.template, &pool.follow)?;
    picture.versions_of(pool.template).find(|version| version.number == number && !version.deleting)
}

/// Writes down the acts that schedules order.
pub(super) async fn acts(
    change: &mut Change,
    picture: &mut Picture,
    ordered: Vec<(ProviderId, Act)>,
) -> Result<(), StoreError> {
    for (provider, act) in ordered {
        let host = match &act {
            Act::StartHost { host } | Act::StopHost { host, .. } => Some(*host),
            Act::StartWorkingCopy { .. } | Act::VerifyReplica { .. } | Act::CheckProvider => None,
        };
        let there = picture.world.hosts.iter().find(|there| Some(there.id) == host);
        let object = there.map(|host| host.name.to_string());
        let record = operations::draw(provider, act, object, ACTOR.to_owned(), picture.now);
        change.add_operation(&record).await?;
        picture.world.operations.entry(provider).or_default().push(record.operation.clone());
        picture.operations.push(record);
    }
    Ok(())
}
