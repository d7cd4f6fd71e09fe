//! Deleting hosts. A data disk goes only if somebody says so.

use super::{named, view::users_on};
use crate::app::{App, authorise::Action, cx::Cx, etag, plans, refused::Refused};
use diecast_api::operator::template::{BlockerView, PlanView};
use diecast_domain::{
    code::{Code, Problem},
    host::Host,
};

impl App {
    /// What deleting it would do. `data`: what becomes of its data disk.
    pub(crate) async fn plan_host_deletion(
        &self,
        cx: &Cx,
        name: &str,
        data: Option<bool>,
    ) -> Result<PlanView, Refused> {
        cx.may(Action::Read)?;
        let picture = self.picture().await?;
        let host = named(&picture, name)?;
        let on = picture.provider_name(host.provider);
        let mut steps = vec![format!("delete host `{name}` with its disks on {on}")];
        match (host.setup.data_disk, data) {
            (Some(size), Some(true)) => steps.push(format!("delete its data disk of {size}")),
            (Some(size), Some(false)) => steps.push(format!("leave its data disk of {size} on {on}")),
            _ => {}
        }
        let pool = host.pool.and_then(|id| picture.world.pools.iter().find(|pool| pool.id == id));
        if let Some(pool) = pool {
            steps.push(format!("pool `{}` makes another one in its place if it needs to", pool.name));
        }
        let obstacles: Vec<Problem> = undecided([host], data).err().into_iter().collect();
        let record = picture.providers.get(&host.provider);
        let silence = record.and_then(|record| picture.must_answer(record).err());
        let blockers = silence.map(|problem| BlockerView { provider: on, problem: (&problem).into() });
        let plan = plans::plan(steps, &obstacles);
        let users = users_on(&picture, [host]);
        Ok(PlanView { hosts: vec![name.to_owned()], users, blockers: blockers.into_iter().collect(), ..plan })
    }

    /// Marks it: it is gone when its agent says that nothing of it is left.
    pub(crate) async fn delete_host(
        &self,
        cx: &Cx,
        name: &str,
        data: Option<bool>,
        if_match: Option<&str>,
    ) -> Result<(), Refused> {
        cx.may(Action::ChangeHosts)?;
        let (mut change, picture) = self.begin().await?;
        let host = named(&picture, name)?;
        etag::check(if_match, host, &format!("host `{name}`"))?;
        if host.deleting && data.is_none_or(|data| data == host.delete_data) {
            return Ok(());
        }
        undecided([host], data)?;
        change.put_host(&deleted(host, data)).await?;
        let sentence = format!("host `{name}` is to be deleted{}", with_data(host, data));
        let event = cx.event("host.deleting", "host", name, sentence);
        self.finish(change, vec![event]).await?;
        Ok(())
    }
}

/// The wish that it goes.
pub(crate) fn deleted(host: &Host, data: Option<bool>) -> Host {
    let delete_data = data == Some(true) && host.setup.data_disk.is_some();
    Host { deleting: true, delete_data, problem: None, ..host.clone() }
}

const fn with_data(host: &Host, data: Option<bool>) -> &'static str {
    match (host.setup.data_disk, data) {
        (Some(_), Some(true)) => ", with its data disk",
        (Some(_), _) => "; its data disk stays",
        (None, _) => "",
    }
}

/// Refuses if nobody said what becomes of the data disks of some.
pub(crate) fn undecided<'a>(
    hosts: impl IntoIterator<Item = &'a Host>,
    data: Option<bool>,
) -> Result<(), Problem> {
    let mut with: Vec<String> = Vec::new();
    for host in hosts {
        if host.setup.data_disk.is_some() {
            with.push(host.name.to_string());
        }
    }
    match (&with[..], data) {
        ([], _) | (_, Some(_)) => Ok(()),
        ([name], None) => Err(Problem::new(Code::H0007, format!("host `{name}` has a data disk"))),
        (names, None) => {
            Err(Problem::new(Code::H0007, format!("{} of the hosts have data disks", names.len())))
        }
    }
}
