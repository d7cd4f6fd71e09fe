//! `diecast provider`.

use super::{Context, listed, waiting};
use crate::{
    Failure,
    args::{
        WaitArgs,
        provider::{AddArgs, CheckArgs, ProviderCommand, RemoveArgs, SetArgs},
    },
    confirm, render, wait,
};
use diecast_api::{
    client::all,
    operator::{
        provider::{AddProvider, ChangeProvider, JoinView},
        scrub::ChangeScrub,
    },
};
use diecast_domain::provider::ProviderState;
use serde_json::json;

pub(super) async fn run(cx: &mut Context<'_>, command: ProviderCommand) -> Result<(), Failure> {
    match command {
        ProviderCommand::Add(args) => add(cx, args).await,
        ProviderCommand::List => {
            let list = all(async |page| cx.client.providers(page).await).await?;
            let first = "no providers; add a hypervisor with `diecast provider add NAME`";
            listed(cx, &list, list.items.is_empty(), render::provider::list, first)
        }
        ProviderCommand::Show { name } => {
            let provider = cx.client.provider(name.as_str()).await?.value;
            cx.printer.answer(&provider, render::provider::show)
        }
        ProviderCommand::Check(args) => check(cx, args).await,
        ProviderCommand::Set(args) => set(cx, args).await,
        ProviderCommand::Rejoin { name } => {
            let join = cx.client.rejoin_provider(name.as_str()).await?;
            hand_over(cx, &join)
        }
        ProviderCommand::Remove(args) => remove(cx, args).await,
    }
}

async fn add(cx: &mut Context<'_>, args: AddArgs) -> Result<(), Failure> {
    let add = AddProvider {
        name: args.name.to_string(),
        kind: args.kind,
        uri: args.uri,
        storage: args.storage,
        networks: args.networks.into_iter().collect(),
        site: args.site,
        labels: args.labels.into_iter().collect(),
        limit: args.limit,
    };
    let join = cx.client.add_provider(&add).await?;
    hand_over(cx, &join)?;
    if args.wait.wait { joined(cx, args.wait, &add.name).await } else { Ok(()) }
}

/// The line alone on stdout, so that it can be piped into a shell over there.
fn hand_over(cx: &mut Context<'_>, join: &JoinView) -> Result<(), Failure> {
    let JoinView { name, expires_at, .. } = join;
    cx.printer
        .talk(&format!("run this line as root on the machine of {name}; it works once, until {expires_at}:"));
    cx.printer.answer(join, |_, join| join.join.clone())
}

async fn joined(cx: &mut Context<'_>, wait: WaitArgs, name: &str) -> Result<(), Failure> {
    let client = &cx.client;
    wait::until(wait, cx.printer, &format!("the joining of {name}"), async |_| {
        let provider = client.provider(name).await?.value;
        Ok((provider.state == ProviderState::Available.as_str()).then_some(()))
    })
    .await?;
    cx.printer.talk(&format!("{name} is available"));
    Ok(())
}

async fn check(cx: &mut Context<'_>, args: CheckArgs) -> Result<(), Failure> {
    let operation = cx.client.check_provider(args.name.as_str()).await?;
    let operations = if args.no_wait {
        vec![operation]
    } else {
        wait::operations(&cx.client, waiting(args.timeout), cx.printer, vec![operation]).await?
    };
    cx.printer.answer(&operations[0], |look, _| render::operation::list(look, &operations))?;
    wait::all_well(&operations)
}

async fn set(cx: &mut Context<'_>, args: SetArgs) -> Result<(), Failure> {
    let scrub = ChangeScrub {
        on: args.scrub,
        every_seconds: args.scrub_every.map(|every| every.as_secs()),
        bytes_per_second: args.scrub_rate,
        window: args.scrub_window,
    };
    let change = ChangeProvider {
        uri: args.uri,
        storage: args.storage,
        networks: args.networks.into_iter().collect(),
        site: args.site,
        labels: args.labels.into_iter().collect(),
        limit: args.limit,
        scrub: Some(scrub).filter(|scrub| *scrub != ChangeScrub::default()),
    };
    let settings = [&change.uri, &change.storage, &change.site, &change.limit];
    let pairs = change.networks.len() + change.labels.len();
    if settings == [&None; 4] && pairs == 0 && change.scrub.is_none() {
        return Err(Failure::usage("nothing is to be changed", "see `diecast provider set --help`"));
    }
    let name = args.name.as_str();
    let etag = cx.client.provider(name).await?.etag;
    let changed = cx.client.change_provider(name, &change, etag.as_deref()).await?;
    cx.printer.talk(&format!("{name} is changed"));
    cx.printer.answer(&changed, render::provider::show)
}

async fn remove(cx: &mut Context<'_>, args: RemoveArgs) -> Result<(), Failure> {
    let name = args.name.as_str();
    if args.forget {
        let provider = cx.client.provider(name).await?.value;
        let what = format!(
            "Forget {name}: revoke its certificate, and give up {} templates and {} hosts there",
            provider.templates, provider.hosts
        );
        confirm::destroy(cx.printer, args.yes, &what)?;
    }
    cx.client.remove_provider(name, args.forget, None).await?;
    cx.printer.talk(&format!("{name} is {}", if args.forget { "forgotten" } else { "removed" }));
    if cx.printer.is_json() {
        cx.printer.json(&json!({"name": name, "removed": true}))?;
    }
    Ok(())
}
