//! `diecast recreation`: hosts on their way to another version.

use super::{Context, listed, rollout, waiting};
use crate::{
    Failure,
    args::recreation::{CancelArgs, ListArgs, RecreationCommand, ShowArgs},
    confirm, render,
};
use diecast_api::client::{all, routes::RecreationFilter};

pub(super) async fn run(cx: &mut Context<'_>, command: RecreationCommand) -> Result<(), Failure> {
    match command {
        RecreationCommand::List(args) => list(cx, args).await,
        RecreationCommand::Show(args) => show(cx, args).await,
        RecreationCommand::Proceed { id } => {
            let recreation = cx.client.proceed_recreation(&id.to_string()).await?;
            cx.printer.answer(&recreation, render::recreation::show)
        }
        RecreationCommand::Cancel(args) => cancel(cx, args).await,
    }
}

async fn list(cx: &mut Context<'_>, args: ListArgs) -> Result<(), Failure> {
    let filter = RecreationFilter {
        template: args.template.map(|name| name.to_string()),
        running: args.running.then_some(true),
    };
    let list = all(async |page| cx.client.recreations(&filter, page).await).await?;
    let first = "no recreations; `diecast host recreate` begins one, `diecast host list --outdated` shows for which hosts";
    listed(cx, &list, list.items.is_empty(), render::recreation::list, first)
}

async fn show(cx: &mut Context<'_>, args: ShowArgs) -> Result<(), Failure> {
    let recreation = cx.client.recreation(&args.id.to_string()).await?;
    if !args.watch {
        return cx.printer.answer(&recreation, render::recreation::show);
    }
    let lines = cx.printer.is_json();
    let ended = rollout::followed(cx, waiting(None), vec![recreation], lines).await?;
    if !lines {
        cx.printer.answer(&ended[0], render::recreation::show)?;
    }
    rollout::verdict(&ended)
}

async fn cancel(cx: &mut Context<'_>, args: CancelArgs) -> Result<(), Failure> {
    let id = args.id.to_string();
    let what = format!("Cancel the recreation {id}: hosts that have not begun stay as they are");
    confirm::destroy(cx.printer, args.yes, &what)?;
    let cancelled = cx.client.cancel_recreation(&id).await?;
    cx.printer.answer(&cancelled, render::recreation::show)
}
