//! `diecast bundle`: files there and back. What is in them is checked by the server and its agents; only the
//! header is read here.

use super::{Context, distribution, template::plan_only, texts};
use crate::{
    Failure,
    args::bundle::{BundleCommand, ExportArgs, ImportArgs},
    printer::{Printer, carried::Carrying},
    render,
};
use diecast_api::{
    bundle::{PIECE_BYTES, Word},
    client::{ClientError, Screen, screen::Message},
    operator::{
        bundle::{BundleView, ExportBundle, ImportBundle},
        template::PlanView,
    },
    problem::ProblemDetails,
};
use diecast_domain::{
    bundle::{HEADER_BYTES_MAX, Header, MAGIC, MAGIC_OF_ANY},
    code::{Code, Problem},
};
use futures::{SinkExt, Stream, StreamExt};
use serde_json::json;
use std::{
    ffi::OsString,
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncWriteExt},
};

/// What a file is called until it is whole.
const UNFINISHED: &str = ".part";

pub(super) async fn run(cx: &mut Context<'_>, command: BundleCommand) -> Result<(), Failure> {
    match command {
        BundleCommand::Export(args) => export(cx, args).await,
        BundleCommand::Import(args) => import(cx, args).await,
        BundleCommand::Show { file } => show(cx.printer, &file),
    }
}

/// What a bundle says of itself.
pub(super) fn show(printer: &mut Printer, file: &Path) -> Result<(), Failure> {
    let unread = |source| Failure::local(format!("{} cannot be read", file.display()), source);
    let mut opened = fs::File::open(file).map_err(unread)?;
    let length = opened.metadata().map_err(unread)?.len();
    let header = header(&mut opened).map_err(unread)?.map_err(refused)?;
    let mut document = serde_json::to_value(&header).expect("plain data is always JSON");
    document["file"] = json!(file);
    document["file_bytes"] = json!(length);
    printer.answer(&document, |look, _| render::bundle::show(look, &header, length))
}

/// The header alone. That all of the file is as it was written only reading it tells.
fn header(from: &mut impl Read) -> io::Result<Result<Header, Problem>> {
    let mut begun = Vec::new();
    from.take((MAGIC.len() + 4 + HEADER_BYTES_MAX) as u64).read_to_end(&mut begun)?;
    let bad = |cause: &str| Ok(Err(Problem::new(Code::T0020, format!("the bundle was refused: {cause}"))));
    if !begun.starts_with(MAGIC) {
        if begun.starts_with(MAGIC_OF_ANY) {
            let cause = "the bundle was refused: it is of a form that this release does not know";
            return Ok(Err(Problem::new(Code::T0021, cause)));
        }
        return bad("it does not begin like a bundle");
    }
    let (length, rest) = begun[MAGIC.len()..].split_at_checked(4).unwrap_or_default();
    let length = length.try_into().map_or(0, u32::from_le_bytes) as usize;
    let Some(text) = rest.get(..length) else { return bad("it ends in the middle of its header") };
    match serde_json::from_slice(text) {
        Ok(header) => Ok(Ok(header)),
        Err(error) => bad(&format!("its header cannot be read: {error}")),
    }
}

fn refused(problem: Problem) -> Failure {
    Failure::Client(ClientError::Problem(Box::new(ProblemDetails::from(&problem))))
}

fn broke_off() -> Failure {
    refused(Problem::new(Code::T0024, "the connection to the server was cut off before the bundle was done"))
}

/// What the server says next; bytes and words, and nothing else.
async fn heard<E>(socket: &mut (impl Stream<Item = Result<Message, E>> + Unpin)) -> Heard {
    loop {
        match socket.next().await {
            Some(Ok(Message::Binary(bytes))) => return Heard::Bytes(bytes.into()),
            Some(Ok(Message::Text(text))) => {
                // A newer server says more on the way.
                if let Ok(word) = serde_json::from_str(&text) {
                    return Heard::Word(word);
                }
            }
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Heard::Nothing,
            Some(Ok(_)) => {}
        }
    }
}

enum Heard {
    Bytes(Vec<u8>),
    Word(Word),
    /// It has gone.
    Nothing,
}

async fn export(cx: &mut Context<'_>, args: ExportArgs) -> Result<(), Failure> {
    let (name, file) = (args.name.as_str(), &args.file);
    if file.exists() && !args.force {
        return Err(Failure::refused(
            format!("{} is there already", file.display()),
            "choose another name, or replace it with `--force`",
        ));
    }
    let version = match args.version {
        Some(version) => version,
        None => match cx.client.template(name).await?.value.version {
            Some(current) => current.to_string(),
            None => {
                let cause = format!("template `{name}` has no version yet");
                return Err(refused(Problem::new(Code::A0010, cause)));
            }
        },
    };
    let asked = ExportBundle { since: args.since, provider: args.provider.map(|it| it.to_string()) };
    let socket = cx.client.export_bundle(name, &version, &asked).await?;
    let unfinished = unfinished(file);
    let written = write(cx.printer, socket, &unfinished).await;
    let written = written.and_then(|view| {
        let kept = fs::rename(&unfinished, file).and_then(|()| sync_folder(file));
        kept.map(|()| view)
            .map_err(|source| Failure::local(format!("{} cannot be written", file.display()), source))
    });
    if written.is_err() {
        // It may not be there.
        let _ = fs::remove_file(&unfinished);
    }
    let (view, length) = written?;
    let mut document = serde_json::to_value(&view).expect("wire types are always JSON");
    document["file"] = json!(file);
    document["file_bytes"] = json!(length);
    cx.printer.answer(&document, |_, _| render::bundle::exported(&view, file, length))
}

fn unfinished(file: &Path) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(UNFINISHED);
    name.into()
}

/// A name that is to outlive a power cut.
fn sync_folder(file: &Path) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

async fn write(printer: &mut Printer, mut socket: Screen, file: &Path) -> Result<(BundleView, u64), Failure> {
    let unwritten = |source| Failure::local(format!("{} cannot be written", file.display()), source);
    let mut to = File::create(file).await.map_err(unwritten)?;
    let mut carrying = Carrying::new(printer);
    let mut length = 0;
    loop {
        match heard(&mut socket).await {
            Heard::Bytes(bytes) => {
                length += bytes.len() as u64;
                to.write_all(&bytes).await.map_err(unwritten)?;
            }
            Heard::Word(Word::Progress { doing, done, total }) => {
                carrying.seen(printer, doing.as_str(), done, total);
            }
            Heard::Word(Word::Done { bundle }) => {
                to.sync_all().await.map_err(unwritten)?;
                return Ok((bundle, length));
            }
            Heard::Word(Word::Refused { problem }) => return Err(refused(problem)),
            Heard::Word(_) => {}
            Heard::Nothing => return Err(broke_off()),
        }
    }
}

async fn import(cx: &mut Context<'_>, args: ImportArgs) -> Result<(), Failure> {
    let asked = ImportBundle {
        template: args.template.as_ref().map(ToString::to_string),
        provider: args.provider.as_ref().map(ToString::to_string),
        to: (!args.to.is_empty()).then(|| texts(&args.to).join(",")),
        to_all: args.to_all,
        dry_run: args.dry_run,
    };
    let mut done = Vec::new();
    let mut plan: Option<PlanView> = None;
    for (number, file) in args.files.iter().enumerate() {
        // The first makes the template, with its list; to the others it is there.
        let again = number > 0 && !args.dry_run;
        let asked =
            if again { ImportBundle { to: None, to_all: false, ..asked.clone() } } else { asked.clone() };
        let socket = cx.client.import_bundle(&asked).await?;
        match give(cx.printer, socket, file).await? {
            Word::Done { bundle } => {
                cx.printer.talk(&render::bundle::imported(&bundle, file));
                done.push(bundle);
            }
            Word::Planned { plan: one } => match &mut plan {
                None => plan = Some(one),
                Some(all) => {
                    all.steps.extend(one.steps);
                    all.obstacles.extend(one.obstacles);
                    all.blockers.extend(one.blockers);
                }
            },
            _ => return Err(broke_off()),
        }
    }
    if let Some(plan) = plan {
        return plan_only(cx, &plan);
    }
    let list = json!({"items": done, "next": null});
    cx.printer.answer(&list, |look, _| render::bundle::list(look, &done))?;
    let last = done.last().filter(|_| args.wait.wait).map(|bundle| bundle.template.clone());
    let Some(template) = last else { return Ok(()) };
    let view = distribution::settled(cx, args.wait, &template, true).await?;
    if !cx.printer.is_json() {
        cx.printer.answer(&view, render::distribution::show)?;
    }
    distribution::verdict(&view)
}

/// Gives all of a file, until the server says how it ended: that may be before the end of the file.
async fn give(printer: &mut Printer, socket: Screen, file: &Path) -> Result<Word, Failure> {
    let unread = |source| Failure::local(format!("{} cannot be read", file.display()), source);
    let mut from = File::open(file).await.map_err(unread)?;
    let total = from.metadata().await.map_err(unread)?.len();
    let (mut sink, mut stream) = socket.split();
    let mut carrying = Carrying::new(printer);
    let (told, mut sent) = tokio::sync::watch::channel(0_u64);
    let sending = async {
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            let read = from.read(&mut piece).await?;
            let message = if read == 0 {
                Message::text(serde_json::to_string(&Word::End).expect("wire types are always JSON"))
            } else {
                Message::binary(piece[..read].to_vec())
            };
            // That it has gone the other direction tells, with the reason.
            if sink.send(message).await.is_err() || read == 0 {
                return io::Result::Ok(());
            }
            told.send_modify(|sent| *sent += read as u64);
        }
    };
    let answering = async {
        loop {
            tokio::select! {
                heard = heard(&mut stream) => match heard {
                    Heard::Word(Word::Progress { doing, done, total: all }) if *sent.borrow() >= total => {
                        carrying.seen(printer, doing.as_str(), done, all);
                    }
                    Heard::Word(word @ (Word::Done { .. } | Word::Planned { .. })) => return Ok(word),
                    Heard::Word(Word::Refused { problem }) => return Err(refused(problem)),
                    Heard::Word(_) | Heard::Bytes(_) => {}
                    Heard::Nothing => return Err(broke_off()),
                },
                Ok(()) = sent.changed() => {
                    let sent = *sent.borrow_and_update();
                    carrying.seen(printer, "sending", sent, total);
                }
            }
        }
    };
    tokio::pin!(answering);
    tokio::select! {
        answer = &mut answering => return answer,
        sent = sending => sent.map_err(unread)?,
    }
    answering.await
}

#[cfg(test)]
#[path = "bundle_tests.rs"]
mod tests;
