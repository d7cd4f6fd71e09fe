//! Hosts: deploying, showing, starting, stopping, deleting them.

mod create;
mod remove;
pub(crate) mod view;

pub(crate) use remove::undecided;

use crate::{
    app::{
        App,
        authorise::Action,
        cx::Cx,
        etag::{self, Tagged},
        operations, page,
        pools::pool_named,
        refused::Refused,
    },
    picture::{Picture, no_such},
};
use diecast_api::operator::{
    host::{HostList, HostView},
    operation::OperationView,
};
use diecast_domain::{assignment::Act, code::Code, host::Host, ids::HostId};
use view::{row, view};

/// Which hosts; what is left out is not asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) template: Option<String>,
    pub(crate) provider: Option<String>,
    pub(crate) pool: Option<String>,
    pub(crate) outdated: Option<bool>,
}

impl App {
    pub(crate) async fn hosts(&self, cx: &Cx, filter: &Filter, ask: &page::Ask) -> Result<HostList, Refused> {
        cx.may(Action::Read)?;
        let picture = self.picture().await?;
        let template = filter.template.as_deref().map(|name| picture.template_named(name)).transpose()?;
        let provider = filter.provider.as_deref().map(|name| picture.provider_named(name)).transpose()?;
        let pool = filter.pool.as_deref().map(|name| pool_named(&picture, name)).transpose()?;
        let lets = |host: &&Host| {
            template.is_none_or(|it| it.id == host.template)
                && provider.is_none_or(|it| it.id == host.provider)
                && pool.is_none_or(|it| host.pool == Some(it.id))
                && filter.outdated.is_none_or(|wanted| wanted == picture.is_outdated(host))
        };
        let mut all: Vec<&Host> = picture.world.hosts.iter().filter(lets).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        let (page, next) = ask.cut(all, |host| host.name.to_string())?;
        Ok(HostList { items: page.into_iter().map(|host| row(&picture, host)).collect(), next })
    }

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
        if host.deleting || !host.made {
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
