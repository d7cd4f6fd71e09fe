//! `diecast audit`.

use super::{Context, listed};
use crate::{
    Failure,
    args::audit::{AuditCommand, ExportArgs, ListArgs, WhichArgs},
    render::audit as render,
};
use diecast_api::{
    client::{Page, access::AuditFilter},
    operator::audit::{AuditEntryView, AuditList, AuditSettings},
};
use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

/// Entries asked for at a time: the most the server gives.
const PAGE: u32 = 1000;
/// Stands for stdout.
const STDOUT: &str = "-";

pub(super) async fn run(cx: &mut Context<'_>, command: AuditCommand) -> Result<(), Failure> {
    match command {
        AuditCommand::List(args) => list(cx, args).await,
        AuditCommand::Export(args) => export(cx, args).await,
        AuditCommand::Show => {
            let settings = cx.client.audit_settings().await?;
            cx.printer.answer(&settings, render::settings)
        }
        AuditCommand::Set(args) => {
            let asked = AuditSettings { days: args.keep };
            let settings = cx.client.change_audit_settings(&asked).await?;
            cx.printer.answer(&settings, render::settings)
        }
    }
}

fn filter(which: WhichArgs, order: &'static str) -> AuditFilter {
    AuditFilter {
        since: which.since.map(|at| at.to_string()),
        until: which.until.map(|at| at.to_string()),
        who: which.who,
        object: which.object,
        name: which.name,
        order: Some(order),
    }
}

async fn list(cx: &mut Context<'_>, args: ListArgs) -> Result<(), Failure> {
    let filter = filter(args.which, "newest");
    let mut items: Vec<AuditEntryView> = Vec::new();
    let mut after = None;
    loop {
        let left = args.limit - u32::try_from(items.len()).unwrap_or(args.limit).min(args.limit);
        let page = Page { after: after.clone(), limit: Some(left.clamp(1, PAGE)) };
        let list = cx.client.audit(&filter, page).await?;
        items.extend(list.items);
        let more = items.len() < args.limit as usize;
        if !more || list.next.is_none() || list.next == after {
            let list = AuditList { items, next: list.next };
            return listed(cx, &list, list.items.is_empty(), render::list, "nothing was changed");
        }
        after = list.next;
    }
}

async fn export(cx: &mut Context<'_>, args: ExportArgs) -> Result<(), Failure> {
    let filter = filter(args.which, "oldest");
    let mut file = match args.file.to_str() {
        Some(STDOUT) => None,
        _ => Some((make(&args.file)?, args.file.as_path())),
    };
    let mut count: u64 = 0;
    let mut after = None;
    loop {
        let page = Page { after: after.clone(), limit: Some(PAGE) };
        let list = cx.client.audit(&filter, page).await?;
        for entry in &list.items {
            match &mut file {
                Some((file, path)) => write(file, entry).map_err(|error| cannot(path, &error))?,
                None => cx.printer.json_line(entry)?,
            }
            count += 1;
        }
        if list.next.is_none() || list.next == after {
            break;
        }
        after = list.next;
    }
    if let Some((file, path)) = file {
        file.sync_all().map_err(|error| cannot(path, &error))?;
    }
    cx.printer.talk(&format!("entries written: {count}"));
    Ok(())
}

/// A new file, for its owner alone. What is there is not written over: it may be the only copy.
fn make(path: &Path) -> Result<fs::File, Failure> {
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.map_err(|error| cannot(path, &error))
}

fn write(file: &mut fs::File, entry: &AuditEntryView) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(entry)?;
    line.push(b'\n');
    file.write_all(&line)
}

fn cannot(path: &Path, error: &std::io::Error) -> Failure {
    Failure::refused(
        format!("{} cannot be written: {error}", path.display()),
        "name a file that is not there yet, or `-`",
    )
}
