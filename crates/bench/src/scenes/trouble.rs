//! Four targets, of which the last is slow, far away, or loses its network on the way: what the others notice of it.

use super::{RATE, Stage, spread};
use crate::{
    args::Peers,
    ours::Template,
    peers::{Input, Peer, Share, peers},
    ratios::PEER_TARGETS,
    sample::{OURS, Sample},
    world::World,
};
use anyhow::{Context, Result};
use diecast_lab::Item;
use std::{path::Path, thread::sleep, time::Duration};

const KINDS: [&str; 4] = ["calm", "slow", "dying", "far"];
/// One that waits for everybody, and one that hands on.
const PEERS: [&str; 2] = ["udpcast", "socat and tee"];
/// The dying one dies when it has received this much of what the calm run took.
const DIES_AT: f64 = 0.35;
const SLOW: f64 = 0.1;
/// There and back: from Europe to America, or over a poor line.
const FAR: Duration = Duration::from_millis(150);

pub fn play(stage: &mut Stage<'_>, world: &World, slice: &Path) -> Result<()> {
    let likes = |who: &str, input: &str| {
        KINDS.map(|kind| (kind, Sample::new(&format!("trouble {kind}"), who, input, PEER_TARGETS)))
    };
    let missing = likes(OURS, "").iter().any(|(_, like)| stage.ledger.count(like) < stage.plan.runs);
    if missing {
        let (template, _) = Template::publish(world, spread::NAME, slice)?;
        let mut calm = 10.0;
        for (kind, like) in likes(OURS, "") {
            stage.ours(&like, || ours(world, &template, kind, calm, &like))?;
            calm = seconds(stage, &like).unwrap_or(calm);
        }
        template.delete()?;
    }
    if stage.plan.peers != Peers::All {
        return Ok(());
    }
    let share = Share::of(world, slice)?;
    for peer in peers().into_iter().filter(|it| it.input == Input::Packed && PEERS.contains(&it.name)) {
        let mut calm = 10.0;
        for (kind, like) in likes(peer.name, peer.input.name()) {
            stage.peer(&like, || {
                let sample = one_peer(&share, &peer, kind, calm, &like);
                world.shape(Some(RATE))?;
                sample
            })?;
            calm = seconds(stage, &like).unwrap_or(calm);
        }
    }
    share.clear()
}

fn seconds(stage: &Stage<'_>, of: &Sample) -> Option<f64> {
    let same = stage.ledger.samples().iter().rev();
    same.filter(|it| it.scene == of.scene && it.who == of.who).find_map(|it| it.get("seconds"))
}

fn ours(world: &World, template: &Template<'_>, kind: &str, calm: f64, like: &Sample) -> Result<Sample> {
    let targets = world.targets(PEER_TARGETS)?;
    let far = targets.last().context("there are targets")?;
    let last = &far.name;
    world.shape(Some(RATE))?;
    if kind == "slow" {
        world.shape_one(last, RATE * SLOW)?;
    }
    let away = (kind == "far").then(|| world.move_away(far, FAR)).transpose()?;
    let names: Vec<&str> = targets.iter().map(|target| target.name.as_str()).collect();
    let mut spreading = template.spread(&names)?;
    if kind == "dying" {
        sleep(Duration::from_secs_f64((calm * DIES_AT - spreading.elapsed()).max(0.0)));
        world.lab.cut(last)?;
    }
    if kind != "calm" {
        spreading.give_up(last);
    }
    let seconds = spreading.finish(spread::patience(RATE, names.len()));
    drop(away);
    if kind == "dying" {
        world.lab.mend(last)?;
    }
    world.shape(None)?;
    // The last one gets all of it too, so that every run begins in the same way.
    let done = crate::ours::wait_ready(template, spread::patience(RATE, names.len()));
    template.take_from(&names)?;
    let seconds = seconds?.into_iter().map(|(_, seconds)| seconds).fold(0.0, f64::max);
    done.context("the target in trouble never got it")?;
    Ok(like.clone().with("seconds", seconds))
}

fn one_peer(share: &Share<'_>, peer: &Peer, kind: &str, calm: f64, like: &Sample) -> Result<Sample> {
    let world = share.world;
    let targets = world.targets(PEER_TARGETS)?;
    let last = targets.last().context("there are targets")?;
    world.shape(Some(RATE))?;
    if kind == "slow" {
        world.shape_one(&last.name, RATE * SLOW)?;
    }
    let _away = (kind == "far").then(|| world.move_away(last, FAR)).transpose()?;
    let mut die = |world: &World, last: &Item, now: f64| -> Result<bool> {
        if now < calm * DIES_AT {
            return Ok(false);
        }
        world.lab.cut(&last.name)?;
        Ok(true)
    };
    let disturb: Option<crate::peers::Disturbance<'_>> = if kind == "dying" { Some(&mut die) } else { None };
    let gave = share.run(peer, targets, RATE, spread::patience(RATE, 2), disturb);
    world.lab.mend(&last.name)?;
    let healthy = gave?.seconds.into_iter().take(targets.len() - 1).flatten().fold(0.0, f64::max);
    Ok(like.clone().with("seconds", healthy))
}
