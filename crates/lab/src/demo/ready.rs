//! Gets a lab that works, whatever an earlier run left: none, half of one, one without power.

use super::{Wish, tell::say};
use crate::{
    down::take_down,
    lab::{Lab, Options},
    paths::Paths,
    state::StateFile,
};
use anyhow::{Result, bail};
use serde_json::Value;

/// Boots that agents get to call the server for the first time.
const BOOTS_TO_CALL: u32 = 20;

pub fn lab(paths: Paths, wish: &Wish) -> Result<Lab> {
    let file = StateFile::in_folder(paths.data());
    let lab = if file.exists() {
        let state = file.read()?;
        if state.bare {
            bail!(
                "a bare lab runs with this data folder; end it with `diecast-lab down`, or choose another with --data"
            );
        }
        let whole = !state.providers.is_empty() && state.providers.iter().all(|provider| provider.joined);
        if whole { resume(paths)? } else { afresh(paths, wish)? }
    } else {
        fresh(paths, wish)?
    };
    say("Waiting for every agent to call the server.");
    wait_for_agents(&lab)?;
    Ok(lab)
}

fn fresh(paths: Paths, wish: &Wish) -> Result<Lab> {
    say(&format!("A lab: one server, {} hypervisors, each in namespaces of its own.", wish.providers));
    let lab = Lab::up(
        paths,
        &Options { providers: wish.providers, rate: wish.rate.clone(), ..Options::default() },
    )?;
    let state = lab.state()?;
    let how = if state.kvm { "with KVM" } else { "by emulation, as no guest boots with KVM here" };
    say(&format!("Guests run {how}; one boots in {:.1} s.", state.boot_seconds));
    Ok(lab)
}

fn afresh(paths: Paths, wish: &Wish) -> Result<Lab> {
    say("An earlier run was interrupted while it started the lab: taking that down first.");
    take_down(&paths)?;
    fresh(paths, wish)
}

/// Gives back what was taken: the server, power, agents, links. Full disks and slow links stay.
fn resume(paths: Paths) -> Result<Lab> {
    let lab = Lab::open(paths)?;
    say("A lab runs already: going on with it (`./demo --down` ends it).");
    lab.server_start()?;
    for provider in lab.state()?.providers {
        lab.power(&provider.name)?;
        if provider.cut {
            say(&format!("{} was cut off; its network cable is put back.", provider.name));
            lab.mend(&provider.name)?;
        }
    }
    Ok(lab)
}

fn wait_for_agents(lab: &Lab) -> Result<()> {
    let mut silent = String::new();
    let waited = lab.wait_until("every agent has called the server", BOOTS_TO_CALL, || {
        let said = lab.diecast_json(&["provider", "list"]).unwrap_or_default();
        let items = said["items"].as_array().cloned().unwrap_or_default();
        let waiting = items.iter().filter(|item| item["state"] != "Available");
        silent = waiting
            .map(|item| format!("{} is `{}`", text(item, "name"), text(item, "state")))
            .collect::<Vec<_>>()
            .join(", ");
        !items.is_empty() && silent.is_empty()
    });
    waited.map_err(|error| {
        anyhow::anyhow!("{error}: {silent} (their logs: {}/*/agent.log)", lab.paths().providers().display())
    })
}

fn text<'a>(item: &'a Value, key: &str) -> &'a str {
    item[key].as_str().unwrap_or("?")
}
