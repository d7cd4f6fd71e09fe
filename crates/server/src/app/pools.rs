//! Pools: sets of hosts kept at a size.

mod plan;
mod settings;
mod view;

use crate::{
    app::{
        App,
        authorise::Action,
        cx::Cx,
        etag::{self, Tagged},
        hosts::undecided,
        idempotency::{self, Key},
        page,
        plans::counted,
        refused::Refused,
    },
    picture::{Picture, no_such},
};
use diecast_api::operator::{
    pool::{CreatePool, PoolList, PoolSettings, PoolView},
    template::PlanView,
};
use diecast_domain::{
    code::Code,
    host::{Host, HostKind},
    ids::PoolId,
    names::PoolName,
    pool::Pool,
    template::TemplateStatus,
};
use uuid::Uuid;
use view::view;

impl App {
    pub(crate) async fn pools(&self, cx: &Cx, ask: &page::Ask) -> Result<PoolList, Refused> {
        cx.may(Action::Read)?;
        let picture = self.picture().await?;
        let mut all: Vec<&Pool> = picture.world.pools.iter().collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        let (page, next) = ask.cut(all, |pool| pool.name.to_string())?;
        Ok(PoolList { items: page.into_iter().map(|pool| view(&picture, pool)).collect(), next })
    }

    pub(crate) async fn pool(&self, cx: &Cx, name: &str) -> Result<Tagged<PoolView>, Refused> {
        cx.may(Action::Read)?;
        let picture = self.picture().await?;
        Ok(tagged(&picture, pool_named(&picture, name)?))
    }

    /// What creating it would do.
    pub(crate) async fn plan_pool(&self, cx: &Cx, asked: &CreatePool) -> Result<PlanView, Refused> {
        cx.may(Action::Read)?;
        let picture = self.picture().await?;
        let pool = wish(&picture, cx, asked)?;
        Ok(plan::of(&picture, None, &pool))
    }

    pub(crate) async fn create_pool(
        &self,
        cx: &Cx,
        asked: &CreatePool,
        key: Option<&Key>,
    ) -> Result<Tagged<PoolView>, Refused> {
        cx.may(Action::ChangeHosts)?;
        let (mut change, picture) = self.begin().await?;
        if let Some(made) = idempotency::repeated(&mut change, cx, key).await? {
            return Ok(tagged(&picture, pool_named(&picture, &made)?));
        }
        let pool = wish(&picture, cx, asked)?;
        change.put_pool(&pool).await?;
        idempotency::remember(&mut change, cx, key, pool.name.as_str()).await?;
        let sentence = format!(
            "pool `{}` of `{}` was created, with {}",
            pool.name,
            asked.template,
            plan::between(&pool)
        );
        let event = cx.event("pool.created", "pool", pool.name.as_str(), sentence);
        self.finish(change, vec![event]).await?;
        Ok(tagged(&picture, &pool))
    }

    /// What changing it would do.
    pub(crate) async fn plan_pool_change(
        &self,
        cx: &Cx,
        name: &str,
        asked: &PoolSettings,
    ) -> Result<PlanView, Refused> {
        cx.may(Action::Read)?;
        let picture = self.picture().await?;
        let before = changeable(&picture, name)?;
        let pool = settings::changed(&picture, before.clone(), asked, cx.now)?;
        settings::must_be_possible(&picture, &pool)?;
        Ok(plan::of(&picture, Some(before), &pool))
    }

    pub(crate) async fn change_pool(
        &self,
        cx: &Cx,
        name: &str,
        asked: &PoolSettings,
        if_match: Option<&str>,
    ) -> Result<Tagged<PoolView>, Refused> {
        cx.may(Action::ChangeHosts)?;
        let (mut change, picture) = self.begin().await?;
        let before = changeable(&picture, name)?;
        etag::check(if_match, &essence(before), &format!("pool `{name}`"))?;
        let pool = settings::changed(&picture, before.clone(), asked, cx.now)?;
        if pool == *before {
            return Ok(tagged(&picture, before));
        }
        settings::must_be_possible(&picture, &pool)?;
        change.put_pool(&pool).await?;
        let changes = plan::differences(&picture, before, &pool).join("; ");
        let event = cx.event("pool.changed", "pool", name, format!("pool `{name}` was changed: {changes}"));
        self.finish(change, vec![event]).await?;
        Ok(tagged(&picture, &pool))
    }

    /// What deleting it would do.
    pub(crate) async fn plan_pool_deletion(
        &self,
        cx: &Cx,
        name: &str,
        keep_hosts: bool,
        data: Option<bool>,
    ) -> Result<PlanView, Refused> {
        cx.may(Action::Read)?;
        let picture = self.picture().await?;
        Ok(plan::of_deletion(&picture, pool_named(&picture, name)?, keep_hosts, data))
    }

    /// With its hosts, which are gone when their agents say so; or without them: then they stay, as
    /// hosts of no pool.
    pub(crate) async fn delete_pool(
        &self,
        cx: &Cx,
        name: &str,
        keep_hosts: bool,
        data: Option<bool>,
        if_match: Option<&str>,
    ) -> Result<(), Refused> {
        cx.may(Action::ChangeHosts)?;
        let (mut change, picture) = self.begin().await?;
        let pool = pool_named(&picture, name)?;
        etag::check(if_match, &essence(pool), &format!("pool `{name}`"))?;
        let hosts = view::hosts(&picture, pool);
        let (kind, sentence) = if keep_hosts {
            if pool.deleting {
                return Err(Refused::new(
                    Code::A0010,
                    format!("pool `{name}` is being deleted with its hosts"),
                ));
            }
            for host in &hosts {
                change.put_host(&Host { pool: None, ..(*host).clone() }).await?;
            }
            change.delete_pool(pool.id).await?;
            ("pool.deleted", format!("pool `{name}` was deleted; its {} stay", counted(hosts.len(), "host")))
        } else {
            undecided(hosts.iter().copied(), data)?;
            let delete_data = data == Some(true);
            if pool.deleting && pool.delete_data == delete_data {
                return Ok(());
            }
            change.put_pool(&Pool { deleting: true, delete_data, ..pool.clone() }).await?;
            let with = counted(hosts.len(), "host");
            ("pool.deleting", format!("pool `{name}` is to be deleted with its {with}"))
        };
        let event = cx.event(kind, "pool", name, sentence);
        self.finish(change, vec![event]).await?;
        Ok(())
    }
}

pub(crate) fn pool_named<'a>(picture: &'a Picture, name: &str) -> Result<&'a Pool, Refused> {
    let pool = picture.world.pools.iter().find(|pool| pool.name.as_str() == name);
    pool.ok_or_else(|| no_such("pool", name).into())
}

fn changeable<'a>(picture: &'a Picture, name: &str) -> Result<&'a Pool, Refused> {
    let pool = pool_named(picture, name)?;
    if pool.deleting {
        return Err(Refused::new(Code::A0010, format!("pool `{name}` is being deleted")));
    }
    Ok(pool)
}

/// What is asked, checked against what there is.
fn wish(picture: &Picture, cx: &Cx, asked: &CreatePool) -> Result<Pool, Refused> {
    let name: PoolName = asked.name.parse()?;
    if picture.world.pools.iter().any(|pool| pool.name == name) {
        return Err(Refused::new(Code::A0005, format!("there is a pool `{name}` already")));
    }
    let template = picture.template_named(&asked.template)?;
    if template.status == TemplateStatus::Deleting {
        return Err(Refused::new(Code::A0010, format!("template `{}` is being deleted", template.name)));
    }
    if asked.settings.size.is_none() && asked.settings.max.is_none() {
        return Err(Refused::malformed("say how many hosts: `size`, or `min` and `max`"));
    }
    let pattern = asked.pattern.parse().map_err(|error| Refused::malformed(format!("{error}")))?;
    let blank = Pool {
        id: PoolId::from_uuid(Uuid::now_v7()),
        name,
        template: template.id,
        follow: Default::default(),
        min: 0,
        max: 0,
        spare: 0,
        pattern,
        kind: HostKind::Linked,
        placement: Default::default(),
        setup: Default::default(),
        replace_elsewhere: None,
        terms: Default::default(),
        problem: None,
        deleting: false,
        delete_data: false,
        created_at: cx.now,
    };
    let pool = settings::changed(picture, blank, &asked.settings, cx.now)?;
    settings::must_be_possible(picture, &pool)?;
    Ok(pool)
}

/// What of it is wished for: what is found out about it in every pass is no reason to refuse a change.
fn essence(pool: &Pool) -> Pool {
    Pool { problem: None, ..pool.clone() }
}

fn tagged(picture: &Picture, pool: &Pool) -> Tagged<PoolView> {
    Tagged { etag: etag::of(&essence(pool)), value: view(picture, pool) }
}
