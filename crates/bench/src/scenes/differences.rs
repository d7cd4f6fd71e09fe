//! The image's successors, by peers that know how to send a difference to who has the image already.

use super::{
    Stage,
    image::{PEERS_PATIENCE, Subject, hand_copy},
};
use crate::{
    measure::Measure,
    outside,
    peers::{Input, Peer, Share},
    sample::Sample,
    world::World,
};
use anyhow::Result;
use std::{fs, path::Path};

/// The lines find the old image in `$DIR/../by-hand/disk.raw`. Each makes a new file beside it, by reflink
/// where it can: whoever runs hosts from the old one cannot overwrite it. Both may be of the same second, which
/// rsync takes for the same content. zsync is not among them: it was not done after ten minutes.
fn ways() -> Vec<Peer> {
    let from = |name: &str, input| {
        let found = crate::peers::peers().into_iter().find(|peer| (peer.name, peer.input) == (name, input));
        found.expect("the table has it")
    };
    let rsync = "cp --reflink=always $DIR/../by-hand/disk.raw $DIR/out; \
                 rsync --ignore-times --inplace --no-whole-file --stats rsync://$SOURCE:8730/share/disk.raw $DIR/out > $DIR/stats";
    let packed = "cp --reflink=always $DIR/../by-hand/disk.raw $DIR/out; \
                  rsync --ignore-times --inplace --no-whole-file --stats --compress --zc=zstd --zl=3 rsync://$SOURCE:8730/share/disk.raw $DIR/out > $DIR/stats";
    vec![
        Peer { fetch: rsync, ..from("rsync", Input::Raw) },
        Peer { fetch: packed, ..from("rsync", Input::Packed) },
        Peer {
            fetch: "casync extract --seed=$DIR/../by-hand/disk.raw --store=http://$SOURCE:8080/disk.castr \
                    http://$SOURCE:8080/disk.caibx $DIR/out > /dev/null",
            ..from("casync", Input::Packed)
        },
    ]
}

pub fn peers(stage: &mut Stage<'_>, world: &World, subject: &Subject) -> Result<()> {
    let cases: [(&str, &[Measure], &Path, f64, f64); 2] = [
        (
            "patched",
            &[Measure::R6, Measure::R14],
            &subject.trimmed,
            subject.patched_new_bytes,
            subject.used_bytes,
        ),
        ("rebuilt", &[Measure::R7], &subject.rebuilt, subject.rebuilt_new_bytes, subject.rebuilt_used_bytes),
    ];
    // Of the others nobody can tell what is new of a rebuilt image.
    let telling =
        |scene: &str, peer: &Peer| scene != "rebuilt" || (peer.name == "rsync" && peer.input == Input::Raw);
    let plan = stage.plan;
    for (scene, measures, image, new_bytes, used_bytes) in cases {
        let taken = |peer: &Peer| telling(scene, peer) && plan.takes_with_images(peer);
        let ways: Vec<_> = ways().into_iter().filter(taken).collect();
        if !plan.wants(measures) || ways.is_empty() {
            continue;
        }
        hand_copy(&world.targets(1)?[0], &subject.golden)?;
        let share = Share::of(world, image)?;
        for peer in ways {
            let like = Sample::new(scene, peer.name, peer.input.name(), 1);
            stage.peer(&like, || {
                let sample = one(&share, &peer, &like)?.with("used_bytes", used_bytes);
                // What is new to rsync, rsync tells.
                Ok(match (scene, sample.get("literal_bytes")) {
                    ("rebuilt", Some(literal)) => sample.with("new_bytes", literal),
                    ("rebuilt", None) => sample,
                    _ => sample.with("new_bytes", new_bytes),
                })
            })?;
        }
        share.clear()?;
    }
    Ok(())
}

fn one(share: &Share<'_>, peer: &Peer, like: &Sample) -> Result<Sample> {
    let targets = share.world.targets(1)?;
    share.empty_folders(targets)?;
    share.prepare(peer)?;
    let disk = outside::used_bytes(&targets[0].storage)?;
    let gave = share.run(peer, targets, 0.0, PEERS_PATIENCE, None)?;
    let stats = fs::read_to_string(targets[0].storage.join("peers/stats")).unwrap_or_default();
    let sample = like
        .clone()
        .with("seconds", gave.last())
        .with("wire_bytes", gave.most_toward_a_target())
        .with("receive_cpu", gave.target_cpu_seconds)
        .with("disk_bytes", outside::used_bytes(&targets[0].storage)? - disk);
    Ok(match literal(&stats) {
        Some(bytes) => sample.with("literal_bytes", bytes),
        None => sample,
    })
}

/// From `Literal data: 653,123,456 bytes`.
fn literal(stats: &str) -> Option<f64> {
    let line = stats.lines().find_map(|line| line.strip_prefix("Literal data: "))?;
    line.split(' ').next()?.replace(',', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rsync_calls_literal_is_read_from_its_statistics() {
        let stats = "Number of files: 1\nLiteral data: 653,123,456 bytes\nMatched data: 1 bytes\n";
        assert_eq!(literal(stats), Some(653_123_456.0));
        assert_eq!(literal(""), None);
    }
}
