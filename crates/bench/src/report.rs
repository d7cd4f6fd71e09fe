//! Where results go: written anew after every run, so that a killed run leaves what it found.

use crate::{
    outcome, plot,
    ratios::results,
    sample::Sample,
    table::{Circumstances, markdown},
};
use anyhow::{Context, Result};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The files that are written.
pub struct Report {
    pub folder: PathBuf,
    pub around: Circumstances,
}

impl Report {
    pub fn samples(folder: &Path) -> PathBuf {
        folder.join("samples.jsonl")
    }

    pub fn write(&self, samples: &[Sample]) -> Result<()> {
        let results = results(samples);
        outcome::write(&results, &self.folder.join("results.json"))?;
        self.put("results.md", &markdown(&results, samples, &self.around))?;
        for (measure, outcome) in results.iter().filter(|(_, outcome)| plot::worth(outcome)) {
            self.put(&plot::file_name(*measure), &plot::svg(*measure, outcome))?;
        }
        Ok(())
    }

    fn put(&self, name: &str, text: &str) -> Result<()> {
        let path = self.folder.join(name);
        let fresh = self.folder.join(format!("{name}.new"));
        fs::write(&fresh, text).with_context(|| format!("writing {}", path.display()))?;
        fs::rename(&fresh, &path).with_context(|| format!("writing {}", path.display()))
    }
}

/// The machine in a line: cores, processor, memory.
pub fn machine() -> String {
    let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
    let after = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_once(':').map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    };
    let (processor, memory) = (read("/proc/cpuinfo"), read("/proc/meminfo"));
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let gib =
        after(&memory, "MemTotal").trim_end_matches("kB").trim().parse::<f64>().unwrap_or(0.0) / 1048576.0;
    let kernel = read("/proc/sys/kernel/osrelease");
    format!("{cores} cores of {}, {gib:.0} GiB, Linux {}", after(&processor, "model name"), kernel.trim())
}

/// What else the machine was doing when the run began.
pub fn load() -> Option<f64> {
    fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}

/// Makes the folder for the results.
pub fn folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).with_context(|| format!("making the folder for the results, {}", path.display()))
}
