//! `diecast support`: everything that helps to find a fault, in one archive, without secrets.

use crate::{
    Failure,
    args::{Globals, support::SupportArgs},
    connection,
    printer::Printer,
    render::support as render,
};
use diecast_api::client::{Client, ClientError};
use diecast_support::{Archive, Redactor};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

const FOLDER: &str = "diecast-support";
/// Pages of a list that are gathered: ten thousand things show how it is as well as a million.
const PAGES_MAX: usize = 10;
const PAGE: &str = "1000";

/// What the server is asked for: the name in the archive, and the address below `/api/v1`.
const LISTS: [(&str, &str); 12] = [
    ("session", "session"),
    ("providers", "providers"),
    ("templates", "templates"),
    ("hosts", "hosts"),
    ("pools", "pools"),
    ("recreations", "recreations"),
    ("schedules", "schedules"),
    ("alarms", "alarms"),
    ("notifications", "notifications"),
    ("recovery", "recovery"),
    ("tokens", "tokens"),
    ("audit", "audit"),
];
/// And for each template, below its name.
const OF_TEMPLATES: [&str; 2] = ["versions", "distribution"];
/// The newest events: enough to see what came before the fault.
const EVENTS: [(&str, &str); 2] = [("order", "newest"), ("limit", PAGE)];

pub(super) async fn run(globals: &Globals, args: SupportArgs, printer: &mut Printer) -> Result<(), Failure> {
    let mut archive = Archive::new(FOLDER, Redactor::new(args.redact_addresses));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    archive.json("versions", &json!({ "diecast": env!("CARGO_PKG_VERSION"), "made_at_unix_seconds": now }));
    let client = connection::resolve(globals).and_then(|found| Ok(Client::new(&found)?));
    let mut states = Vec::new();
    match &client {
        Ok(client) => states = of_the_server(&mut archive, client, printer).await,
        Err(failure) => {
            printer.talk(&format!("without the server's side: {failure}"));
            archive.missing("the server's side", &failure.to_string());
        }
    }
    archive.text("remarks.txt", &render::remarks(&states));
    of_this_machine(&mut archive).await;
    let failed = |error| Failure::local(format!("{} cannot be written", args.file.display()), error);
    archive.write(&args.file, now).map_err(failed)?;
    let answer = json!({ "file": args.file.display().to_string(), "contents": archive.contents() });
    printer.answer(&answer, |_, _| format!("{}\n{}", args.file.display(), archive.contents()))
}

/// Everything that the server says; what it refuses is named.
async fn of_the_server(
    archive: &mut Archive,
    client: &Client,
    printer: &mut Printer,
) -> Vec<(String, Value)> {
    let mut states = Vec::new();
    for (name, path) in LISTS {
        match whole(client, &[path]).await {
            Ok(value) => states.push((name.to_owned(), value)),
            Err(error) => {
                archive.missing(name, &error.to_string());
                if error.is_unreachable() {
                    printer.talk(&format!("without the server's side: {error}"));
                    return states;
                }
            }
        }
    }
    for template in names(&states, "templates") {
        for part in OF_TEMPLATES {
            let name = format!("templates/{template}/{part}");
            match whole(client, &["templates", &template, part]).await {
                Ok(value) => states.push((name, value)),
                Err(error) => archive.missing(&name, &error.to_string()),
            }
        }
    }
    states.iter().for_each(|(name, value)| archive.json(name, value));
    match client.raw(&["events", "history"], &EVENTS).await {
        Ok(events) => archive.json("events", &events),
        Err(error) => archive.missing("events", &error.to_string()),
    }
    for (name, text) in [("server.log", client.server_log().await), ("metrics.txt", client.metrics().await)] {
        match text {
            Ok(text) => archive.text(name, &text),
            Err(error) => archive.missing(name, &error.to_string()),
        }
    }
    states
}

/// A document, or every page of a list as one.
async fn whole(client: &Client, path: &[&str]) -> Result<Value, ClientError> {
    let mut first = client.raw(path, &[("limit", PAGE)]).await?;
    for _ in 1..PAGES_MAX {
        let Some(next) = first["next"].as_str().map(str::to_owned) else { break };
        let mut page = client.raw(path, &[("limit", PAGE), ("after", &next)]).await?;
        first["next"] = page["next"].take();
        let (Some(items), Some(more)) = (first["items"].as_array_mut(), page["items"].as_array_mut()) else {
            break;
        };
        items.append(more);
    }
    Ok(first)
}

fn names(states: &[(String, Value)], list: &str) -> Vec<String> {
    let found = states.iter().filter(|(name, _)| name == list);
    let items = found.flat_map(|(_, value)| value["items"].as_array().into_iter().flatten());
    items.filter_map(|item| item["name"].as_str().map(str::to_owned)).collect()
}

/// What only the machine can tell on which this is typed: the server's own, if it runs here.
async fn of_this_machine(archive: &mut Archive) {
    let unit = "diecast.service";
    archive.command("machine/uname.txt", "uname", &["-a"]).await;
    archive.command("machine/disks.txt", "df", &["-h", "-T"]).await;
    archive.command("machine/memory.txt", "cat", &["/proc/meminfo"]).await;
    archive.command("machine/service.txt", "systemctl", &["status", "--no-pager", "-l", unit]).await;
    let journal = ["--unit", unit, "--lines", "5000", "--no-pager", "--quiet"];
    archive.command("machine/journal.txt", "journalctl", &journal).await;
    match std::fs::read_to_string("/etc/diecast/server.toml") {
        Ok(text) => archive.text("machine/server.toml", &text),
        Err(error) => archive.missing("machine/server.toml", &error.to_string()),
    }
}

#[cfg(test)]
#[path = "support_tests.rs"]
mod tests;
