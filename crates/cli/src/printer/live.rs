//! Progress while work goes on: bars where stderr is a terminal, else a line for every change.

use super::{Printer, rate::Rate};
use crate::render::{distribution::headline, progress, recreation};
use diecast_api::operator::{
    distribution::{DistributionRow, DistributionView},
    recreation::RecreationView,
    template::{PublicationView, TemplateView},
};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::{collections::BTreeMap, time::Instant};

/// Bars at once: what is well is left out first, so that what moves fits a screen.
const BARS_MAX: usize = 30;
/// The length of a bar that is full.
pub(super) const FULL: u64 = 1000;

/// Shows how something stands, again and again. Clears what it drew when it goes.
pub(crate) enum Live {
    Drawn(Drawn),
    Told(Box<Told>),
}

impl Live {
    pub(crate) fn new(printer: &Printer) -> Self {
        if printer.draws() { Self::Drawn(Drawn::new()) } else { Self::Told(Box::default()) }
    }

    pub(crate) fn template(&mut self, printer: &mut Printer, template: &TemplateView) {
        let Some(now) = &template.publication else { return };
        match self {
            Self::Drawn(drawn) => drawn.publication(&template.name, now),
            Self::Told(told) => {
                let rate = told.rate.seen(Instant::now(), now.bytes_done);
                if progress::publication_differs(told.publication.as_ref(), now) {
                    printer.talk(&progress::publication_at(now, rate));
                    told.publication = Some(now.clone());
                }
            }
        }
    }

    pub(crate) fn distribution(&mut self, printer: &mut Printer, now: &DistributionView) {
        match self {
            Self::Drawn(drawn) => drawn.distribution(now),
            Self::Told(told) => {
                for line in progress::changes(told.distribution.as_ref(), now) {
                    printer.talk(&line);
                }
                told.distribution = Some(now.clone());
            }
        }
    }

    /// Several may run at once: each is named by its template and version.
    pub(crate) fn recreation(&mut self, printer: &mut Printer, now: &RecreationView) {
        match self {
            Self::Drawn(drawn) => drawn.recreation(now),
            Self::Told(told) => {
                for line in recreation::changes(told.recreations.get(&now.id), now) {
                    printer.talk(&line);
                }
                told.recreations.insert(now.id.clone(), now.clone());
            }
        }
    }
}

/// What was told last: only what is new is told again.
#[derive(Default)]
pub(crate) struct Told {
    publication: Option<PublicationView>,
    rate: Rate,
    distribution: Option<DistributionView>,
    recreations: BTreeMap<String, RecreationView>,
}

/// Bars on stderr: a headline, and one a provider.
pub(crate) struct Drawn {
    bars: MultiProgress,
    headline: ProgressBar,
    publication: Option<ProgressBar>,
    rate: Rate,
    providers: BTreeMap<String, ProgressBar>,
    /// Of each recreation: its bar, and a line for each host that moves.
    recreations: BTreeMap<String, (ProgressBar, Vec<ProgressBar>)>,
}

impl Drawn {
    fn new() -> Self {
        let bars = MultiProgress::new();
        let headline = bars.add(ProgressBar::new(0));
        headline.set_style(style("{msg}"));
        Self {
            bars,
            headline,
            publication: None,
            rate: Rate::default(),
            providers: BTreeMap::new(),
            recreations: BTreeMap::new(),
        }
    }

    fn publication(&mut self, template: &str, now: &PublicationView) {
        self.headline.set_message(format!("{template}  publishing {} from {}", now.source, now.provider));
        let bars = &self.bars;
        let bar = self.publication.get_or_insert_with(|| new_bar(bars, &now.provider));
        bar.set_position(position(now.percent));
        bar.set_message(progress::publication_bar(now, self.rate.seen(Instant::now(), now.bytes_done)));
    }

    fn recreation(&mut self, now: &RecreationView) {
        if let Some(bar) = self.publication.take() {
            self.bars.remove(&bar);
        }
        let bars = &self.bars;
        let name = format!("{} to v{}", now.template, now.version);
        let (bar, lines) =
            self.recreations.entry(now.id.clone()).or_insert_with(|| (new_bar(bars, &name), Vec::new()));
        bar.set_position(position(f64::from(now.passed) * 100.0 / f64::from(now.total.max(1))));
        bar.set_message(recreation::headline(now));
        let lively: Vec<_> =
            now.hosts.iter().filter(|host| recreation::is_lively(host)).take(BARS_MAX).collect();
        lines.drain(lively.len().min(lines.len())..).for_each(|line| bars.remove(&line));
        while lines.len() < lively.len() {
            let line = bars.insert_after(lines.last().unwrap_or(bar), ProgressBar::new(0));
            line.set_style(style("  {wide_msg}"));
            lines.push(line);
        }
        lines.iter().zip(lively).for_each(|(line, host)| line.set_message(recreation::line(host)));
    }

    fn distribution(&mut self, now: &DistributionView) {
        if let Some(bar) = self.publication.take() {
            self.bars.remove(&bar);
        }
        let shown = chosen(now);
        let hidden = now.providers.len() - shown.len();
        let more = if hidden > 0 { format!("  (and {hidden} more)") } else { String::new() };
        self.headline.set_message(format!("{}{more}", headline(now)));
        self.providers.retain(|name, bar| {
            let stays = shown.iter().any(|row| row.provider == *name);
            if !stays {
                self.bars.remove(bar);
            }
            stays
        });
        for row in shown {
            let bars = &self.bars;
            let bar =
                self.providers.entry(row.provider.clone()).or_insert_with(|| new_bar(bars, &row.provider));
            bar.set_position(position(row.percent));
            bar.set_message(progress::bar(row));
        }
    }
}

impl Drop for Drawn {
    fn drop(&mut self) {
        // What is final is printed as text; a bar that stays would say it twice. If stderr is gone,
        // there is nothing to clear.
        let _ = self.bars.clear();
    }
}

/// The rows that get a bar, in their order: all if they fit, else first those that are not well.
fn chosen(view: &DistributionView) -> Vec<&DistributionRow> {
    let is_well = |row: &&DistributionRow| row.progress == "OK";
    let room = BARS_MAX.saturating_sub(view.providers.iter().filter(|row| !is_well(row)).count());
    let well = view.providers.iter().filter(is_well).take(room).map(|row| &row.provider);
    let well: std::collections::BTreeSet<_> = well.collect();
    let rows = view.providers.iter().filter(|row| !is_well(row) || well.contains(&row.provider));
    rows.take(BARS_MAX).collect()
}

fn new_bar(bars: &MultiProgress, name: &str) -> ProgressBar {
    let bar = bars.add(ProgressBar::new(FULL));
    bar.set_style(style("{prefix:20!} [{bar:24}] {wide_msg}").progress_chars("=> "));
    bar.set_prefix(name.to_owned());
    bar
}

pub(super) fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates here are constant and well formed")
}

pub(super) fn position(percent: f64) -> u64 {
    (percent.clamp(0.0, 100.0) / 100.0 * FULL as f64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        printer::Captured,
        render::samples::{self, row},
    };

    #[test]
    fn what_is_not_well_keeps_its_bar_when_there_are_too_many() {
        let mut view = samples::settled();
        view.providers =
            (0..100).map(|n| row(&format!("kvm-{n:03}"), "Ready", "OK", "ready", 100.0)).collect();
        view.providers[70] = row("late", "Needs update", "Distributing", "queued", 0.0);
        let shown = chosen(&view);
        assert_eq!(shown.len(), BARS_MAX);
        assert!(shown.iter().any(|row| row.provider == "late"));
    }

    #[test]
    fn without_a_terminal_only_changes_are_told() {
        let Captured { mut printer, data, talk } = Captured::new(false);
        let mut live = Live::new(&printer);
        live.distribution(&mut printer, &samples::distribution());
        let once = talk.text();
        live.distribution(&mut printer, &samples::distribution());
        assert_eq!(talk.text(), once);
        assert_eq!(data.text(), "");
    }

    #[test]
    fn a_recreation_is_told_change_by_change_and_can_be_drawn() {
        let Captured { mut printer, talk, .. } = Captured::new(false);
        let mut live = Live::new(&printer);
        for view in [samples::recreation(), samples::recreation(), samples::done_recreation()] {
            live.recreation(&mut printer, &view);
        }
        insta::assert_snapshot!(talk.text());
        let mut drawn = Drawn::new();
        drawn.bars.set_draw_target(indicatif::ProgressDrawTarget::hidden());
        drawn.recreation(&samples::recreation());
        let lines = |drawn: &Drawn| drawn.recreations.values().map(|(_, lines)| lines.len()).sum::<usize>();
        assert_eq!(lines(&drawn), 3, "one begun, one healthy, one failed");
        drawn.recreation(&samples::done_recreation());
        assert_eq!(lines(&drawn), 0);
    }
}
