//! API values as text, by pure functions: one file a noun. Time and width are handed in.

pub(crate) mod alarm;
pub(crate) mod audit;
pub(crate) mod bundle;
pub(crate) mod changes;
pub(crate) mod distribution;
pub(crate) mod error;
pub(crate) mod event;
pub(crate) mod explain;
pub(crate) mod host;
pub(crate) mod integrity;
pub(crate) mod maintenance;
pub(crate) mod notification;
pub(crate) mod operation;
pub(crate) mod plan;
pub(crate) mod pool;
pub(crate) mod progress;
pub(crate) mod provider;
pub(crate) mod recovery;
pub(crate) mod recreation;
pub(crate) mod schedule;
pub(crate) mod setup;
pub(crate) mod sheet;
pub(crate) mod site;
pub(crate) mod support;
pub(crate) mod template;
pub(crate) mod time;
pub(crate) mod token;
pub(crate) mod trimming;
pub(crate) mod version;
pub(crate) mod vm;

#[cfg(test)]
pub(crate) mod samples;

use diecast_api::operator::{ProblemView, limit::LimitedView};
use diecast_domain::units::ByteCount;
use jiff::Timestamp;
use std::os::fd::RawFd;

/// How text is laid out, and at what time.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Columns of the terminal; none where nothing may be cut or folded, as in a pipe.
    pub(crate) width: Option<u16>,
    pub(crate) colour: bool,
    pub(crate) now: Timestamp,
}

impl Look {
    pub(crate) fn for_terminal(terminal: bool, descriptor: RawFd) -> Self {
        let quiet = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            width: if terminal { sheet::width_of(descriptor) } else { None },
            colour: terminal && !quiet,
            now: Timestamp::now(),
        }
    }
}

/// What is not known, in a cell.
pub(crate) const NOTHING: &str = "-";

pub(crate) fn bytes(count: u64) -> String {
    ByteCount(count).to_string()
}

/// `2Mbit/s 08:00-18:00 UTC; 100Mbit/s`, and what that means now if that changes by itself.
pub(crate) fn limit(limit: Option<&String>, limited: Option<&LimitedView>) -> String {
    let now = limited.filter(|limited| limited.until.is_some()).map(|limited| format!(" ({})", limited.text));
    limit.map(|limit| format!("{limit}{}", now.unwrap_or_default())).unwrap_or_default()
}

pub(crate) fn or_nothing(value: Option<impl ToString>) -> String {
    value.map_or_else(|| NOTHING.to_owned(), |value| value.to_string())
}

pub(crate) fn yes_no(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}

/// The first 12 digits of a digest: enough for people.
pub(crate) fn short(digest: &str) -> &str {
    let digits = digest.rsplit(':').next().unwrap_or(digest);
    digits.get(..12).unwrap_or(digits)
}

/// `a, b, c and 97 more`
pub(crate) fn listed(names: &[String], most: usize) -> String {
    match names.len().checked_sub(most).filter(|more| *more > 0) {
        Some(more) => format!("{} and {more} more", names[..most].join(", ")),
        None => names.join(", "),
    }
}

/// `1 host`, `3 hosts`
pub(crate) fn counted(count: impl Into<u64>, one: &str) -> String {
    match count.into() {
        1 => format!("1 {one}"),
        count => format!("{count} {one}s"),
    }
}

/// What is not well with one thing, below a table or a sheet.
pub(crate) fn trouble(who: &str, problem: &ProblemView) -> String {
    let ProblemView { code, cause, hint } = problem;
    let mut text = format!("{who}: {code} {cause}\n");
    if !hint.is_empty() {
        text.push_str(&format!("  → {hint}\n"));
    }
    if !code.is_empty() {
        text.push_str(&format!("  → diecast explain {code}\n"));
    }
    text
}
