//! The patched image as the next version of the template, by maintenance: the way on which the product
//! knows what the version was made from.
//!
//! The guest that maintenance starts is switched off at once, and its overlay is given the content of the
//! patched image, as if the guest had written it.

use super::image::PATIENCE;
use crate::{
    ours::{Template, wait_ready},
    outside::{self, Group},
    sample::Sample,
    world::{SOURCE, World},
};
use anyhow::{Context, Result, ensure};
use diecast_lab::{
    Item,
    run::{attempt, run},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

const SCRIPT: &str = include_str!("overlay.py");
/// Debian's own, which knows Debian's modules.
const PYTHON: &str = "/usr/bin/python3";

/// The target must hold the template's version already; its newest is another one afterwards.
pub fn leave_with(
    world: &World,
    template: &Template<'_>,
    image: &Path,
    target: &Item,
    like: &Sample,
) -> Result<Sample> {
    let name = &template.name;
    world.lab.diecast_json(&["maintenance", "enter", name, "--provider", SOURCE, "--wait"])?;
    let published = fill(world, template, image).and_then(|()| {
        let disk = outside::used_bytes(&target.storage)?;
        let before = (target.crossed()?.0, Instant::now());
        let leave =
            ["maintenance", "leave", name, "--recreate", "later", "--force", "--shutdown-timeout", "20s"];
        world.lab.diecast_json(&leave)?;
        world.wait(PATIENCE, "the new version is everywhere", || {
            let said = world.lab.diecast_json(&["distribution", "show", name]).unwrap_or_default();
            said["version"] == 2 && said["distribution"] == "OK"
        })?;
        wait_ready(template, PATIENCE)?;
        Ok(like
            .clone()
            .with("seconds", before.1.elapsed().as_secs_f64())
            .with("wire_bytes", (target.crossed()?.0 - before.0) as f64)
            .with("disk_bytes", outside::used_bytes(&target.storage)? - disk))
    });
    if published.is_err() {
        let _ = world.lab.diecast(&["maintenance", "cancel", name, "--yes"]);
    }
    published
}

fn fill(world: &World, template: &Template<'_>, image: &Path) -> Result<()> {
    let machine = format!("diecast-{}-maintenance", template.name);
    let virsh = world.lab.virsh(SOURCE)?;
    // Whether it still ran or has ended by itself is the same.
    let _ = virsh.run(&["destroy", &machine]);
    let overlay = overlay(&world.source().storage.join("diecast/working"))?;
    let script = overlay.with_extension("py");
    // Beside the overlay its path would be longer than a socket's may be.
    let socket = std::env::temp_dir().join(format!("diecast-bench-{}.socket", std::process::id()));
    let shown = |path: &Path| path.display().to_string();
    fs::write(&script, SCRIPT).with_context(|| format!("writing {}", script.display()))?;
    let mut export = Command::new("qemu-nbd");
    export.args(["--format", "qcow2", "--socket", &shown(&socket), &shown(&overlay)]);
    let mut export = Group::start(&mut export)?;
    let begun = Instant::now();
    while !socket.exists() {
        ensure!(begun.elapsed() < PATIENCE, "qemu-nbd does not export {}", overlay.display());
        std::thread::sleep(Duration::from_millis(20));
    }
    let base = template.disk(SOURCE)?;
    let written = run(&[PYTHON, &shown(&script), &shown(&socket), &shown(&base), &shown(image)]);
    // It ends with its last client, after all is written.
    let ended = export.wait(PATIENCE);
    attempt(&["rm", "--force", &shown(&script), &shown(&socket)]);
    written.context("writing what differs into the overlay")?;
    ensure!(ended?, "qemu-nbd did not end well");
    Ok(())
}

/// The disk of the only working copy that there is.
fn overlay(working: &Path) -> Result<PathBuf> {
    let copies = fs::read_dir(working).with_context(|| format!("looking into {}", working.display()))?;
    let disks = copies.filter_map(|entry| Some(entry.ok()?.path().join("disk0.qcow2")));
    let mut disks: Vec<PathBuf> = disks.filter(|disk| disk.exists()).collect();
    ensure!(disks.len() == 1, "{} working copies are in {}", disks.len(), working.display());
    Ok(disks.remove(0))
}
