//! Where, when and by which command results came about. It stands above their table, and is kept beside the samples: who
//! goes on with a run, or works out its results anew, tells of its beginning too.

use crate::{args::Args, outside};
use anyhow::{Context, Result};
use diecast_lab::run::run;
use serde::{Deserialize, Serialize};
use std::{
    fs,
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

/// Beside the samples.
const FILE: &str = "circumstances.json";
/// When `bench/run` was typed, in seconds of the epoch: it says so.
const BEGUN: &str = "DIECAST_BENCH_BEGUN";
/// What idles takes less of one processor, over this time.
const BUSY_FROM: f64 = 0.25;
const BUSY_WATCHED: Duration = Duration::from_secs(1);

/// Where and how it was measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Circumstances {
    pub machine: String,
    pub command: String,
    pub day: String,
    /// What disturbed it, what it measured, how long it took.
    pub remarks: Vec<String>,
}

impl Circumstances {
    /// Those of this run, or of the one that it goes on with or tells of.
    pub fn of(args: &Args, folder: &Path) -> Result<Self> {
        if !args.go_on && !args.report {
            return Self::here(args);
        }
        match Self::kept(folder)? {
            Some(kept) if args.report => Ok(kept),
            Some(kept) => Ok(kept.continued(Self::here(args)?)),
            None => Self::here(args),
        }
    }

    fn here(args: &Args) -> Result<Self> {
        let words: Vec<String> = std::env::args().skip(1).collect();
        let command = [&["./bench/run".to_owned()], words.as_slice()].concat().join(" ");
        let mut remarks = Vec::new();
        if !args.report {
            remarks.extend(disturbed_by(outside::processors_busy(BUSY_WATCHED)?));
        }
        if args.quick {
            remarks.push("A quick run: each thing once, with few targets and a small slice.".to_owned());
        }
        let day = run(&["date", "--utc", "+%-d %B %Y"])?;
        Ok(Self { machine: machine(), command, day, remarks })
    }

    fn continued(mut self, by: Self) -> Self {
        let on = if by.machine == self.machine { String::new() } else { format!(", on {}", by.machine) };
        self.remarks.push(format!("Continued on {} by `{}`{on}.", by.day, by.command));
        self.remarks.extend(by.remarks);
        self
    }

    /// Says of what, and how long it took since `bench/run` was typed.
    pub fn ended(&mut self, packages: Option<u32>) {
        let begun = std::env::var(BEGUN).ok().and_then(|begun| begun.parse::<u64>().ok());
        let now = UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
        let minutes = |begun| now.saturating_sub(begun).div_ceil(60);
        let took =
            begun.map(|begun| format!("It took {} minutes, with all that was built for it.", minutes(begun)));
        let image = packages.map(|packages| format!("The image: Debian 12 with {packages} packages."));
        for remark in took.into_iter().chain(image) {
            if !self.remarks.contains(&remark) {
                self.remarks.push(remark);
            }
        }
    }

    fn kept(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        let reading = || format!("reading {}", path.display());
        let text = fs::read(&path).with_context(reading)?;
        serde_json::from_slice(&text).map(Some).with_context(reading)
    }

    pub fn keep(&self, folder: &Path) -> Result<()> {
        let path = folder.join(FILE);
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
    }
}

/// What is to be said of so many processors that others keep busy.
fn disturbed_by(processors: f64) -> Option<String> {
    (processors > BUSY_FROM).then(|| {
        format!("The machine was doing other work too ({processors:.1} processors busy): do not trust times.")
    })
}

/// The machine in a line: cores, processor, memory.
fn machine() -> String {
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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    fn begun() -> Circumstances {
        let (machine, command) = ("2 cores".to_owned(), "./bench/run".to_owned());
        Circumstances { machine, command, day: "1 January 2026".to_owned(), remarks: Vec::new() }
    }

    #[test]
    fn whoever_works_results_out_anew_tells_where_they_were_measured() {
        let folder = tempfile::tempdir().unwrap();
        begun().keep(folder.path()).unwrap();
        let of = |words: &[&str]| {
            Circumstances::of(&Args::parse_from([&["bench/run"], words].concat()), folder.path()).unwrap()
        };
        assert_eq!(of(&["--report"]), begun());
        let continued = of(&["--continue"]);
        assert_eq!((&continued.machine, &continued.day), (&begun().machine, &begun().day));
        assert!(continued.remarks[0].starts_with("Continued on ") && continued.remarks[0].contains(", on "));
        fs::write(folder.path().join(FILE), "{").unwrap();
        assert!(Circumstances::of(&Args::parse_from(["bench/run", "--report"]), folder.path()).is_err());
        assert_ne!(of(&[]).day, begun().day, "a run from the beginning asks for nothing that was before");
    }

    #[test]
    fn only_a_machine_that_others_keep_busy_is_called_so() {
        assert_eq!(disturbed_by(0.1), None);
        assert!(disturbed_by(1.26).unwrap().contains("(1.3 processors busy)"));
    }
}
