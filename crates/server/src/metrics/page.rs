//! The text that Prometheus reads, and how it is written: families of samples, each with its help.

use std::{fmt::Write, time::Duration};

/// What a family's samples mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Page(String);

/// Labels of a sample: names are words of this program, values may be anything.
pub(super) type Labels<'a> = &'a [(&'a str, &'a str)];

impl Page {
    /// Begins a family; its samples follow at once.
    pub(super) fn family(&mut self, name: &'static str, kind: Kind, help: &str) -> Family<'_> {
        let kind = kind.as_str();
        // Writing to a string does not fail, here and below.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        Family { page: self, name }
    }

    /// A family of one gauge without labels.
    pub(super) fn gauge(&mut self, name: &'static str, help: &str, value: f64) {
        self.family(name, Kind::Gauge, help).sample(&[], value);
    }

    pub(super) fn text(self) -> String {
        self.0
    }
}

pub(super) struct Family<'p> {
    page: &'p mut Page,
    name: &'static str,
}

impl Family<'_> {
    pub(super) fn sample(&mut self, labels: Labels<'_>, value: f64) {
        self.line("", labels, value);
    }

    /// A histogram: how many were at most as large as each bound, their sum, and their number.
    pub(super) fn histogram(
        &mut self,
        labels: Labels<'_>,
        bounds: &[Duration],
        counts: &[u64],
        sum: Duration,
    ) {
        let mut below = 0;
        for (bound, count) in bounds.iter().zip(counts) {
            below += count;
            let bound = bound.as_secs_f64().to_string();
            self.line("_bucket", &[labels, &[("le", &bound)]].concat(), below as f64);
        }
        let all = counts.iter().sum::<u64>() as f64;
        self.line("_bucket", &[labels, &[("le", "+Inf")]].concat(), all);
        self.line("_sum", labels, sum.as_secs_f64());
        self.line("_count", labels, all);
    }

    fn line(&mut self, suffix: &str, labels: Labels<'_>, value: f64) {
        let text = &mut self.page.0;
        let _ = write!(text, "{}{suffix}", self.name);
        for (position, (label, said)) in labels.iter().enumerate() {
            let before = if position == 0 { '{' } else { ',' };
            let said = said.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(text, "{before}{label}=\"{said}\"");
        }
        let close = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(text, "{close} {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_the_format_that_prometheus_reads() {
        let mut page = Page::default();
        page.gauge("diecast_one", "How many.", 1.0);
        let mut family = page.family("diecast_two_total", Kind::Counter, "How often.");
        family.sample(&[("name", "a \"b\" \\ c\nd"), ("kind", "e")], 2.5);
        let bounds = [Duration::from_millis(5), Duration::from_secs(1)];
        let mut family = page.family("diecast_three_seconds", Kind::Histogram, "How long.");
        family.histogram(&[("to", "x")], &bounds, &[3, 1, 2], Duration::from_millis(7500));
        insta::assert_snapshot!(page.text());
    }
}
