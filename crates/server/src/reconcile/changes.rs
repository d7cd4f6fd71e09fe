//! Carries what `domain::reconcile` found into the store and into the picture, alike.

use super::{Pass, events::event};
use crate::picture::Picture;
use diecast_domain::{
    code::{Code, Problem},
    ids::{OperationId, ProviderId, PublicationId},
    reconcile::Changes,
    report::Outcome,
};
use diecast_store::{Change, OperationState, StoreError, VersionRecord};
use std::time::Duration;
use uuid::Uuid;

/// How long a one-time act waits for a provider that does not answer. Nobody wants a machine started
/// hours after asking.
const OPERATION_PATIENCE: Duration = Duration::from_secs(600);

pub(super) async fn carry_out(
    change: &mut Change,
    picture: &mut Picture,
    mut found: Changes,
    pass: &mut Pass,
) -> Result<(), StoreError> {
    refuse_without_manifest(change, picture, &mut found).await?;
    if found.is_empty() {
        return Ok(());
    }
    pass.dirty = true;
    pass.events.extend(found.transitions.iter().map(|transition| event(picture, transition)));
    versions_and_publications(change, picture, &found).await?;
    for (id, host) in &found.hosts {
        match host {
            Some(host) => change.put_host(host).await?,
            None => change.delete_host(*id).await?,
        }
    }
    for (_, id, outcome) in &found.operations {
        end_operation(change, picture, *id, outcome.clone()).await?;
    }
    for id in &found.templates_gone {
        change.delete_template(*id).await?;
        picture.templates.remove(id);
        picture.versions.retain(|version| version.template != *id);
    }
    if !found.templates_gone.is_empty() && picture.templates.values().all(|it| it.publication.is_none()) {
        change.sweep_manifests().await?;
    }
    let touched: Vec<_> =
        found.members.iter().map(|(template, provider, _)| (*template, *provider)).collect();
    let anew: Vec<_> = found.versions.iter().map(|(version, _)| version.template).collect();
    found.apply(&mut picture.world);
    // A new version begins every member's attempts anew: those are written too.
    for (template, list) in &picture.world.templates {
        for (provider, member) in &list.members {
            if anew.contains(template) || touched.contains(&(*template, *provider)) {
                change.put_member(*template, *provider, member).await?;
            }
        }
    }
    for (template, provider) in touched {
        let list = picture.world.templates.get(&template);
        if list.is_none_or(|list| !list.members.contains_key(&provider)) {
            change.delete_member(template, provider).await?;
        }
    }
    Ok(())
}

/// A version is written only with its manifest. If that is missing although its agent is done (a
/// store restored from a backup), the machine is read again under another number.
async fn refuse_without_manifest(
    change: &mut Change,
    picture: &Picture,
    found: &mut Changes,
) -> Result<(), StoreError> {
    let versions = std::mem::take(&mut found.versions);
    for (version, published) in versions {
        if change.has_manifest(version.digest).await? {
            found.versions.push((version, published));
            continue;
        }
        tracing::warn!(template = %version.name, digest = %version.digest, "a publication is done and its manifest is not here; it is begun again");
        let Some(list) = picture.list(version.template) else { continue };
        let again = list.publication.clone().map(|mut publication| {
            publication.id = PublicationId::from_uuid(Uuid::now_v7());
            publication.attempt = 1;
            publication
        });
        for (template, status, publication) in &mut found.publications {
            if *template == version.template {
                (*status, *publication) = (list.status, again.clone());
            }
        }
        found.transitions.retain(|transition| {
            transition.subject != diecast_domain::reconcile::Subject::Template(version.template)
        });
    }
    Ok(())
}

async fn versions_and_publications(
    change: &mut Change,
    picture: &mut Picture,
    found: &Changes,
) -> Result<(), StoreError> {
    for (version, published) in &found.versions {
        let Some(template) = picture.templates.get_mut(&version.template) else { continue };
        let record = VersionRecord {
            parent: None,
            new_bytes: None,
            tags: Default::default(),
            deleting: false,
            template: version.template,
            number: version.number,
            digest: version.digest,
            size: published.size,
            profile: published.profile.clone(),
            warnings: published.warnings.clone(),
            note: template.note.take(),
            author: template.author.clone(),
            created_at: picture.now,
        };
        template.current = Some(version.number);
        change.put_template(template).await?;
        change.add_version(&record).await?;
        picture.versions.push(record);
    }
    for (id, status, publication) in &found.publications {
        let Some(template) = picture.templates.get_mut(id) else { continue };
        template.status = *status;
        template.publication = publication.clone();
        change.put_template(template).await?;
    }
    Ok(())
}

async fn end_operation(
    change: &mut Change,
    picture: &mut Picture,
    id: OperationId,
    outcome: Outcome,
) -> Result<(), StoreError> {
    let Some(at) = picture.operations.iter().position(|record| record.operation.id == id) else {
        return Ok(());
    };
    let mut record = picture.operations.remove(at);
    record.state = match outcome {
        Outcome::Running => return Ok(()),
        Outcome::Done { lines } => OperationState::Done { lines },
        Outcome::Failed { problem } => OperationState::Failed { problem },
    };
    change.put_operation(&record).await
}

/// Ends what waits for a provider that has been silent for long.
pub(super) async fn give_up_operations(
    change: &mut Change,
    picture: &mut Picture,
    pass: &mut Pass,
) -> Result<(), StoreError> {
    let late = |record: &&diecast_store::OperationRecord| {
        picture.now.since(record.created_at) >= OPERATION_PATIENCE
            && !picture.state(record.provider).answers()
    };
    let late: Vec<(ProviderId, OperationId)> =
        picture.operations.iter().filter(late).map(|record| (record.provider, record.operation.id)).collect();
    for (provider, id) in late {
        let name = picture.provider_name(provider);
        let problem = Problem::new(Code::P0001, format!("{name} did not answer in time; nothing was done"));
        end_operation(change, picture, id, Outcome::Failed { problem }).await?;
        if let Some(waiting) = picture.world.operations.get_mut(&provider) {
            waiting.retain(|operation| operation.id != id);
        }
        pass.dirty = true;
    }
    Ok(())
}
