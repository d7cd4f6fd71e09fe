//! `diecast host`.

use super::{Context, template::plan_only, texts};
use crate::{
    Failure,
    args::{
        WaitArgs,
        host::{CreateArgs, DeleteArgs, HostCommand, ListArgs},
    },
    confirm, failure, render, wait,
};
use diecast_api::{
    client::{Client, ClientError, all, page::Listed, routes::HostFilter},
    operator::{
        host::{CreateHosts, HostList, HostView},
        operation::{OperationList, OperationView},
    },
};
use diecast_domain::{code::Code, host::HostStatus, names::HostName};
use serde_json::json;

pub(super) async fn run(cx: &mut Context<'_>, command: HostCommand) -> Result<(), Failure> {
    match command {
        HostCommand::Create(args) => create(cx, args).await,
        HostCommand::List(ListArgs { template, provider }) => {
            let filter = HostFilter {
                template: template.map(|name| name.to_string()),
                provider: provider.map(|name| name.to_string()),
            };
            let list = all(async |page| cx.client.hosts(&filter, page).await).await?;
            cx.printer.answer(&list, render::host::list)
        }
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
        HostCommand::Delete(args) => delete(cx, args).await,
    }
}

async fn create(cx: &mut Context<'_>, args: CreateArgs) -> Result<(), Failure> {
    let create = CreateHosts {
        template: args.template.to_string(),
        providers: texts(&args.providers),
        count: args.count,
        name: args.name,
        full: args.full,
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
    if list.items.iter().any(|host| host.status == HostStatus::FailedToCreate.as_str()) {
        return Err(Failure::Told);
    }
    Ok(())
}

/// Waits until each host is `Ready`, or has ended otherwise and is not tried again soon.
async fn made(cx: &mut Context<'_>, wait: WaitArgs, mut list: HostList) -> Result<HostList, Failure> {
    let client: &Client = &cx.client;
    wait::until(wait, cx.printer, "the making of the hosts", async |printer| {
        let now = printer.look().now;
        for host in list.items.iter_mut().filter(|host| !is_made(host, now)) {
            let seen = client.host(&host.name).await?.value;
            if seen.status != host.status {
                printer.talk(&format!("{} on {}: {}", seen.name, seen.provider, seen.status));
            }
            *host = seen;
        }
        Ok(list.items.iter().all(|host| is_made(host, now)).then(|| list.clone()))
    })
    .await
}

fn is_made(host: &HostView, now: jiff::Timestamp) -> bool {
    let under_way = [HostStatus::Creating, HostStatus::Preparing];
    if under_way.iter().any(|status| host.status == status.as_str()) {
        return false;
    }
    let code = host.problem.as_ref().map(|problem| problem.code.as_str());
    !wait::is_tried_soon(code, host.next_attempt_at.as_deref(), now)
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

async fn delete(cx: &mut Context<'_>, args: DeleteArgs) -> Result<(), Failure> {
    let names = texts(&args.names).join(", ");
    confirm::destroy(cx.printer, args.yes, &format!("Delete {names} with their disks"))?;
    let (mut items, mut refused) = (Vec::new(), Vec::new());
    for name in &args.names {
        match cx.client.delete_host(name.as_str()).await {
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
