//! What is counted while the server works, since its process began.

use super::page::{Kind, Page};
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

/// Upper bounds of how long something took: a pass of a small installation takes milliseconds, and one
/// that takes seconds is late.
const BOUNDS: [Duration; 10] = [
    Duration::from_millis(1),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(1000),
    Duration::from_millis(2500),
    Duration::from_secs(10),
];
/// Kinds of events that are told apart: each is a word of this program, so there are never more.
const EVENT_KINDS_MAX: usize = 500;

/// Who asks, by the part of the tree that is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Audience {
    Operator,
    Agent,
    /// The console's files, the signs of life, these metrics.
    Open,
}

impl Audience {
    pub(crate) fn of(path: &str) -> Self {
        if path.starts_with("/api/") {
            Self::Operator
        } else if path.starts_with("/agent/") {
            Self::Agent
        } else {
            Self::Open
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Agent => "agent",
            Self::Open => "open",
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Counted(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    requests: BTreeMap<(Audience, &'static str, &'static str), u64>,
    answers: BTreeMap<Audience, Durations>,
    passes: Durations,
    passes_failed: u64,
    events: BTreeMap<String, u64>,
}

#[derive(Debug, Default)]
struct Durations {
    counts: [u64; BOUNDS.len() + 1],
    sum: Duration,
}

impl Durations {
    fn add(&mut self, took: Duration) {
        let slot = BOUNDS.iter().position(|bound| took <= *bound).unwrap_or(BOUNDS.len());
        self.counts[slot] += 1;
        self.sum += took;
    }
}

impl Counted {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// An answer was given. `took` is none where waiting is the purpose.
    pub(crate) fn answered(&self, audience: Audience, method: &str, status: u16, took: Option<Duration>) {
        let mut counts = self.counts();
        *counts.requests.entry((audience, known_method(method), class(status))).or_default() += 1;
        if let Some(took) = took {
            counts.answers.entry(audience).or_default().add(took);
        }
    }

    pub(crate) fn passed(&self, took: Duration, failed: bool) {
        let mut counts = self.counts();
        counts.passes.add(took);
        counts.passes_failed += u64::from(failed);
    }

    /// Something was written to the event log.
    pub(crate) fn happened(&self, kind: &str) {
        let events = &mut self.counts().events;
        if let Some(count) = events.get_mut(kind) {
            *count += 1;
        } else if events.len() < EVENT_KINDS_MAX {
            events.insert(kind.to_owned(), 1);
        }
    }

    pub(super) fn write(&self, page: &mut Page) {
        let counts = self.counts();
        let help = "Answers given, by who asked, the method and the class of the status.";
        let mut family = page.family("diecast_http_requests_total", Kind::Counter, help);
        for ((audience, method, code), count) in &counts.requests {
            let labels = [("audience", audience.as_str()), ("method", *method), ("code", *code)];
            family.sample(&labels, *count as f64);
        }
        let help = "How long answers took, but for those that wait on purpose.";
        let mut family = page.family("diecast_http_request_duration_seconds", Kind::Histogram, help);
        for (audience, took) in &counts.answers {
            family.histogram(&[("audience", audience.as_str())], &BOUNDS, &took.counts, took.sum);
        }
        let help = "How long passes of the reconciler took: wishes compared with reports.";
        let mut family = page.family("diecast_reconcile_duration_seconds", Kind::Histogram, help);
        family.histogram(&[], &BOUNDS, &counts.passes.counts, counts.passes.sum);
        let help = "Passes of the reconciler that failed.";
        let mut family = page.family("diecast_reconcile_failures_total", Kind::Counter, help);
        family.sample(&[], counts.passes_failed as f64);
        let help = "Events written to the log, by their kind.";
        let mut family = page.family("diecast_events_total", Kind::Counter, help);
        for (kind, count) in &counts.events {
            family.sample(&[("kind", kind)], *count as f64);
        }
    }
}

/// Anybody may invent a method, and none becomes a label by that.
fn known_method(method: &str) -> &'static str {
    const KNOWN: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
    KNOWN.into_iter().find(|known| *known == method).unwrap_or("other")
}

const fn class(status: u16) -> &'static str {
    match status {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_outside_can_add_a_label() {
        let counted = Counted::default();
        for number in 0..1000 {
            counted.answered(Audience::of(&format!("/x{number}")), &format!("M{number}"), 404, None);
            counted.happened(&format!("kind.{number}"));
        }
        let counts = counted.counts();
        assert_eq!(counts.requests.len(), 1);
        assert_eq!(counts.events.len(), EVENT_KINDS_MAX);
    }

    #[test]
    fn a_duration_falls_into_the_first_bucket_that_takes_it() {
        let mut durations = Durations::default();
        for took in [Duration::from_millis(1), Duration::from_millis(2), Duration::from_secs(60)] {
            durations.add(took);
        }
        assert_eq!((durations.counts[0], durations.counts[1], durations.counts[BOUNDS.len()]), (1, 1, 1));
    }
}
