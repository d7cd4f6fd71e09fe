//! A real Debian 12: debootstrap onto a loop device, GRUB, cloud-init, the guest agent.

use super::Recipe;
use crate::{
    paths::text,
    process::tail,
    run::{output_of, succeeded},
    storage,
};
use anyhow::{Context, Result};
use std::{fs, path::Path, process::Command};

pub const SCRIPT: &str = include_str!("debian.sh");

/// Makes the disk. Takes about three minutes and some 300 MB from Debian's mirrors.
pub fn make(cache: &Path, recipe: &Recipe, out: &Path) -> Result<()> {
    eprintln!("lab: making a Debian golden machine; this takes about three minutes, once");
    let log = cache.join("debian.log");
    let bytes = recipe.disk_bytes.to_string();
    let shell = format!("exec > {} 2>&1; set -- {} {bytes}; {SCRIPT}", text(&log), text(out));
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "bash", "-c", &shell]);
    let output = output_of(&mut command, "")?;
    // Whatever ended the script, no loop device keeps the file.
    storage::unmount_below(out)?;
    succeeded("debian.sh", &output)
        .map_err(|error| anyhow::anyhow!("{error}{}", tail(&log)))
        .context("building Debian with debootstrap (this needs root, a loop device and Debian's mirror)")?;
    let _ = fs::remove_file(&log);
    Ok(())
}
