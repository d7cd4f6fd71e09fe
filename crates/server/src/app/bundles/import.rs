//! Reading a bundle: its head is looked at here, its provider unpacks it, and only when that holds the version,
//! verified, the template has it.
//!
//! ```text
//!   head ─► may the template have it? who unpacks it? ─► order ─► bytes pass ─► `carried` ─► one change: template,
//!                                                                               members, version
//! ```
//!
//! Killed anywhere before that change nothing is known of it, and doing it again goes on with what the provider
//! has of it by then.

mod wish;

use super::{Said, answered, broke_off, export::view};
use crate::{
    app::{App, authorise::Action, cx::Cx, refused::Refused},
    clock,
    picture::Picture,
    reconcile,
    relay::{End, Near},
};
use bytes::{Bytes, BytesMut};
use diecast_api::{
    bundle::{PIECE_BYTES, Word},
    operator::bundle::ImportBundle,
};
use diecast_domain::{
    bundle::{BundleAct, Header},
    code::{Code, Problem},
    distribution::Member,
    host::HostDefaults,
    ids::TemplateId,
    names::ProviderName,
    plan::CONCURRENCY_DEFAULT,
    profile::HardwareProfile,
    reconcile::Changes,
    report::Published,
    retention::KEEP_DEFAULT,
    template::{Tag, TemplateStatus, VersionRef},
    wishes::Import,
};
use diecast_store::{Change, TemplateRecord};
use diecast_transfer::bundle::{BadBundle, Head};
use std::{collections::BTreeSet, future::pending};
use tokio::sync::mpsc;
use uuid::Uuid;
use wish::Wish;

/// What is known of a bundle once its head was read: all that the server ever looks at.
pub(super) struct Beginning {
    header: Header,
    profile: HardwareProfile,
    /// What was read, to be passed on: the head, and what came behind it.
    bytes: Bytes,
}

impl App {
    pub(crate) fn may_import(&self, cx: &Cx) -> Result<(), Refused> {
        Ok(cx.may(Action::ChangeTemplates)?)
    }

    /// Takes a bundle in from its first byte to its end, and says how it ended.
    pub(crate) async fn import_bundle(&self, cx: Cx, asked: ImportBundle, mut operator: End<Said>) {
        let outcome = self.import(&cx, &asked, &mut operator).await;
        self.nudge();
        let word = outcome.unwrap_or_else(|refused| Word::Refused { problem: refused.problem });
        // Who has gone does not hear it; what was written stands.
        let _ = operator.to.send(Said::Word(word)).await;
    }

    async fn import(&self, cx: &Cx, asked: &ImportBundle, operator: &mut End<Said>) -> Result<Word, Refused> {
        let Beginning { header, profile, bytes } = self.beginning(&mut operator.from).await?;
        let picture = self.picture().await?;
        let wish = Wish::of(&picture, asked, &header)?;
        if asked.dry_run {
            return Ok(Word::Planned { plan: wish.plan(&picture, &header, &profile) });
        }
        if wish.has_it_all(&picture, &header) {
            return Ok(Word::Done { bundle: view(&wish.named(&header), None, false) });
        }
        if let Some(problem) = wish.obstacles(&picture, &header, &profile).into_iter().next() {
            return Err(problem.into());
        }
        let act = BundleAct::Import { digest: header.digest };
        let mut near = self.open_bundle(wish.provider, &wish.provider_name, act)?;
        answered(&mut near, &wish.provider_name).await?;
        let carried = pass_on(&mut near, &wish.provider_name, operator, bytes).await;
        carried.map_err(|problem| wish.with_advice(&picture, &header, problem))?;
        let mut now = cx.clone();
        now.now = clock::now();
        let asked = ImportBundle { provider: Some(wish.provider_name.to_string()), ..asked.clone() };
        let new = self.take_on(&now, &asked, &header, profile).await?;
        drop(near);
        Ok(Word::Done { bundle: view(&wish.named(&header), Some(&wish.provider_name), new) })
    }

    /// Reads and checks the head. A large one takes its turn, as manifests do.
    async fn beginning(&self, from: &mut mpsc::Receiver<Said>) -> Result<Beginning, Refused> {
        let _turn = self.manifest_turns().acquire().await.map_err(Refused::unforeseen)?;
        let mut bytes = BytesMut::new();
        let length = loop {
            let wanted = Head::wants(&bytes).map_err(|bad| bad.problem())?;
            if bytes.len() >= wanted {
                break wanted;
            }
            match from.recv().await {
                Some(Said::Bytes(more)) => bytes.extend_from_slice(&more),
                Some(Said::Word(Word::End)) => {
                    return Err(BadBundle::Truncated { what: "its beginning" }.problem().into());
                }
                Some(Said::Word(_)) => {}
                None => return Err(broke_off("the command").into()),
            }
        };
        let bytes = bytes.freeze();
        let head = bytes.slice(..length);
        let head = tokio::task::spawn_blocking(move || Head::decode(&head)).await;
        let head = head.map_err(Refused::unforeseen)?.map_err(|bad| bad.problem())?;
        let profile = serde_json::from_slice(head.manifest.profile()).map_err(|error| {
            let cause = format!("the hardware profile in the bundle cannot be read: {error}");
            Problem::new(Code::T0020, cause)
        })?;
        Ok(Beginning { header: head.header, profile, bytes })
    }

    /// Writes it down: whether the template got a version that it had not.
    async fn take_on(
        &self,
        cx: &Cx,
        asked: &ImportBundle,
        header: &Header,
        profile: HardwareProfile,
    ) -> Result<bool, Refused> {
        let (mut change, picture) = self.begin().await?;
        // It may be another one by now than the one that was looked at before.
        let wish = Wish::of(&picture, asked, header)?;
        if !change.has_manifest(header.digest).await? {
            return Err(broke_off("the handing over of the manifest").into());
        }
        let number = match wish.import {
            Import::Known(number) => number,
            Import::New => header.number,
        };
        let (name, on) = (&wish.template, &wish.provider_name);
        let sentence = format!("v{number} of template `{name}` was brought to {on} by a bundle");
        let event = cx.event("bundle.imported", "template", name.as_str(), sentence);
        if wish.import == Import::New {
            let template = match wish.id {
                Some(id) => id,
                None => make(&mut change, cx, &wish).await?,
            };
            let mut picture = Picture::take(&mut change, self.live(), cx.now).await?;
            write(&mut change, &mut picture, &wish, template, header, profile).await?;
        }
        self.finish(change, vec![event]).await?;
        Ok(wish.import == Import::New)
    }
}

/// Bytes there and words back, until the agent says how it ended. Once the file is at its end the operator may
/// go: what was given is unpacked all the same.
async fn pass_on(
    near: &mut Near<BundleAct, Said>,
    name: &ProviderName,
    operator: &mut End<Said>,
    mut begun: Bytes,
) -> Result<(), Problem> {
    let (there, back) = (&near.end.to, &mut near.end.from);
    let (to, from) = (&operator.to, &mut operator.from);
    let inward = async {
        while !begun.is_empty() {
            let piece = begun.split_to(begun.len().min(PIECE_BYTES));
            if there.send(Said::Bytes(piece)).await.is_err() {
                return pending().await;
            }
        }
        while let Some(said) = from.recv().await {
            let is_end = matches!(said, Said::Word(Word::End));
            // That it is gone the other direction tells, and why.
            if there.send(said).await.is_err() || is_end {
                return pending().await;
            }
        }
        Err(broke_off("the command"))
    };
    let outward = async {
        loop {
            match back.recv().await {
                Some(Said::Word(Word::Carried { .. })) => return Ok(()),
                Some(Said::Word(Word::Refused { problem })) => return Err(problem),
                // Who has gone needs no progress.
                Some(said) => drop(to.send(said).await),
                None => return Err(broke_off(&format!("the connection to {name}"))),
            }
        }
    };
    tokio::select! {
        ended = inward => ended,
        ended = outward => ended,
    }
}

/// A template that nobody has published here, with its list.
async fn make(change: &mut Change, cx: &Cx, wish: &Wish) -> Result<TemplateId, Refused> {
    let record = TemplateRecord {
        id: TemplateId::from_uuid(Uuid::now_v7()),
        name: wish.template.clone(),
        status: TemplateStatus::Ready,
        concurrency: CONCURRENCY_DEFAULT,
        limit: None,
        host_defaults: HostDefaults::default(),
        keep: KEEP_DEFAULT,
        current: None,
        numbered: 0,
        publication: None,
        maintenance: None,
        discarded: Vec::new(),
        source: Some(wish.provider),
        note: None,
        author: cx.who(),
        created_at: cx.now,
    };
    change.put_template(&record).await?;
    for member in &wish.members {
        change.put_member(record.id, *member, &Member::new(false, cx.now)).await?;
    }
    Ok(record.id)
}

/// The version, current from now on, with its history where it comes from. A tag that another version of the
/// template has stays there: pools may follow it.
async fn write(
    change: &mut Change,
    picture: &mut Picture,
    wish: &Wish,
    template: TemplateId,
    header: &Header,
    profile: HardwareProfile,
) -> Result<(), Refused> {
    let taken: BTreeSet<Tag> = picture.versions_of(template).flat_map(|it| it.tags.iter().cloned()).collect();
    let version =
        VersionRef { template, name: wish.template.clone(), number: header.number, digest: header.digest };
    let published = Published {
        digest: header.digest,
        size: header.size,
        profile,
        warnings: header.warnings.clone(),
        new_bytes: header.new_bytes,
        trimming: None,
    };
    let changes = Changes { versions: vec![(version, published)], ..Changes::default() };
    reconcile::write(change, picture, changes).await?;
    let made = picture.versions_of(template).find(|made| made.number == header.number).cloned();
    let Some(mut record) = made else {
        return Err(broke_off("the handing over of the manifest").into());
    };
    record.note.clone_from(&header.note);
    record.author.clone_from(&header.author);
    record.created_at = header.created_at;
    record.parent = header.parent;
    record.tags = header.tags.difference(&taken).cloned().collect();
    change.put_version(&record).await?;
    Ok(())
}
