//! What the kernel says of this process, by the names that every Prometheus client uses.

use super::page::{Kind, Page};
use std::fs;

/// Clock ticks a second in `/proc`: fixed in Linux' interface to programs.
const TICKS_PER_SECOND: f64 = 100.0;
/// Fields of `/proc/self/stat` after the name, from 0: user time, system time, start, pages in memory.
const USER_TICKS: usize = 11;
const SYSTEM_TICKS: usize = 12;
const START_TICKS: usize = 19;
const RESIDENT_PAGES: usize = 21;
const PAGE_BYTES: f64 = 4096.0;

/// Says what can be read, and nothing of the rest.
pub(super) fn write(page: &mut Page) {
    let Ok(stat) = fs::read_to_string("/proc/self/stat") else { return };
    let Some((_, fields)) = stat.rsplit_once(") ") else { return };
    let fields: Vec<f64> = fields.split(' ').map(|field| field.trim().parse().unwrap_or(0.0)).collect();
    let field = |number: usize| fields.get(number).copied().unwrap_or(0.0);
    let seconds = (field(USER_TICKS) + field(SYSTEM_TICKS)) / TICKS_PER_SECOND;
    let help = "Processor time used, in seconds.";
    page.family("process_cpu_seconds_total", Kind::Counter, help).sample(&[], seconds);
    let help = "Memory in use, in bytes.";
    page.gauge("process_resident_memory_bytes", help, field(RESIDENT_PAGES) * PAGE_BYTES);
    if let Some(booted) = booted() {
        let started = booted + field(START_TICKS) / TICKS_PER_SECOND;
        page.gauge("process_start_time_seconds", "When the process began, Unix time.", started);
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        page.gauge("process_open_fds", "Open files and connections.", open.count() as f64);
    }
}

/// When the machine was started, Unix time.
fn booted() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    stat.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok())
}
