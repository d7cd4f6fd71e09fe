//! Where results go: written anew after every run, so that a killed run leaves what it found.

use crate::{circumstances::Circumstances, outcome, plot, ratios::results, sample::Sample, table::markdown};
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

/// Makes the folder for the results.
pub fn folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).with_context(|| format!("making the folder for the results, {}", path.display()))
}
