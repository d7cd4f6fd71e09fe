//! `kill -9` when half has arrived: what is fetched twice.

use super::{RATE, Stage, spread};
use crate::{
    args::Peers,
    ours::{Template, wait_ready},
    outside::Group,
    peers::{Input, Peer, Share, make, peers, remove, same},
    sample::{OURS, Sample},
    world::World,
};
use anyhow::{Context, Result, ensure};
use std::{
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

const LOOK: Duration = Duration::from_millis(20);
/// Between the death and the next life.
const DEAD: Duration = Duration::from_millis(500);

pub fn play(stage: &mut Stage<'_>, world: &World, slice: &Path) -> Result<()> {
    let like = Sample::new("resume", OURS, "", 1);
    if stage.ledger.count(&like) < stage.plan.runs {
        let (template, _) = Template::publish(world, spread::NAME, slice)?;
        let whole = one_copy(stage, OURS, "")?;
        stage.ours(&like, || ours(world, &template, whole, &like))?;
        template.delete()?;
    }
    if stage.plan.peers != Peers::All {
        return Ok(());
    }
    let share = Share::of(world, slice)?;
    for (name, input, again) in [
        ("rsync", Input::Raw, "rsync --sparse --inplace rsync://$SOURCE:8730/share/disk.raw $DIR/out"),
        (
            "curl",
            Input::Packed,
            "curl -sf -C - http://$SOURCE:8080/disk.zst -o $DIR/disk.zst; zstd -q -d --sparse -f $DIR/disk.zst -o $DIR/out",
        ),
    ] {
        let Some(peer) = peers().into_iter().find(|it| (it.name, it.input) == (name, input)) else {
            continue;
        };
        let like = Sample::new("resume", name, input.name(), 1);
        stage.peer(&like, || resumed(&share, &peer, again, &like))?;
    }
    share.clear()
}

/// W, as it was measured when nothing was killed.
fn one_copy(stage: &Stage<'_>, who: &str, input: &str) -> Result<f64> {
    let of = Sample::new("spread", who, input, 1);
    let found = stage.ledger.samples().iter().filter(|it| it.contender() == of.contender());
    let mut found = found.filter(|it| it.scene == "spread" && it.n == 1);
    found.find_map(|it| it.get("target_bytes")).context("one undisturbed copy was not measured")
}

fn ours(world: &World, template: &Template<'_>, whole: f64, like: &Sample) -> Result<Sample> {
    world.shape(Some(RATE))?;
    let target = &world.targets(1)?[0];
    let before = target.crossed()?.0;
    let spreading = template.spread(&[&target.name])?;
    let patience = spread::patience(RATE, 1);
    let half = || Ok::<_, anyhow::Error>((target.crossed()?.0 - before) as f64 >= whole / 2.0);
    while !half()? {
        ensure!(spreading.elapsed() < patience.as_secs_f64(), "half never arrived");
        sleep(LOOK);
    }
    world.lab.agent_kill(&target.name)?;
    sleep(DEAD);
    world.lab.agent_start(&target.name)?;
    let seconds = spreading.finish(patience);
    let received = (target.crossed()?.0 - before) as f64;
    let ready = wait_ready(template, patience);
    template.take_from(&[&target.name])?;
    seconds?;
    ready?;
    Ok(like.clone().with("received_bytes", received).with("target_bytes", whole))
}

/// A peer's line is killed and run again; what one copy takes is measured first.
fn resumed(share: &Share<'_>, peer: &Peer, again: &str, like: &Sample) -> Result<Sample> {
    let world = share.world;
    let target = &world.targets(1)?[0];
    let rate = spread::rate_for(peer.input);
    let whole = spread::run_peer(share, peer, std::slice::from_ref(target))?.target_bytes[0];
    let folder = target.storage.join("peers");
    remove(&folder)?;
    make(&folder)?;
    let addresses = [world.address(target)?];
    let _serving = Group::start(&mut share.command(&world.source().name, peer.serve, &addresses, rate)?)?;
    sleep(DEAD);
    let before = target.crossed()?.0;
    let begin = || {
        let mut command = share.command(&target.name, again, &addresses, rate)?;
        Group::start(command.env("DIR", &folder))
    };
    let mut first = begin()?;
    let begun = Instant::now();
    let patience = spread::patience(rate, 1);
    while ((target.crossed()?.0 - before) as f64) < whole / 2.0 {
        ensure!(begun.elapsed() < patience, "half never arrived");
        sleep(LOOK);
    }
    first.kill();
    sleep(DEAD);
    ensure!(begin()?.wait(patience)?, "it failed when it was run again");
    let received = (target.crossed()?.0 - before) as f64;
    same(&share.folder.join("disk.raw"), &folder.join("out"))?;
    Ok(like.clone().with("received_bytes", received).with("target_bytes", whole))
}
