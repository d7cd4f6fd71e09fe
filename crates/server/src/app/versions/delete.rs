//! Deleting a version everywhere: refused while anything depends on it.

use crate::{
    app::{App, authorise::Action, cx::Cx, named_version, plans, refused::Refused},
    picture::{Picture, no_such},
    reconcile,
};
use diecast_api::operator::template::PlanView;
use diecast_domain::{ids::ProviderId, reconcile::Changes, replica::Phase, wishes::may_delete_version};
use diecast_store::{TemplateRecord, VersionRecord};

impl App {
    /// What deleting it would do.
    pub(crate) async fn plan_version_deletion(
        &self,
        cx: &Cx,
        template: &str,
        version: &str,
    ) -> Result<PlanView, Refused> {
        cx.may(Action::Read)?;
        let picture = self.picture().await?;
        let record = picture.template_named(template)?;
        let there = any(&picture, record, version)?;
        let refusal = may_delete_version(&picture.world, record.id, there.number).err();
        let obstacles: Vec<_> =
            refusal.filter(|_| !there.deleting).iter().map(|refusal| refusal.problem()).collect();
        let holders = may_have(&picture, there);
        // What it shares with other versions on a disk that can share stays occupied.
        let whole = there.size.data_bytes;
        let step = |id: &ProviderId| {
            let on = picture.provider_name(*id);
            format!("delete v{} of `{template}` from {on}: frees at most {whole}", there.number)
        };
        let mut plan = plans::plan(holders.iter().map(step).collect(), &obstacles);
        plan.bytes_network = Some(0);
        plan.blockers = plans::silent(&picture, holders);
        Ok(plan)
    }

    /// Marks it: it is gone when nobody has it any more, whoever is silent now included.
    pub(crate) async fn delete_version(&self, cx: &Cx, template: &str, version: &str) -> Result<(), Refused> {
        cx.may(Action::ChangeTemplates)?;
        let (mut change, mut picture) = self.begin().await?;
        let record = picture.template_named(template)?;
        let there = any(&picture, record, version)?;
        if there.deleting {
            return Ok(());
        }
        let (id, number) = (record.id, there.number);
        may_delete_version(&picture.world, id, number)?;
        let changes = Changes { versions_deleting: vec![(id, number)], ..Changes::default() };
        reconcile::write(&mut change, &mut picture, changes).await?;
        let sentence = format!("v{number} of template `{template}` is to be deleted everywhere");
        self.finish(change, vec![cx.event("version.deleting", "template", template, sentence)]).await?;
        Ok(())
    }
}

/// The version that is meant, even one that is being deleted.
fn any<'a>(picture: &'a Picture, record: &TemplateRecord, text: &str) -> Result<&'a VersionRecord, Refused> {
    let Some(number) = named_version::number(text) else {
        return named_version::named_version(picture, record, text);
    };
    let there = picture.versions_of(record.id).find(|version| version.number == number);
    there.ok_or_else(|| no_such(&format!("version of template `{}`", record.name), text).into())
}

/// Who has some of it, as far as anybody knows, by name.
fn may_have(picture: &Picture, version: &VersionRecord) -> Vec<ProviderId> {
    let said = picture.world.replicas.iter().filter(|((provider, digest), replica)| {
        *digest == version.digest
            && replica.phase != Phase::Absent
            && picture.providers.contains_key(provider)
    });
    let mut ids: Vec<ProviderId> = said.map(|((provider, _), _)| *provider).collect();
    ids.sort_by_key(|id| picture.provider_name(*id));
    ids
}
