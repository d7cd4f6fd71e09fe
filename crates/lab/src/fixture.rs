//! A lab of a test: started in a folder of its own, taken down when dropped.

use crate::{
    down::take_down,
    lab::{Lab, Options},
    paths::{Paths, repository},
    process::Process,
};
use anyhow::Result;
use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
};

/// Lines of each log that a failed story shows.
const LAST_LINES: usize = 30;

/// Tells the labs of one test process apart.
static LABS_STARTED: AtomicU32 = AtomicU32::new(0);

/// Takes down what tests left that were killed: labs of processes that are no more.
fn sweep(labs: &Path) {
    for entry in fs::read_dir(labs).into_iter().flatten().flatten() {
        let name = entry.file_name().into_string().unwrap_or_default();
        let owner = name.split_once('-').and_then(|(pid, _)| pid.parse::<u32>().ok());
        if owner.is_some_and(|pid| Process::of(pid).is_none()) {
            let swept =
                Paths::new(Some(&entry.path())).and_then(|paths| take_down(&paths.with_shared_cache()));
            if let Err(error) = swept {
                eprintln!("lab: taking down {name}, which a killed test left: {error:#}");
            }
        }
    }
}

impl Lab {
    /// A lab of a test: a folder of its own below `target/labs`, taken down when dropped.
    pub fn start(providers: usize) -> Result<Self> {
        Self::start_with(&Options { providers, ..Options::default() })
    }

    /// Like [`Lab::start`], with everything to choose.
    pub fn start_with(options: &Options) -> Result<Self> {
        let labs = repository().join("target/labs");
        sweep(&labs);
        let number = LABS_STARTED.fetch_add(1, Ordering::Relaxed);
        let own = labs.join(format!("{}-{number}", std::process::id()));
        Self::start_in(&own, options)
    }

    /// Like [`Lab::start_with`], in a folder to choose.
    pub fn start_in(data: &Path, options: &Options) -> Result<Self> {
        let paths = Paths::new(Some(data))?.with_shared_cache();
        let mut lab = Self::up(paths, options)?;
        lab.down_on_drop = true;
        Ok(lab)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if !self.down_on_drop {
            return;
        }
        if std::thread::panicking() && std::env::var_os("DIECAST_LAB_KEEP").is_some() {
            eprintln!("lab: kept for you to look at: diecast-lab --data {} list", self.data().display());
            return;
        }
        if std::thread::panicking() {
            last_words(self.data());
        }
        if let Err(error) = self.down() {
            eprintln!("lab: taking it down: {error:#}");
        }
        let _ = fs::remove_dir(self.data());
    }
}

/// What a lab that is about to be taken down said last: on another machine nobody can look any more.
fn last_words(data: &Path) {
    let providers = fs::read_dir(data.join("providers")).into_iter().flatten().flatten();
    let agents =
        providers.flat_map(|provider| ["agent.log", "machine.log"].map(|log| provider.path().join(log)));
    for log in std::iter::once(data.join("server.log")).chain(agents) {
        let Ok(text) = fs::read(&log) else { continue };
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().collect();
        let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
        eprintln!("lab: the end of {}:\n  {}", log.display(), last.join("\n  "));
    }
}
