//! What crosses the network for a new version, beside what was changed in it.
//!
//! Two providers of a lab hold a template. In maintenance its guest writes files; then it is left, and
//! the counters of the second provider's link are read. The measure: every block of 64 KiB that differs
//! between the versions, as the files on the disk have it, compressed by itself with `zstd`.

use super::{Row, Wish, say, series::Series, table::Aim};
use crate::{
    difference::packed_difference,
    golden::{self, Kind, Recipe},
    lab::{Lab, Options},
    vm::GoldenVm,
};
use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// What the guest writes: some that does not compress, and some text that does.
const RANDOM_BYTES: u32 = 24 << 20;
const NUMBERS: u32 = 3_000_000;
const AIM: f64 = 1.1;
/// Boots that a change of a template's state gets.
const BOOTS: u32 = 60;
const MACHINE: &str = "diecast-golden-maintenance";

pub fn measure(wish: &Wish) -> Result<Vec<Row>> {
    say("network: a lab of two providers");
    let lab = Lab::start_with(&Options { providers: 2, ..Options::default() })?;
    let disk = golden::cached(lab.paths(), &Recipe::new(Kind::Tiny))?;
    lab.define("kvm-a", &GoldenVm::new("golden", &disk))?;
    let create =
        ["template", "create", "golden", "--provider", "kvm-a", "--vm", "golden", "--to-all", "--wait"];
    lab.wait_until("the template is everywhere", BOOTS, || lab.diecast_json(&create).is_ok())?;
    let (mut crossed, mut changed) = (Vec::new(), Vec::new());
    for number in 1..=wish.runs {
        say(&format!("network: run {number} of {}", wish.runs));
        let old = held(&lab, "kvm-b")?;
        edit(&lab, number)?;
        let before = lab.item("kvm-b")?.crossed()?.0;
        lab.diecast_json(&["maintenance", "leave", "golden", "--recreate", "later", "--wait"])?;
        lab.wait_until("the new version is everywhere", BOOTS, || {
            lab.diecast_json(&["distribution", "show", "golden"])
                .is_ok_and(|said| said["distribution"] == "OK")
        })?;
        let after = lab.item("kvm-b")?.crossed()?.0;
        let new = held(&lab, "kvm-b")?;
        ensure!(new != old, "no new version was made");
        let folder = lab.item("kvm-b")?.storage.join("diecast/versions");
        let measure = packed_difference(&folder.join(&old), &folder.join(&new), &wish.work.join("blocks"))?;
        crossed.push((after - before) as f64 / f64::from(1 << 20));
        changed.push(measure as f64 / f64::from(1 << 20));
    }
    let note =         "the guest of the working copy writes 24 MiB of random data and as much text; all bytes that its link carried to the second provider \
         until it was Ready (TLS, manifest and the agent's own calls too), beside each differing block of 64 KiB \
         compressed by itself by `zstd -3`".to_owned();
    let (ours, other) = (Series::of("MiB", crossed), Series::of("MiB", changed));
    Ok(vec![Row::new("a new version: bytes over the network", ours, other, Aim::AtMost(AIM), note)])
}

/// The digest of the current version, in hex, which the provider holds.
fn held(lab: &Lab, provider: &str) -> Result<String> {
    let said = lab.diecast_json(&["distribution", "show", "golden"])?;
    let ready = |row: &Value| row["provider"] == provider && row["state"] == "Ready";
    ensure!(
        said["providers"].as_array().is_some_and(|rows| rows.iter().any(ready)),
        "{provider} is not Ready"
    );
    let digest = said["digest"].as_str().and_then(|digest| digest.rsplit(':').next());
    Ok(digest.context("a distribution without a digest")?.to_owned())
}

/// Opens the working copy, and has its guest write into its disk.
fn edit(lab: &Lab, number: u32) -> Result<()> {
    lab.diecast_json(&["maintenance", "enter", "golden", "--provider", "kvm-a", "--wait"])?;
    lab.wait_until("the guest of the working copy answers", BOOTS, || {
        lab.ask_guest("kvm-a", MACHINE, "guest-ping").is_some()
    })?;
    let first = number * NUMBERS;
    let line = format!(
        "mount -o remount,rw /disk && (head -c {RANDOM_BYTES} /dev/urandom; seq {first} {}) > /disk/new-{number}.bin \
         && sync && mount -o remount,ro /disk",
        first + NUMBERS
    );
    lab.in_guest("kvm-a", MACHINE, &line)?;
    Ok(())
}
