//! `diecast version`.

use super::Context;
use crate::{Failure, args::version::VersionCommand, render};
use diecast_api::client::all;

pub(super) async fn run(cx: &mut Context<'_>, command: VersionCommand) -> Result<(), Failure> {
    let VersionCommand::List { name } = command;
    let list = all(async |page| cx.client.versions(name.as_str(), page).await).await?;
    cx.printer.answer(&list, render::version::list)
}
