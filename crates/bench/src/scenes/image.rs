//! The whole image, over links that run free: published, fetched, read; then its successors.

use super::{Stage, differences, maintenance};
use crate::{
    args::Peers,
    measure::Measure,
    ours::{Template, wait_ready},
    outside,
    peers::{Input, Peer, Share, make, peers},
    sample::{OURS, Sample},
    scan::{self, Scan},
    world::World,
};
use anyhow::{Context, Result};
use diecast_lab::{Item, run::run};
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// A whole image, on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(900);
/// The same of a peer: twice what casync takes.
pub const PEERS_PATIENCE: Duration = Duration::from_secs(300);
/// What fio reads.
const READ_BYTES: u64 = 1 << 30;

/// The images and what a scan found in them.
pub struct Subject {
    pub golden: PathBuf,
    pub trimmed: PathBuf,
    pub rebuilt: PathBuf,
    pub used_bytes: f64,
    pub rebuilt_used_bytes: f64,
    pub patched_new_bytes: f64,
    pub rebuilt_new_bytes: f64,
}

impl Subject {
    fn of(stage: &Stage<'_>) -> Result<Self> {
        let images = stage.images;
        let (golden, trimmed, rebuilt) = (images.golden()?, images.trimmed()?, images.rebuilt()?);
        let scan = Scan::of(&golden)?;
        Ok(Self {
            used_bytes: scan.used_bytes as f64,
            rebuilt_used_bytes: Scan::of(&rebuilt)?.used_bytes as f64,
            patched_new_bytes: scan.new_bytes_of(&trimmed)? as f64,
            rebuilt_new_bytes: scan.new_bytes_of(&rebuilt)? as f64,
            golden,
            trimmed,
            rebuilt,
        })
    }
}

pub fn play(stage: &mut Stage<'_>, world: &World) -> Result<()> {
    world.shape(None)?;
    let subject = Subject::of(stage)?;
    let scenes: [(&str, &[Measure]); 4] = [
        ("image", &[Measure::R5, Measure::R8, Measure::R9, Measure::R10]),
        ("read", &[Measure::R13]),
        ("patched", &[Measure::R6, Measure::R14]),
        ("rebuilt", &[Measure::R7]),
    ];
    let wanted: Vec<Sample> = scenes
        .iter()
        .filter(|(_, measures)| stage.plan.wants(measures))
        .map(|(scene, _)| Sample::new(scene, OURS, "", 1))
        .collect();
    let done = |stage: &Stage<'_>, like: &Sample| {
        stage.ledger.count(like) >= stage.plan.runs || stage.ledger.gave_up(like)
    };
    while !wanted.iter().all(|like| done(stage, like)) {
        cycle(stage, world, &subject)?;
    }
    if stage.plan.peers != Peers::None {
        if stage.plan.wants(&[Measure::R5, Measure::R8, Measure::R9]) {
            whole(stage, world, &subject)?;
        }
        differences::peers(stage, world, &subject)?;
    }
    Ok(())
}

/// One life of the image: published, fetched, read, followed by its successors, deleted.
fn cycle(stage: &mut Stage<'_>, world: &World, subject: &Subject) -> Result<()> {
    let target = &world.targets(1)?[0];
    let (golden, published) = Template::publish(world, "golden", &subject.golden)?;
    let like = Sample::new("image", OURS, "", 1)
        .with("publish_seconds", published.seconds)
        .with("publish_cpu", published.cpu_seconds)
        .with("publish_peak_bytes", published.peak_bytes)
        .with("used_bytes", subject.used_bytes);
    let sample = fetch(world, &golden, target, &like)?;
    stage.add(sample)?;
    if stage.plan.wants(&[Measure::R13]) {
        let sample = read(stage, &golden, target, subject);
        stage.add(sample.unwrap_or_else(|error| Sample::new("read", OURS, "", 1).failed(&error)))?;
    }
    let successors = [
        (
            &[Measure::R6, Measure::R14][..],
            "patched",
            &subject.trimmed,
            subject.patched_new_bytes,
            subject.used_bytes,
        ),
        (&[Measure::R7], "rebuilt", &subject.rebuilt, subject.rebuilt_new_bytes, subject.rebuilt_used_bytes),
    ];
    for (measures, name, image, new_bytes, used_bytes) in successors {
        if !stage.plan.wants(measures) {
            continue;
        }
        let (template, _) = Template::publish(world, name, image)?;
        let like = Sample::new(name, OURS, "", 1).with("new_bytes", new_bytes).with("used_bytes", used_bytes);
        let sample = fetch(world, &template, target, &like)?;
        stage.add(sample)?;
        template.delete()?;
        world.forget_machine(name)?;
    }
    // Last: from here on the target holds what is new in the patched image.
    let like = Sample::new("version", OURS, "", 1)
        .with("new_bytes", subject.patched_new_bytes)
        .with("used_bytes", subject.used_bytes);
    if stage.plan.wants(&[Measure::R6, Measure::R14]) && !stage.ledger.gave_up(&like) {
        let sample = maintenance::leave_with(world, &golden, &subject.trimmed, target, &like);
        stage.add(sample.unwrap_or_else(|error| like.failed(&error)))?;
    }
    golden.delete()?;
    world.give_back()
}

fn fetch(world: &World, template: &Template<'_>, target: &Item, like: &Sample) -> Result<Sample> {
    let agent = world.agent(&target.name)?;
    outside::forget_peak(agent)?;
    let disk = outside::used_bytes(&target.storage)?;
    let (cpu, bytes) = (outside::cpu_seconds(agent)?, target.crossed()?.0);
    let done = template.spread(&[&target.name])?.finish(PATIENCE)?;
    let wire = (target.crossed()?.0 - bytes) as f64;
    wait_ready(template, PATIENCE)?;
    Ok(like
        .clone()
        .with("seconds", done[0].1)
        .with("wire_bytes", wire)
        .with("receive_cpu", outside::cpu_seconds(agent)? - cpu)
        .with("agent_peak_bytes", outside::peak_bytes(agent)?)
        .with("disk_bytes", outside::used_bytes(&target.storage)? - disk))
}

/// A copy as one makes it by hand, on the same file system.
pub fn hand_copy(target: &Item, image: &Path) -> Result<PathBuf> {
    let folder = target.storage.join("by-hand");
    let copy = folder.join("disk.raw");
    if !copy.exists() {
        make(&folder)?;
        let fresh = folder.join("disk.new").display().to_string();
        run(&["cp", "--reflink=never", "--sparse=always", &image.display().to_string(), &fresh])?;
        run(&["mv", &fresh, &copy.display().to_string()])?;
    }
    Ok(copy)
}

fn read(stage: &Stage<'_>, template: &Template<'_>, target: &Item, subject: &Subject) -> Result<Sample> {
    let copy = hand_copy(target, &subject.golden)?;
    let disk = template.disk(&target.name)?;
    let from = scan::fullest_window(&subject.golden, READ_BYTES)?;
    let seconds = if stage.plan.quick { 2 } else { 6 };
    let mut sample = Sample::new("read", OURS, "", 1);
    for (name, kind, block) in [("sequential", "read", "1M"), ("random", "randread", "64k")] {
        // The first to read warms what lies below for the second: every run begins with the other one.
        let mut files = [(name.to_owned(), &disk), (format!("{name}_of_copy"), &copy)];
        if stage.ledger.count(&sample) % 2 == 1 {
            files.reverse();
        }
        for (value, file) in files {
            sample = sample.with(&value, fio(file, kind, block, from, seconds)?);
        }
    }
    Ok(sample)
}

/// Bytes a second.
fn fio(file: &Path, kind: &str, block: &str, from: u64, seconds: u32) -> Result<f64> {
    let words = [
        format!("--filename={}", file.display()),
        format!("--rw={kind}"),
        format!("--bs={block}"),
        format!("--offset={from}"),
        format!("--size={READ_BYTES}"),
        format!("--runtime={seconds}"),
    ];
    let fixed = [
        "fio",
        "--name=read",
        "--readonly",
        "--direct=1",
        "--ioengine=psync",
        "--time_based",
        "--output-format=json",
    ];
    let words: Vec<&str> = fixed.into_iter().chain(words.iter().map(String::as_str)).collect();
    let said: Value = serde_json::from_str(&run(&words)?).context("reading what fio says")?;
    said["jobs"][0]["read"]["bw_bytes"].as_f64().context("fio tells no rate")
}

/// Peers with the whole image: what it takes to prepare it, to send it and to receive it. casync takes five minutes
/// for it, and is measured with a difference instead.
fn whole(stage: &mut Stage<'_>, world: &World, subject: &Subject) -> Result<()> {
    const NAMES: [(&str, Input); 5] = [
        ("curl", Input::Packed),
        ("rsync", Input::Packed),
        ("rsync", Input::Raw),
        ("nbdcopy", Input::Raw),
        ("qemu-img over NBD", Input::Raw),
    ];
    let share = Share::of(world, &subject.golden)?;
    let plan = stage.plan;
    let named = peers().into_iter().filter(|peer| NAMES.contains(&(peer.name, peer.input)));
    for peer in named.filter(|peer| plan.takes_with_images(peer)) {
        let like =
            Sample::new("image", peer.name, peer.input.name(), 1).with("used_bytes", subject.used_bytes);
        stage.peer(&like, || one_whole(&share, &peer, &like))?;
    }
    share.clear()
}

fn one_whole(share: &Share<'_>, peer: &Peer, like: &Sample) -> Result<Sample> {
    for made in ["disk.zst", "disk.caibx"] {
        let _ = std::fs::remove_file(share.folder.join(made));
    }
    crate::peers::remove(&share.folder.join("disk.castr"))?;
    let prepared = share.prepare(peer)?;
    let gave = share.run(peer, share.world.targets(1)?, 0.0, PEERS_PATIENCE, None)?;
    let sample = like
        .clone()
        .with("seconds", gave.last())
        .with("wire_bytes", gave.most_toward_a_target())
        .with("receive_cpu", gave.target_cpu_seconds);
    Ok(if prepared > 0.0 { sample.with("publish_cpu", prepared) } else { sample })
}
