//! `diecast template`.

use super::{Context, distribution, listed, setup, texts};
use crate::{
    Failure,
    args::{
        WaitArgs,
        template::{CreateArgs, DeleteArgs, SetArgs, TemplateCommand},
    },
    confirm,
    printer::live::Live,
    render, wait,
};
use diecast_api::{
    client::all,
    operator::template::{ChangeTemplate, CreateTemplate, TemplateView},
};
use diecast_domain::{code::Code, template::TemplateStatus};
use serde_json::json;

pub(super) async fn run(cx: &mut Context<'_>, command: TemplateCommand) -> Result<(), Failure> {
    match command {
        TemplateCommand::Create(args) => create(cx, *args).await,
        TemplateCommand::List => {
            let list = all(async |page| cx.client.templates(page).await).await?;
            let first = "no templates; publish a machine with `diecast template create NAME --provider P --vm VM --to-all`";
            listed(cx, &list, list.items.is_empty(), render::template::list, first)
        }
        TemplateCommand::Show { name } => {
            let template = cx.client.template(name.as_str()).await?.value;
            cx.printer.answer(&template, render::template::show)
        }
        TemplateCommand::Set(args) => set(cx, *args).await,
        TemplateCommand::Delete(args) => delete(cx, args).await,
    }
}

async fn create(cx: &mut Context<'_>, args: CreateArgs) -> Result<(), Failure> {
    let create = CreateTemplate {
        name: args.name.to_string(),
        provider: args.provider.to_string(),
        vm: args.vm,
        image: args.image,
        trim: args.trim,
        to: texts(&args.to),
        to_all: args.to_all,
        selector: args.selector.into_iter().collect(),
        concurrency: args.concurrency,
        keep: None,
        limit: args.limit,
        host_defaults: setup::host_defaults(args.hosts)?,
        note: args.note,
    };
    if args.dry_run {
        let plan = cx.client.plan_template(&create).await?;
        return plan_only(cx, &plan);
    }
    let created = cx.client.create_template(&create).await?;
    if !args.wait.wait {
        cx.printer.talk(&format!(
            "{0} is being published; follow it with `diecast distribution show {0} --watch`",
            created.name
        ));
        return cx.printer.answer(&created, render::template::show);
    }
    let template = published(cx, args.wait, &created.name).await?;
    if template.status == TemplateStatus::Failed.as_str() {
        cx.printer.answer(&template, render::template::show)?;
        return Err(Failure::Told);
    }
    if let Some(said) = render::trimming::advice(template.trimming.as_ref()) {
        cx.printer.talk(&said);
    }
    let view = distribution::settled(cx, args.wait, &created.name, true).await?;
    let template = cx.client.template(&created.name).await?.value;
    // The words of the template are the server's; for people the details say more.
    cx.printer.answer(&template, |look, _| render::distribution::show(look, &view))?;
    distribution::verdict(&view)
}

/// A plan, and nothing done. What stands in the way now is told; it does not make the plan a failure.
pub(super) fn plan_only(
    cx: &mut Context<'_>,
    plan: &diecast_api::operator::template::PlanView,
) -> Result<(), Failure> {
    cx.printer.answer(plan, render::plan::show)?;
    let in_the_way = match render::plan::in_the_way(plan) {
        0 => String::new(),
        count => format!("; in the way now: {count}"),
    };
    cx.printer.talk(&format!("dry run: nothing was changed{in_the_way}"));
    Ok(())
}

/// Waits until the first version is published, or will not be by itself.
async fn published(cx: &mut Context<'_>, wait: WaitArgs, name: &str) -> Result<TemplateView, Failure> {
    let mut live = Live::new(cx.printer);
    let client = &cx.client;
    wait::until(wait, cx.printer, &format!("the publication of {name}"), async |printer| {
        let template = client.template(name).await?.value;
        live.template(printer, &template);
        Ok(is_decided(&template, printer.look().now).then_some(template))
    })
    .await
}

/// It is published, or it failed and the next automatic attempt is not near.
fn is_decided(template: &TemplateView, now: jiff::Timestamp) -> bool {
    if template.status == TemplateStatus::Creating.as_str() {
        return false;
    }
    let again = template.publication.as_ref().is_some_and(|publication| {
        wait::is_tried_soon(publication.code.as_deref(), publication.next_attempt_at.as_deref(), now)
    });
    template.status != TemplateStatus::Failed.as_str() || !again
}

async fn set(cx: &mut Context<'_>, args: SetArgs) -> Result<(), Failure> {
    let name = args.name.to_string();
    let name = name.as_str();
    let change = ChangeTemplate {
        concurrency: args.concurrency,
        keep: args.keep,
        limit: args.limit,
        host_defaults: setup::host_defaults(args.hosts)?,
    };
    if args.dry_run {
        let plan = cx.client.plan_template_change(name, &change).await?;
        return plan_only(cx, &plan);
    }
    let etag = cx.client.template(name).await?.etag;
    let changed = cx.client.change_template(name, &change, etag.as_deref()).await?;
    cx.printer.talk(&format!("{name} is changed"));
    cx.printer.answer(&changed, render::template::show)
}

async fn delete(cx: &mut Context<'_>, args: DeleteArgs) -> Result<(), Failure> {
    let name = args.name.as_str();
    if args.dry_run {
        let plan = cx.client.plan_template_deletion(name).await?;
        return plan_only(cx, &plan);
    }
    confirm::destroy(
        cx.printer,
        args.yes,
        &format!("Delete {name} with all its versions, from every provider"),
    )?;
    cx.client.delete_template(name, None).await?;
    if args.wait.wait {
        let client = &cx.client;
        wait::until(args.wait, cx.printer, &format!("the deletion of {name}"), async |_| {
            match client.template(name).await {
                Err(error) if error.code() == Some(Code::A0004) => Ok(Some(())),
                Err(error) => Err(error.into()),
                Ok(_) => Ok(None),
            }
        })
        .await?;
    }
    cx.printer.talk(&format!("{name} is {}", if args.wait.wait { "deleted" } else { "being deleted" }));
    if cx.printer.is_json() {
        cx.printer.json(&json!({"name": name, "deleted": args.wait.wait}))?;
    }
    Ok(())
}
