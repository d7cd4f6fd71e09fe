//! Writing a version into a bundle: its holder reads it, and the operator's end gets it.

use super::{Said, answered, broke_off};
use crate::{
    app::{App, authorise::Action, cx::Cx, named_version::named_version, refused::Refused},
    clock,
    picture::{Picture, version_ref},
    relay::{End, Near},
};
use diecast_api::{
    bundle::Word,
    operator::bundle::{BundleView, ExportBundle},
};
use diecast_domain::{
    bundle::{BundleAct, Header, Since},
    code::Problem,
    distribution::Desire,
    ids::ProviderId,
    names::ProviderName,
    template::VersionRef,
    units::ByteCount,
    wishes::Refusal,
};
use diecast_store::{TemplateRecord, VersionRecord};
use tokio::sync::mpsc;

/// An export that was checked, and is ordered.
pub(crate) struct Exporting {
    near: Near<BundleAct, Said>,
    name: ProviderName,
    header: Header,
}

impl App {
    pub(crate) async fn open_export(
        &self,
        cx: &Cx,
        template: &str,
        version: &str,
        asked: &ExportBundle,
    ) -> Result<Exporting, Refused> {
        cx.may(Action::Operate)?;
        let picture = self.picture().await?;
        let record = picture.template_named(template)?;
        let version = named_version(&picture, record, version)?;
        let since = asked.since.as_deref().map(|since| named_version(&picture, record, since)).transpose()?;
        if since.is_some_and(|since| since.number == version.number) {
            let cause = format!("nothing in v{} is new since v{}", version.number, version.number);
            return Err(Refused::malformed(cause));
        }
        let target = version_ref(record, version);
        let (provider, name) = holder(&picture, record, &target, asked.provider.as_deref())?;
        let header = header(record, version, since);
        let act = BundleAct::Export { header: Box::new(header.clone()) };
        let near = self.open_bundle(provider, &name, act)?;
        Ok(Exporting { near, name, header })
    }

    /// Passes it on until it is done, or either end has gone.
    pub(crate) async fn export_bundle(&self, cx: Cx, exporting: Exporting, operator: End<Said>) {
        let Exporting { near, name, mut header } = exporting;
        let End { to, mut from } = operator;
        let gone = async { while from.recv().await.is_some() {} };
        let carried = tokio::select! {
            carried = pass_on(near, &name, &to) => carried,
            () = gone => return self.nudge(),
        };
        self.nudge();
        let word = match carried {
            Ok(data) => {
                header.carried = data;
                let (template, number) = (header.template.as_str(), header.number);
                let sentence =
                    format!("v{number} of template `{template}` was written into a bundle by {name}");
                self.note_bundle(&cx, "bundle.exported", template, sentence).await;
                Word::Done { bundle: view(&header, Some(&name), false) }
            }
            Err(problem) => Word::Refused { problem },
        };
        // Who has gone does not hear it.
        let _ = to.send(Said::Word(word)).await;
    }

    /// Writes down that a bundle was carried where nothing else changed.
    pub(super) async fn note_bundle(&self, cx: &Cx, kind: &str, template: &str, sentence: String) {
        let noted = async {
            let change = self.store().change().await?;
            let mut event = cx.event(kind, "template", template, sentence);
            event.at = clock::now();
            self.finish(change, vec![event]).await
        };
        if let Err(error) = noted.await {
            tracing::error!(error = %error, "that a bundle was carried is not in the log of events");
        }
    }
}

/// Bytes and progress, until the agent says how it ended.
async fn pass_on(
    mut near: Near<BundleAct, Said>,
    name: &ProviderName,
    to: &mpsc::Sender<Said>,
) -> Result<ByteCount, Problem> {
    answered(&mut near, name).await?;
    loop {
        match near.end.from.recv().await {
            Some(Said::Word(Word::Carried { data })) => return Ok(ByteCount(data)),
            Some(Said::Word(Word::Refused { problem })) => return Err(problem),
            Some(said) => {
                if to.send(said).await.is_err() {
                    return Err(broke_off("the command"));
                }
            }
            None => return Err(broke_off(&format!("the connection to {name}"))),
        }
    }
}

/// Who is to write it: the one named, else a member of the list, that holds it verified and answers.
fn holder(
    picture: &Picture,
    template: &TemplateRecord,
    version: &VersionRef,
    named: Option<&str>,
) -> Result<(ProviderId, ProviderName), Refused> {
    let world = &picture.world;
    let (name, number) = (template.name.clone(), version.number);
    if let Some(named) = named {
        let record = picture.provider_named(named)?;
        if world.is_ready_on(record.id, version.digest) {
            return Ok((record.id, record.name.clone()));
        }
        let provider = record.name.clone();
        return Err(Refusal::NotHeldThere { template: name, provider, version: number }.into());
    }
    let members = picture.list(template.id).map(|list| &list.members).into_iter().flatten();
    let mut holders: Vec<_> = members
        .filter(|(id, member)| member.desire == Desire::Hold && world.is_ready_on(**id, version.digest))
        .filter_map(|(id, _)| Some((*id, picture.providers.get(id)?.name.clone())))
        .collect();
    holders.sort_by(|one, other| one.1.cmp(&other.1));
    holders.into_iter().next().ok_or_else(|| Refusal::HeldByNobody { template: name, version: number }.into())
}

fn header(template: &TemplateRecord, version: &VersionRecord, since: Option<&VersionRecord>) -> Header {
    Header {
        template: template.name.clone(),
        number: version.number,
        digest: version.digest,
        size: version.size,
        carried: ByteCount::ZERO,
        since: since.map(|since| Since { number: since.number, digest: since.digest }),
        note: version.note.clone(),
        author: version.author.clone(),
        created_at: version.created_at,
        parent: version.parent,
        new_bytes: version.new_bytes,
        tags: version.tags.clone(),
        warnings: version.warnings.clone(),
    }
}

pub(super) fn view(header: &Header, provider: Option<&ProviderName>, new: bool) -> BundleView {
    BundleView {
        template: header.template.to_string(),
        version: header.number,
        digest: header.digest.to_string(),
        since: header.since.map(|since| since.number),
        provider: provider.map(ToString::to_string),
        carried_bytes: header.carried.0,
        new,
    }
}
