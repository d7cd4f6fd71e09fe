//! How busy this machine is, as its kernel says.

use diecast_domain::report::Load;
use std::fs;

/// None where the kernel does not say, which is nothing to complain of.
pub fn now(processors: u32) -> Option<Load> {
    let average = fs::read_to_string("/proc/loadavg").ok()?;
    let memory = fs::read_to_string("/proc/meminfo").ok()?;
    read(&average, &memory, processors)
}

fn read(average: &str, memory: &str, processors: u32) -> Option<Load> {
    let average: f64 = average.split_whitespace().next()?.parse().ok()?;
    let amount = |name: &str| {
        let line = memory.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    let (whole, available) = (amount("MemTotal")?, amount("MemAvailable")?);
    let used = whole.saturating_sub(available) * 100;
    Some(Load {
        processors: (average * 100.0 / f64::from(processors.max(1))).round() as u32,
        memory: u32::try_from(used.checked_div(whole)?).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMORY: &str =
        "MemTotal:       16000000 kB\nMemFree:          500000 kB\nMemAvailable:    4000000 kB\n";

    #[test]
    fn load_is_told_in_per_cent_of_what_the_machine_has() {
        let load = read("6.40 3.10 1.00 2/900 4711\n", MEMORY, 8);
        assert_eq!(load, Some(Load { processors: 80, memory: 75 }));
        let waiting = read("20.00 3.10 1.00 2/900 4711\n", MEMORY, 8);
        assert_eq!(waiting.map(|load| load.processors), Some(250), "more than it has");
    }

    #[test]
    fn a_kernel_that_says_something_else_is_taken_as_silent() {
        assert_eq!(read("", MEMORY, 8), None);
        assert_eq!(read("1.0", "MemTotal: 0 kB\nMemAvailable: 0 kB\n", 8), None);
        assert_eq!(read("1.0", "MemFree: 1 kB\n", 8), None);
    }

    #[test]
    fn this_kernel_says_it() {
        assert!(now(1).is_some_and(|load| load.memory <= 100));
    }
}
