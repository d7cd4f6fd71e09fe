//! The second act: the golden machine is changed, and its hosts follow in waves.

use super::{
    Names, Source, Wish, hosts,
    tell::{say, show},
};
use crate::lab::Lab;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// Where the change can be read.
const NOTE: &str = "/etc/release-note";

/// Changes the template in maintenance; gives what its hosts read in the end.
pub(super) fn act(lab: &Lab, wish: &Wish, names: &Names, first: &str) -> Result<Vec<Value>> {
    let template = names.template.as_str();
    let machine = format!("diecast-{template}-maintenance");
    say("A working copy of the golden machine; its hosts go on meanwhile:");
    show(lab, &["maintenance", "enter", template, "--provider", first, "--wait"])?;
    lab.wait_until("the guest of the working copy answers", wish.source.boots(), || {
        lab.ask_guest(first, &machine, "guest-ping").is_some()
    })?;
    let old = lab.release_note(first, &machine).unwrap_or_default();
    let number =
        lab.diecast_json(&["template", "show", template])?["version"].as_u64().unwrap_or_default() + 1;
    let note = format!("changed for version {number}");
    say(&format!("In it, {NOTE} says `{}`; now it is to say `{note}`.", old.trim()));
    let line = match wish.source {
        Source::Tiny => format!("note '{note}'"),
        Source::Debian => format!("echo '{note}' > {NOTE}; sync"),
        Source::Image(_) => bail!("nobody knows how to change your own image; do it at its console"),
    };
    lab.in_guest(first, &machine, &line)?;
    say("It is left: only what changed is read, published and sent, and the hosts are recreated in waves.");
    let leave = [
        "maintenance",
        "leave",
        template,
        "--note",
        &note,
        "--recreate",
        "now",
        "--wave",
        "1,100%",
        "--wait",
    ];
    show(lab, &leave)?;
    show(lab, &["version", "list", template])?;
    show(lab, &["distribution", "show", template, "--watch"])?;

    let mut read = Vec::new();
    let there = hosts::of_template(lab, names)?;
    let boots = wish.source.boots() * u32::try_from(there.len() + 1).unwrap_or(u32::MAX);
    let reads = |host: &Value| {
        let (provider, name) = (host["provider"].as_str()?, host["name"].as_str()?);
        Some(lab.release_note(provider, name)?.trim().to_owned())
    };
    lab.wait_until("every host reads the change", boots, || {
        read = there.iter().map(|host| json!({ "host": host["name"], "reads": reads(host) })).collect();
        read.iter().all(|it| it["reads"] == note)
    })
    .with_context(|| format!("{read:?}"))?;
    for it in &read {
        say(&format!("{} reads {}.", it["host"], it["reads"]));
    }
    show(lab, &["host", "list"])?;
    Ok(read)
}
