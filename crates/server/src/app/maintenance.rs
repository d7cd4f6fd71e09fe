//! Maintenance: entering it, leaving it, and throwing the working copy away.
//!
//! Each only writes a wish. What follows (the working copy made, the version published, the hosts
//! recreated) happens in passes of the reconciler, by `domain::reconcile`.

mod leaving;
mod plan;
mod view;

pub(crate) use view::view;

use crate::{
    app::{
        App,
        authorise::Action,
        cx::Cx,
        etag::{self, Tagged},
        host_draft,
        idempotency::{self, Key},
        operations,
        refused::Refused,
        sources, templates,
    },
    picture::{Picture, version_ref},
};
use diecast_api::operator::{
    maintenance::{EnterMaintenance, LeaveMaintenance, MaintenanceView},
    operation::OperationView,
    template::TemplateView,
};
use diecast_domain::{
    assignment::Act,
    code::{Code, Problem},
    ids::{MaintenanceId, ProviderId},
    maintenance::{Discarded, Maintenance, Stage},
    template::VersionRef,
    wishes::{may_cancel_maintenance, may_enter_maintenance, may_leave_maintenance, may_start_working_copy},
};
use diecast_store::TemplateRecord;
use uuid::Uuid;

impl App {
    pub(crate) async fn maintenance(&self, cx: &Cx, name: &str) -> Result<Tagged<MaintenanceView>, Refused> {
        cx.may(Action::Read)?;
        let picture = self.picture().await?;
        tagged(&picture, picture.template_named(name)?)
    }

    pub(crate) async fn enter_maintenance(
        &self,
        cx: &Cx,
        name: &str,
        asked: &EnterMaintenance,
        key: Option<&Key>,
    ) -> Result<Tagged<MaintenanceView>, Refused> {
        cx.may(Action::ChangeTemplates)?;
        let (mut change, picture) = self.begin().await?;
        let mut record = picture.template_named(name)?.clone();
        if idempotency::repeated(&mut change, cx, key).await?.is_some() {
            return tagged(&picture, &record);
        }
        let (provider, base) = place(&picture, &record, asked)?;
        let version = picture.versions_of(record.id).find(|version| version.number == base.number);
        let cards = version.map_or(0, |version| version.profile.nics.len());
        let macs = host_draft::draw_macs(&mut change, cards).await.map_err(Refused::unforeseen)?;
        record.maintenance = Some(Maintenance {
            id: MaintenanceId::from_uuid(Uuid::new_v4()),
            provider,
            base,
            stage: Stage::Entering,
            macs,
            attempt: 1,
            next_attempt_at: None,
            problem: None,
            author: cx.who(),
            since: cx.now,
            leave: None,
        });
        change.put_template(&record).await?;
        idempotency::remember(&mut change, cx, key, name).await?;
        let picture = Picture::take(&mut change, self.live(), cx.now).await?;
        let answer = tagged(&picture, &record)?;
        let on = picture.provider_name(provider);
        let sentence = format!("template `{name}` enters maintenance; its working copy is on {on}");
        self.finish(change, vec![cx.event("maintenance.entered", "template", name, sentence)]).await?;
        Ok(answer)
    }

    pub(crate) async fn leave_maintenance(
        &self,
        cx: &Cx,
        name: &str,
        asked: &LeaveMaintenance,
    ) -> Result<Tagged<TemplateView>, Refused> {
        cx.may(Action::ChangeTemplates)?;
        let (mut change, picture) = self.begin().await?;
        let mut record = picture.template_named(name)?.clone();
        may_leave_maintenance(&picture.world, record.id, asked.force)?;
        if let Some(problem) = cannot_trim(&picture, &record, asked) {
            return Err(problem.into());
        }
        leaving::leave(&mut record, asked, cx)?;
        change.put_template(&record).await?;
        let picture = Picture::take(&mut change, self.live(), cx.now).await?;
        let answer = Tagged { etag: etag::of(&record), value: templates::view(&picture, &record) };
        let sentence = format!("maintenance of template `{name}` is to be left");
        self.finish(change, vec![cx.event("maintenance.leaving", "template", name, sentence)]).await?;
        Ok(answer)
    }

    /// Starts the working copy's machine again.
    pub(crate) async fn start_maintenance(&self, cx: &Cx, name: &str) -> Result<OperationView, Refused> {
        cx.may(Action::Operate)?;
        let (mut change, picture) = self.begin().await?;
        let record = picture.template_named(name)?;
        may_start_working_copy(&picture.world, record.id)?;
        let stay = stay(record)?;
        let act = Act::StartWorkingCopy { maintenance: stay.id };
        let begun = operations::begin(&mut change, cx, stay.provider, act, Some(name.to_owned())).await?;
        let sentence = format!("the working copy of template `{name}` is to start");
        self.finish(change, vec![cx.event("maintenance.start", "template", name, sentence)]).await?;
        Ok(operations::view(&picture, &begun))
    }

    /// Throws the working copy away. What is left of it goes when its agent has let go of it.
    pub(crate) async fn cancel_maintenance(&self, cx: &Cx, name: &str, forget: bool) -> Result<(), Refused> {
        cx.may(Action::ChangeTemplates)?;
        let (mut change, picture) = self.begin().await?;
        let mut record = picture.template_named(name)?.clone();
        may_cancel_maintenance(&picture.world, record.id, forget)?;
        let stay = stay(&record)?.clone();
        record.maintenance = None;
        if stay.stage == Stage::Leaving {
            record.publication = None;
        }
        // A provider that was removed has nothing to let go of.
        if picture.providers.contains_key(&stay.provider) {
            let Maintenance { id, provider, base, .. } = &stay;
            let left = Discarded { id: *id, provider: *provider, base: base.digest, after: None };
            record.discarded.push(left);
        }
        change.put_template(&record).await?;
        // What was handed in of a version that will not be.
        let publishes = |other: &&TemplateRecord| other.id != record.id && other.publication.is_some();
        if !picture.templates.values().any(|other| publishes(&other)) {
            change.sweep_manifests().await?;
        }
        let what = if forget { "given up" } else { "thrown away" };
        let sentence = format!("the working copy of template `{name}` is {what}; nothing was changed");
        self.finish(change, vec![cx.event("maintenance.cancelled", "template", name, sentence)]).await?;
        Ok(())
    }
}

/// Where the working copy is to be made, and of what: where it is asked for, else where the template
/// was made, else wherever it is verified.
fn place(
    picture: &Picture,
    record: &TemplateRecord,
    asked: &EnterMaintenance,
) -> Result<(ProviderId, VersionRef), Refused> {
    let wanted = match &asked.provider {
        Some(name) => {
            let provider = picture.provider_named(name)?;
            let found = may_enter_maintenance(&picture.world, record.id, Some(provider.id), picture.now);
            // One that is silent is named as such, rather than as one that lacks the version.
            if found.is_err() && record.maintenance.is_none() {
                picture.must_answer(provider)?;
            }
            return Ok(found?);
        }
        None => record.source.filter(|source| {
            let current = picture.current(record).map(|version| version_ref(record, version));
            current.is_some_and(|current| picture.world.is_ready_on(*source, current.digest))
        }),
    };
    Ok(may_enter_maintenance(&picture.world, record.id, wanted, picture.now)?)
}

/// What stands in the way of trimming the working copy, if it is to be.
fn cannot_trim(picture: &Picture, record: &TemplateRecord, asked: &LeaveMaintenance) -> Option<Problem> {
    let stay = record.maintenance.as_ref().filter(|_| asked.trim)?;
    sources::cannot_trim(picture, picture.providers.get(&stay.provider)?)
}

fn stay(record: &TemplateRecord) -> Result<&Maintenance, Refused> {
    record
        .maintenance
        .as_ref()
        .ok_or_else(|| Refused::new(Code::A0010, format!("template `{}` is not in maintenance", record.name)))
}

fn tagged(picture: &Picture, record: &TemplateRecord) -> Result<Tagged<MaintenanceView>, Refused> {
    let stay = stay(record)?;
    Ok(Tagged { etag: etag::of(&(stay, &record.publication)), value: view(picture, record, stay) })
}
