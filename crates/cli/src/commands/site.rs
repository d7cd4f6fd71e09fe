//! `diecast site`.

use super::{Context, listed};
use crate::{
    Failure,
    args::site::{LimitArgs, SiteCommand},
    render,
};
use diecast_api::{client::all, operator::site::SetSiteLink};

pub(super) async fn run(cx: &mut Context<'_>, command: SiteCommand) -> Result<(), Failure> {
    match command {
        SiteCommand::List => {
            let list = all(async |page| cx.client.sites(page).await).await?;
            let first = "no sites; add a hypervisor with `diecast provider add NAME --site SITE`";
            listed(cx, &list, list.items.is_empty(), render::site::list, first)
        }
        SiteCommand::Limit(args) => limit(cx, args).await,
    }
}

async fn limit(cx: &mut Context<'_>, args: LimitArgs) -> Result<(), Failure> {
    let limit = args.limit().map_err(|bad| Failure::usage(bad, "see `diecast site limit --help`"))?;
    let link = cx.client.set_site_link(&args.site, &args.other, &SetSiteLink { limit }).await?;
    let what = if link.limit.is_some() { "is limited" } else { "has no limit" };
    cx.printer.talk(&format!("the link of {} and {} {what}", link.site, link.other));
    cx.printer.answer(&link, render::site::link)
}
