//! `diecast login` and `diecast logout`.

use crate::{
    Failure,
    args::{Globals, session::LoginArgs},
    confirm,
    connection::{self, Login, Store},
    printer::Printer,
};
use diecast_api::{
    client::{Client, ClientError, Connection, Token},
    operator::session::{SignIn, SignedIn},
};
use diecast_domain::code::Code;
use serde_json::json;

pub(super) async fn login(globals: &Globals, args: LoginArgs, printer: &mut Printer) -> Result<(), Failure> {
    let store = Store::standard()?;
    // An unreadable stored login is about to be replaced: no reason to stop.
    let stored = store.load().unwrap_or_default();
    let Some(url) = globals.url.as_deref().or(stored.as_ref().map(|login| login.url.as_str())) else {
        return Err(Failure::usage("no server is named", "add `--url https://...`"));
    };
    let url = connection::normal(url);
    let ca = match (args.ca_fingerprint, &globals.ca) {
        (Some(fingerprint), _) => Some(connection::ca_with_fingerprint(&url, fingerprint).await?),
        (None, Some(path)) => Some(connection::read_ca(path)?),
        (None, None) => {
            stored.filter(|login| connection::normal(&login.url) == url).and_then(|login| login.ca)
        }
    };
    let client = Client::new(&Connection { url: url.clone(), ca: ca.clone(), token: None })?;
    let password = confirm::password(printer, &args.user)?;
    let sign_in = SignIn { user: args.user, password, note: note() };
    let SignedIn { token, user, expires_at } = client.sign_in(&sign_in).await?;
    if args.print_token {
        let document = json!({"token": token});
        return printer.answer(&document, |_, _| token);
    }
    store.save(&Login { url: url.clone(), user: user.clone(), token, ca })?;
    printer.talk(&format!(
        "signed in to {url} as {user} until {expires_at}; stored in {}",
        store.path().display()
    ));
    if printer.is_json() {
        printer.json(&json!({"url": url, "user": user, "expires_at": expires_at}))?;
    }
    Ok(())
}

/// What the token is for, in lists of tokens: this machine's name.
fn note() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(format!("diecast login on {}", name.trim()))
}

/// The token is ended on the server, and forgotten here even if the server is not there. Signing out
/// twice is no mistake.
pub(super) async fn logout(globals: &Globals, printer: &mut Printer) -> Result<(), Failure> {
    let store = Store::standard()?;
    let stored = store.load()?;
    let given = std::env::var_os(connection::TOKEN_VARIABLE).is_some();
    if stored.is_none() && !given {
        return told(printer, None);
    }
    let connection = connection::resolve(globals)?;
    let client = Client::new(&connection)?;
    let ended = client.sign_out().await;
    // A token from the environment may be another than the stored one, which then stays.
    if stored.is_some_and(|login| connection.token == Some(Token(login.token))) {
        store.remove()?;
    }
    match ended {
        Ok(()) => told(printer, Some(client.url())),
        // It had ended already: that is what was wanted.
        Err(error) if error.code() == Some(Code::A0002) => told(printer, Some(client.url())),
        Err(error) if error.is_unreachable() => Err(told_anyway(error)),
        Err(error) => Err(error.into()),
    }
}

fn told(printer: &mut Printer, url: Option<&str>) -> Result<(), Failure> {
    match url {
        Some(url) => printer.talk(&format!("signed out of {url}")),
        None => printer.talk("nobody is signed in"),
    }
    if printer.is_json() { printer.json(&json!({"url": url, "signed_out": url.is_some()})) } else { Ok(()) }
}

fn told_anyway(error: ClientError) -> Failure {
    let mut details = error.details();
    details.detail.push_str("; the login is forgotten here, but its token is valid until it expires");
    Failure::Client(ClientError::Problem(Box::new(details)))
}
