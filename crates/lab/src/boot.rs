//! How fast a guest boots on this machine, and whether KVM truly boots one.
//!
//! `/dev/kvm` may exist and hang whoever uses it, so KVM counts only if it boots the small golden
//! machine sooner than plain emulation did.

use crate::{
    machine::GUEST_NICE,
    paths::{Paths, text},
    process::{spawn_detached, tail, until},
    state::lock,
};
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

/// Emulation on a busy machine; beyond this nothing here makes sense.
const BOOT_PATIENCE: Duration = Duration::from_secs(300);
/// What the guest says on its serial console when it has come up.
const IS_UP: &str = " is up";

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Speed {
    pub kvm: bool,
    pub seconds: f64,
    /// Measured anew after each start of the machine.
    boot_id: String,
}

/// What was measured since this machine started, else measures it now.
pub fn measured(paths: &Paths, image: &Path) -> Result<Speed> {
    let cache = paths.cache()?;
    let _lock = lock(&cache.join("speed.lock"))?;
    let (file, boot_id) = (cache.join("speed.json"), boot_id()?);
    let known = fs::read(&file).ok().and_then(|text| serde_json::from_slice::<Speed>(&text).ok());
    if let Some(known) = known.filter(|known| known.boot_id == boot_id) {
        return Ok(known);
    }
    let Some(emulated) = boot(image, "tcg", BOOT_PATIENCE, &cache)? else {
        bail!("the small golden machine does not boot here{}", tail(&cache.join("speed.log")));
    };
    let virtualised = if Path::new("/dev/kvm").exists() {
        boot(image, "kvm", emulated, &cache).unwrap_or_default()
    } else {
        None
    };
    let seconds = virtualised.unwrap_or(emulated).as_secs_f64();
    let speed = Speed { kvm: virtualised.is_some(), seconds, boot_id };
    fs::write(&file, serde_json::to_vec_pretty(&speed)?).context("writing what was measured")?;
    Ok(speed)
}

fn boot_id() -> Result<String> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").context("reading the boot id")?;
    Ok(text.trim().to_owned())
}

/// Boots a disk that stays as it is; gives the time until the guest is up, or none if it never was.
fn boot(image: &Path, accelerator: &str, patience: Duration, logs: &Path) -> Result<Option<Duration>> {
    let (console, log) = (logs.join("speed.console"), logs.join("speed.log"));
    let _ = (fs::remove_file(&console), fs::remove_file(&log));
    let drive = format!("file={},format=raw,if=virtio,snapshot=on", text(image));
    let serial = format!("file:{}", text(&console));
    let mut command = Command::new("nice");
    command.args(["-n", GUEST_NICE, "qemu-system-x86_64", "-nodefaults", "-no-user-config"]);
    command.args(["-display", "none", "-m", "256", "-accel", accelerator, "-drive", &drive]);
    command.args(["-serial", &serial, "-no-reboot"]);
    let start = Instant::now();
    let guest = spawn_detached(&mut command, &log)?;
    let up = || fs::read(&console).is_ok_and(|said| String::from_utf8_lossy(&said).contains(IS_UP));
    let ended = until(patience, || up() || !guest.alive());
    let took = start.elapsed();
    guest.kill();
    Ok((ended && up()).then_some(took))
}
