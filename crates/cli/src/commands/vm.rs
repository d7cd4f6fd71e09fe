//! `diecast vm`.

use super::Context;
use crate::{Failure, args::vm::VmCommand, render};
use diecast_api::client::all;

pub(super) async fn run(cx: &mut Context<'_>, command: VmCommand) -> Result<(), Failure> {
    let VmCommand::List { provider } = command;
    let list = all(async |page| cx.client.vms(provider.as_str(), page).await).await?;
    cx.printer.answer(&list, render::vm::list)
}
