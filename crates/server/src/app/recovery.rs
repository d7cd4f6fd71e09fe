//! After a restore: what differs is shown, adopted on request, and let go on. Decided in
//! `domain::recovery`; the manifests that adopted versions need have come from their holders by then.

mod strange;
mod view;

use crate::{
    app::{App, authorise::Action, cx::Cx, refused::Refused},
    picture::Picture,
};
use diecast_api::operator::recovery::{Adopt, AdoptedView, FindingView, Finish, RecoveryView};
use diecast_domain::{
    code::{Code, Problem},
    ids::ProviderId,
    names::ProviderName,
    profile::HardwareProfile,
    protocol::PROTOCOL,
    provider::ProviderState,
    recovery::{Adoption, adopt},
    retention::KEEP_DEFAULT,
    template::{TemplateStatus, VersionRef, VersionSize},
};
use diecast_store::{Change, RecoveryRecord, TemplateRecord, VersionRecord};
use diecast_transfer::manifest::{Disk, Manifest};
use std::collections::BTreeSet;

/// Who is said to have published what was adopted.
const AUTHOR: &str = "recovery";

impl App {
    pub(crate) async fn recovery(&self, cx: &Cx) -> Result<RecoveryView, Refused> {
        cx.may(Action::Read)?;
        let picture = self.picture().await?;
        let record = self.store().view().await?.recovery().await?;
        Ok(view::view(&picture, record, &self.live().strangers.calling(cx.now)))
    }

    pub(crate) async fn adopt(&self, cx: &Cx, asked: &Adopt) -> Result<AdoptedView, Refused> {
        cx.may(Action::ChangeTemplates)?;
        cx.may(Action::ChangeProviders)?;
        if asked.all != asked.providers.is_empty() {
            return Err(Refused::malformed("name `providers`, or say `all`"));
        }
        let (mut change, picture) = self.begin().await?;
        must_be_open(change.open_recovery().await?)?;
        let mut said = AdoptedView { adopted: Vec::new(), waiting: Vec::new(), refused: Vec::new() };
        let mut events = Vec::new();
        let which = self.named(&mut change, cx, asked, &picture, &mut said).await?;
        said.waiting.extend(
            which
                .iter()
                .filter(|id| still_to_tell(&picture, **id))
                .map(|id| format!("what {} holds", picture.provider_name(*id))),
        );
        let adoption = adopt(&picture.world, &which, cx.now);
        said.waiting
            .extend(adoption.waiting.iter().map(|it| format!("the manifest of {} v{}", it.name, it.number)));
        said.refused.extend(adoption.refused.iter().map(|(name, problem)| refused(name, problem)));
        carry_out(&mut change, cx, &picture, adoption, &mut said).await?;
        for sentence in &said.adopted {
            events.push(cx.event("recovery.adopted", "recovery", "recovery", sentence.clone()));
        }
        self.finish(change, events).await?;
        Ok(said)
    }

    /// Whose things are adopted. Strangers among them are adopted first; what they hold follows when they
    /// have been told something.
    async fn named(
        &self,
        change: &mut Change,
        cx: &Cx,
        asked: &Adopt,
        picture: &Picture,
        said: &mut AdoptedView,
    ) -> Result<BTreeSet<ProviderId>, Refused> {
        let strangers = self.live().strangers.calling(cx.now);
        let mut which: BTreeSet<ProviderId> = BTreeSet::new();
        let mut strange: BTreeSet<ProviderId> = BTreeSet::new();
        if asked.all {
            which.extend(picture.providers.keys());
            strange.extend(strangers.keys().filter(|id| !picture.providers.contains_key(id)));
        }
        for name in &asked.providers {
            let called = |id: &ProviderId| strangers.get(id).is_some_and(|it| it.name(*id) == *name);
            match picture.provider_named(name) {
                Ok(record) => drop(which.insert(record.id)),
                Err(unknown) => {
                    let id = strangers.keys().find(|id| called(id)).copied().ok_or(unknown)?;
                    strange.insert(id);
                }
            }
        }
        for id in strange {
            let stranger = &strangers[&id];
            match strange::adopt(change, picture, id, stranger, cx.now).await? {
                Ok(name) => {
                    said.adopted.push(format!("provider {name} is known again"));
                    said.waiting.push(format!("what {name} holds"));
                    self.live().strangers.forget(id);
                }
                Err(problem) => said.refused.push(refused(&stranger.name(id), &problem)),
            }
        }
        Ok(which)
    }

    pub(crate) async fn finish_recovery(&self, cx: &Cx, asked: &Finish) -> Result<RecoveryView, Refused> {
        cx.may(Action::ChangeTemplates)?;
        cx.may(Action::ChangeProviders)?;
        let (mut change, picture) = self.begin().await?;
        let record = must_be_open(change.open_recovery().await?)?;
        let strangers = self.live().strangers.calling(cx.now);
        let shown = view::view(&picture, Some(record), &strangers);
        let silent = shown.providers.iter().filter(|it| !it.answers || !it.known);
        let mut left: Vec<String> = silent.map(|it| it.name.clone()).collect();
        left.extend(
            shown.items.iter().filter(|it| it.adoptable).map(|it| format!("{} {}", it.kind, it.name)),
        );
        if !left.is_empty() && !asked.force {
            let cause = format!("not everything was looked at: {}", view::shortened(&left));
            let hint = "adopt it, bring the providers back, or finish all the same with `--yes`";
            return Err(Problem::new(Code::A0010, cause).with_hint(hint).into());
        }
        let finished = RecoveryRecord { finished_at: Some(cx.now), ..record };
        change.put_recovery(&finished).await?;
        let sentence = "the recovery is finished: everything goes on".to_owned();
        let event = cx.event("recovery.finished", "recovery", "recovery", sentence);
        self.finish(change, vec![event]).await?;
        Ok(view::view(&self.picture().await?, Some(finished), &strangers))
    }
}

/// It calls, or did when the backup was made and is given the time to, or was just adopted, and has not said
/// yet what it was told. Agents of an older release never say it.
fn still_to_tell(picture: &Picture, id: ProviderId) -> bool {
    let told = picture.world.recovery.as_ref().is_some_and(|recovery| recovery.formers.contains_key(&id));
    let enrolled = picture.contacts.get(&id).is_some_and(|contact| !contact.certificates.is_empty());
    let state = picture.state(id);
    match picture.report(id).filter(|_| state.answers()) {
        Some(report) => !told && report.protocol >= PROTOCOL,
        None => enrolled && (state.answers() || state == ProviderState::AwaitingAgent),
    }
}

fn must_be_open(record: Option<RecoveryRecord>) -> Result<RecoveryRecord, Refused> {
    let none = || {
        Problem::new(Code::A0010, "no recovery is open")
            .with_hint("a recovery begins with `diecast server restore`")
    };
    record.ok_or_else(|| none().into())
}

fn refused(name: &str, problem: &Problem) -> FindingView {
    FindingView {
        kind: "refused".to_owned(),
        name: name.to_owned(),
        providers: Vec::new(),
        detail: String::new(),
        adoptable: false,
        problem: Some(problem.into()),
    }
}

async fn carry_out(
    change: &mut Change,
    cx: &Cx,
    picture: &Picture,
    adoption: Adoption,
    said: &mut AdoptedView,
) -> Result<(), Refused> {
    let mut templates: Vec<TemplateRecord> = picture.templates.values().cloned().collect();
    for (id, name) in adoption.templates {
        said.adopted.push(format!("template {name} is known again"));
        templates.push(TemplateRecord {
            id,
            name,
            status: TemplateStatus::Ready,
            concurrency: diecast_domain::plan::CONCURRENCY_DEFAULT,
            current: None,
            publication: None,
            note: None,
            author: AUTHOR.to_owned(),
            created_at: cx.now,
            maintenance: None,
            discarded: Vec::new(),
            source: None,
            numbered: 0,
            keep: KEEP_DEFAULT,
            limit: None,
            host_defaults: Default::default(),
        });
    }
    for record in &mut templates {
        let current = adoption.current.iter().find(|(id, _)| *id == record.id).map(|(_, number)| *number);
        let new = adoption.versions.iter().filter(|version| version.template == record.id);
        let highest = new.map(|version| version.number).max();
        let Some(highest) = highest else { continue };
        record.current = current.or(record.current);
        record.numbered = record.numbered.max(highest);
        record.status = TemplateStatus::Ready;
        // What was to be published then was published since, or is to be asked for again.
        record.publication = None;
        change.put_template(record).await?;
    }
    for version in &adoption.versions {
        let current = adoption.current.contains(&(version.template, version.number));
        let record = described(change, version, cx).await?;
        change.add_version(&record).await?;
        let what = if current { ", and is the current version" } else { "" };
        said.adopted.push(format!("{} v{} is known again{what}", version.name, version.number));
    }
    for (template, provider, member) in &adoption.members {
        change.put_member(*template, *provider, member).await?;
        let name = templates.iter().find(|it| it.id == *template).map(|it| it.name.to_string());
        let (who, of) = (picture.provider_name(*provider), name.unwrap_or_default());
        said.adopted.push(format!("{who} is on the list of {of} again"));
    }
    for host in &adoption.hosts {
        change.add_host(host).await?;
        let who = picture.provider_name(host.provider);
        said.adopted.push(format!("host {} on {who} is known again", host.name));
    }
    Ok(())
}

/// What can be said of a version from its manifest alone.
async fn described(change: &mut Change, version: &VersionRef, cx: &Cx) -> Result<VersionRecord, Refused> {
    let bytes = change.manifest(version.digest).await?;
    let lacking = || Refused::new(Code::A0004, format!("there is no manifest of {}", version.digest.short()));
    let manifest =
        Manifest::decode_as(&bytes.ok_or_else(lacking)?, &version.digest).map_err(|bad| bad.problem())?;
    let refused = |what: &dyn std::fmt::Display| {
        Problem::new(Code::T0007, format!("the hardware profile in the manifest was refused: {what}"))
    };
    let profile: HardwareProfile =
        serde_json::from_slice(manifest.profile()).map_err(|error| refused(&error))?;
    profile.check(manifest.disks().iter().map(Disk::name)).map_err(|bad| refused(&bad))?;
    Ok(VersionRecord {
        template: version.template,
        number: version.number,
        digest: version.digest,
        size: VersionSize {
            virtual_bytes: manifest.size(),
            data_bytes: manifest.data_bytes(),
            packed_bytes: manifest.wire_bytes(),
        },
        profile,
        warnings: Vec::new(),
        note: None,
        author: AUTHOR.to_owned(),
        created_at: cx.now,
        parent: None,
        new_bytes: None,
        trimming: None,
        tags: Default::default(),
        deleting: false,
    })
}

/// A name that a provider of the store has is somebody else's.
fn free_name(picture: &Picture, name: &ProviderName) -> Result<(), Problem> {
    match picture.provider_named(name.as_str()) {
        Err(_) => Ok(()),
        Ok(_) => Err(Problem::new(Code::B0007, format!("another provider is called `{name}`")).with_hint(
            format!("rename or remove that one, or `diecast provider rejoin {name}` for this machine"),
        )),
    }
}
