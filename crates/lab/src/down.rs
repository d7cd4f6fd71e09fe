//! Taking a lab down, whole or half started, so that nothing of it is left on the machine.
//!
//! Works from what is there, not from what should be: the state gives the lab's number and its own
//! processes, the kernel's tables give the rest. Nothing that is not this lab's is touched.

use crate::{
    golden,
    network::{self, Names},
    paths::Paths,
    process::{Process, until},
    run::run,
    server,
    state::StateFile,
    storage,
};
use anyhow::{Context, Result};
use std::{collections::BTreeSet, fs, path::Path, time::Duration};

/// Processes that were killed are gone soon; a busy disk may hold one up.
const KILL_PATIENCE: Duration = Duration::from_secs(60);

/// Takes down the lab of a data folder. Its cache stays, and files that are not the lab's.
pub fn take_down(paths: &Paths) -> Result<()> {
    let file = StateFile::in_folder(paths.data());
    if file.exists() {
        let state = file.read()?;
        let names = Names { index: state.index };
        if let Some(server) = &state.server {
            server::kill(server);
        }
        for machine in state.providers.iter().filter_map(|provider| provider.machine) {
            machine.kill();
        }
        // Namespaces too that a killed `up` made and could not write down.
        for netns in names.existing_netns() {
            empty(&netns)?;
            network::leave(&netns, None)?;
        }
        network::release(names, paths.data())?;
    }
    storage::unmount_below(&paths.providers())?;
    golden::clear_interrupted(paths)?;
    for folder in [paths.providers(), paths.server(), paths.cli(), paths.import()] {
        remove_folder(&folder)?;
    }
    let _ = fs::remove_file(paths.server_log());
    // Last: as long as it is there, `down` can be repeated.
    file.remove()?;
    let _ = fs::remove_dir(paths.data());
    Ok(())
}

/// Kills what lives in a network namespace, until nothing does.
fn empty(netns: &str) -> Result<()> {
    let mut left = BTreeSet::new();
    let emptied = until(KILL_PATIENCE, || {
        let pids = run(&["ip", "netns", "pids", netns]).unwrap_or_default();
        left = pids
            .split_whitespace()
            .filter_map(|pid| Process::of(pid.parse().ok()?))
            .map(|it| {
                it.kill();
                it.pid
            })
            .collect();
        left.is_empty()
    });
    if !emptied {
        anyhow::bail!("processes {left:?} in the namespace {netns} do not end although they were killed");
    }
    Ok(())
}

/// Removes a folder of the lab's, never through a mount that is still there.
pub fn remove_folder(folder: &Path) -> Result<()> {
    storage::unmount_below(folder)?;
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", folder.display()))
        }
        _ => Ok(()),
    }
}
