//! Templates: creating, showing, changing, deleting them.

use crate::{
    app::{
        App,
        authorise::Action,
        cx::Cx,
        etag::{self, Tagged},
        host_defaults,
        idempotency::{self, Key},
        limits,
        maintenance::view as maintenance_view,
        page,
        plans::{self, Wanted},
        refused::Refused,
        sources, versions,
    },
    picture::Picture,
};
use diecast_api::{
    operator::template::{
        ChangeTemplate, CreateTemplate, HardwareView, PlanView, PublicationView, TemplateList, TemplateView,
    },
    time::rfc3339,
};
use diecast_domain::{
    code::Code,
    distribution::Member,
    host::HostDefaults,
    ids::{ProviderId, PublicationId, TemplateId},
    limit::{Limit, LimitedBy},
    maintenance,
    names::TemplateName,
    plan::CONCURRENCY_DEFAULT,
    profile::{DiskBus, Firmware, HardwareProfile, MachineType},
    report::PublicationPhase,
    retention::{self, KEEP_DEFAULT, Verdict},
    template::{Publication, PublicationSource, TemplateStatus},
    wishes::may_delete_template,
};
use diecast_store::TemplateRecord;
use std::{collections::BTreeSet, time::Duration};
use uuid::Uuid;

/// Providers that may receive one template at a time, at most: beyond it nothing is gained.
const CONCURRENCY_MAX: u32 = 1000;
/// How long a machine may take to be reported as it is now: a look and a report of its agent.
const SOURCE_PATIENCE: Duration = Duration::from_secs(6);
const SOURCE_LOOK_INTERVAL: Duration = Duration::from_millis(300);
/// More versions than this are all of them: 0 says so.
const KEEP_MAX: u32 = 10_000;
/// A note is a sentence or two.
const NOTE_LENGTH_MAX: usize = 1000;

/// A creation that was checked.
struct Wish {
    name: TemplateName,
    provider: ProviderId,
    source: PublicationSource,
    members: BTreeSet<ProviderId>,
    concurrency: u32,
    keep: u32,
    limit: Option<Limit>,
    host_defaults: HostDefaults,
}

impl App {
    pub(crate) async fn templates(&self, cx: &Cx, ask: &page::Ask) -> Result<TemplateList, Refused> {
        cx.may(Action::Read)?;
        let picture = self.picture().await?;
        let mut all: Vec<&TemplateRecord> = picture.templates.values().collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        let (records, next) = ask.cut(all, |record| record.name.to_string())?;
        Ok(TemplateList { items: records.into_iter().map(|record| view(&picture, record)).collect(), next })
    }

    pub(crate) async fn template(&self, cx: &Cx, name: &str) -> Result<Tagged<TemplateView>, Refused> {
        cx.may(Action::Read)?;
        let picture = self.picture().await?;
        let record = picture.template_named(name)?;
        Ok(Tagged { etag: etag::of(record), value: view(&picture, record) })
    }

    /// What creating it would do.
    pub(crate) async fn plan_template(&self, cx: &Cx, asked: &CreateTemplate) -> Result<PlanView, Refused> {
        cx.may(Action::Read)?;
        let picture = self.picture().await?;
        let wish = wish(&picture, asked)?;
        let from = picture.provider_name(wish.provider);
        let read = if asked.trim { "trim (on an overlay) and read" } else { "read" };
        let mut steps =
            vec![format!("{read} {} on {from} and publish it as v1 of `{}`", wish.source, wish.name)];
        for member in members_in_order(&picture, &wish) {
            steps.push(format!("bring v1 of `{}` to {}", wish.name, picture.provider_name(member)));
        }
        let source = picture.provider_named(&from)?;
        let obstacles = sources::obstacles(&picture, source, &wish.source, asked.trim);
        let mut plan = plans::plan(steps, &obstacles);
        let content = sources::content(&picture, source.id, &wish.source);
        let wanted = content.map(|content| Wanted { profile: &content.profile, bytes: content.occupied });
        let members = members_in_order(&picture, &wish);
        for member in &members {
            plans::block(&mut plan, &picture, *member, plans::obstacles(&picture, *member, wanted));
        }
        plan.bytes_each = content.map(|content| content.occupied.0);
        plan.bytes_network = plan.bytes_each.map(|each| each * members.len() as u64);
        Ok(plan)
    }

    /// What was shut down or defined a moment ago may not have been reported yet: an obstacle of the
    /// machine is believed only if it is still there when its agent has looked again.
    async fn wait_for_the_source(&self, asked: &CreateTemplate) -> Result<(), Refused> {
        let source = sources::source_of(asked)?;
        let begun = tokio::time::Instant::now();
        while begun.elapsed() < SOURCE_PATIENCE {
            let picture = self.picture().await?;
            let provider = picture.provider_named(&asked.provider)?;
            let found = sources::obstacles(&picture, provider, &source, asked.trim);
            if !found.iter().any(|problem| matches!(problem.code, Code::V0001 | Code::V0002 | Code::V0003)) {
                break;
            }
            tokio::time::sleep(SOURCE_LOOK_INTERVAL).await;
        }
        Ok(())
    }

    pub(crate) async fn create_template(
        &self,
        cx: &Cx,
        asked: &CreateTemplate,
        key: Option<&Key>,
    ) -> Result<Tagged<TemplateView>, Refused> {
        cx.may(Action::ChangeTemplates)?;
        self.wait_for_the_source(asked).await?;
        let (mut change, picture) = self.begin().await?;
        if let Some(made) = idempotency::repeated(&mut change, cx, key).await? {
            let record = picture.template_named(&made)?;
            return Ok(Tagged { etag: etag::of(record), value: view(&picture, record) });
        }
        let wish = wish(&picture, asked)?;
        let source = picture.provider_named(&asked.provider)?;
        if let Some(problem) =
            sources::obstacles(&picture, source, &wish.source, asked.trim).into_iter().next()
        {
            return Err(problem.into());
        }
        let record = TemplateRecord {
            maintenance: None,
            discarded: Vec::new(),
            keep: wish.keep,
            source: Some(wish.provider),
            numbered: 0,
            id: TemplateId::from_uuid(Uuid::now_v7()),
            name: wish.name,
            status: TemplateStatus::Creating,
            concurrency: wish.concurrency,
            limit: wish.limit,
            host_defaults: wish.host_defaults,
            current: None,
            publication: Some(Publication {
                id: PublicationId::from_uuid(Uuid::now_v7()),
                provider: wish.provider,
                source: wish.source,
                trim: asked.trim,
                attempt: 1,
                next_attempt_at: None,
                problem: None,
            }),
            note: asked.note.clone(),
            author: cx.who(),
            created_at: cx.now,
        };
        change.put_template(&record).await?;
        for member in &wish.members {
            change.put_member(record.id, *member, &Member::new(false, cx.now)).await?;
        }
        idempotency::remember(&mut change, cx, key, record.name.as_str()).await?;
        let picture = Picture::take(&mut change, self.live(), cx.now).await?;
        let sentence =
            format!("template `{}` is to be made on {}", record.name, source_name(&picture, &record));
        let event = cx.event("template.created", "template", record.name.as_str(), sentence);
        self.finish(change, vec![event]).await?;
        Ok(Tagged { etag: etag::of(&record), value: view(&picture, &record) })
    }

    /// What changing it would do.
    pub(crate) async fn plan_template_change(
        &self,
        cx: &Cx,
        name: &str,
        asked: &ChangeTemplate,
    ) -> Result<PlanView, Refused> {
        cx.may(Action::Read)?;
        let picture = self.picture().await?;
        let record = picture.template_named(name)?;
        let mut steps = Vec::new();
        if let Some(wanted) = concurrency(asked.concurrency)?.filter(|wanted| *wanted != record.concurrency) {
            steps.push(format!(
                "let {wanted} providers receive `{name}` at a time, instead of {}",
                record.concurrency
            ));
        }
        if let Some(wanted) = keep(asked.keep)?.filter(|wanted| *wanted != record.keep) {
            steps.push(keeping(&picture, record, wanted));
        }
        let limit = limits::wish(asked.limit.as_deref(), record.limit.clone())?;
        if limit != record.limit {
            steps.push(match limit {
                Some(limit) => format!("limit each transfer of `{name}`: {limit}"),
                None => format!("let `{name}` travel as fast as it goes"),
            });
        }
        if host_defaults::merged(&record.host_defaults, &asked.host_defaults)? != record.host_defaults {
            steps.push(format!("change what hosts of `{name}` are like where nobody says otherwise; those that there are stay as they are"));
        }
        Ok(plans::plan(steps, &[]))
    }

    pub(crate) async fn change_template(
        &self,
        cx: &Cx,
        name: &str,
        asked: &ChangeTemplate,
        if_match: Option<&str>,
    ) -> Result<Tagged<TemplateView>, Refused> {
        cx.may(Action::ChangeTemplates)?;
        let (mut change, picture) = self.begin().await?;
        let before = picture.template_named(name)?.clone();
        etag::check(if_match, &before, &format!("template `{name}`"))?;
        let mut record = before.clone();
        record.concurrency = concurrency(asked.concurrency)?.unwrap_or(record.concurrency);
        record.keep = keep(asked.keep)?.unwrap_or(record.keep);
        record.limit = limits::wish(asked.limit.as_deref(), record.limit)?;
        record.host_defaults = host_defaults::merged(&record.host_defaults, &asked.host_defaults)?;
        if record != before {
            change.put_template(&record).await?;
            let event =
                cx.event("template.changed", "template", name, format!("template `{name}` was changed"));
            self.finish(change, vec![event]).await?;
        }
        Ok(Tagged { etag: etag::of(&record), value: view(&picture, &record) })
    }

    /// What deleting it would do.
    pub(crate) async fn plan_template_deletion(&self, cx: &Cx, name: &str) -> Result<PlanView, Refused> {
        cx.may(Action::Read)?;
        let picture = self.picture().await?;
        let record = picture.template_named(name)?;
        let members =
            picture.list(record.id).map(|list| list.members.keys().copied().collect()).unwrap_or_default();
        let members: Vec<ProviderId> = members;
        let step =
            |id: &ProviderId| format!("remove every version of `{name}` from {}", picture.provider_name(*id));
        let obstacle = may_delete_template(&picture.world, record.id).err().map(|refusal| refusal.problem());
        let obstacles: Vec<_> = obstacle.into_iter().collect();
        Ok(plans::plan(members.iter().map(step).collect(), &obstacles))
    }

    /// Marks it: it is gone when every provider has let go of it.
    pub(crate) async fn delete_template(
        &self,
        cx: &Cx,
        name: &str,
        if_match: Option<&str>,
    ) -> Result<(), Refused> {
        cx.may(Action::ChangeTemplates)?;
        let (mut change, picture) = self.begin().await?;
        let mut record = picture.template_named(name)?.clone();
        etag::check(if_match, &record, &format!("template `{name}`"))?;
        if record.status == TemplateStatus::Deleting {
            return Ok(());
        }
        may_delete_template(&picture.world, record.id)?;
        record.status = TemplateStatus::Deleting;
        record.publication = None;
        change.put_template(&record).await?;
        let event =
            cx.event("template.deleting", "template", name, format!("template `{name}` is to be deleted"));
        self.finish(change, vec![event]).await?;
        Ok(())
    }
}

fn source_name(picture: &Picture, record: &TemplateRecord) -> String {
    record.publication.as_ref().map(|it| picture.provider_name(it.provider)).unwrap_or_default()
}

pub(crate) fn check_note(note: Option<&str>) -> Result<(), Refused> {
    if note.is_some_and(|note| note.len() > NOTE_LENGTH_MAX) {
        return Err(Refused::malformed(format!("`note` is longer than {NOTE_LENGTH_MAX} bytes")));
    }
    Ok(())
}

fn keep(asked: Option<u32>) -> Result<Option<u32>, Refused> {
    match asked {
        Some(wanted) if wanted > KEEP_MAX => {
            Err(Refused::malformed(format!("`keep` is {wanted}; it may be 0 to {KEEP_MAX}")))
        }
        other => Ok(other),
    }
}

/// What keeping so many would do: which versions would go.
fn keeping(picture: &Picture, record: &TemplateRecord, wanted: u32) -> String {
    let name = &record.name;
    if wanted == 0 {
        return format!("keep every version of `{name}`");
    }
    let staying = picture.versions_of(record.id).filter(|version| !version.deleting);
    let staying = staying.map(|version| version.number).collect();
    let verdicts = retention::decide(&staying, wanted, retention::reasons(&picture.world, record.id));
    let going = verdicts.iter().filter(|(_, verdict)| **verdict == Verdict::Delete);
    let going: Vec<String> = going.map(|(number, _)| format!("v{number}")).collect();
    let which = if going.is_empty() { "none".to_owned() } else { going.join(", ") };
    let newest = if wanted == 1 { "newest version".to_owned() } else { format!("{wanted} newest versions") };
    format!("keep the {newest} of `{name}`, and those that are needed; to be deleted: {which}")
}

fn concurrency(asked: Option<u32>) -> Result<Option<u32>, Refused> {
    match asked {
        Some(wanted) if !(1..=CONCURRENCY_MAX).contains(&wanted) => {
            Err(Refused::malformed(format!("`concurrency` is {wanted}; it may be 1 to {CONCURRENCY_MAX}")))
        }
        other => Ok(other),
    }
}

/// What is asked, checked against what there is.
fn wish(picture: &Picture, asked: &CreateTemplate) -> Result<Wish, Refused> {
    let name: TemplateName = asked.name.parse()?;
    let source = sources::source_of(asked)?;
    check_note(asked.note.as_deref())?;
    let provider = picture.provider_named(&asked.provider)?.id;
    if picture.template_named(name.as_str()).is_ok() {
        return Err(Refused::new(Code::A0005, format!("there is a template `{name}` already")));
    }
    let mut members = BTreeSet::from([provider]);
    for other in &asked.to {
        members.insert(picture.provider_named(other)?.id);
    }
    if asked.to_all {
        members.extend(picture.providers.keys());
    }
    if !asked.selector.is_empty() {
        let wanted = &asked.selector;
        let carries = |labels: &std::collections::BTreeMap<String, String>| {
            wanted.iter().all(|(key, value)| labels.get(key) == Some(value))
        };
        members
            .extend(picture.providers.values().filter(|there| carries(&there.labels)).map(|there| there.id));
    }
    let concurrency = concurrency(asked.concurrency)?.unwrap_or(CONCURRENCY_DEFAULT);
    let keep = keep(asked.keep)?.unwrap_or(KEEP_DEFAULT);
    let limit = limits::wish(asked.limit.as_deref(), None)?;
    let host_defaults = host_defaults::merged(&HostDefaults::default(), &asked.host_defaults)?;
    Ok(Wish { name, provider, source, members, concurrency, keep, limit, host_defaults })
}

/// By name, and not the source, which reads for itself.
fn members_in_order(picture: &Picture, wish: &Wish) -> Vec<ProviderId> {
    let mut members: Vec<_> = wish.members.iter().copied().filter(|id| *id != wish.provider).collect();
    members.sort_by_key(|id| picture.provider_name(*id));
    members
}

pub(crate) fn view(picture: &Picture, record: &TemplateRecord) -> TemplateView {
    let current = picture.current(record);
    let (_, status) = picture.distribution(record.id);
    let own = || picture.world.hosts.iter().filter(|host| host.template == record.id);
    let (hosts, outdated) = (own().count(), own().filter(|host| picture.is_outdated(host)).count());
    let problem = record.publication.as_ref().and_then(|it| it.problem.as_ref());
    let versions = picture.versions_of(record.id).map(|version| version.created_at);
    let changed_at = versions.max().unwrap_or(record.created_at);
    TemplateView {
        id: record.id.to_string(),
        name: record.name.to_string(),
        status: maintenance::status(record.status, record.maintenance.as_ref()).as_str().to_owned(),
        maintenance: record.maintenance.as_ref().map(|stay| maintenance_view(picture, record, stay)),
        keep: record.keep,
        outdated: u32::try_from(outdated).unwrap_or(u32::MAX),
        problem: problem.map(Into::into),
        version: record.current,
        digest: current.map(|version| version.digest.to_string()),
        distribution: status.into(),
        concurrency: record.concurrency,
        limit: record.limit.as_ref().map(ToString::to_string),
        limited: limits::view(LimitedBy::Template(record.name.clone()), record.limit.as_ref(), picture.now),
        host_defaults: host_defaults::body(&record.host_defaults),
        hosts: u32::try_from(hosts).unwrap_or(u32::MAX),
        created_at: rfc3339(record.created_at),
        changed_at: rfc3339(changed_at),
        size: current.map(|version| versions::size(&version.size)),
        hardware: current.map(|version| hardware(&version.profile)),
        publication: record.publication.as_ref().map(|it| publication(picture, it)),
        warnings: current.map(|version| version.warnings.clone()).unwrap_or_default(),
        trimming: current.and_then(|version| version.trimming.as_ref()).map(versions::trimming),
    }
}

fn publication(picture: &Picture, publication: &Publication) -> PublicationView {
    let answers = picture.state(publication.provider).answers();
    let report = picture.report(publication.provider).filter(|_| answers).and_then(|report| {
        report.publications.iter().find(|it| it.id == publication.id && it.attempt == publication.attempt)
    });
    let waits = publication.next_attempt_at.is_some() || (report.is_none() && publication.problem.is_some());
    let phase = match report {
        _ if waits => PublicationPhase::Failed,
        Some(report) => report.phase,
        None => PublicationPhase::Queued,
    };
    let silence = picture.providers.get(&publication.provider).and_then(|it| picture.must_answer(it).err());
    let problem =
        silence.or_else(|| report.and_then(|it| it.problem.clone())).or_else(|| publication.problem.clone());
    let work = report.map(|report| report.progress).unwrap_or_default();
    PublicationView {
        provider: picture.provider_name(publication.provider),
        source: publication.source.to_string(),
        phase: phase.as_str().to_owned(),
        percent: work.percent(),
        bytes_done: work.done.0,
        bytes_total: work.total.0,
        attempts: publication.attempt,
        next_attempt_at: publication.next_attempt_at.map(rfc3339),
        code: problem.as_ref().map(|problem| problem.code.to_string()),
        cause: problem.as_ref().map(|problem| problem.cause.clone()),
        hint: problem.map(|problem| problem.hint),
    }
}

fn hardware(profile: &HardwareProfile) -> HardwareView {
    let bus = |bus| match bus {
        DiskBus::Ide => "ide",
        DiskBus::Sata => "sata",
        DiskBus::Scsi => "scsi",
        DiskBus::Usb => "usb",
        DiskBus::Virtio => "virtio",
    };
    HardwareView {
        vcpus: profile.vcpus,
        memory_bytes: profile.memory.0,
        machine: match profile.machine {
            MachineType::I440fx => "i440fx",
            MachineType::Q35 => "q35",
        }
        .to_owned(),
        firmware: match profile.firmware {
            Firmware::Bios => "bios",
            Firmware::Uefi { secure_boot: false } => "uefi",
            Firmware::Uefi { secure_boot: true } => "uefi-secure-boot",
        }
        .to_owned(),
        disks: profile.disks.iter().map(|disk| format!("{} {}", bus(disk.bus), disk.size)).collect(),
        nics: profile.nics.iter().map(|nic| format!("{} on {}", nic.model, nic.network)).collect(),
    }
}
