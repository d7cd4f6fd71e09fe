//! Measurements beside what one would use otherwise: changing a template, and making hosts from it.
//!
//! Each part does the same thing in both ways, several times in turn, on the same disks; what is told
//! is the median and the spread. The parts need nothing of each other. Nothing here passes or fails: a
//! row says what the project has set itself, and whether this run was within it.

mod hosts;
mod network;
mod publishing;
mod series;
mod table;

use anyhow::{Result, ensure};
use std::path::PathBuf;

pub use table::Row;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// Publishing what changed, beside publishing all of it.
    Publishing,
    /// What crosses the network for a new version, beside what was changed.
    Network,
    /// A hundred linked hosts, beside `virt-clone`.
    Hosts,
}

/// What may be chosen of a measurement.
#[derive(Clone, Debug)]
pub struct Wish {
    pub parts: Vec<Part>,
    /// How often each way is measured.
    pub runs: u32,
    /// The size of the disk that is published.
    pub disk_bytes: u64,
    /// The size of the disk of the machine that hosts are made of.
    pub host_disk_bytes: u64,
    pub hosts: u32,
    /// Clones that are really made; the rest is extrapolated, and said to be.
    pub clones: u32,
    /// Where there is room; emptied afterwards.
    pub work: PathBuf,
    pub results: PathBuf,
}

/// Measures, tells, and writes the results down.
pub fn run(wish: &Wish) -> Result<()> {
    ensure!(wish.runs > 0 && wish.hosts > 0 && wish.clones > 0, "measure at least once");
    let mut rows = Vec::new();
    for part in &wish.parts {
        rows.extend(match part {
            Part::Publishing => publishing::measure(wish)?,
            Part::Network => network::measure(wish)?,
            Part::Hosts => hosts::measure(wish)?,
        });
        // What is known already is kept, should a later part fail.
        table::write(&wish.results, &rows)?;
    }
    print!("{}", table::markdown(&rows)?);
    Ok(())
}

fn say(text: &str) {
    eprintln!("bench: {text}");
}
