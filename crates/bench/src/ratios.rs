//! From samples to results: every ratio of R1 to R15, in plain arithmetic.

use crate::{
    measure::Measure,
    outcome::{Outcome, Peer, Results},
    sample::{OURS, Sample},
    stats::Spread,
};
use std::collections::BTreeMap;

pub const MB: f64 = 1e6;
pub const GB: f64 = 1e9;
/// The slice to some targets; and over slower links to more.
pub const SPREAD: [&str; 2] = ["spread", "spread slowly"];
/// Targets that peers are measured with.
pub const PEER_TARGETS: u32 = 4;

/// What troubles somebody, the same without it, and its name.
const TROUBLES: [(&str, &str, &str); 4] = [
    ("trouble slow", "trouble calm", "slow"),
    ("trouble dying", "trouble calm", "dying"),
    ("trouble far", "trouble calm", "far"),
    ("gateway slow", "gateway calm", "slow gateway"),
];

/// All that can be told of these samples.
pub fn results(samples: &[Sample]) -> Results {
    Measure::ALL.into_iter().filter_map(|measure| Some((measure, outcome(measure, samples)?))).collect()
}

type Value<'a> = Box<dyn Fn(&Sample) -> Option<f64> + 'a>;

/// The scene that a measure is read from, and how a run of it becomes a value of the measure.
struct Reading<'a> {
    scenes: &'static [&'static str],
    value: Value<'a>,
    /// Names the part that our run belongs to; none for a run that is no part.
    part: fn(&Sample) -> Option<String>,
    /// Runs of peers that count.
    peer_n: Option<u32>,
    note: &'static str,
}

fn whole(_: &Sample) -> Option<String> {
    Some(String::new())
}

fn by_targets(sample: &Sample) -> Option<String> {
    (sample.n > 1).then(|| format!("N={}", sample.n))
}

fn by_sites(sample: &Sample) -> Option<String> {
    Some(format!("{} sites", sample.n))
}

fn by_way(sample: &Sample) -> Option<String> {
    Some(if sample.scene == "version" { "as the next version" } else { "as another template" }.to_owned())
}

fn only_one(sample: &Sample) -> Option<String> {
    (sample.n == 1).then(String::new)
}

fn reading<'a>(measure: Measure, all: &'a Copies<'a>) -> Option<Reading<'a>> {
    let over = |name: &'static str, by: &'static str| move |it: &Sample| Some(it.get(name)? / it.get(by)?);
    let take = |scenes, value, note| Reading { scenes, value, part: whole, peer_n: None, note };
    Some(match measure {
        Measure::R1 => Reading {
            part: only_one,
            peer_n: Some(1),
            ..take(
                &["spread"],
                Box::new(|it: &Sample| {
                    Some(it.get("seconds")? * it.get("rate_bits")? / 8.0 / it.get("target_bytes")?)
                }),
                "From the command until the verified version stands under its final name. Each over its own bytes: a \
                 raw copy may be near 1 and yet take three times as long; the second table has the seconds.",
            )
        },
        Measure::R2 => Reading {
            part: by_targets,
            peer_n: Some(PEER_TARGETS),
            ..take(
                &SPREAD,
                Box::new(|it: &Sample| Some(it.get("seconds")? / all.one(it)?.get("seconds")?.value)),
                "Peers at N=4 only. Over links of half the rate, one target and many, where two processors would \
                 be what is measured; the second table has the rates.",
            )
        },
        Measure::R3 => Reading {
            part: by_targets,
            peer_n: Some(PEER_TARGETS),
            ..take(
                &SPREAD,
                Box::new(|it: &Sample| Some(it.get("source_bytes")? / all.bytes(it)?)),
                "Peers at N=4 only.",
            )
        },
        Measure::R4 => Reading {
            part: by_sites,
            peer_n: None,
            ..take(
                &["sites"],
                Box::new(|it: &Sample| Some(it.get("link_bytes")? / all.bytes(it)?)),
                "Toward the busiest site that is not the source's; two targets on each site.",
            )
        },
        Measure::R5 => take(
            &["image"],
            Box::new(over("wire_bytes", "used_bytes")),
            "All that crossed the target's link.",
        ),
        Measure::R6 => Reading {
            part: by_way,
            ..take(
                &["patched", "version"],
                Box::new(|it: &Sample| Some(it.get("wire_bytes")? / MB)),
                "All that crossed the link of a target that holds the image before the patches. As another template \
                 nobody knows what it was made from; as the next version, by maintenance, the product does.",
            )
        },
        Measure::R7 => take(
            &["rebuilt"],
            Box::new(over("new_bytes", "used_bytes")),
            "Ours: leaves of 64 KiB that the former image has nowhere, counted by a scan of both images. rsync: what it \
             calls literal data.",
        ),
        Measure::R8 => take(
            &["image"],
            Box::new(|it: &Sample| per_gb(it, "publish_cpu")),
            "User and system time of the agent; of a peer, of what prepares its input.",
        ),
        Measure::R9 => take(
            &["image"],
            Box::new(|it: &Sample| per_gb(it, "receive_cpu")),
            "User and system time of the target's agent; of a peer, of the programs on the target.",
        ),
        Measure::R11 => take(
            &["resume"],
            Box::new(|it: &Sample| Some((it.get("received_bytes")? / all.bytes(it)?) - 1.0)),
            "All that the target's link carried over both lives, over one copy, less one.",
        ),
        Measure::R14 => Reading {
            part: by_way,
            ..take(
                &["patched", "version"],
                Box::new(over("disk_bytes", "new_bytes")),
                "Blocks that the file system (XFS with reflinks) gave away, over new leaves.",
            )
        },
        Measure::R15 => take(
            &["swarm"],
            Box::new(|it: &Sample| it.get("over_bound")),
            "The real scheduler in the simulator's virtual time: nothing of it was measured on a network.",
        ),
        // These have two things in each run, or two runs for each thing.
        Measure::R10 | Measure::R12 | Measure::R13 => return None,
    })
}

fn per_gb(sample: &Sample, name: &str) -> Option<f64> {
    Some(sample.get(name)? / (sample.get("used_bytes")? / GB))
}

fn outcome(measure: Measure, samples: &[Sample]) -> Option<Outcome> {
    let copies = Copies(samples);
    let found = match measure {
        Measure::R10 => memory(samples),
        Measure::R12 => trouble(samples),
        Measure::R13 => reads(samples),
        _ => {
            let reading = reading(measure, &copies)?;
            read(&reading, samples)
        }
    };
    let Found { parts, peers, error, note } = found;
    let mut outcome = Outcome::new(measure, parts.into_iter().collect(), peers, note);
    if outcome.figure.is_none() {
        outcome.error = error;
    }
    (outcome.figure.is_some() || outcome.error.is_some() || !outcome.peers.is_empty()).then_some(outcome)
}

/// What was found for one measure.
#[derive(Default)]
struct Found {
    parts: BTreeMap<String, Vec<f64>>,
    peers: BTreeMap<String, Peer>,
    error: Option<String>,
    note: &'static str,
}

fn read(reading: &Reading<'_>, samples: &[Sample]) -> Found {
    let mut found = Found { note: reading.note, ..Found::default() };
    let mut peers: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for sample in samples.iter().filter(|sample| reading.scenes.contains(&sample.scene.as_str())) {
        let value = (reading.value)(sample);
        if sample.who == OURS {
            if let (Some(part), Some(value)) = ((reading.part)(sample), value) {
                found.parts.entry(part).or_default().push(value);
            }
            found.error = found.error.or_else(|| sample.error.clone());
        } else if reading.peer_n.is_none_or(|n| n == sample.n) {
            if let Some(value) = value {
                peers.entry(sample.contender()).or_default().push(value);
            } else if let Some(error) = &sample.error {
                found.peers.insert(sample.contender(), Peer::Failed { error: error.clone() });
            }
        }
    }
    found.peers.extend(measured(peers));
    found
}

fn measured(values: BTreeMap<String, Vec<f64>>) -> impl Iterator<Item = (String, Peer)> {
    values
        .into_iter()
        .filter_map(|(who, values)| Some((who, Peer::Measured { spread: Spread::of(&values)?, wins: false })))
}

/// What one copy takes, of each contender.
struct Copies<'a>(&'a [Sample]);

struct Copy<'a>(Vec<&'a Sample>);

impl Copy<'_> {
    fn get(&self, name: &str) -> Option<Spread> {
        Spread::of(&self.0.iter().filter_map(|sample| sample.get(name)).collect::<Vec<_>>())
    }
}

impl Copies<'_> {
    fn one(&self, of: &Sample) -> Option<Copy<'_>> {
        let scene = if SPREAD.contains(&&*of.scene) { &of.scene } else { SPREAD[0] };
        let same = |it: &&Sample| {
            it.scene == scene && it.n == 1 && it.error.is_none() && it.who == of.who && it.input == of.input
        };
        let found: Vec<_> = self.0.iter().filter(same).collect();
        (!found.is_empty()).then_some(Copy(found))
    }

    /// W: the bytes toward the only target. Where that was not measured, what the run itself says.
    fn bytes(&self, of: &Sample) -> Option<f64> {
        let one = self.one(of).and_then(|copy| copy.get("target_bytes"));
        one.map(|spread| spread.value).or_else(|| of.get("target_bytes"))
    }
}

fn memory(samples: &[Sample]) -> Found {
    let mut found = Found {
        note: "VmHWM. The agent: of any target, while it received the whole image or one of many its slice. The server: \
               with as many targets as the samples say.",
        ..Found::default()
    };
    for sample in samples.iter().filter(|sample| sample.who == OURS) {
        for (value, part) in [("agent_peak_bytes", "agent"), ("server_peak_bytes", "server")] {
            if let Some(bytes) = sample.get(value) {
                found.parts.entry(part.to_owned()).or_default().push(bytes / MB);
            }
        }
        if sample.scene == "memory" {
            found.error = found.error.or_else(|| sample.error.clone());
        }
    }
    found
}

fn trouble(samples: &[Sample]) -> Found {
    let mut found = Found {
        note: "Three healthy targets beside one whose link fell to a tenth of its rate, that is 150 ms away (there and \
               back), or that lost its power. Slow gateway: in two sites, the one through which all comes into the \
               second falls to a tenth in mid-transfer.",
        ..Found::default()
    };
    let calm = |of: &Sample, scene: &str| {
        let same = |it: &&Sample| it.scene == scene && it.contender() == of.contender();
        let values: Vec<f64> = samples.iter().filter(same).filter_map(|it| it.get("seconds")).collect();
        Spread::of(&values).map(|spread| spread.value)
    };
    let mut peers: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for sample in samples {
        let trouble = TROUBLES.iter().find(|(scene, ..)| *scene == sample.scene);
        let Some((_, without, kind)) = trouble else { continue };
        let value = calm(sample, without).and_then(|calm| Some(sample.get("seconds")? / calm));
        let name = format!("{}: {kind}", sample.contender());
        match (value, &sample.error) {
            (Some(value), _) if sample.who == OURS => {
                found.parts.entry((*kind).to_owned()).or_default().push(value)
            }
            (Some(value), _) => peers.entry(name).or_default().push(value),
            (None, Some(error)) if sample.who == OURS => found.error = Some(error.clone()),
            (None, Some(error)) => drop(found.peers.insert(name, Peer::Failed { error: error.clone() })),
            (None, None) => (),
        }
    }
    found.peers.extend(measured(peers));
    found
}

fn reads(samples: &[Sample]) -> Found {
    let mut found =
        Found { note: "fio, direct reads, the same bytes of both files in turn.", ..Found::default() };
    for sample in samples.iter().filter(|sample| sample.scene == "read") {
        for part in ["sequential", "random"] {
            let (ours, copy) = (sample.get(part), sample.get(&format!("{part}_of_copy")));
            if let (Some(ours), Some(copy)) = (ours, copy) {
                found.parts.entry(part.to_owned()).or_default().push(ours / copy);
            }
        }
        found.error = found.error.or_else(|| sample.error.clone());
    }
    found
}

#[cfg(test)]
#[path = "ratios_tests.rs"]
pub(crate) mod tests;
