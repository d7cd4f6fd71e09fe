//! `diecast notification`.

use super::{Context, listed};
use crate::{
    Failure,
    args::notification::{ALL_KINDS, AddArgs, NotificationCommand, RemoveArgs, SetArgs, TermsArgs, WayArgs},
    confirm, render,
};
use diecast_api::{
    client::all,
    operator::notification::{
        ChangeNotification, CreateNotification, EmailBody, NotificationTerms, ScriptBody, Secret, WebhookBody,
    },
};
use diecast_domain::names::NotificationName;
use serde_json::json;
use std::{fs, path::Path};

pub(super) async fn run(cx: &mut Context<'_>, command: NotificationCommand) -> Result<(), Failure> {
    match command {
        NotificationCommand::Add(args) => add(cx, *args).await,
        NotificationCommand::List => {
            let list = all(async |page| cx.client.notifications(page).await).await?;
            let first = "nobody is told of what is not well; add one with `diecast notification add NAME --webhook URL`";
            listed(cx, &list, list.items.is_empty(), render::notification::list, first)
        }
        NotificationCommand::Show { name } => {
            let shown = cx.client.notification(name.as_str()).await?.value;
            cx.printer.answer(&shown, render::notification::show)
        }
        NotificationCommand::Set(args) => set(cx, *args).await,
        NotificationCommand::Test { name } => test(cx, name).await,
        NotificationCommand::Enable { name } => enable(cx, name, true).await,
        NotificationCommand::Disable { name } => enable(cx, name, false).await,
        NotificationCommand::Remove(args) => remove(cx, args).await,
    }
}

async fn add(cx: &mut Context<'_>, args: AddArgs) -> Result<(), Failure> {
    let AddArgs { name, webhook: url, email: to, script, way, terms } = args;
    let mut create = CreateNotification {
        name: name.to_string(),
        terms: terms_of(&terms)?,
        ..CreateNotification::default()
    };
    match (url, script) {
        (Some(url), _) => create.webhook = Some(webhook(Some(url), &way)?),
        (_, Some(script)) => create.script = Some(ScriptBody { name: Some(script) }),
        _ => create.email = Some(email(to, &way)?),
    }
    let made = cx.client.create_notification(&create).await?;
    if let Some(secret) = made.secret.as_ref().filter(|_| !cx.printer.is_json()) {
        cx.printer.talk(&format!("the key of its signatures, shown only now: {secret}"));
    }
    cx.printer.talk(&format!("try it: diecast notification test {name}"));
    cx.printer.answer(&made, render::notification::show)
}

async fn set(cx: &mut Context<'_>, args: SetArgs) -> Result<(), Failure> {
    let SetArgs { name, webhook: url, email: to, script, way, terms } = args;
    let there = cx.client.notification(name.as_str()).await?.value;
    let mut change = ChangeNotification { terms: terms_of(&terms)?, ..ChangeNotification::default() };
    let hook = webhook(url, &way)?;
    let mail = email(to, &way)?;
    change.script = script.map(|script| ScriptBody { name: Some(script) });
    // `--trust` goes with either way: it is for the one that is there.
    match there.way.as_str() {
        "webhook" => {
            change.webhook = Some(hook.clone()).filter(|it| *it != WebhookBody::default());
            let other = EmailBody { ca: None, ..mail };
            change.email = Some(other).filter(|it| *it != EmailBody::default());
        }
        _ => {
            change.email = Some(mail).filter(|it| *it != EmailBody::default());
            let other = WebhookBody { ca: None, ..hook };
            change.webhook = Some(other).filter(|it| *it != WebhookBody::default());
        }
    }
    if change == ChangeNotification::default() {
        return Err(Failure::usage("nothing is to be changed", "see `diecast notification set --help`"));
    }
    let changed = cx.client.change_notification(name.as_str(), &change).await?;
    cx.printer.talk(&format!("{name} is changed; try it: diecast notification test {name}"));
    cx.printer.answer(&changed, render::notification::show)
}

async fn enable(cx: &mut Context<'_>, name: NotificationName, enabled: bool) -> Result<(), Failure> {
    let terms = NotificationTerms { enabled: Some(enabled), ..NotificationTerms::default() };
    let change = ChangeNotification { terms, ..ChangeNotification::default() };
    let changed = cx.client.change_notification(name.as_str(), &change).await?;
    cx.printer.talk(&format!("{name} {}", if enabled { "tells again" } else { "rests" }));
    cx.printer.answer(&changed, render::notification::show)
}

async fn test(cx: &mut Context<'_>, name: NotificationName) -> Result<(), Failure> {
    cx.printer.talk("sending a test message ...");
    let tested = cx.client.test_notification(name.as_str()).await?;
    cx.printer.answer(&tested, |look, tested| render::notification::tested(look, name.as_str(), tested))?;
    if tested.delivered { Ok(()) } else { Err(Failure::Told) }
}

async fn remove(cx: &mut Context<'_>, args: RemoveArgs) -> Result<(), Failure> {
    let name = args.name.as_str();
    confirm::destroy(cx.printer, args.yes, &format!("Remove the notification {name}"))?;
    cx.client.delete_notification(name).await?;
    cx.printer.talk(&format!("{name} is removed: it tells nobody any more"));
    if cx.printer.is_json() {
        cx.printer.json(&json!({"name": name, "removed": true}))?;
    }
    Ok(())
}

fn webhook(url: Option<String>, way: &WayArgs) -> Result<WebhookBody, Failure> {
    let secret = way.secret_file.as_deref().map(secret).transpose()?;
    Ok(WebhookBody { url, secret, ca: trusted(way)? })
}

fn email(to: Vec<String>, way: &WayArgs) -> Result<EmailBody, Failure> {
    Ok(EmailBody {
        to: Some(to).filter(|to| !to.is_empty()),
        from: way.from.clone(),
        smtp: way.smtp.clone(),
        tls: way.tls.clone(),
        user: way.user.clone(),
        password: way.password_file.as_deref().map(secret).transpose()?,
        ca: trusted(way)?,
    })
}

fn terms_of(args: &TermsArgs) -> Result<NotificationTerms, Failure> {
    let seconds = |time: std::time::Duration| {
        u32::try_from(time.as_secs())
            .map_err(|_| Failure::usage("that is too long a time", "a day is the most"))
    };
    let every = args.kinds.iter().any(|kind| kind == ALL_KINDS);
    Ok(NotificationTerms {
        kinds: match &args.kinds[..] {
            [] => None,
            _ if every => Some(Vec::new()),
            kinds => Some(kinds.to_vec()),
        },
        severity: args.severity.clone(),
        group_seconds: args.group.map(seconds).transpose()?,
        quiet_seconds: args.quiet.map(seconds).transpose()?,
        enabled: None,
    })
}

/// Without the line break that an editor leaves at its end.
fn secret(path: &Path) -> Result<Secret, Failure> {
    Ok(Secret(read(path)?.trim_end_matches(['\r', '\n']).to_owned()))
}

fn trusted(way: &WayArgs) -> Result<Option<String>, Failure> {
    way.trust.as_deref().map(read).transpose()
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path)
        .map_err(|source| Failure::local(format!("{} cannot be read", path.display()), source))
}
