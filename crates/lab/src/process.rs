//! Processes that outlive the command that started them, recognised safely afterwards.

use crate::signal;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// A process, with the time it was started: a number alone may by now be somebody else's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    pub pid: u32,
    /// In clock ticks since the machine started: field 22 of `/proc/PID/stat`.
    pub started: u64,
}

/// How often a condition is looked at again.
const POLL: Duration = Duration::from_millis(50);

struct Stat {
    state: char,
    parent: u32,
    started: u64,
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in parentheses and may hold anything.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?.chars().next()?;
    let parent = fields.next()?.parse().ok()?;
    Some(Stat { state, parent, started: fields.nth(17)?.parse().ok()? })
}

impl Process {
    pub fn of(pid: u32) -> Option<Self> {
        stat(pid).filter(|stat| stat.state != 'Z').map(|stat| Self { pid, started: stat.started })
    }

    pub fn alive(self) -> bool {
        Self::of(self.pid) == Some(self)
    }

    pub fn terminate(self) {
        self.signal(libc::SIGTERM);
    }

    pub fn kill(self) {
        self.signal(libc::SIGKILL);
    }

    fn signal(self, signal: i32) {
        if self.alive() {
            signal::send(self.pid, signal);
        }
    }

    /// True once the process is gone; false if it still is there after `patience`.
    pub fn gone_within(self, patience: Duration) -> bool {
        until(patience, || !self.alive())
    }

    /// The first process whose parent this is.
    pub fn child(self) -> Option<Self> {
        let pids = fs::read_dir("/proc")
            .ok()?
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
        let mut children = pids.filter(|pid| stat(*pid).is_some_and(|it| it.parent == self.pid));
        children.find_map(Self::of)
    }
}

/// Looks at a condition until it holds or `patience` is over; gives how it was at the end.
pub fn until(patience: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if condition() {
            return true;
        }
        if start.elapsed() >= patience {
            return false;
        }
        std::thread::sleep(POLL);
    }
}

/// Starts a program in a session of its own, so that neither Ctrl-C nor a closed terminal reaches
/// it, with everything it says appended to `log`.
pub fn spawn_detached(command: &mut Command, log: &Path) -> Result<Process> {
    let named = || format!("opening the log {}", log.display());
    let file = fs::File::options().create(true).append(true).open(log).with_context(named)?;
    let mut detached = Command::new("setsid");
    detached.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => detached.env(name, value),
            None => detached.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        detached.current_dir(folder);
    }
    detached.stdin(Stdio::null()).stdout(file.try_clone().with_context(named)?).stderr(file);
    let mut child = detached.spawn().with_context(|| format!("starting {command:?}"))?;
    let process = Process::of(child.id());
    // Somebody must ask for its exit code, or it stays behind as a zombie while this process lives.
    std::thread::spawn(move || child.wait());
    process.with_context(|| {
        let tail = tail(log);
        format!("{command:?} ended at once{tail}")
    })
}

/// The end of a log, to be put behind an error.
pub fn tail(log: &Path) -> String {
    const LINES_SHOWN: usize = 8;
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.trim_end().lines().collect();
    if lines.is_empty() {
        return format!(" and said nothing in {}", log.display());
    }
    let shown = lines[lines.len().saturating_sub(LINES_SHOWN)..].join("\n    ");
    format!("; the end of {}:\n    {shown}", log.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_its_start_too() {
        let me = Process::of(std::process::id()).unwrap();
        assert!(me.alive());
        assert!(!Process { started: me.started + 1, ..me }.alive());
    }

    #[test]
    fn a_detached_process_ends_when_killed_and_leaves_no_zombie() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let process = spawn_detached(Command::new("sleep").arg("1000"), &log).unwrap();
        assert!(process.alive());
        process.kill();
        assert!(process.gone_within(Duration::from_secs(10)));
    }
}
