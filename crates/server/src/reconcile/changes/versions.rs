//! Versions: new ones, those that became current again, those that go.

use crate::picture::Picture;
use diecast_domain::{
    ids::PublicationId,
    reconcile::{Changes, Subject},
    template::PublicationSource,
};
use diecast_store::{Change, StoreError, TemplateRecord, VersionRecord};
use uuid::Uuid;

/// A version is written only with its manifest. If that is missing although its agent is done (a
/// store restored from a backup), the machine is read again under another number. What would have
/// followed from the version waits for it.
pub(super) async fn refuse_without_manifest(
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
        let template = version.template;
        let Some(list) = picture.list(template) else { continue };
        let again = list.publication.clone().map(|mut publication| {
            publication.id = PublicationId::from_uuid(Uuid::now_v7());
            publication.attempt = 1;
            publication
        });
        for (id, status, publication) in &mut found.publications {
            if *id == template {
                (*status, *publication) = (list.status, again.clone());
            }
        }
        found.maintenances.retain(|(id, ..)| *id != template);
        found.current.retain(|(id, _)| *id != template);
        found.recreations.retain(|it| it.template != template || it.version != version.number);
        found.transitions.retain(|transition| transition.subject != Subject::Template(template));
    }
    Ok(())
}

pub(super) async fn carry_out(
    change: &mut Change,
    picture: &mut Picture,
    found: &Changes,
) -> Result<(), StoreError> {
    for (version, published) in &found.versions {
        let Some(template) = picture.templates.get_mut(&version.template) else { continue };
        let Origin { parent, note, author } = origin(template);
        template.current = Some(version.number);
        template.numbered = template.numbered.max(version.number);
        template.note = None;
        let record = VersionRecord {
            template: version.template,
            number: version.number,
            digest: version.digest,
            size: published.size,
            profile: published.profile.clone(),
            warnings: published.warnings.clone(),
            note,
            author,
            created_at: picture.now,
            parent,
            new_bytes: published.new_bytes,
            trimming: published.trimming.clone(),
            tags: Default::default(),
            deleting: false,
        };
        change.put_template(template).await?;
        change.add_version(&record).await?;
        picture.versions.push(record);
    }
    for (id, number) in &found.current {
        let Some(template) = picture.templates.get_mut(id) else { continue };
        template.current = Some(*number);
        change.put_template(template).await?;
    }
    for (id, number) in &found.versions_deleting {
        let mut there = picture.versions.iter_mut();
        let version = there.find(|version| version.template == *id && version.number == *number);
        let Some(version) = version else { continue };
        version.deleting = true;
        version.tags.clear();
        change.put_version(version).await?;
    }
    for (id, number) in &found.versions_gone {
        if let Some(template) = picture.templates.get_mut(id).filter(|it| it.numbered < *number) {
            template.numbered = *number;
            change.put_template(template).await?;
        }
        change.delete_version(*id, *number).await?;
        picture.versions.retain(|version| version.template != *id || version.number != *number);
    }
    Ok(())
}

/// Where a version comes from, and who says what of it.
struct Origin {
    parent: Option<u32>,
    note: Option<String>,
    author: String,
}

/// What is published of a working copy is said of by whoever left maintenance; else by whoever made
/// the template.
fn origin(template: &TemplateRecord) -> Origin {
    let source = template.publication.as_ref().map(|publication| &publication.source);
    let parent = match source {
        Some(PublicationSource::WorkingCopy { base, .. }) => Some(base.number),
        _ => None,
    };
    let leave = template.maintenance.as_ref().and_then(|stay| stay.leave.as_ref());
    match leave.filter(|_| parent.is_some()) {
        Some(leave) => Origin { parent, note: leave.note.clone(), author: leave.author.clone() },
        None => Origin { parent, note: template.note.clone(), author: template.author.clone() },
    }
}
