//! `diecast version`.

use super::{Context, leave, listed, template::plan_only};
use crate::{
    Failure,
    args::version::{DeleteArgs, TagArgs, VersionCommand},
    confirm, render, wait,
};
use diecast_api::{
    client::{ClientError, all},
    operator::template::{TagVersion, VersionView},
    problem::ProblemDetails,
};
use diecast_domain::code::{Code, Problem};
use serde_json::json;

pub(super) async fn run(cx: &mut Context<'_>, command: VersionCommand) -> Result<(), Failure> {
    match command {
        VersionCommand::List { name } => {
            let list = all(async |page| cx.client.versions(name.as_str(), page).await).await?;
            let first = format!(
                "no version of {name} is published yet; `diecast template show {name}` tells how far it is"
            );
            listed(cx, &list, list.items.is_empty(), render::version::list, &first)
        }
        VersionCommand::Show { name, version } => {
            let version = found(cx, name.as_str(), &version).await?;
            cx.printer.answer(&version, render::version::show)
        }
        VersionCommand::Tag(args) => tag(cx, args).await,
        VersionCommand::Untag(args) => untag(cx, args).await,
        VersionCommand::Activate(args) => leave::activate(cx, *args).await,
        VersionCommand::Delete(args) => delete(cx, args).await,
    }
}

/// By number or tag.
async fn found(cx: &Context<'_>, template: &str, wanted: &str) -> Result<VersionView, Failure> {
    let versions = all(async |page| cx.client.versions(template, page).await).await?.items;
    let is_it = |it: &VersionView| it.number.to_string() == wanted || it.tags.iter().any(|tag| tag == wanted);
    versions.into_iter().find(is_it).ok_or_else(|| {
        let problem = Problem::new(Code::A0004, format!("there is no version `{wanted}` of `{template}`"))
            .with_hint(format!("look it up with `diecast version list {template}`"));
        Failure::Client(ClientError::Problem(Box::new(ProblemDetails::from(&problem))))
    })
}

async fn tag(cx: &mut Context<'_>, args: TagArgs) -> Result<(), Failure> {
    let tag = TagVersion { tag: args.tag.to_string() };
    let tagged = cx.client.tag_version(args.name.as_str(), &args.version, &tag).await?;
    cx.printer.talk(&format!(
        "{} of {} is `{}`",
        render::version::number(tagged.number),
        args.name,
        args.tag
    ));
    cx.printer.answer(&tagged, render::version::show)
}

async fn untag(cx: &mut Context<'_>, args: TagArgs) -> Result<(), Failure> {
    cx.client.untag_version(args.name.as_str(), &args.version, args.tag.as_str()).await?;
    cx.printer.talk(&format!("no version of {} is `{}` any more", args.name, args.tag));
    if cx.printer.is_json() {
        cx.printer
            .json(&json!({"template": args.name.as_str(), "tag": args.tag.as_str(), "removed": true}))?;
    }
    Ok(())
}

async fn delete(cx: &mut Context<'_>, args: DeleteArgs) -> Result<(), Failure> {
    let name = args.name.as_str();
    if args.dry_run {
        let plan = cx.client.plan_version_deletion(name, &args.version).await?;
        return plan_only(cx, &plan);
    }
    let version = found(cx, name, &args.version).await?;
    let number = render::version::number(version.number);
    confirm::destroy(cx.printer, args.yes, &format!("Delete {number} of {name} from every provider"))?;
    cx.client.delete_version(name, &version.number.to_string()).await?;
    if args.wait.wait {
        let client = &cx.client;
        wait::until(args.wait, cx.printer, &format!("the deletion of {number}"), async |_| {
            let versions = all(async |page| client.versions(name, page).await).await?.items;
            Ok((!versions.iter().any(|it| it.number == version.number)).then_some(()))
        })
        .await?;
    }
    let word = if args.wait.wait { "deleted" } else { "being deleted" };
    cx.printer.talk(&format!("{number} of {name} is {word}"));
    if cx.printer.is_json() {
        cx.printer.json(&json!({"template": name, "version": version.number, "deleted": args.wait.wait}))?;
    }
    Ok(())
}
