//! What was measured, a line for each run, written down before the next run begins.
//!
//! Results are worked out from these lines alone. So a run that was killed loses the run it was in and no
//! more, `--continue` goes on behind the last line, and results can be worked out anew from old lines.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

/// The name by which Diecast itself stands among those that are measured.
pub const OURS: &str = "diecast";

/// What one run of one contender gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// What was done: `spread`, `sites`, `image`, ...
    pub scene: String,
    pub who: String,
    /// What it was given: `raw`, `packed`; empty for Diecast, which has one way.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub input: String,
    /// How many: targets, sites, or whatever the scene counts.
    pub n: u32,
    pub run: u32,
    /// Seconds, bytes, CPU seconds by name, with their unit in the name.
    #[serde(default)]
    pub values: BTreeMap<String, f64>,
    /// Why there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Sample {
    pub fn new(scene: &str, who: &str, input: &str, n: u32) -> Self {
        let (scene, who, input) = (scene.to_owned(), who.to_owned(), input.to_owned());
        Self { scene, who, input, n, run: 0, values: BTreeMap::new(), error: None }
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: f64) -> Self {
        self.values.insert(name.to_owned(), value);
        self
    }

    #[must_use]
    pub fn failed(mut self, error: &anyhow::Error) -> Self {
        self.error = Some(format!("{error:#}").trim().to_owned());
        self
    }

    pub fn get(&self, name: &str) -> Option<f64> {
        self.values.get(name).copied()
    }

    fn of_same(&self, other: &Self) -> bool {
        (&self.scene, &self.who, &self.input, self.n) == (&other.scene, &other.who, &other.input, other.n)
    }

    /// `rsync (packed)`
    pub fn contender(&self) -> String {
        if self.input.is_empty() { self.who.clone() } else { format!("{} ({})", self.who, self.input) }
    }
}

/// The file with all samples of a run.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    samples: Vec<Sample>,
}

impl Ledger {
    /// Begins anew, or goes on: then what failed is tried again.
    pub fn open(path: &Path, go_on: bool) -> Result<Self> {
        let named = || format!("reading the samples in {}", path.display());
        let mut samples = Vec::new();
        if go_on && path.exists() {
            samples = parse(&fs::read_to_string(path).with_context(named)?);
            samples.retain(|sample| sample.error.is_none());
        }
        let ledger = Self { path: path.to_owned(), samples };
        ledger.rewrite()?;
        Ok(ledger)
    }

    fn rewrite(&self) -> Result<()> {
        let named = || format!("writing the samples to {}", self.path.display());
        let fresh = self.path.with_extension("new");
        let mut text = String::new();
        for sample in &self.samples {
            text.push_str(&serde_json::to_string(sample).with_context(named)?);
            text.push('\n');
        }
        fs::write(&fresh, text).with_context(named)?;
        fs::rename(&fresh, &self.path).with_context(named)
    }

    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// How many runs there are like this one.
    pub fn count(&self, like: &Sample) -> u32 {
        let count = self.samples.iter().filter(|sample| sample.of_same(like)).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// What the longest run like this one took with its preparation, none if there is none yet.
    pub fn longest_seconds(&self, like: &Sample) -> Option<f64> {
        let same = self.samples.iter().filter(|sample| sample.of_same(like));
        same.filter_map(|sample| sample.get("took_seconds").or_else(|| sample.get("seconds")))
            .reduce(f64::max)
    }

    /// True once a run like this one could not be done: another would end the same way.
    pub fn gave_up(&self, like: &Sample) -> bool {
        self.samples.iter().any(|sample| sample.of_same(like) && sample.error.is_some())
    }

    pub fn add(&mut self, mut sample: Sample) -> Result<()> {
        sample.run = self.count(&sample) + 1;
        let named = || format!("writing a sample to {}", self.path.display());
        let mut line = serde_json::to_string(&sample).with_context(named)?;
        line.push('\n');
        let mut file = File::options().create(true).append(true).open(&self.path).with_context(named)?;
        file.write_all(line.as_bytes()).with_context(named)?;
        self.samples.push(sample);
        Ok(())
    }
}

/// What a killed run wrote half is no sample.
fn parse(text: &str) -> Vec<Sample> {
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn going_on_keeps_what_was_measured_and_tries_again_what_failed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("samples.jsonl");
        let good = Sample::new("spread", "rsync", "raw", 4).with("seconds", 2.0);
        let mut ledger = Ledger::open(&path, false).unwrap();
        ledger.add(good.clone()).unwrap();
        ledger.add(good.clone()).unwrap();
        let bad = Sample::new("spread", "uftp", "raw", 4).failed(&anyhow::anyhow!("no multicast here"));
        ledger.add(bad.clone()).unwrap();
        assert!(ledger.gave_up(&bad) && !ledger.gave_up(&good));
        // Killed in the middle of a line.
        File::options().append(true).open(&path).unwrap().write_all(b"{\"scene\":\"spre").unwrap();

        let again = Ledger::open(&path, true).unwrap();
        assert_eq!((again.count(&good), again.count(&bad)), (2, 0));
        assert_eq!(again.samples()[1].run, 2);
        let anew = Ledger::open(&path, false).unwrap();
        assert_eq!(anew.count(&good), 0);
    }
}
