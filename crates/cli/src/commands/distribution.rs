//! `diecast distribution`: the list of a template, and how it stands.

use super::{Context, template::plan_only, texts};
use crate::{
    Failure,
    args::{
        WaitArgs,
        distribution::{AddArgs, DistributionCommand, RemoveArgs, ShowArgs, SomeProvidersArgs},
    },
    commands::waiting,
    printer::live::Live,
    render, wait,
};
use diecast_api::operator::distribution::{DistributionView, ProviderNames, RemoveProviders};
use diecast_domain::distribution::Distribution;

pub(super) async fn run(cx: &mut Context<'_>, command: DistributionCommand) -> Result<(), Failure> {
    match command {
        DistributionCommand::Add(args) => add(cx, args).await,
        DistributionCommand::Remove(args) => remove(cx, args).await,
        DistributionCommand::Show(args) => show(cx, args).await,
        DistributionCommand::Retry(args) => retry(cx, args).await,
        DistributionCommand::Verify(args) => verify(cx, args).await,
    }
}

async fn add(cx: &mut Context<'_>, args: AddArgs) -> Result<(), Failure> {
    let names = ProviderNames { providers: texts(&args.providers) };
    if args.dry_run {
        let plan = cx.client.plan_addition(args.name.as_str(), &names).await?;
        return plan_only(cx, &plan);
    }
    let view = cx.client.add_to_distribution(args.name.as_str(), &names).await?;
    ended(cx, args.wait, view).await
}

async fn remove(cx: &mut Context<'_>, args: RemoveArgs) -> Result<(), Failure> {
    let name = args.name.as_str();
    let remove = RemoveProviders { providers: texts(&args.providers), when_free: args.when_free };
    if args.dry_run {
        let plan = cx.client.plan_removal(name, &remove).await?;
        return plan_only(cx, &plan);
    }
    let view = cx.client.remove_from_distribution(name, &remove).await?;
    if !args.wait.wait {
        return cx.printer.answer(&view, render::distribution::show);
    }
    let view = settled(cx, args.wait, name, true).await?;
    cx.printer.answer(&view, render::distribution::show)?;
    // What others on the list are doing is not what was asked.
    if view.providers.iter().any(|row| remove.providers.contains(&row.provider)) {
        return Err(Failure::Told);
    }
    Ok(())
}

async fn show(cx: &mut Context<'_>, args: ShowArgs) -> Result<(), Failure> {
    let name = args.name.as_str();
    if !args.watch {
        let view = cx.client.distribution(name).await?;
        return cx.printer.answer(&view, render::distribution::show);
    }
    let view = settled(cx, waiting(None), name, false).await?;
    if !cx.printer.is_json() {
        cx.printer.answer(&view, render::distribution::show)?;
    }
    verdict(&view)
}

async fn retry(cx: &mut Context<'_>, args: SomeProvidersArgs) -> Result<(), Failure> {
    let names = ProviderNames { providers: texts(&args.providers) };
    let view = cx.client.retry_distribution(args.name.as_str(), &names).await?;
    ended(cx, args.wait, view).await
}

async fn verify(cx: &mut Context<'_>, args: SomeProvidersArgs) -> Result<(), Failure> {
    let names = ProviderNames { providers: texts(&args.providers) };
    let mut list = cx.client.verify_distribution(args.name.as_str(), &names).await?;
    if args.wait.wait {
        list.items = wait::operations(&cx.client, args.wait, cx.printer, list.items).await?;
    }
    cx.printer.answer(&list, |look, list| render::operation::list(look, &list.items))?;
    wait::all_well(&list.items)
}

/// After a change: how it stands now, or how it ended.
async fn ended(cx: &mut Context<'_>, wait: WaitArgs, view: DistributionView) -> Result<(), Failure> {
    if !wait.wait {
        return cx.printer.answer(&view, render::distribution::show);
    }
    let view = settled(cx, wait, &view.template, true).await?;
    cx.printer.answer(&view, render::distribution::show)?;
    verdict(&view)
}

/// Follows a distribution until nothing moves any more. With `patient`, an automatic attempt that
/// is near and may well succeed is followed too. While it is watched (not `patient`) with `--json`,
/// every change is a line.
pub(super) async fn settled(
    cx: &mut Context<'_>,
    wait: WaitArgs,
    template: &str,
    patient: bool,
) -> Result<DistributionView, Failure> {
    let mut live = Live::new(cx.printer);
    let mut before = None;
    let client = &cx.client;
    wait::until(wait, cx.printer, &format!("the distribution of {template}"), async |printer| {
        let view = client.distribution(template).await?;
        if !patient && printer.is_json() && before.as_ref() != Some(&view) {
            printer.json_line(&view)?;
            before = Some(view.clone());
        }
        live.distribution(printer, &view);
        Ok(is_settled(&view, patient, printer.look().now).then_some(view))
    })
    .await
}

fn is_settled(view: &DistributionView, patient: bool, now: jiff::Timestamp) -> bool {
    if view.distribution == Distribution::Ok.as_str() {
        return true;
    }
    let failed = view.distribution == Distribution::Failed.as_str();
    failed && !(patient && view.providers.iter().any(|row| wait::goes_on(row, now)))
}

/// Exit 0 if it ended OK; what is wrong has been printed with it.
pub(super) fn verdict(view: &DistributionView) -> Result<(), Failure> {
    if view.distribution == Distribution::Ok.as_str() { Ok(()) } else { Err(Failure::Told) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples;

    #[test]
    fn it_ends_when_nothing_moves_and_a_patient_wait_sees_the_next_attempt() {
        let now = samples::look(None).now;
        assert!(!is_settled(&samples::distribution(), false, now));
        assert!(is_settled(&samples::settled(), true, now));
        let mut failed = samples::failed();
        assert!(is_settled(&failed, false, now) && is_settled(&failed, true, now), "a full disk");
        failed.providers[0].code = Some("T0009".into());
        assert!(is_settled(&failed, false, now) && !is_settled(&failed, true, now), "a stall");
    }

    #[test]
    fn only_ok_is_a_success() {
        assert!(verdict(&samples::settled()).is_ok());
        assert_eq!(verdict(&samples::failed()).unwrap_err().exit_code(), 1);
    }
}
