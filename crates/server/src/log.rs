//! The log: to stderr for whoever keeps it, and its last lines in memory, for an archive of support.

use crate::args::LogFormat;
use std::{
    collections::VecDeque,
    io::{self, IsTerminal, Write},
    sync::{Mutex, MutexGuard},
};
use tracing_subscriber::{EnvFilter, Layer, fmt, prelude::*};

/// Lines that are kept: some hours of a calm server, minutes of one in trouble.
const KEPT_LINES_MAX: usize = 5000;
/// The most of one line that is kept.
const LINE_BYTES_MAX: usize = 4096;

/// A process has one log.
static KEPT: Kept = Kept(Mutex::new(VecDeque::new()));

struct Kept(Mutex<VecDeque<String>>);

/// Begins writing. `RUST_LOG` says how much.
pub(crate) fn begin(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    let stderr = fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
    let stderr = match format {
        LogFormat::Human => stderr.boxed(),
        LogFormat::Json => stderr.json().boxed(),
    };
    let kept = fmt::layer().json().with_writer(|| &KEPT);
    // A second subscriber in one process is refused; the first one does.
    let _ = tracing_subscriber::registry().with(filter).with(stderr).with(kept).try_init();
}

/// The last lines, JSON, the newest last.
pub(crate) fn last_lines() -> String {
    KEPT.lines().iter().map(String::as_str).collect()
}

impl Kept {
    fn lines(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Each line comes in one piece.
impl Write for &Kept {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let said = &line[..line.len().min(LINE_BYTES_MAX)];
        let mut text = String::from_utf8_lossy(said).into_owned();
        if !text.ends_with('\n') {
            text.push('\n');
        }
        let mut lines = self.lines();
        if lines.len() >= KEPT_LINES_MAX {
            lines.pop_front();
        }
        lines.push_back(text);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_lines_are_kept_and_no_endless_one() {
        let kept = Kept(Mutex::default());
        for number in 0..KEPT_LINES_MAX + 3 {
            writeln!(&kept, "line {number}").unwrap();
        }
        (&kept).write_all(&vec![b'x'; 2 * LINE_BYTES_MAX]).unwrap();
        let lines = kept.lines();
        assert_eq!(lines.len(), KEPT_LINES_MAX);
        assert!(lines.back().is_some_and(|line| line.len() == LINE_BYTES_MAX + 1));
    }
}
