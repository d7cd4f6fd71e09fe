//! `diecast apply` and `diecast export`: how it is to be set, in a file.
//!
//! ```text
//!   file ──► document ─┐
//!                      ├─► diff (pure) ──► shown, asked ──► carry_out, in a safe order
//!   server ──► there ──┘
//! ```
//!
//! **Promises.** What a file does not name stays, unless `--prune` is said. Nothing is changed before the whole file
//! was read, understood and compared, and somebody said yes. Applied again, it finds nothing to change; what
//! `export` writes is what `apply` takes, and no change by itself. Interrupted, it is applied again.

mod carry_out;
mod diff;
pub(crate) mod document;
mod there;

pub(crate) use diff::Step;

use self::{diff::Act, document::Document, there::There};
use super::Context;
use crate::{
    Failure,
    args::{
        YesArgs,
        apply::{ApplyArgs, ExportArgs},
    },
    confirm, render,
};
use diecast_api::{client::ClientError, problem::ProblemDetails};
use diecast_domain::code::{Code, Problem};
use serde_json::json;
use std::{io::Read, path::Path};

/// A file that is larger than this is not one of these.
const FILE_BYTES_MAX: u64 = 16 << 20;

pub(super) async fn apply(cx: &mut Context<'_>, args: ApplyArgs) -> Result<(), Failure> {
    let document = read(&args.file)?;
    let there = There::named_in(&cx.client, &document).await?;
    let difference = diff::diff(&document, &there, args.prune).map_err(refused)?;
    difference.notes.iter().for_each(|note| cx.printer.talk(note));
    let steps = difference.steps;
    if !cx.printer.is_json() {
        cx.printer.text(&render::changes::show(&steps))?;
    }
    if steps.is_empty() {
        return said(cx, &steps, false);
    }
    if args.dry_run {
        carry_out::planned(cx, &steps).await?;
        cx.printer.talk("dry run: nothing was changed");
        return said(cx, &steps, false);
    }
    ask(cx, args.yes, &steps)?;
    carry_out::carried_out(cx, &steps).await?;
    let ended = if args.wait.wait { carry_out::followed(cx, args.wait, &steps).await } else { Ok(()) };
    said(cx, &steps, true)?;
    ended
}

/// Once for what is changed, and once for each kind of thing that is removed.
fn ask(cx: &mut Context<'_>, yes: YesArgs, steps: &[Step]) -> Result<(), Failure> {
    let named = |kind: fn(&Act) -> Option<String>| -> Vec<String> {
        steps.iter().filter_map(|step| kind(&step.act)).collect()
    };
    let pools = named(|act| match act {
        Act::DeletePool { name } => Some(name.clone()),
        _ => None,
    });
    let members = named(|act| match act {
        Act::TakeOff { template, providers } => Some(format!("{} off {template}", providers.join(", "))),
        _ => None,
    });
    let removals = steps.iter().filter(|step| step.act.removes()).count();
    if steps.len() > removals {
        let count = render::counted((steps.len() - removals) as u64, "change");
        confirm::destroy(cx.printer, yes, &format!("Make {count}"))?;
    }
    if !members.is_empty() {
        confirm::destroy(cx.printer, yes, &format!("Take {}", members.join("; ")))?;
    }
    if !pools.is_empty() {
        confirm::destroy(cx.printer, yes, &format!("Delete pools with their hosts: {}", pools.join(", ")))?;
    }
    Ok(())
}

fn said(cx: &mut Context<'_>, steps: &[Step], applied: bool) -> Result<(), Failure> {
    if cx.printer.is_json() {
        cx.printer.json(&json!({"changes": steps, "applied": applied}))
    } else {
        Ok(())
    }
}

/// What the file asks for and cannot be had.
fn refused(blockers: Vec<String>) -> Failure {
    let problem = Problem::new(Code::A0010, "nothing was changed: the file asks for what is not possible")
        .with_hint("correct the file, or make first what it names");
    let details = ProblemDetails { blockers, ..ProblemDetails::from(&problem) };
    Failure::Client(ClientError::Problem(Box::new(details)))
}

fn read(path: &Path) -> Result<Document, Failure> {
    let (shown, read) = if path == Path::new("-") {
        ("stdin".to_owned(), limited(std::io::stdin()))
    } else {
        (path.display().to_string(), std::fs::File::open(path).and_then(limited))
    };
    let text = read.map_err(|source| Failure::local(format!("{shown} cannot be read"), source))?;
    document::parse(&text).map_err(|why| {
        Failure::usage(
            format!("{shown}: {why}"),
            "see `diecast apply --help`, or look at what `diecast export` writes",
        )
    })
}

fn limited(file: impl Read) -> std::io::Result<String> {
    let mut text = String::new();
    file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(std::io::Error::other("it is larger than 16 MiB"));
    }
    Ok(text)
}

pub(super) async fn export(cx: &mut Context<'_>, args: ExportArgs) -> Result<(), Failure> {
    let document = There::whole(&cx.client).await?.document();
    let in_json = args.file.as_deref().and_then(Path::extension).is_some_and(|ending| ending == "json");
    let text = if in_json { document::json(&document) } else { document::toml(&document) };
    let Some(path) = args.file else {
        return cx.printer.answer(&document, |_, _| text);
    };
    if path.exists() {
        confirm::destroy(cx.printer, args.yes, &format!("Replace {}", path.display()))?;
    }
    write(&path, &text)
        .map_err(|source| Failure::local(format!("{} cannot be written", path.display()), source))?;
    cx.printer.talk(&format!("written to {}", path.display()));
    if cx.printer.is_json() { cx.printer.json(&json!({"file": path})) } else { Ok(()) }
}

/// After a crash there is the old file or the new one.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(format!(".{}.new", std::process::id()));
    let unfinished = Path::new(&unfinished);
    let written = (|| {
        let mut file = std::fs::File::create_new(unfinished)?;
        std::io::Write::write_all(&mut file, text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(unfinished, path)
    })();
    if written.is_err() {
        let _ = std::fs::remove_file(unfinished);
    }
    written
}

#[cfg(test)]
mod tests;
