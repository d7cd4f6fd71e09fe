//! What entering and leaving would do.

use super::{leaving, place};
use crate::{
    app::{App, authorise::Action, cx::Cx, plans, refused::Refused, rollout::Rollout},
    picture::Picture,
};
use diecast_api::operator::{
    maintenance::{EnterMaintenance, LeaveMaintenance},
    template::PlanView,
};
use diecast_domain::{distribution::Desire, host::Host, ids::ProviderId, wishes::may_leave_maintenance};
use diecast_store::TemplateRecord;

impl App {
    pub(crate) async fn plan_maintenance(
        &self,
        cx: &Cx,
        name: &str,
        asked: &EnterMaintenance,
    ) -> Result<PlanView, Refused> {
        cx.may(Action::Read)?;
        let picture = self.picture().await?;
        let (provider, base) = place(&picture, picture.template_named(name)?, asked)?;
        let on = picture.provider_name(provider);
        let steps = vec![
            format!("make a working copy of v{} of `{name}` on {on}: an overlay on its files", base.number),
            format!("start it there as `diecast-{name}-maintenance`"),
        ];
        Ok(plans::plan(steps, &[]))
    }

    /// What leaving would do. How much was changed is known only when it has been read.
    pub(crate) async fn plan_leaving(
        &self,
        cx: &Cx,
        name: &str,
        asked: &LeaveMaintenance,
    ) -> Result<PlanView, Refused> {
        cx.may(Action::Read)?;
        let picture = self.picture().await?;
        let record = picture.template_named(name)?;
        let obstacle = may_leave_maintenance(&picture.world, record.id, asked.force).err();
        let Some(stay) = &record.maintenance else {
            return Err(obstacle.map_or_else(|| Refused::malformed("nothing is to be left"), Refused::from));
        };
        let wish = leaving::wish(stay.leave.clone(), asked, cx)?;
        let (seconds, on) = (leaving::shutdown_seconds(asked)?, picture.provider_name(stay.provider));
        let then = if asked.force { ", then switch it off" } else { "" };
        let newest = picture.versions_of(record.id).map(|version| version.number).max().unwrap_or(0);
        let next = format!("v{}", newest.max(record.numbered).saturating_add(1));
        let mut steps = vec![
            format!("shut the working copy down on {on}, within {seconds} seconds{then}"),
            format!(
                "read what was changed and publish it as {next} of `{name}`; how many bytes that is, here and over the network, is unknown until it is read, and nothing is published if nothing was changed"
            ),
        ];
        let members = members(&picture, record);
        if asked.trim {
            steps.insert(
                1,
                "give back what its file systems do not use, on an overlay of its disks".to_owned(),
            );
        }
        steps.extend(
            members.iter().map(|id| format!("bring the difference to {}", picture.provider_name(*id))),
        );
        let obstacles: Vec<_> =
            obstacle.into_iter().chain(super::cannot_trim(&picture, record, asked)).collect();
        let mut plan = plans::plan(steps, &obstacles);
        plan.blockers = plans::silent(&picture, members);
        let rollout = Rollout { when: wish.recreate, if_unavailable: wish.if_unavailable, terms: wish.terms };
        let hosts: Vec<&Host> = picture.followers(record.id).collect();
        rollout.tell(&picture, &hosts, &next, &mut plan);
        plan.blockers.sort_by(|a, b| a.provider.cmp(&b.provider));
        plan.blockers.dedup();
        Ok(plan)
    }
}

/// Who is to hold the template, by name.
fn members(picture: &Picture, record: &TemplateRecord) -> Vec<ProviderId> {
    let members = picture.list(record.id).map(|list| &list.members).into_iter().flatten();
    let holding = members.filter(|(_, member)| member.desire == Desire::Hold);
    let mut ids: Vec<ProviderId> = holding.map(|(id, _)| *id).collect();
    ids.sort_by_key(|id| picture.provider_name(*id));
    ids
}
