//! What is seen of a process, a link and a file system from outside, by what the kernel counts.

use anyhow::{Context, Result};
use diecast_lab::run::run;
use std::{
    fs,
    path::Path,
    process::{Child, Command},
    thread::sleep,
    time::{Duration, Instant},
};

/// `USER_HZ`: fixed by the kernel's interface on every machine that this runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// User and system time of a process, and of its children that have ended, in seconds.
pub fn cpu_seconds(pid: u32) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))
        .with_context(|| format!("reading the times of {pid}"))?;
    cpu_from(&text).with_context(|| format!("reading the times of {pid}"))
}

fn cpu_from(stat: &str) -> Option<f64> {
    // The name stands in parentheses and may hold anything; then utime, stime, cutime, cstime.
    let fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11).take(4);
    let ticks = fields.map(str::parse::<u64>).sum::<Result<u64, _>>().ok()?;
    Some(ticks as f64 / TICKS_PER_SECOND)
}

/// How many processors are busy with whatever the machine does meanwhile, if the caller does nothing.
pub fn processors_busy(meanwhile: Duration) -> Result<f64> {
    let busy = || -> Result<f64> {
        let text = fs::read_to_string("/proc/stat").context("reading what processors did")?;
        busy_from(&text).context("reading what processors did")
    };
    let (begun, before) = (Instant::now(), busy()?);
    sleep(meanwhile);
    Ok((busy()? - before) / begun.elapsed().as_secs_f64())
}

/// Seconds of all processors together.
fn busy_from(stat: &str) -> Option<f64> {
    // user, nice, system, idle, iowait, irq, softirq, steal; then what is counted in user already.
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: Vec<u64> = line.split_whitespace().map_while(|word| word.parse().ok()).take(8).collect();
    let idle = ticks.get(3)? + ticks.get(4)?;
    Some((ticks.iter().sum::<u64>() - idle) as f64 / TICKS_PER_SECOND)
}

/// The most memory that a process ever had, since it was started or forgotten.
pub fn peak_bytes(pid: u32) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status"))
        .with_context(|| format!("reading the memory of {pid}"))?;
    peak_from(&text).with_context(|| format!("reading the memory of {pid}"))
}

fn peak_from(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()? * 1024.0)
}

/// From now on its peak is counted anew.
pub fn forget_peak(pid: u32) -> Result<()> {
    fs::write(format!("/proc/{pid}/clear_refs"), "5").with_context(|| format!("resetting the peak of {pid}"))
}

/// Bytes that a network device has (received, sent).
pub fn device_bytes(device: &str) -> Result<(u64, u64)> {
    let read = |name: &str| -> Result<u64> {
        let file = format!("/sys/class/net/{device}/statistics/{name}");
        let text = fs::read_to_string(&file).with_context(|| format!("reading {file}"))?;
        text.trim().parse().with_context(|| format!("reading {file}"))
    };
    Ok((read("rx_bytes")?, read("tx_bytes")?))
}

/// Bytes that a file system has given away, after all was written and given back that is to be.
pub fn used_bytes(folder: &Path) -> Result<f64> {
    let folder = folder.to_string_lossy();
    run(&["sync", "--file-system", &folder])?;
    let mut used = used_now(&folder)?;
    // XFS frees what was removed in the background: what is left of that would count as given back later.
    for _ in 0..SETTLES_MAX {
        sleep(SETTLES);
        let before = std::mem::replace(&mut used, used_now(&folder)?);
        if before == used {
            break;
        }
    }
    Ok(used)
}

fn used_now(folder: &str) -> Result<f64> {
    let said = run(&["stat", "--file-system", "--format", "%b %f %S", folder])?;
    let numbers: Vec<f64> = said.split(' ').filter_map(|number| number.parse().ok()).collect();
    let [blocks, free, size] = numbers[..] else { anyhow::bail!("reading what `stat` says: {said}") };
    Ok((blocks - free) * size)
}

/// After this time without a change a file system has freed what it frees.
const SETTLES: Duration = Duration::from_secs(1);
const SETTLES_MAX: u32 = 30;
/// How often a running program is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// Programs with all that they began: ended together, when dropped at the latest.
pub struct Group {
    child: Child,
    begun: Instant,
}

impl Group {
    pub fn start(command: &mut Command) -> Result<Self> {
        use std::os::unix::process::CommandExt;
        let child = command.process_group(0).spawn().with_context(|| format!("starting {command:?}"))?;
        Ok(Self { child, begun: Instant::now() })
    }

    /// True if the first of them ended well; none while it runs.
    pub fn ended(&mut self) -> Result<Option<bool>> {
        Ok(self.child.try_wait().context("waiting for a program")?.map(|status| status.success()))
    }

    /// Waits for the first of them, no longer than this.
    pub fn wait(&mut self, patience: Duration) -> Result<bool> {
        while self.begun.elapsed() < patience {
            if let Some(well) = self.ended()? {
                return Ok(well);
            }
            sleep(LOOK);
        }
        anyhow::bail!("not done in {} s", patience.as_secs())
    }

    /// `kill -9` for all of them.
    pub fn kill(&mut self) {
        let group = format!("-{}", self.child.id());
        diecast_lab::run::attempt(&["kill", "-KILL", "--", &group]);
        let _ = self.child.wait();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_idles_or_waits_for_a_disk_is_not_busy() {
        let stat = "cpu  100 20 30 4000 500 6 7 8 90 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
        assert_eq!(busy_from(stat), Some(1.71));
        assert_eq!((busy_from("cpu 1 2 3\n"), busy_from("")), (None, None));
        assert!(processors_busy(Duration::from_millis(20)).unwrap() >= 0.0);
    }

    #[test]
    fn times_are_read_behind_a_name_that_holds_anything() {
        let stat = "12 (a) b) S 1 2 3 4 5 6 7 8 9 10 150 50 100 0 20 0";
        assert_eq!(cpu_from(stat), Some(3.0));
        assert!(cpu_seconds(std::process::id()).unwrap() >= 0.0);
    }

    #[test]
    fn the_peak_is_read_in_bytes() {
        assert_eq!(peak_from("VmPeak:\t 9 kB\nVmHWM:\t    2048 kB\n"), Some(2048.0 * 1024.0));
        assert!(peak_bytes(std::process::id()).unwrap() > 0.0);
    }

    #[test]
    fn a_group_ends_with_all_that_it_began() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("alive");
        let line = format!("(sleep 1; touch {}) & sleep 100", mark.display());
        let mut group = Group::start(Command::new("sh").args(["-c", &line])).unwrap();
        assert_eq!(group.ended().unwrap(), None);
        group.kill();
        sleep(Duration::from_millis(1300));
        assert!(!mark.exists());
    }
}
