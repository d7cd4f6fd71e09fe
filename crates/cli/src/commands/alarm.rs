//! `diecast alarm`.

use super::{Context, listed};
use crate::{Failure, args::alarm::AlarmCommand, render};
use diecast_api::client::all;

pub(super) async fn run(cx: &mut Context<'_>, command: AlarmCommand) -> Result<(), Failure> {
    let AlarmCommand::List = command;
    let mut list = all(async |page| cx.client.alarms(page).await).await?;
    // Pages come in another order than the worst first.
    list.items.sort_by(|a, b| (&a.severity, &a.since, &a.id).cmp(&(&b.severity, &b.since, &b.id)));
    listed(cx, &list, list.items.is_empty(), render::alarm::list, "all is well: no alarm stands")
}
