//! `diecast host`.

use super::{Context, listed, rollout, setup, template::plan_only, texts};
use crate::{
    Failure,
    args::{
        WaitArgs,
        host::{CreateArgs, DeleteArgs, HostCommand, ListArgs, RecreateArgs},
    },
    confirm, failure, render, wait,
};
use diecast_api::{
    client::{Client, ClientError, all, page::Listed, routes::HostFilter},
    operator::{
        host::{CreateHosts, HostList, HostView},
        operation::{OperationList, OperationView},
        recreation::{CreateRecreation, RecreationList},
    },
};
use diecast_domain::{code::Code, host::HostStatus, names::HostName};
use serde_json::json;
use std::time::{Duration, Instant};

pub(super) async fn run(cx: &mut Context<'_>, command: HostCommand) -> Result<(), Failure> {
    match command {
        HostCommand::Create(args) => create(cx, *args).await,
        HostCommand::List(args) => list(cx, args).await,
        HostCommand::Show { name } => {
            let host = cx.client.host(name.as_str()).await?.value;
            cx.printer.answer(&host, render::host::show)
        }
        HostCommand::Start(args) => {
            let client = cx.client.clone();
            let act = async |name: &str| client.start_host(name).await;
            operate(cx, &args.names, args.wait, act).await
        }
        HostCommand::Stop(args) => {
            let client = cx.client.clone();
            let act = async |name: &str| client.stop_host(name, args.force).await;
            operate(cx, &args.names, args.wait, act).await
        }
        HostCommand::Recreate(args) => recreate(cx, *args).await,
        HostCommand::Delete(args) => delete(cx, args).await,
    }
}

async fn list(cx: &mut Context<'_>, args: ListArgs) -> Result<(), Failure> {
    let filter = HostFilter {
        template: args.template.map(|name| name.to_string()),
        provider: args.provider.map(|name| name.to_string()),
        pool: args.pool.map(|name| name.to_string()),
        outdated: args.outdated.then_some(true),
    };
    let list = all(async |page| cx.client.hosts(&filter, page).await).await?;
    let first = match args.outdated {
        true => "no host is outdated",
        false => {
            "no hosts; deploy some with `diecast host create --template T --count N --name 'desk-{nnn}'`"
        }
    };
    listed(cx, &list, list.items.is_empty(), render::host::list, first)
}

async fn create(cx: &mut Context<'_>, args: CreateArgs) -> Result<(), Failure> {
    let create = CreateHosts {
        template: args.template.to_string(),
        providers: texts(&args.providers),
        count: args.count,
        name: args.name,
        full: (args.full || args.linked).then_some(args.full),
        version: args.version,
        setup: setup::setup(args.setup)?,
    };
    if args.dry_run {
        let plan = cx.client.plan_hosts(&create).await?;
        return plan_only(cx, &plan);
    }
    let mut list = cx.client.create_hosts(&create).await?;
    if args.wait.wait {
        list = made(cx, args.wait, list).await?;
    }
    cx.printer.answer(&list, render::host::list)?;
    let is_well = |host: &HostView| host.status == HostStatus::Ready.as_str();
    if args.wait.wait && !list.items.iter().all(is_well) { Err(Failure::Told) } else { Ok(()) }
}

/// Waits until each host is `Ready`, or has ended otherwise and is not tried again soon.
async fn made(cx: &mut Context<'_>, wait: WaitArgs, mut list: HostList) -> Result<HostList, Failure> {
    let client: &Client = &cx.client;
    let mut seen_off = vec![0; list.items.len()];
    let mut running_since: Vec<Option<Instant>> = vec![None; list.items.len()];
    wait::until(wait, cx.printer, "the making of the hosts", async |printer| {
        let now = printer.look().now;
        let mut all = true;
        let watched = list.items.iter_mut().zip(&mut seen_off).zip(&mut running_since);
        for ((host, seen_off), running_since) in watched {
            if is_made(host, *seen_off, now) || is_mute(*running_since) {
                continue;
            }
            let seen = client.host(&host.name).await?.value;
            if seen.status != host.status {
                printer.talk(&format!("{} on {}: {}", seen.name, seen.provider, seen.status));
            }
            *seen_off = if seen.status == HostStatus::Off.as_str() { *seen_off + 1 } else { 0 };
            *host = seen;
            let prepares = host.status == HostStatus::Preparing.as_str();
            *running_since = prepares.then(|| running_since.unwrap_or_else(Instant::now));
            if is_mute(*running_since) {
                printer.talk(&format!(
                    "{} runs, but no guest agent has answered for {} minutes: the template may have none",
                    host.name,
                    GUEST_PATIENCE.as_secs() / 60
                ));
            }
            all &= is_made(host, *seen_off, now) || is_mute(*running_since);
        }
        Ok(all.then(|| list.clone()))
    })
    .await
}

/// Looks at a host that is off before it is believed: it may be about to start.
const LOOKS_OFF: u32 = 20;

/// How long a host that runs is waited for to speak: a first boot with its preparation takes less.
const GUEST_PATIENCE: Duration = Duration::from_secs(15 * 60);

/// It runs, and nobody inside it will ever tell.
fn is_mute(running_since: Option<Instant>) -> bool {
    running_since.is_some_and(|since| since.elapsed() >= GUEST_PATIENCE)
}

fn is_made(host: &HostView, seen_off: u32, now: jiff::Timestamp) -> bool {
    let is = |status: HostStatus| host.status == status.as_str();
    // A provider that is silent now may answer again: its hosts are not at an end.
    let on_its_way =
        [HostStatus::Creating, HostStatus::Preparing, HostStatus::Recreating, HostStatus::Unknown];
    if on_its_way.into_iter().any(is) {
        return false;
    }
    let code = host.problem.as_ref().map(|problem| problem.code.as_str());
    let tried_soon = wait::is_tried_soon(code, host.next_attempt_at.as_deref(), now);
    !tried_soon && (!is(HostStatus::Off) || seen_off >= LOOKS_OFF)
}

/// The same act on several hosts. One that is refused holds up no other.
async fn operate(
    cx: &mut Context<'_>,
    names: &[HostName],
    wait: WaitArgs,
    act: impl AsyncFn(&str) -> Result<OperationView, ClientError>,
) -> Result<(), Failure> {
    let (mut begun, mut refused) = (Vec::new(), Vec::new());
    for name in names {
        match act(name.as_str()).await {
            Ok(operation) => begun.push(operation),
            Err(error) => refused.push(error),
        }
    }
    if begun.is_empty() && refused.len() == 1 {
        return Err(refused.remove(0).into());
    }
    if wait.wait {
        begun = wait::operations(&cx.client, wait, cx.printer, begun).await?;
    }
    let list = OperationList::new(begun);
    cx.printer.answer(&list, |look, list| render::operation::list(look, &list.items))?;
    tell(cx, refused)?;
    wait::all_well(&list.items)
}

/// Each on stderr; stdout has its one document already.
fn tell(cx: &mut Context<'_>, refused: Vec<ClientError>) -> Result<(), Failure> {
    let failed = !refused.is_empty();
    for error in refused {
        failure::tell(cx.printer, &error.details());
    }
    if failed { Err(Failure::Told) } else { Ok(()) }
}

async fn recreate(cx: &mut Context<'_>, args: RecreateArgs) -> Result<(), Failure> {
    let create = CreateRecreation {
        hosts: texts(&args.names),
        template: args.template.map(|name| name.to_string()),
        pool: args.pool.map(|name| name.to_string()),
        outdated: args.outdated,
        version: args.version,
        terms: rollout::terms(&args.terms),
        at: args.at.map(|at| at.to_string()),
        if_unavailable: Some(args.if_unavailable.as_str().to_owned()),
    };
    if args.dry_run {
        let plan = cx.client.plan_recreation(&create).await?;
        return plan_only(cx, &plan);
    }
    if !args.yes.yes && cx.printer.may_ask() {
        let plan = cx.client.plan_recreation(&create).await?;
        let text = render::plan::show(cx.printer.talk_look(), &plan);
        cx.printer.talk(text.trim_end());
    }
    let what = "Recreate these hosts: what is on their own disks is gone; data disks stay";
    confirm::destroy(cx.printer, args.yes, what)?;
    let mut recreations = rollout::begin(cx, &create).await?;
    if recreations.is_empty() {
        cx.printer.talk("no host is outdated: there is nothing to recreate");
    }
    let goes_on = recreations.iter().any(rollout::goes_on);
    let mut ended = Ok(());
    if args.wait.wait && goes_on {
        recreations = rollout::followed(cx, args.wait, recreations, false).await?;
        ended = rollout::verdict(&recreations);
    }
    let ids: Vec<_> = recreations.iter().filter(|it| rollout::goes_on(it)).map(|it| it.id.clone()).collect();
    let list = RecreationList { items: recreations, next: None };
    cx.printer.answer(&list, |look, list| {
        let each: Vec<_> = list.items.iter().map(|it| render::recreation::show(look, it)).collect();
        each.join("\n")
    })?;
    if !args.wait.wait {
        ids.iter().for_each(|id| {
            cx.printer.talk(&format!("follow it with `diecast recreation show {id} --watch`"))
        });
    }
    ended
}

async fn delete(cx: &mut Context<'_>, args: DeleteArgs) -> Result<(), Failure> {
    let names = texts(&args.names).join(", ");
    let data = if args.data.delete_data { " and data disks" } else { "" };
    confirm::destroy(cx.printer, args.yes, &format!("Delete {names} with their disks{data}"))?;
    let (mut items, mut refused) = (Vec::new(), Vec::new());
    for name in &args.names {
        match cx.client.delete_host(name.as_str(), args.data.wish()).await {
            Ok(()) => items.push(name.to_string()),
            Err(error) => refused.push(error),
        }
    }
    if items.is_empty() && refused.len() == 1 {
        return Err(refused.remove(0).into());
    }
    if args.wait.wait {
        gone(cx, args.wait, items.clone()).await?;
    }
    let word = if args.wait.wait { "deleted" } else { "being deleted" };
    items.iter().for_each(|name| cx.printer.talk(&format!("{name} is {word}")));
    if cx.printer.is_json() {
        let items: Vec<_> =
            items.iter().map(|name| json!({"name": name, "deleted": args.wait.wait})).collect();
        cx.printer.json(&json!({"items": items, "next": null}))?;
    }
    tell(cx, refused)
}

async fn gone(cx: &mut Context<'_>, wait: WaitArgs, mut left: Vec<String>) -> Result<(), Failure> {
    let client = &cx.client;
    wait::until(wait, cx.printer, "the deletion", async |_| {
        while let Some(name) = left.last() {
            match client.host(name).await {
                Err(error) if error.code() == Some(Code::A0004) => left.pop(),
                Err(error) => return Err(error.into()),
                Ok(_) => return Ok(None),
            };
        }
        Ok(Some(()))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples;

    #[test]
    fn a_host_is_waited_for_until_it_is_ready_or_will_not_be() {
        let now = samples::look(None).now;
        let with = |status: HostStatus| HostView { status: status.as_str().into(), ..samples::host() };
        assert!(is_made(&with(HostStatus::Ready), 0, now));
        for status in [
            HostStatus::Creating,
            HostStatus::Preparing,
            HostStatus::Recreating,
            HostStatus::Unknown,
            HostStatus::Off,
        ] {
            assert!(!is_made(&with(status), 0, now), "{status:?}");
        }
        assert!(is_made(&with(HostStatus::Off), LOOKS_OFF, now), "it stayed off");
        let mut failed = samples::failed_host();
        assert!(is_made(&failed, 0, now));
        failed.next_attempt_at = Some("2026-01-01T00:10:05Z".into());
        assert!(!is_made(&failed, 0, now), "it is tried again in 5 s");
    }
}
