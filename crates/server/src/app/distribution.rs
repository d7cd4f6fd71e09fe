//! Distribution lists: who is to hold a template, how that stands, and trying again.

use crate::{
    app::{
        App,
        authorise::Action,
        cx::Cx,
        etag::{self, Tagged},
        integrity, operations, plans,
        refused::Refused,
    },
    picture::Picture,
};
use diecast_api::{
    operator::{
        distribution::{
            DistributionRow, DistributionView, ProviderNames, RemoveProviders, SavedView, SourceView,
        },
        operation::OperationList,
        template::PlanView,
    },
    time::rfc3339,
};
use diecast_domain::{
    assignment::Act,
    code::Code,
    distribution::{Desire, Member, ReplicaState, ReplicaView},
    ids::ProviderId,
    plan::Plan,
    reconcile::member_retried,
    replica::Phase,
    template::{Publication, TemplateStatus},
    wishes::may_remove_member,
};
use diecast_store::TemplateRecord;

impl App {
    pub(crate) async fn distribution(
        &self,
        cx: &Cx,
        template: &str,
    ) -> Result<Tagged<DistributionView>, Refused> {
        cx.may(Action::Read)?;
        let picture = self.picture().await?;
        let record = picture.template_named(template)?;
        Ok(tagged(&picture, record))
    }

    pub(crate) async fn plan_addition(
        &self,
        cx: &Cx,
        template: &str,
        asked: &ProviderNames,
    ) -> Result<PlanView, Refused> {
        cx.may(Action::Read)?;
        let picture = self.picture().await?;
        let record = changeable(&picture, template)?;
        let current = picture.current(record);
        let mut plan = plans::plan(Vec::new(), &[]);
        let mut lacking = 0;
        for id in named(&picture, &asked.providers)? {
            if member(&picture, record, id).is_some_and(|member| member.desire == Desire::Hold) {
                continue;
            }
            let name = picture.provider_name(id);
            plan.steps.push(match current {
                Some(version) => format!(
                    "bring v{} of `{template}` to {name}, {}",
                    version.number, version.size.packed_bytes
                ),
                None => format!("bring v1 of `{template}` to {name} when it is published"),
            });
            let held = current.is_some_and(|version| plans::holds(&picture, id, version));
            lacking += u64::from(!held);
            let wanted = current.filter(|_| !held).map(Into::into);
            plans::block(&mut plan, &picture, id, plans::obstacles(&picture, id, wanted));
        }
        plan.bytes_each = current.map(|version| version.size.data_bytes.0);
        plan.bytes_network = current.map(|version| version.size.packed_bytes.0 * lacking);
        Ok(plan)
    }

    /// Adds providers to the list. One that is on it already stays as it is.
    pub(crate) async fn add_members(
        &self,
        cx: &Cx,
        template: &str,
        asked: &ProviderNames,
    ) -> Result<Tagged<DistributionView>, Refused> {
        cx.may(Action::ChangeTemplates)?;
        let (mut change, picture) = self.begin().await?;
        let record = changeable(&picture, template)?;
        let mut events = Vec::new();
        for id in named(&picture, &asked.providers)? {
            let wanted = match member(&picture, record, id) {
                Some(member) if member.desire == Desire::Hold => continue,
                Some(member) => Member { desire: Desire::Hold, since: cx.now, ..member.clone() },
                None => Member::new(record.current.is_some(), cx.now),
            };
            change.put_member(record.id, id, &wanted).await?;
            let sentence = format!("{} was added to the list of `{template}`", picture.provider_name(id));
            events.push(cx.event("distribution.added", "template", template, sentence));
        }
        self.commit_list(change, template, events).await
    }

    pub(crate) async fn plan_removal(
        &self,
        cx: &Cx,
        template: &str,
        asked: &RemoveProviders,
    ) -> Result<PlanView, Refused> {
        cx.may(Action::Read)?;
        let picture = self.picture().await?;
        let record = picture.template_named(template)?;
        let (mut steps, mut obstacles) = (Vec::new(), Vec::new());
        for id in named(&picture, &asked.providers)? {
            let name = picture.provider_name(id);
            let when = if asked.when_free { " when no host there depends on it" } else { "" };
            steps.push(format!("remove every version of `{template}` from {name}{when}"));
            obstacles.extend(
                may_remove_member(&picture.world, record.id, id, asked.when_free)
                    .err()
                    .map(|refusal| refusal.problem()),
            );
        }
        Ok(plans::plan(steps, &obstacles))
    }

    /// Takes providers off the list: all of them, or none if one may not go.
    pub(crate) async fn remove_members(
        &self,
        cx: &Cx,
        template: &str,
        asked: &RemoveProviders,
    ) -> Result<Tagged<DistributionView>, Refused> {
        cx.may(Action::ChangeTemplates)?;
        if asked.providers.is_empty() {
            return Err(Refused::malformed("`providers` names nobody"));
        }
        let (mut change, mut picture) = self.begin().await?;
        let record = picture.template_named(template)?.clone();
        let desire = Desire::Remove { when_free: asked.when_free };
        let mut events = Vec::new();
        for id in named(&picture, &asked.providers)? {
            may_remove_member(&picture.world, record.id, id, asked.when_free)?;
            let Some(before) = member(&picture, &record, id).filter(|before| before.desire != desire) else {
                continue;
            };
            let wanted =
                Member { desire, since: cx.now, next_attempt_at: None, problem: None, ..before.clone() };
            change.put_member(record.id, id, &wanted).await?;
            // The next one is judged as if this one had gone: the last replica stays.
            if let Some(list) = picture.world.templates.get_mut(&record.id) {
                list.members.insert(id, wanted);
            }
            let sentence = format!("{} is to let go of `{template}`", picture.provider_name(id));
            events.push(cx.event("distribution.removing", "template", template, sentence));
        }
        self.commit_list(change, template, events).await
    }

    /// Begins the next attempt now, of those that failed; the publication's too.
    pub(crate) async fn retry_members(
        &self,
        cx: &Cx,
        template: &str,
        asked: &ProviderNames,
    ) -> Result<Tagged<DistributionView>, Refused> {
        cx.may(Action::Operate)?;
        let (mut change, picture) = self.begin().await?;
        let mut record = changeable(&picture, template)?.clone();
        let chosen = chosen(&picture, &record, &asked.providers)?;
        let mut events = Vec::new();
        let failed =
            record.publication.clone().filter(|it| it.next_attempt_at.is_some() || it.problem.is_some());
        if let Some(publication) =
            failed.filter(|it| asked.providers.is_empty() || chosen.contains(&it.provider))
        {
            if record.current.is_none() {
                record.status = TemplateStatus::Creating;
            }
            record.publication = Some(Publication {
                attempt: publication.attempt.saturating_add(1),
                next_attempt_at: None,
                problem: None,
                ..publication
            });
            change.put_template(&record).await?;
            let sentence = format!("`{template}` is to be published again at once");
            events.push(cx.event("template.retried", "template", template, sentence));
        }
        for id in chosen {
            let Some(member) = member(&picture, &record, id).filter(|member| {
                member.desire == Desire::Hold
                    && (member.next_attempt_at.is_some() || member.problem.is_some())
            }) else {
                continue;
            };
            change
                .put_member(record.id, id, &Member { problem: None, ..member_retried(member, cx.now) })
                .await?;
            let sentence =
                format!("`{template}` is to be brought to {} again at once", picture.provider_name(id));
            events.push(cx.event("replica.retried", "template", template, sentence));
        }
        self.commit_list(change, template, events).await
    }

    /// Has replicas read back and every byte compared.
    pub(crate) async fn verify_members(
        &self,
        cx: &Cx,
        template: &str,
        asked: &ProviderNames,
    ) -> Result<OperationList, Refused> {
        cx.may(Action::Operate)?;
        let (mut change, picture) = self.begin().await?;
        let record = changeable(&picture, template)?;
        let Some(version) = picture.current(record) else {
            return Err(Refused::new(Code::A0010, format!("template `{template}` has no version yet")));
        };
        let (rows, _) = picture.distribution(record.id);
        let mut begun = Vec::new();
        for id in chosen(&picture, record, &asked.providers)? {
            let ready = rows.iter().any(|(row, view)| *row == id && view.state == ReplicaState::Ready);
            if !ready {
                if asked.providers.is_empty() {
                    continue;
                }
                let cause =
                    format!("{} holds no verified replica of `{template}` now", picture.provider_name(id));
                return Err(Refused::new(Code::A0010, cause));
            }
            let act = Act::VerifyReplica { digest: version.digest };
            begun.push(operations::begin(&mut change, cx, id, act, Some(template.to_owned())).await?);
        }
        let event = cx.event(
            "distribution.verify",
            "template",
            template,
            format!("`{template}` is to be verified on {} providers", begun.len()),
        );
        self.finish(change, vec![event]).await?;
        Ok(OperationList {
            items: begun.iter().map(|it| operations::view(&picture, it)).collect(),
            next: None,
        })
    }

    /// Commits if anything was written, and shows the list as it is then.
    async fn commit_list(
        &self,
        mut change: diecast_store::Change,
        template: &str,
        events: Vec<diecast_store::NewEvent>,
    ) -> Result<Tagged<DistributionView>, Refused> {
        let picture = Picture::take(&mut change, self.live(), crate::clock::now()).await?;
        let answer = tagged(&picture, picture.template_named(template)?);
        if !events.is_empty() {
            self.finish(change, events).await?;
        }
        Ok(answer)
    }
}

/// A template whose list may change.
fn changeable<'a>(picture: &'a Picture, name: &str) -> Result<&'a TemplateRecord, Refused> {
    let record = picture.template_named(name)?;
    if record.status == TemplateStatus::Deleting {
        return Err(Refused::new(Code::A0010, format!("template `{name}` is being deleted")));
    }
    Ok(record)
}

fn member<'a>(picture: &'a Picture, record: &TemplateRecord, id: ProviderId) -> Option<&'a Member> {
    picture.list(record.id)?.members.get(&id)
}

/// The providers of these names, each once.
fn named(picture: &Picture, names: &[String]) -> Result<Vec<ProviderId>, Refused> {
    let mut found = Vec::new();
    for name in names {
        let id = picture.provider_named(name)?.id;
        if !found.contains(&id) {
            found.push(id);
        }
    }
    Ok(found)
}

/// Those named, who must be on the list; everybody on it if none is.
fn chosen(picture: &Picture, record: &TemplateRecord, names: &[String]) -> Result<Vec<ProviderId>, Refused> {
    if names.is_empty() {
        return Ok(picture
            .list(record.id)
            .map(|list| list.members.keys().copied().collect())
            .unwrap_or_default());
    }
    let ids = named(picture, names)?;
    for id in &ids {
        if member(picture, record, *id).is_none() {
            let name = picture.provider_name(*id);
            let cause = format!("{name} is not on the distribution list of template `{}`", record.name);
            return Err(Refused::new(Code::A0004, cause));
        }
    }
    Ok(ids)
}

/// Whom its transfer gets the current version from, most first; nobody while it transfers nothing.
fn sources(
    picture: &Picture,
    record: &TemplateRecord,
    id: ProviderId,
    view: &ReplicaView,
) -> Vec<SourceView> {
    if view.phase != Some(Phase::Transferring) {
        return Vec::new();
    }
    let said = picture.current(record).and_then(|version| picture.world.replicas.get(&(id, version.digest)));
    let given = said.into_iter().flat_map(|report| &report.sources);
    let mut sources: Vec<_> = given
        .map(|it| SourceView {
            provider: picture.provider_name(it.provider),
            bytes: it.received.0,
            bytes_per_second: it.rate.0,
        })
        .collect();
    sources.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.provider.cmp(&b.provider)));
    sources
}

fn tagged(picture: &Picture, record: &TemplateRecord) -> Tagged<DistributionView> {
    let members = picture.list(record.id).map(|list| &list.members);
    let wishes: Vec<_> = members.into_iter().flatten().collect();
    let (rows, status) = picture.distribution(record.id);
    let size = picture.current(record).map(|version| version.size).unwrap_or_default();
    let whole = size.data_bytes.0;
    let versions = || picture.list(record.id).into_iter().flat_map(|list| &list.versions);
    let damaged = |id| versions().filter_map(|version| integrity::damaged(picture, id, version)).collect();
    let plan = Plan::of(&picture.world);
    let row = |id: &ProviderId, view: &ReplicaView| {
        let mut row = DistributionRow::new(&picture.provider_name(*id), view);
        row.saved = SavedView::of(&view.work, &size);
        if row.percent >= 100.0 && row.bytes_total == 0 {
            // It was brought there in an earlier life of its agent: all of it is there all the same.
            (row.bytes_done, row.bytes_total) = (whole, whole);
        }
        row.damaged = damaged(*id);
        row.sources = sources(picture, record, *id, view);
        row.limited = plan.limited(record.id, *id, picture.now).as_ref().map(Into::into);
        row
    };
    let holding = rows.iter().filter(|(_, view)| view.state == ReplicaState::Ready);
    let verified_at = holding.filter_map(|(_, view)| view.verified_at).min();
    let value = DistributionView {
        verified_at: verified_at.map(rfc3339),
        template: record.name.to_string(),
        version: record.current,
        digest: picture.current(record).map(|version| version.digest.to_string()),
        distribution: status.word.as_str().to_owned(),
        summary: status.into(),
        providers: rows.iter().map(|(id, view)| row(id, view)).collect(),
    };
    Tagged { etag: etag::of(&(record, wishes)), value }
}
