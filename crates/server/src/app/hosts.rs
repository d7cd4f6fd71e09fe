//! Hosts: deploying, showing, starting, stopping, deleting them.

mod create;
mod list;
mod remove;
pub(crate) mod view;

pub(crate) use list::Filter;
pub(crate) use remove::undecided;

use crate::{
    app::{
        App,
        authorise::Action,
        cx::Cx,
        etag::{self, Tagged},
        operations,
        refused::Refused,
    },
    picture::{Picture, no_such},
};
use diecast_api::operator::{host::HostView, operation::OperationView};
use diecast_domain::{assignment::Act, code::Code, host::Host, ids::HostId};
use view::view;

impl App {
    pub(crate) async fn host(&self, cx: &Cx, name: &str) -> Result<Tagged<HostView>, Refused> {
        cx.may(Action::Read)?;
        let picture = self.picture().await?;
        let host = named(&picture, name)?;
        Ok(Tagged { etag: etag::of(host), value: view(&picture, host) })
    }

    pub(crate) async fn start_host(&self, cx: &Cx, name: &str) -> Result<OperationView, Refused> {
        self.operate(cx, name, "start", |host| Act::StartHost { host }).await
    }

    pub(crate) async fn stop_host(&self, cx: &Cx, name: &str, force: bool) -> Result<OperationView, Refused> {
        self.operate(cx, name, "stop", |host| Act::StopHost { host, force }).await
    }

    async fn operate(
        &self,
        cx: &Cx,
        name: &str,
        what: &str,
        act: impl FnOnce(HostId) -> Act,
    ) -> Result<OperationView, Refused> {
        cx.may(Action::Operate)?;
        let (mut change, picture) = self.begin().await?;
        let host = named(&picture, name)?;
        if host.deleting || !host.was_made(view::report(&picture, host)) {
            let state = if host.deleting { "being deleted" } else { "not made yet" };
            return Err(Refused::new(Code::A0010, format!("host `{name}` is {state}")));
        }
        let provider =
            picture.providers.get(&host.provider).ok_or_else(|| no_such("provider of host", name))?;
        picture.must_answer(provider)?;
        let record =
            operations::begin(&mut change, cx, host.provider, act(host.id), Some(name.to_owned())).await?;
        let event = cx.event(&format!("host.{what}"), "host", name, format!("host `{name}` is to {what}"));
        self.finish(change, vec![event]).await?;
        Ok(operations::view(&picture, &record))
    }
}

pub(crate) fn named<'a>(picture: &'a Picture, name: &str) -> Result<&'a Host, Refused> {
    let host = picture.world.hosts.iter().find(|host| host.name.as_str() == name);
    host.ok_or_else(|| no_such("host", name).into())
}
