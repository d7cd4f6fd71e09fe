//! Linked hosts defined on one provider, beside `virt-clone --auto-clone` of the same machine.
//!
//! The machine's disk holds random data and boots nowhere, so that nothing of what is measured is a
//! guest's doing. `virt-clone` makes as many as were asked for and the rest is extrapolated, as the row
//! says; each clone is removed before the next is made, for there is no room for all.

use super::{Row, Wish, say, series::Series, table::Aim};
use crate::{
    lab::{Lab, Options},
    paths::text,
    run::{attempt, run},
    vm::GoldenVm,
};
use anyhow::{Context, Result};
use std::time::Instant;

const PROVIDER: &str = "kvm-a";
const AIM: f64 = 20.0;
/// A machine that only shows that it has nothing to boot needs no more.
const MEMORY_MIB: u32 = 32;
/// Room for the machine, its version, its frames, one clone.
const DISKS: u64 = 4;
const BOOTS: u32 = 200;

pub fn measure(wish: &Wish) -> Result<Vec<Row>> {
    say("hosts: a lab of one provider");
    let disk_bytes = DISKS * wish.host_disk_bytes + (4 << 30);
    let lab = Lab::start_with(&Options { providers: 1, disk_bytes, ..Options::default() })?;
    let disk = lab.item(PROVIDER)?.storage.join("golden.raw");
    let draw = "head -c \"$1\" /dev/urandom > \"$2\"";
    run(&["sh", "-c", draw, "draw", &wish.host_disk_bytes.to_string(), text(&disk)])?;
    lab.define(PROVIDER, &GoldenVm { memory_mib: MEMORY_MIB, ..GoldenVm::new("golden", &disk) })?;
    let create = ["template", "create", "golden", "--provider", PROVIDER, "--vm", "golden", "--wait"];
    lab.wait_until("the template is there", BOOTS, || lab.diecast_json(&create).is_ok())?;

    let mut clones = Vec::new();
    for number in 1..=wish.clones {
        say(&format!("hosts: clone {number} of {}", wish.clones));
        clones.push(clone(&lab)? * f64::from(wish.hosts));
    }
    let mut linked = Vec::new();
    for number in 1..=wish.runs {
        say(&format!("hosts: run {number} of {}", wish.runs));
        linked.push(deploy(&lab, wish.hosts)?);
    }
    let note = format!(
        "one machine with a disk of {:.1} GiB of random data on one provider; from the command until the hypervisor \
         knows all {} hosts, each of which is started too; `virt-clone` really made {} clones, one after another as it \
         does, and its times stand here multiplied by {} (extrapolated)",
        wish.host_disk_bytes as f64 / f64::from(1 << 30),
        wish.hosts,
        wish.clones,
        wish.hosts
    );
    let what = format!("{} linked hosts", wish.hosts);
    let (ours, other) = (Series::of("s", linked), Series::of("s", clones));
    Ok(vec![Row::new(&what, ours, other, Aim::AtLeast(AIM), note)])
}

/// Seconds that one clone takes.
fn clone(lab: &Lab) -> Result<f64> {
    let begun = Instant::now();
    let words =
        ["virt-clone", "--connect", "qemu:///system", "--quiet", "--auto-clone", "--original", "golden"];
    lab.exec_text(PROVIDER, &words).context("cloning by virt-clone (Debian's package virtinst)")?;
    let seconds = begun.elapsed().as_secs_f64();
    let virsh = lab.virsh(PROVIDER)?;
    virsh.run(&["undefine", "golden-clone", "--remove-all-storage"])?;
    Ok(seconds)
}

/// Seconds until the hypervisor knows them all. They are gone again afterwards.
fn deploy(lab: &Lab, count: u32) -> Result<f64> {
    let number = count.to_string();
    let begun = Instant::now();
    lab.diecast_json(&[
        "host",
        "create",
        "--template",
        "golden",
        "--count",
        &number,
        "--name",
        "desk-{nnn}",
    ])?;
    let known = |expected: usize| {
        let said = lab.virsh(PROVIDER).and_then(|virsh| Ok(virsh.run(&["list", "--all", "--name"])?));
        said.is_ok_and(|names| names.lines().filter(|name| name.contains("desk-")).count() == expected)
    };
    lab.wait_until("the hypervisor knows all hosts", BOOTS, || known(count as usize))?;
    let seconds = begun.elapsed().as_secs_f64();
    let names: Vec<String> = (1..=count).map(|number| format!("desk-{number:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    lab.wait_until("all hosts are gone", BOOTS, || {
        attempt_delete(lab, &names);
        known(0)
            && lab
                .diecast_json(&["host", "list"])
                .is_ok_and(|said| said["items"].as_array().is_some_and(Vec::is_empty))
    })?;
    attempt(&["sync"]);
    Ok(seconds)
}

fn attempt_delete(lab: &Lab, names: &[&str]) {
    // Those that are gone already are refused, which is well.
    let _ = lab.diecast(&[&["host", "delete"], names, &["--yes"]].concat());
}
