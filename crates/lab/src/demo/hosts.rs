//! A host on every provider, until each has booted and told its own name.

use super::{
    Names, Source, Wish,
    tell::{say, show},
};
use crate::lab::Lab;
use anyhow::{Context, Result};
use serde_json::Value;

/// Deploys what is missing, waits for every guest's own word, gives the hosts.
pub(super) fn deploy(lab: &Lab, wish: &Wish, names: &Names, providers: &[String]) -> Result<Vec<Value>> {
    let there = of_template(lab, names)?;
    let bare: Vec<&String> =
        providers.iter().filter(|name| !there.iter().any(|host| host["provider"] == name.as_str())).collect();
    if bare.is_empty() {
        say("Every provider runs a host already.");
    } else {
        say("A host on every provider, named by a pattern:");
        let count = bare.len().to_string();
        let mut create = vec!["host", "create", "--template", &names.template];
        for provider in &bare {
            create.extend(["--provider", provider]);
        }
        create.extend(["--count", &count, "--name", &names.hosts]);
        // Nobody knows whether the user's own system has a guest agent to wait for.
        if !matches!(wish.source, Source::Image(_)) {
            create.push("--wait");
        }
        show(lab, &create)?;
    }
    say("Waiting until each has booted and told its own name through the guest agent.");
    let boots = wish.source.boots() * u32::try_from(providers.len() + 1).unwrap_or(u32::MAX);
    let mut told = 0;
    let waited = lab.wait_until("every host has told its own name", boots, || {
        let hosts = of_template(lab, names).unwrap_or_default();
        let has_told = |host: &&Value| has_told(host, &wish.source);
        let named = hosts.iter().filter(has_told).count();
        if named != told {
            told = named;
            say(&format!("{told} of {} have.", hosts.len()));
        }
        !hosts.is_empty() && named == hosts.len()
    });
    show(lab, &["host", "list"])?;
    match (&wish.source, waited) {
        // Nobody knows whether the user's own system has a guest agent at all.
        (Source::Image(_), Err(_)) => {
            say("Not every host answers through a guest agent; the image may have none.")
        }
        (_, waited) => waited?,
    }
    of_template(lab, names)
}

/// Its address comes a moment later than its name; whether the user's own system takes one is not known.
fn has_told(host: &Value, source: &Source) -> bool {
    let addressed = host["addresses"].as_array().is_some_and(|all| !all.is_empty());
    let named = host["guest_name"].is_string() && host["guest_name"] == host["name"];
    host["guest_agent"] == true && named && (addressed || matches!(source, Source::Image(_)))
}

pub(super) fn of_template(lab: &Lab, names: &Names) -> Result<Vec<Value>> {
    let said = lab.diecast_json(&["host", "list", "--template", &names.template])?;
    let items = said["items"].as_array().context("`diecast host list --json` gives no items")?;
    Ok(items.clone())
}
