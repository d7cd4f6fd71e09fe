//! Making another version the current one: a roll-back, mostly.

use crate::{
    app::{
        App,
        authorise::Action,
        cx::Cx,
        etag::{self, Tagged},
        named_version::named_version,
        plans::{self, counted},
        refused::Refused,
        rollout::Rollout,
        templates,
    },
    picture::{Picture, version_ref},
    reconcile,
};
use diecast_api::operator::template::{ActivateVersion, PlanView, TemplateView};
use diecast_domain::{
    distribution::Desire,
    host::Host,
    ids::{ProviderId, RecreationId, TemplateId},
    maintenance::RecreateWish,
    reconcile::Changes,
    recreation::{self, Recreation},
    template::VersionRef,
    wishes::may_activate_version,
};
use diecast_store::{TemplateRecord, VersionRecord};
use uuid::Uuid;

/// An activation that was checked.
struct Wish<'a> {
    template: &'a TemplateRecord,
    version: &'a VersionRecord,
    target: VersionRef,
    rollout: Rollout,
}

impl App {
    /// What making it current would do.
    pub(crate) async fn plan_activation(
        &self,
        cx: &Cx,
        template: &str,
        version: &str,
        asked: &ActivateVersion,
    ) -> Result<PlanView, Refused> {
        cx.may(Action::Read)?;
        let picture = self.picture().await?;
        let wish = wish(&picture, cx, template, version, asked)?;
        let number = wish.version.number;
        let obstacle = may_activate_version(&picture.world, wish.template.id, number).err();
        let mut steps = vec![format!("make v{number} the current version of `{template}`")];
        let lacking = lacking(&picture, wish.template.id, &wish.target);
        let whole = wish.version.size.packed_bytes;
        for id in &lacking {
            let on = picture.provider_name(*id);
            steps.push(format!(
                "bring v{number} of `{template}` to {on}: at most {whole}, less what is there in other versions"
            ));
        }
        let obstacles: Vec<_> = obstacle.iter().map(|refusal| refusal.problem()).collect();
        let mut plan = plans::plan(steps, &obstacles);
        plan.bytes_network = Some(whole.0.saturating_mul(lacking.len() as u64));
        plan.blockers = plans::silent(&picture, lacking);
        let hosts = picture.followers(wish.template.id).filter(|host| host.digest != wish.target.digest);
        let hosts: Vec<&Host> = hosts.collect();
        wish.rollout.tell(&picture, &hosts, &format!("v{number}"), &mut plan);
        plan.blockers.sort_by(|a, b| a.provider.cmp(&b.provider));
        plan.blockers.dedup();
        Ok(plan)
    }

    /// Makes it the current one. Where it is still held, that is all there is to do.
    pub(crate) async fn activate_version(
        &self,
        cx: &Cx,
        template: &str,
        version: &str,
        asked: &ActivateVersion,
    ) -> Result<Tagged<TemplateView>, Refused> {
        cx.may(Action::ChangeTemplates)?;
        let (mut change, mut picture) = self.begin().await?;
        let wish = wish(&picture, cx, template, version, asked)?;
        let (id, number) = (wish.template.id, wish.version.number);
        may_activate_version(&picture.world, id, number)?;
        let is_current = wish.template.current == Some(number);
        let recreation = recreation(&picture, cx, &wish);
        let mut events = Vec::new();
        let mut changes = Changes::default();
        if !is_current {
            changes.current.push((id, number));
            let sentence = format!("v{number} is the current version of template `{template}` again");
            events.push(cx.event("version.activated", "template", template, sentence));
        }
        if let Some(recreation) = recreation {
            let hosts = counted(recreation.hosts.len(), "host");
            let are = if recreation.hosts.len() == 1 { "is" } else { "are" };
            let sentence = format!("{hosts} of `{template}` {are} to move to v{number}");
            let name = recreation.id.to_string();
            events.push(cx.event("recreation.created", "recreation", &name, sentence));
            changes.recreations.push(recreation);
        }
        reconcile::write(&mut change, &mut picture, changes).await?;
        let record = picture.template_named(template)?;
        let answer = Tagged { etag: etag::of(record), value: templates::view(&picture, record) };
        if !events.is_empty() {
            self.finish(change, events).await?;
        }
        Ok(answer)
    }
}

fn wish<'a>(
    picture: &'a Picture,
    cx: &Cx,
    template: &str,
    version: &str,
    asked: &ActivateVersion,
) -> Result<Wish<'a>, Refused> {
    let template = picture.template_named(template)?;
    let version = named_version(picture, template, version)?;
    let (when, unavailable) = (asked.recreate.as_deref(), asked.if_unavailable.as_deref());
    let rollout = Rollout::parse(when, unavailable, &asked.terms, cx.now)?;
    Ok(Wish { template, version, target: version_ref(template, version), rollout })
}

/// The hosts that are to follow now or at a time, if there are any.
fn recreation(picture: &Picture, cx: &Cx, wish: &Wish<'_>) -> Option<Recreation> {
    let begins_at = match wish.rollout.when {
        RecreateWish::Later => return None,
        RecreateWish::Now => cx.now,
        RecreateWish::At(at) => at,
    };
    let asked = recreation::Wish {
        id: RecreationId::from_uuid(Uuid::now_v7()),
        target: wish.target.clone(),
        hosts: recreation::to_follow(&picture.world, &wish.target),
        terms: wish.rollout.terms.clone(),
        refresh: false,
        if_unavailable: wish.rollout.if_unavailable,
        begins_at,
        author: cx.who(),
    };
    let recreation = Recreation::new(asked, cx.now);
    (!recreation.hosts.is_empty()).then_some(recreation)
}

/// Who is to hold it and does not, by name.
fn lacking(picture: &Picture, template: TemplateId, target: &VersionRef) -> Vec<ProviderId> {
    let members = picture.list(template).map(|list| &list.members).into_iter().flatten();
    let holding = members.filter(|(_, member)| member.desire == Desire::Hold).map(|(id, _)| *id);
    let held = |id: &ProviderId| {
        picture.world.replicas.get(&(*id, target.digest)).is_some_and(|replica| replica.is_ready())
    };
    let mut ids: Vec<ProviderId> = holding.filter(|id| !held(id)).collect();
    ids.sort_by_key(|id| picture.provider_name(*id));
    ids
}
