//! What is told of a measure: the value, its spread and its target, and beside them the peers.

use crate::{measure::Measure, stats::Spread};
use anyhow::{Context, Result};
use serde::Serialize;
use std::{collections::BTreeMap, fs, path::Path};

/// A part of a measure, or the whole of it, with its target.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Figure {
    #[serde(flatten)]
    pub spread: Spread,
    pub target: f64,
    pub met: bool,
}

/// What a peer reached, or why it did not.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Peer {
    Measured {
        #[serde(flatten)]
        spread: Spread,
        /// Better than Diecast.
        wins: bool,
    },
    Failed {
        error: String,
    },
}

/// One measure.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    pub title: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub unit: &'static str,
    /// The whole; where there are parts, the part that is furthest from its target.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub figure: Option<Figure>,
    /// Why there is no figure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub parts: BTreeMap<String, Figure>,
    pub peers: BTreeMap<String, Peer>,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub note: &'static str,
}

impl Outcome {
    /// From the parts by name (an empty name for the whole), each with its values.
    pub fn new(
        measure: Measure,
        parts: Vec<(String, Vec<f64>)>,
        peers: BTreeMap<String, Peer>,
        note: &'static str,
    ) -> Self {
        let figures: BTreeMap<String, Figure> = parts
            .into_iter()
            .filter_map(|(name, values)| {
                let (spread, aim) = (Spread::of(&values)?, measure.aim(&name));
                Some((name, Figure { spread, target: aim.figure(), met: aim.met(spread.value) }))
            })
            .collect();
        let strain = |(name, figure): &(&String, &Figure)| measure.aim(name).strain(figure.spread.value);
        let figure = figures.iter().max_by(|one, other| strain(one).total_cmp(&strain(other)));
        let figure = figure.map(|(_, figure)| *figure);
        let parts = if figures.keys().any(String::is_empty) { BTreeMap::new() } else { figures };
        let (title, unit) = (measure.title(), measure.unit());
        let mut outcome = Self { title, unit, figure, error: None, parts, peers, note };
        outcome.judge(measure);
        outcome
    }

    /// The parts, those of a series by their numbers.
    pub fn in_order(&self) -> Vec<(&String, &Figure)> {
        let number = |name: &str| -> Option<u32> {
            let digits = name.trim_matches(|it: char| !it.is_ascii_digit());
            digits.parse().ok()
        };
        let mut parts: Vec<_> = self.parts.iter().collect();
        parts.sort_by_key(|(name, _)| number(name));
        parts
    }

    /// What a peer is compared with: the part that it names behind a colon, else the part that was measured
    /// with as many as peers are, else the whole.
    fn beside(&self, peer: &str) -> Option<f64> {
        let own = peer.rsplit_once(": ").and_then(|(_, part)| self.parts.get(part));
        let figure = own.or_else(|| self.parts.get(BESIDE_PEERS)).or(self.figure.as_ref());
        figure.map(|figure| figure.spread.value)
    }

    fn judge(&mut self, measure: Measure) {
        let ours: Vec<Option<f64>> = self.peers.keys().map(|peer| self.beside(peer)).collect();
        for (peer, ours) in self.peers.values_mut().zip(ours) {
            if let (Peer::Measured { spread, wins }, Some(ours)) = (peer, ours) {
                *wins = measure.aim("").prefers(spread.value, ours);
            }
        }
    }
}

/// The part of a measure that peers stand beside.
pub const BESIDE_PEERS: &str = "N=4";

/// What is written to `results.json`.
pub type Results = BTreeMap<Measure, Outcome>;

/// Writes the results whole or not at all. Measures that were not measured are not in it.
pub fn write(results: &Results, path: &Path) -> Result<()> {
    let named = || format!("writing {}", path.display());
    let fresh = path.with_extension("json.new");
    let mut text = serde_json::to_string_pretty(results).with_context(named)?;
    text.push('\n');
    fs::write(&fresh, text).with_context(named)?;
    fs::rename(&fresh, path).with_context(named)
}
