//! The steps of a difference, asked of the server one after another; or only planned.

use super::diff::{Act, Step};
use crate::{
    Failure,
    args::WaitArgs,
    commands::{Context, distribution, pool},
    render,
};
use diecast_api::operator::{
    distribution::{ProviderNames, RemoveProviders},
    site::SetSiteLink,
};
use std::collections::BTreeSet;

/// What the server would do for each step, as far as it can tell; told, not answered.
pub(super) async fn planned(cx: &mut Context<'_>, steps: &[Step]) -> Result<(), Failure> {
    for step in steps {
        let client = &cx.client;
        let plan = match &step.act {
            Act::ChangeProvider { .. } | Act::LimitLink { .. } => continue,
            Act::ChangeTemplate { name, change } => client.plan_template_change(name, change).await?,
            Act::PutOn { template, providers } => {
                client.plan_addition(template, &ProviderNames { providers: providers.clone() }).await?
            }
            Act::TakeOff { template, providers } => client.plan_removal(template, &off(providers)).await?,
            Act::CreatePool(create) => client.plan_pool(create).await?,
            Act::ChangePool { name, change } => client.plan_pool_change(name, change).await?,
            Act::DeletePool { name } => client.plan_pool_deletion(name).await?,
        };
        let text = render::plan::show(cx.printer.talk_look(), &plan);
        cx.printer.talk(&format!("\n{}: the server would", render::changes::title(step)));
        text.lines().for_each(|line| cx.printer.talk(&format!("  {line}")));
    }
    Ok(())
}

fn off(providers: &[String]) -> RemoveProviders {
    RemoveProviders { providers: providers.to_vec(), when_free: false }
}

/// Each is told when it is done, so that it is known how far this came if a later one is refused.
pub(super) async fn carried_out(cx: &mut Context<'_>, steps: &[Step]) -> Result<(), Failure> {
    for step in steps {
        let client = &cx.client;
        match &step.act {
            Act::ChangeProvider { name, change } => {
                client.change_provider(name, change, None).await.map(drop)
            }
            Act::LimitLink { link, limit } => {
                let ([site, other], limit) = (link.sites(), limit.clone());
                client.set_site_link(site, other, &SetSiteLink { limit }).await.map(drop)
            }
            Act::ChangeTemplate { name, change } => {
                client.change_template(name, change, None).await.map(drop)
            }
            Act::PutOn { template, providers } => {
                let names = ProviderNames { providers: providers.clone() };
                client.add_to_distribution(template, &names).await.map(drop)
            }
            Act::TakeOff { template, providers } => {
                client.remove_from_distribution(template, &off(providers)).await.map(drop)
            }
            Act::CreatePool(create) => client.create_pool(create).await.map(drop),
            Act::ChangePool { name, change } => client.change_pool(name, change, None).await.map(drop),
            // Their data disks are nobody's to give away: with some, the server refuses.
            Act::DeletePool { name } => client.delete_pool(name, false, None).await,
        }?;
        cx.printer.talk(&format!("{}: done", render::changes::title(step)));
    }
    Ok(())
}

/// Stays until lists and pools are as they were asked to be. One that ends badly holds up no other.
pub(super) async fn followed(cx: &mut Context<'_>, wait: WaitArgs, steps: &[Step]) -> Result<(), Failure> {
    let mut lists = BTreeSet::new();
    let mut ended = Ok(());
    for step in steps {
        match &step.act {
            Act::PutOn { template, .. } | Act::TakeOff { template, .. } => {
                if lists.insert(template.as_str()) {
                    let view = distribution::settled(cx, wait, template, true).await?;
                    ended = ended.and(distribution::verdict(&view));
                }
            }
            Act::CreatePool(_) | Act::ChangePool { .. } => {
                let view = cx.client.pool(&step.name).await?.value;
                let view = pool::filled(cx, wait, view).await?;
                if let Some(problem) = &view.problem {
                    cx.printer.talk(render::trouble(&view.name, problem).trim_end());
                    ended = Err(Failure::Told);
                }
            }
            Act::DeletePool { name } => pool::gone(cx, wait, name).await?,
            Act::ChangeProvider { .. } | Act::LimitLink { .. } | Act::ChangeTemplate { .. } => {}
        }
    }
    ended
}
