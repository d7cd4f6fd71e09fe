//! Carries what `domain::reconcile` found into the store and into the picture, alike.
//!
//! Everything is written in the pass's one change. What `domain` cannot draw, because it draws
//! nothing, is drawn in [`drawn`]: identities and addresses of what pools and schedules want.

mod drawn;
mod operations;
mod versions;

pub(super) use operations::give_up_operations;

use super::{Pass, events::event};
use crate::picture::Picture;
use diecast_domain::{
    ids::{ProviderId, TemplateId},
    reconcile::Changes,
    units::Timestamp,
};
use diecast_store::{Change, RECREATIONS_LIFE, StoreError};

pub(super) async fn carry_out(
    change: &mut Change,
    picture: &mut Picture,
    mut found: Changes,
    pass: &mut Pass,
) -> Result<(), StoreError> {
    versions::refuse_without_manifest(change, picture, &mut found).await?;
    if found.is_empty() {
        return Ok(());
    }
    pass.dirty = true;
    pass.events.extend(found.transitions.iter().map(|transition| event(picture, transition)));
    versions::carry_out(change, picture, &found).await?;
    templates(change, picture, &found).await?;
    for (id, host) in &found.hosts {
        match host {
            Some(host) => change.put_host(host).await?,
            None => change.delete_host(*id).await?,
        }
    }
    for (_, id, outcome) in &found.operations {
        operations::end(change, picture, *id, outcome.clone()).await?;
    }
    rollouts(change, picture.now, &found).await?;
    let touched: Vec<_> =
        found.members.iter().map(|(template, provider, _)| (*template, *provider)).collect();
    let published = found.versions.iter().map(|(version, _)| version.template);
    let anew: Vec<TemplateId> = published.chain(found.current.iter().map(|(id, _)| *id)).collect();
    let (hosts_wanted, acts) = (std::mem::take(&mut found.hosts_wanted), std::mem::take(&mut found.acts));
    found.apply(&mut picture.world, picture.now);
    members(change, picture, &touched, &anew).await?;
    drawn::hosts(change, picture, hosts_wanted, pass).await?;
    drawn::acts(change, picture, acts).await
}

/// What is remembered of templates beside their versions: publications, maintenance, whether they
/// are there at all.
async fn templates(change: &mut Change, picture: &mut Picture, found: &Changes) -> Result<(), StoreError> {
    for (id, status, publication) in &found.publications {
        let Some(template) = picture.templates.get_mut(id) else { continue };
        template.status = *status;
        template.publication = publication.clone();
        change.put_template(template).await?;
    }
    for (id, maintenance, discarded) in &found.maintenances {
        let Some(template) = picture.templates.get_mut(id) else { continue };
        template.maintenance = maintenance.clone();
        template.discarded = discarded.clone();
        change.put_template(template).await?;
    }
    for id in &found.templates_gone {
        change.delete_template(*id).await?;
        picture.templates.remove(id);
        picture.versions.retain(|version| version.template != *id);
    }
    // A manifest is handed in before its version is written: none is swept while one may be.
    let published = found.publications.iter().any(|(.., publication)| publication.is_none());
    let fewer = published || !found.templates_gone.is_empty() || !found.versions_gone.is_empty();
    if fewer && picture.templates.values().all(|it| it.publication.is_none()) {
        change.sweep_manifests().await?;
    }
    Ok(())
}

/// Recreations, pools and schedules.
async fn rollouts(change: &mut Change, now: Timestamp, found: &Changes) -> Result<(), StoreError> {
    for recreation in &found.recreations {
        change.put_recreation(recreation).await?;
    }
    if !found.recreations.is_empty() {
        let life = i64::try_from(RECREATIONS_LIFE.as_millis()).unwrap_or(i64::MAX);
        change.sweep_recreations(Timestamp(now.0.saturating_sub(life))).await?;
    }
    for (id, pool) in &found.pools {
        match pool {
            Some(pool) => change.put_pool(pool).await?,
            None => change.delete_pool(*id).await?,
        }
    }
    for schedule in &found.schedules {
        change.put_schedule(schedule).await?;
    }
    Ok(())
}

/// A version that becomes current begins every member's attempts anew: those are written too.
async fn members(
    change: &mut Change,
    picture: &Picture,
    touched: &[(TemplateId, ProviderId)],
    anew: &[TemplateId],
) -> Result<(), StoreError> {
    for (template, list) in &picture.world.templates {
        for (provider, member) in &list.members {
            if anew.contains(template) || touched.contains(&(*template, *provider)) {
                change.put_member(*template, *provider, member).await?;
            }
        }
    }
    for (template, provider) in touched {
        let list = picture.world.templates.get(template);
        if list.is_none_or(|list| !list.members.contains_key(provider)) {
            change.delete_member(*template, *provider).await?;
        }
    }
    Ok(())
}
