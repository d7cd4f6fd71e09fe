//! The demonstration: what Diecast is for, in one command, with nothing but the real programs.
//!
//! A lab is started, a golden VM is made on its first provider, and from there on the command line
//! does what a user would do with it: a template, its distribution, a host on every provider. Every
//! command is shown before it runs. All talk goes to standard error; standard output carries only
//! what `--json` or `--env` ask for. Run again, it goes on where it is: what is there is kept.

mod hosts;
mod maintenance;
mod ready;
mod source;
mod tell;

use crate::{lab::Lab, paths::Paths};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::time::Instant;

pub use source::Source;
use tell::{say, show};

/// What may be chosen of a demonstration.
#[derive(Clone, Debug)]
pub struct Wish {
    pub source: Source,
    pub providers: usize,
    /// Shape every link.
    pub rate: Option<String>,
    /// Change the template at the end, and recreate the hosts.
    pub maintenance: bool,
}

/// What the demonstration calls things.
#[derive(Clone, Debug)]
struct Names {
    template: String,
    vm: String,
    hosts: String,
}

/// Runs it; gives what `--json` prints.
pub fn run(paths: Paths, wish: &Wish) -> Result<Value> {
    let start = Instant::now();
    ensure!(wish.providers >= 1, "a demonstration needs a provider");
    // Looked at first: a wrong file is to be told of before anything starts.
    wish.source.check()?;
    let lab = ready::lab(paths, wish)?;
    let names = wish.source.names();
    let providers: Vec<String> = lab.list()?.into_iter().map(|item| item.name).collect();
    let first = providers.first().context("the lab has no provider")?;

    let template = find(&lab, &["template", "list"], &names.template)?;
    if template.is_none() {
        golden_vm(&lab, wish, &names, first)?;
        say("A template from the golden VM, for every provider:");
        let to = ["--to-all", "--wait"];
        let create = ["template", "create", &names.template, "--provider", first, "--vm", &names.vm];
        show(&lab, &[&create[..], &to].concat())?;
    } else {
        say(&format!("The template `{}` is there already.", &names.template));
    }
    say("How its distribution stands:");
    show(&lab, &["distribution", "show", &names.template, "--watch"])?;

    let mut hosts = hosts::deploy(&lab, wish, &names, &providers)?;
    let changed = if wish.maintenance { maintenance::act(&lab, wish, &names, first)? } else { Vec::new() };
    if wish.maintenance {
        hosts = hosts::of_template(&lab, &names)?;
    }
    let template = find(&lab, &["template", "list"], &names.template)?.unwrap_or_default();
    let distribution = lab.diecast_json(&["distribution", "show", &names.template])?;
    ensure!(
        distribution["distribution"] == "OK",
        "the template is not on every provider: {}",
        distribution["distribution"]
    );
    let state = lab.state()?;
    let url = state.server.map(|server| server.url).unwrap_or_default();
    tell::how_to_go_on(&lab, &url, &names)?;
    Ok(json!({
        "url": url,
        "ca": lab.paths().ca(),
        "data": lab.data(),
        "kvm": state.kvm,
        "boot_seconds": state.boot_seconds,
        "seconds": start.elapsed().as_secs_f64(),
        "template": template,
        "distribution": distribution,
        "hosts": hosts,
        "changed": changed,
        "providers": lab.list()?,
    }))
}

/// Makes the golden VM, unless it is there.
fn golden_vm(lab: &Lab, wish: &Wish, names: &Names, provider: &str) -> Result<()> {
    let virsh = lab.virsh(provider)?;
    if virsh.run(&["list", "--all", "--name"])?.lines().any(|name| name.trim() == names.vm) {
        say(&format!("The golden VM `{}` is there already.", &names.vm));
        return Ok(());
    }
    say(&format!("A golden VM, `{}`, on {provider}: {}.", &names.vm, wish.source));
    let disk = wish.source.disk(lab, &names.vm)?;
    lab.define(provider, &wish.source.machine(&names.vm, &disk)?)?;
    Ok(())
}

/// One item of a list by its name.
fn find(lab: &Lab, list: &[&str], name: &str) -> Result<Option<Value>> {
    let said = lab.diecast_json(list)?;
    let items =
        said["items"].as_array().with_context(|| format!("`diecast {}` gives no items", list.join(" ")))?;
    Ok(items.iter().find(|item| item["name"] == name).cloned())
}
