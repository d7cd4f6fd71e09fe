//! What somebody asks for, checked at the door.

use crate::{
    app::{cx::Cx, refused::Refused},
    notify::{self, Notifier},
    secret,
};
use diecast_api::operator::notification::{
    ChangeNotification, CreateNotification, EmailBody, NotificationTerms, WebhookBody,
};
use diecast_domain::{
    alarm::NoSuchWord,
    notification::{GROUP_SECONDS_MAX, MailTls, Notification, QUIET_SECONDS_MAX, Secret, Terms, Way},
};
use reqwest::Url;
use std::str::FromStr;

const URL_LENGTH_MAX: usize = 2000;
const SECRET_LENGTH_MAX: usize = 500;
/// Shorter ones are guessed.
const SECRET_LENGTH_MIN: usize = 16;
const ADDRESSES_MAX: usize = 20;
const ADDRESS_LENGTH_MAX: usize = 320;
/// Some authorities with what is above them.
const CA_BYTES_MAX: usize = 64 << 10;

pub(super) struct Drawn {
    pub(super) notification: Notification,
    /// The key of its signature, if it was drawn now.
    pub(super) secret: Option<String>,
}

pub(super) fn created(asked: &CreateNotification, notifier: &Notifier, cx: &Cx) -> Result<Drawn, Refused> {
    let mut secret = None;
    let way = match (&asked.webhook, &asked.email, &asked.script) {
        (Some(body), None, None) => {
            let mut body = body.clone();
            if body.secret.is_none() {
                let drawn = secret::token("dcw");
                body.secret = Some(diecast_api::operator::notification::Secret(drawn.clone()));
                secret = Some(drawn);
            }
            webhook(None, &body)?
        }
        (None, Some(body), None) => email(None, body)?,
        (None, None, Some(body)) => script(body.name.as_deref(), notifier)?,
        _ => return Err(Refused::malformed("say exactly one of `webhook`, `email` and `script`")),
    };
    let notification = Notification {
        name: asked.name.parse()?,
        way,
        terms: terms(&Terms::default(), &asked.terms)?,
        author: cx.who(),
        created_at: cx.now,
    };
    Ok(Drawn { notification, secret })
}

pub(super) fn changed(
    before: &Notification,
    asked: &ChangeNotification,
    notifier: &Notifier,
) -> Result<Notification, Refused> {
    let way = match (&before.way, &asked.webhook, &asked.email, &asked.script) {
        (way, None, None, None) => way.clone(),
        (way @ Way::Webhook { .. }, Some(body), None, None) => webhook(Some(way), body)?,
        (way @ Way::Email { .. }, None, Some(body), None) => email(Some(way), body)?,
        (Way::Script { name }, None, None, Some(body)) => {
            script(Some(body.name.as_deref().unwrap_or(name)), notifier)?
        }
        (way, ..) => {
            let cause =
                format!("`{}` is told by {}; for another way make another", before.name, way.as_str());
            return Err(Refused::malformed(cause));
        }
    };
    Ok(Notification { way, terms: terms(&before.terms, &asked.terms)?, ..before.clone() })
}

fn webhook(before: Option<&Way>, body: &WebhookBody) -> Result<Way, Refused> {
    let (mut url, mut secret, mut ca) = match before {
        Some(Way::Webhook { url, secret, ca }) => (Some(url.clone()), Some(secret.clone()), ca.clone()),
        _ => (None, None, None),
    };
    if let Some(asked) = &body.url {
        let parsed = Url::parse(asked).map_err(|error| {
            Refused::malformed(format!("`url` is no address such as https://hooks.example/diecast: {error}"))
        })?;
        if !["http", "https"].contains(&parsed.scheme()) || asked.len() > URL_LENGTH_MAX {
            return Err(Refused::malformed(
                "`url` must begin with https:// or http://, and be of bearable length",
            ));
        }
        url = Some(asked.clone());
    }
    if let Some(asked) = &body.secret {
        let asked = asked.0.trim();
        if !(SECRET_LENGTH_MIN..=SECRET_LENGTH_MAX).contains(&asked.len()) {
            let cause = format!("`secret` must have {SECRET_LENGTH_MIN} to {SECRET_LENGTH_MAX} characters");
            return Err(Refused::malformed(cause));
        }
        secret = Some(Secret::new(asked));
    }
    authority(&mut ca, body.ca.as_deref())?;
    let url = url.ok_or_else(|| Refused::malformed("`webhook` lacks a `url`"))?;
    let secret = secret.ok_or_else(|| Refused::malformed("`webhook` lacks a `secret`"))?;
    Ok(Way::Webhook { url, secret, ca })
}

fn email(before: Option<&Way>, body: &EmailBody) -> Result<Way, Refused> {
    let lacks = |what: &str| Refused::malformed(format!("`email` lacks {what}"));
    let (mut to, mut from, mut place, mut tls) = (None, None, None, MailTls::default());
    let (mut user, mut password, mut ca) = (None, None, None);
    if let Some(Way::Email { to: t, from: f, host, port, tls: s, user: u, password: p, ca: c }) = before {
        (to, from, place, tls) = (Some(t.clone()), Some(f.clone()), Some((host.clone(), Some(*port))), *s);
        (user, password, ca) = (u.clone(), p.clone(), c.clone());
    }
    if let Some(asked) = &body.tls {
        tls = security(asked)?;
    }
    if let Some(asked) = &body.smtp {
        place = Some(host_and_port(asked)?);
    }
    if let Some(asked) = &body.to {
        to = Some(asked.iter().map(|it| address("to", it)).collect::<Result<Vec<_>, _>>()?);
    }
    if let Some(asked) = &body.from {
        from = Some(address("from", asked)?);
    }
    if let Some(asked) = &body.user {
        user = Some(asked.trim().to_owned()).filter(|asked| !asked.is_empty());
        if user.is_none() {
            password = None;
        }
    }
    if let Some(asked) = &body.password {
        let asked = asked.0.trim_end_matches(['\r', '\n']);
        if asked.is_empty() || asked.len() > SECRET_LENGTH_MAX {
            return Err(Refused::malformed("`password` is empty or too long"));
        }
        password = Some(Secret::new(asked));
    }
    authority(&mut ca, body.ca.as_deref())?;
    if user.is_some() != password.is_some() {
        return Err(Refused::malformed("`user` and `password` go together"));
    }
    if tls == MailTls::None && password.is_some() {
        return Err(Refused::malformed(
            "without TLS no password is sent: everybody on the way could read it",
        ));
    }
    let to = to.filter(|to| !to.is_empty() && to.len() <= ADDRESSES_MAX);
    let (host, port) = place.ok_or_else(|| lacks("`smtp`, a mail server as HOST:PORT"))?;
    Ok(Way::Email {
        to: to.ok_or_else(|| lacks("`to`, one address to twenty"))?,
        from: from.ok_or_else(|| lacks("`from`, the address it comes from"))?,
        host,
        port: port.unwrap_or(tls.port()),
        tls,
        user,
        password,
        ca,
    })
}

fn security(asked: &str) -> Result<MailTls, Refused> {
    match asked {
        "starttls" => Ok(MailTls::Starttls),
        "tls" => Ok(MailTls::Tls),
        "none" => Ok(MailTls::None),
        _ => Err(Refused::malformed("`tls` is one of `starttls`, `tls` and `none`")),
    }
}

/// `mail.example:587`, `mail.example`, `[2001:db8::1]:25`
fn host_and_port(asked: &str) -> Result<(String, Option<u16>), Refused> {
    let malformed = || Refused::malformed("`smtp` is no HOST:PORT such as mail.example:587");
    let asked = asked.trim();
    let (host, port) = match asked.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
        _ => (asked, None),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || ".-:_".contains(letter);
    if host.is_empty() || host.len() > 253 || !host.chars().all(allowed) {
        return Err(malformed());
    }
    let port = port.map(u16::from_str).transpose().map_err(|_| malformed())?;
    if port == Some(0) {
        return Err(malformed());
    }
    Ok((host.to_owned(), port))
}

fn address(field: &str, asked: &str) -> Result<String, Refused> {
    let asked = asked.trim();
    if asked.len() > ADDRESS_LENGTH_MAX || notify::mailbox(asked).is_err() {
        let shown: String = asked.chars().take(80).collect();
        return Err(Refused::malformed(format!("`{shown}` in `{field}` is no e-mail address")));
    }
    Ok(asked.to_owned())
}

/// An empty one: the system's again.
fn authority(ca: &mut Option<String>, asked: Option<&str>) -> Result<(), Refused> {
    let Some(asked) = asked else { return Ok(()) };
    if asked.trim().is_empty() {
        *ca = None;
        return Ok(());
    }
    let read = reqwest::Certificate::from_pem_bundle(asked.as_bytes());
    if asked.len() > CA_BYTES_MAX || !read.is_ok_and(|found| !found.is_empty()) {
        return Err(Refused::malformed("`ca` holds no certificate in PEM"));
    }
    *ca = Some(asked.to_owned());
    Ok(())
}

fn script(name: Option<&str>, notifier: &Notifier) -> Result<Way, Refused> {
    let name = name.ok_or_else(|| Refused::malformed("`script` lacks a `name`"))?;
    notify::find_script(notifier.scripts.as_deref(), name)?;
    Ok(Way::Script { name: name.to_owned() })
}

fn terms(before: &Terms, asked: &NotificationTerms) -> Result<Terms, Refused> {
    let mut terms = before.clone();
    if let Some(kinds) = &asked.kinds {
        let kinds = kinds.iter().map(|kind| kind.parse()).collect::<Result<_, _>>();
        terms.kinds = kinds.map_err(|error: NoSuchWord| Refused::malformed(error.to_string()))?;
    }
    if let Some(severity) = &asked.severity {
        terms.severity =
            severity.parse().map_err(|error: NoSuchWord| Refused::malformed(error.to_string()))?;
    }
    terms.group_seconds =
        within("group_seconds", asked.group_seconds, terms.group_seconds, GROUP_SECONDS_MAX)?;
    terms.quiet_seconds =
        within("quiet_seconds", asked.quiet_seconds, terms.quiet_seconds, QUIET_SECONDS_MAX)?;
    terms.enabled = asked.enabled.unwrap_or(terms.enabled);
    Ok(terms)
}

fn within(field: &str, asked: Option<u32>, before: u32, most: u32) -> Result<u32, Refused> {
    match asked {
        Some(asked) if asked > most => {
            Err(Refused::malformed(format!("`{field}` is {asked}; it may be 0 to {most}")))
        }
        asked => Ok(asked.unwrap_or(before)),
    }
}
