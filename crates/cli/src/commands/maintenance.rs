//! `diecast maintenance`: the working copy of a template.

use super::{Context, console, leave, template::plan_only};
use crate::{
    Failure,
    args::{
        WaitArgs,
        maintenance::{CancelArgs, EnterArgs, MaintenanceCommand, StartArgs},
    },
    confirm, render, wait,
};
use diecast_api::operator::maintenance::{EnterMaintenance, MaintenanceView};
use diecast_domain::template::TemplateStatus;
use serde_json::json;

pub(super) async fn run(cx: &mut Context<'_>, command: MaintenanceCommand) -> Result<(), Failure> {
    match command {
        MaintenanceCommand::Enter(args) => enter(cx, args).await,
        MaintenanceCommand::Show { name } => {
            let maintenance = cx.client.maintenance(name.as_str()).await?;
            cx.printer.answer(&maintenance, render::maintenance::show)
        }
        MaintenanceCommand::Console(args) => console::console(cx, args).await,
        MaintenanceCommand::Start(args) => start(cx, args).await,
        MaintenanceCommand::Leave(args) => leave::leave(cx, *args).await,
        MaintenanceCommand::Cancel(args) => cancel(cx, args).await,
    }
}

async fn enter(cx: &mut Context<'_>, args: EnterArgs) -> Result<(), Failure> {
    let name = args.name.as_str();
    let enter = EnterMaintenance { provider: args.provider.map(|provider| provider.to_string()) };
    if args.dry_run {
        let plan = cx.client.plan_maintenance(name, &enter).await?;
        return plan_only(cx, &plan);
    }
    let entered = cx.client.enter_maintenance(name, &enter).await?;
    if !args.wait.wait {
        cx.printer.talk(&format!(
            "a working copy of {name} is being opened on {}; `diecast maintenance show {name}` tells how it stands",
            entered.provider
        ));
        return cx.printer.answer(&entered, render::maintenance::show);
    }
    let opened = opened(cx, args.wait, name, entered).await?;
    cx.printer.answer(&opened, render::maintenance::show)?;
    if opened.status != TemplateStatus::Maintenance.as_str() {
        return Err(Failure::Told);
    }
    cx.printer.talk(&format!("its screen: `diecast maintenance console {name}`"));
    Ok(())
}

/// Waits until the working copy stands, or will not by itself.
async fn opened(
    cx: &mut Context<'_>,
    wait: WaitArgs,
    name: &str,
    mut seen: MaintenanceView,
) -> Result<MaintenanceView, Failure> {
    let client = &cx.client;
    cx.printer.talk(&format!("{name}: {} on {}", seen.status, seen.provider));
    wait::until(wait, cx.printer, &format!("the working copy of {name}"), async |printer| {
        let now = client.maintenance(name).await?;
        if now.status != seen.status {
            printer.talk(&format!("{name}: {} on {}", now.status, now.provider));
        }
        seen = now;
        Ok(is_opened(&seen, printer.look().now).then(|| seen.clone()))
    })
    .await
}

fn is_opened(maintenance: &MaintenanceView, now: jiff::Timestamp) -> bool {
    if maintenance.status != TemplateStatus::EnteringMaintenance.as_str() {
        return true;
    }
    maintenance.problem.as_ref().is_some_and(|problem| {
        !wait::is_tried_soon(Some(&problem.code), maintenance.next_attempt_at.as_deref(), now)
    })
}

async fn start(cx: &mut Context<'_>, args: StartArgs) -> Result<(), Failure> {
    let mut operations = vec![cx.client.start_maintenance(args.name.as_str()).await?];
    if args.wait.wait {
        operations = wait::operations(&cx.client, args.wait, cx.printer, operations).await?;
    }
    cx.printer.answer(&operations[0], |look, _| render::operation::list(look, &operations))?;
    wait::all_well(&operations)
}

async fn cancel(cx: &mut Context<'_>, args: CancelArgs) -> Result<(), Failure> {
    let name = args.name.as_str();
    let maintenance = cx.client.maintenance(name).await?;
    let MaintenanceView { provider, author, since, .. } = &maintenance;
    let since = render::time::lasting(cx.printer.talk_look().now, since);
    let what = format!(
        "Throw away the working copy of {name} on {provider}, opened by {author} {since} ago, with all that was changed in it"
    );
    confirm::destroy(cx.printer, args.yes, &what)?;
    cx.client.cancel_maintenance(name, args.forget).await?;
    cx.printer.talk(&format!(
        "the working copy of {name} is {}",
        if args.forget { "given up" } else { "thrown away" }
    ));
    if cx.printer.is_json() {
        cx.printer.json(&json!({"template": name, "cancelled": true, "forgotten": args.forget}))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples;

    #[test]
    fn entering_is_waited_for_until_it_is_open_or_needs_somebody() {
        let now = samples::look(None).now;
        let entering = |maintenance: MaintenanceView| MaintenanceView {
            status: "Entering maintenance".into(),
            ..maintenance
        };
        assert!(is_opened(&samples::maintenance(), now));
        assert!(!is_opened(&entering(samples::maintenance()), now));
        assert!(is_opened(&entering(samples::broken_maintenance()), now));
    }
}
