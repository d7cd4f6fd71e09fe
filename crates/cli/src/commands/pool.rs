//! `diecast pool`.

use super::{Context, listed, rollout, setup, template::plan_only, texts};
use crate::{
    Failure,
    args::{
        WaitArgs,
        pool::{CreateArgs, DeleteArgs, PoolCommand, SetArgs, SettingsArgs},
    },
    confirm, render, wait,
};
use diecast_api::{
    client::all,
    operator::{
        host::SetupBody,
        pool::{CreatePool, PoolSettings, PoolView},
        recreation::TermsBody,
    },
};
use diecast_domain::code::Code;
use serde_json::json;
use std::time::{Duration, Instant};

pub(super) async fn run(cx: &mut Context<'_>, command: PoolCommand) -> Result<(), Failure> {
    match command {
        PoolCommand::Create(args) => create(cx, *args).await,
        PoolCommand::List => {
            let list = all(async |page| cx.client.pools(page).await).await?;
            let first = "no pools; make one with `diecast pool create NAME --template T --size N --name 'desk-{nnn}'`";
            listed(cx, &list, list.items.is_empty(), render::pool::list, first)
        }
        PoolCommand::Show { name } => {
            let pool = cx.client.pool(name.as_str()).await?.value;
            cx.printer.answer(&pool, render::pool::show)
        }
        PoolCommand::Set(args) => set(cx, *args).await,
        PoolCommand::Delete(args) => delete(cx, args).await,
    }
}

/// What was typed; nothing else is said.
fn settings(args: SettingsArgs) -> Result<PoolSettings, Failure> {
    let SettingsArgs {
        spare,
        version,
        placement,
        weights,
        cap,
        providers,
        replace_elsewhere,
        setup: guest,
        terms,
    } = args;
    if !weights.is_empty() && placement.as_deref().is_some_and(|it| it != "weights") {
        return Err(Failure::usage("--weight is for `--placement weights`", "leave one of them out"));
    }
    let (guest, terms) = (setup::setup(guest)?, rollout::terms(&terms));
    Ok(PoolSettings {
        spare,
        version,
        placement: placement.or_else(|| (!weights.is_empty()).then(|| "weights".to_owned())),
        weights: (!weights.is_empty()).then(|| weights.into_iter().collect()),
        cap,
        providers: (!providers.is_empty()).then(|| texts(&providers)),
        replace_elsewhere_seconds: replace_elsewhere
            .map(|it| u32::try_from(it.as_secs()).unwrap_or(u32::MAX)),
        setup: (guest != SetupBody::default()).then_some(guest),
        terms: (terms != TermsBody::default()).then_some(terms),
        ..PoolSettings::default()
    })
}

async fn create(cx: &mut Context<'_>, args: CreateArgs) -> Result<(), Failure> {
    let given = settings(args.settings)?;
    let create = CreatePool {
        name: args.name.to_string(),
        template: args.template.to_string(),
        pattern: args.pattern,
        settings: PoolSettings {
            size: args.size,
            min: args.min,
            max: args.max,
            full: args.full.then_some(true),
            ..given
        },
    };
    if args.dry_run {
        let plan = cx.client.plan_pool(&create).await?;
        return plan_only(cx, &plan);
    }
    let created = cx.client.create_pool(&create).await?;
    ended(cx, args.wait, created).await
}

async fn set(cx: &mut Context<'_>, args: SetArgs) -> Result<(), Failure> {
    let name = args.name.as_str();
    let given = settings(args.settings)?;
    let change = PoolSettings {
        size: args.size,
        min: args.min,
        max: args.max,
        full: args.kind.map(|kind| kind == "full"),
        providers: if args.any_provider { Some(Vec::new()) } else { given.providers.clone() },
        ..given
    };
    if change == PoolSettings::default() {
        return Err(Failure::usage("nothing is to be changed", "see `diecast pool set --help`"));
    }
    if args.dry_run {
        let plan = cx.client.plan_pool_change(name, &change).await?;
        return plan_only(cx, &plan);
    }
    let pool = cx.client.pool(name).await?;
    let changed = cx.client.change_pool(name, &change, pool.etag.as_deref()).await?;
    cx.printer.talk(&format!("{name} is changed"));
    ended(cx, args.wait, changed).await
}

/// After a change: how it stands now, or how it ended.
async fn ended(cx: &mut Context<'_>, wait: WaitArgs, pool: PoolView) -> Result<(), Failure> {
    if !wait.wait {
        return cx.printer.answer(&pool, render::pool::show);
    }
    let pool = filled(cx, wait, pool).await?;
    cx.printer.answer(&pool, render::pool::show)?;
    if pool.status == "OK" { Ok(()) } else { Err(Failure::Told) }
}

/// How long a pool whose hosts all stand is waited for while none of them gets ready: some may be off.
const GUEST_PATIENCE: Duration = Duration::from_secs(15 * 60);

/// Waits until a pool is at its size and its hosts are ready, or cannot be.
pub(super) async fn filled(
    cx: &mut Context<'_>,
    wait: WaitArgs,
    mut pool: PoolView,
) -> Result<PoolView, Failure> {
    let (client, mut told, mut since) = (&cx.client, String::new(), Instant::now());
    wait::until(wait, cx.printer, &format!("the pool {}", pool.name), async |printer| {
        pool = client.pool(&pool.name).await?.value;
        let PoolView { name, status, hosts, wanted, ready, .. } = &pool;
        let line = format!("{name}: {status}, {hosts} of {wanted} hosts, {ready} ready");
        if line != told {
            printer.talk(&line);
            (told, since) = (line, Instant::now());
        }
        let settled = is_settled(&pool) || (pool.status == "OK" && since.elapsed() >= GUEST_PATIENCE);
        Ok(settled.then(|| pool.clone()))
    })
    .await
}

fn is_settled(pool: &PoolView) -> bool {
    match pool.status.as_str() {
        "OK" => pool.ready >= pool.hosts,
        status => status == "Cannot fill",
    }
}

async fn delete(cx: &mut Context<'_>, args: DeleteArgs) -> Result<(), Failure> {
    let name = args.name.as_str();
    if args.dry_run {
        let plan = cx.client.plan_pool_deletion(name).await?;
        return plan_only(cx, &plan);
    }
    let pool = cx.client.pool(name).await?.value;
    let hosts = render::counted(pool.hosts, "host");
    let what = match (args.keep_hosts, args.data.delete_data) {
        (true, _) => format!("Delete the pool {name}; its {hosts} stay, as hosts of no pool"),
        (false, true) => format!("Delete the pool {name} with its {hosts} and their data disks"),
        (false, false) => format!("Delete the pool {name} with its {hosts} ({} in use)", pool.in_use),
    };
    confirm::destroy(cx.printer, args.yes, &what)?;
    cx.client.delete_pool(name, args.keep_hosts, args.data.wish()).await?;
    if args.wait.wait {
        gone(cx, args.wait, name).await?;
    }
    cx.printer.talk(&format!("{name} is {}", if args.wait.wait { "deleted" } else { "being deleted" }));
    if cx.printer.is_json() {
        cx.printer.json(&json!({"name": name, "deleted": args.wait.wait}))?;
    }
    Ok(())
}

pub(super) async fn gone(cx: &mut Context<'_>, wait: WaitArgs, name: &str) -> Result<(), Failure> {
    let client = &cx.client;
    wait::until(wait, cx.printer, &format!("the deletion of {name}"), async |_| {
        match client.pool(name).await {
            Err(error) if error.code() == Some(Code::A0004) => Ok(Some(())),
            Err(error) => Err(error.into()),
            Ok(_) => Ok(None),
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples;

    #[test]
    fn a_pool_is_waited_for_until_its_hosts_are_ready_or_it_cannot_be_filled() {
        assert!(!is_settled(&samples::pool()), "one of its hosts is not ready yet");
        assert!(is_settled(&PoolView { ready: 20, ..samples::pool() }));
        assert!(is_settled(&samples::short_pool()));
        assert!(!is_settled(&PoolView { status: "Filling".into(), ready: 20, ..samples::pool() }));
    }
}
