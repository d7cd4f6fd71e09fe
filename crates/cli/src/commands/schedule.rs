//! `diecast schedule`.

use super::{Context, listed, rollout, template::plan_only, texts};
use crate::{
    Failure,
    args::{
        schedule::{CreateArgs, DeleteArgs, ScheduleCommand},
        terms::TermsArgs,
    },
    confirm, render,
};
use diecast_api::{
    client::all,
    operator::{
        recreation::TermsBody,
        schedule::{ChangeSchedule, CreateSchedule, ScheduleView},
    },
};
use diecast_domain::names::ScheduleName;
use serde_json::json;

pub(super) async fn run(cx: &mut Context<'_>, command: ScheduleCommand) -> Result<(), Failure> {
    match command {
        ScheduleCommand::Create(args) => create(cx, *args).await,
        ScheduleCommand::List => {
            let list = all(async |page| cx.client.schedules(page).await).await?;
            let first = "no schedules; make one with `diecast schedule create NAME --recreate --template T --cron '0 3 * * SAT'`";
            listed(cx, &list, list.items.is_empty(), render::schedule::list, first)
        }
        ScheduleCommand::Show { name } => {
            let schedule = cx.client.schedule(name.as_str()).await?.value;
            cx.printer.answer(&schedule, render::schedule::show)
        }
        ScheduleCommand::Enable { name } => enable(cx, name, true).await,
        ScheduleCommand::Disable { name } => enable(cx, name, false).await,
        ScheduleCommand::Delete(args) => delete(cx, args).await,
    }
}

/// The waves of a recreation are said of nothing else.
fn terms(recreates: bool, args: &TermsArgs) -> Result<TermsBody, Failure> {
    let terms = rollout::terms(args);
    if !recreates && terms != TermsBody::default() {
        return Err(Failure::usage(
            "waves, deadlines and failures are for `--recreate`",
            "see `diecast schedule create --help`",
        ));
    }
    Ok(terms)
}

async fn create(cx: &mut Context<'_>, args: CreateArgs) -> Result<(), Failure> {
    let action = match (args.recreate, args.start) {
        (true, _) => "recreate",
        (_, true) => "start",
        _ => "stop",
    };
    let create = CreateSchedule {
        name: args.name.to_string(),
        action: action.to_owned(),
        template: args.template.map(|name| name.to_string()),
        pool: args.pool.map(|name| name.to_string()),
        hosts: texts(&args.hosts),
        at: args.at.map(|at| at.to_string()),
        cron: args.cron,
        zone: args.zone,
        terms: terms(args.recreate, &args.terms)?,
        force: args.force,
    };
    if args.dry_run {
        let plan = cx.client.plan_schedule(&create).await?;
        return plan_only(cx, &plan);
    }
    let created = cx.client.create_schedule(&create).await?;
    said(cx, &created)
}

async fn enable(cx: &mut Context<'_>, name: ScheduleName, enabled: bool) -> Result<(), Failure> {
    let change = ChangeSchedule { enabled: Some(enabled) };
    let changed = cx.client.change_schedule(name.as_str(), &change).await?;
    said(cx, &changed)
}

fn said(cx: &mut Context<'_>, schedule: &ScheduleView) -> Result<(), Failure> {
    let now = cx.printer.talk_look().now;
    let next = schedule.next_at.as_deref().map(|at| render::time::until(now, at));
    let next = next.unwrap_or_else(|| "never".to_owned());
    cx.printer.talk(&format!("{} runs next: {next}", schedule.name));
    cx.printer.answer(schedule, render::schedule::show)
}

async fn delete(cx: &mut Context<'_>, args: DeleteArgs) -> Result<(), Failure> {
    let name = args.name.as_str();
    confirm::destroy(cx.printer, args.yes, &format!("Delete the schedule {name}"))?;
    cx.client.delete_schedule(name).await?;
    cx.printer.talk(&format!("{name} is deleted"));
    if cx.printer.is_json() {
        cx.printer.json(&json!({"name": name, "deleted": true}))?;
    }
    Ok(())
}
