//! What each command does: ask the server, hand what comes back to the printer. One file a noun.

mod alarm;
pub(crate) mod apply;
mod audit;
mod bundle;
mod console;
mod distribution;
mod event;
mod explain;
mod host;
mod leave;
mod maintenance;
mod missing;
mod notification;
mod pool;
mod provider;
mod recovery;
mod recreation;
mod rollout;
mod schedule;
mod session;
mod setup;
mod site;
mod support;
mod template;
mod token;
mod version;
mod vm;

pub(crate) use apply::Step;

use crate::{
    Failure,
    args::{ClientCommand, Globals, WaitArgs, bundle::BundleCommand},
    connection,
    printer::Printer,
    render::Look,
};
use diecast_api::client::Client;
use serde::Serialize;

/// What a command works with.
pub(crate) struct Context<'a> {
    pub(crate) client: Client,
    pub(crate) printer: &'a mut Printer,
}

pub(crate) async fn run(
    globals: &Globals,
    command: ClientCommand,
    whole: clap::Command,
    printer: &mut Printer,
) -> Result<(), Failure> {
    match command {
        ClientCommand::Explain(args) => return explain::explain(args.code, printer),
        ClientCommand::Completions(args) => return explain::completions(args.shell, whole, printer),
        ClientCommand::Login(args) => return session::login(globals, args, printer).await,
        ClientCommand::Logout => return session::logout(globals, printer).await,
        ClientCommand::Bundle(BundleCommand::Show { file }) => return bundle::show(printer, &file),
        // The server may be the fault that is looked for.
        ClientCommand::Support(args) => return support::run(globals, args, printer).await,
        _ => {}
    }
    let client = Client::new(&connection::resolve(globals)?)?;
    let mut cx = Context { client, printer };
    let typed = missing::names(&command);
    let outcome = asked(&mut cx, command).await;
    match outcome {
        Err(failure) => Err(missing::explained(&cx.client, typed, failure).await),
        done => done,
    }
}

/// The commands that ask a server.
async fn asked(cx: &mut Context<'_>, command: ClientCommand) -> Result<(), Failure> {
    match command {
        ClientCommand::Provider(command) => provider::run(cx, command).await,
        ClientCommand::Site(command) => site::run(cx, command).await,
        ClientCommand::Vm(command) => vm::run(cx, command).await,
        ClientCommand::Template(command) => template::run(cx, command).await,
        ClientCommand::Distribution(command) => distribution::run(cx, command).await,
        ClientCommand::Version(command) => version::run(cx, command).await,
        ClientCommand::Host(command) => host::run(cx, command).await,
        ClientCommand::Maintenance(command) => maintenance::run(cx, command).await,
        ClientCommand::Recreation(command) => recreation::run(cx, command).await,
        ClientCommand::Recovery(command) => recovery::run(cx, command).await,
        ClientCommand::Pool(command) => pool::run(cx, command).await,
        ClientCommand::Schedule(command) => schedule::run(cx, command).await,
        ClientCommand::Alarm(command) => alarm::run(cx, command).await,
        ClientCommand::Notification(command) => notification::run(cx, command).await,
        ClientCommand::Apply(args) => apply::apply(cx, args).await,
        ClientCommand::Export(args) => apply::export(cx, args).await,
        ClientCommand::Bundle(command) => bundle::run(cx, command).await,
        ClientCommand::Event(command) => event::run(cx, command).await,
        ClientCommand::Token(command) => token::run(cx, command).await,
        ClientCommand::Audit(command) => audit::run(cx, command).await,
        // Done before a server was looked for.
        ClientCommand::Login(_)
        | ClientCommand::Logout
        | ClientCommand::Support(_)
        | ClientCommand::Explain(_)
        | ClientCommand::Completions(_) => Ok(()),
    }
}

/// Names as the API takes them.
fn texts<T: ToString>(names: &[T]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

/// A list; for eyes an empty one is what to do first, beside an stdout without data.
fn listed<T: Serialize>(
    cx: &mut Context<'_>,
    list: &T,
    is_empty: bool,
    text: impl FnOnce(Look, &T) -> String,
    first: &str,
) -> Result<(), Failure> {
    if is_empty && !cx.printer.is_json() {
        cx.printer.talk(first);
        return Ok(());
    }
    cx.printer.answer(list, text)
}

/// For commands that always wait.
fn waiting(timeout: Option<std::time::Duration>) -> WaitArgs {
    WaitArgs { wait: true, timeout }
}

#[cfg(test)]
mod tests;
