//! The results as Markdown: one table of the measures, one of seconds and bytes.

use crate::{
    circumstances::Circumstances,
    outcome::{Outcome, Peer, Results},
    plot,
    ratios::SPREAD,
    sample::Sample,
    stats::{Spread, shown},
};
use std::{collections::BTreeMap, fmt::Write};

pub fn markdown(results: &Results, samples: &[Sample], around: &Circumstances) -> String {
    let mut text = String::from("# Diecast beside what one would use otherwise\n\n");
    let _ = writeln!(
        text,
        "{}, {}, by `{}`. Medians, in brackets the least and the most.",
        around.machine, around.day, around.command
    );
    for remark in &around.remarks {
        let _ = writeln!(text, "{remark}");
    }
    text.push_str(
        "\n| # | Measure | Diecast | Target | | Peers, the best first |\n|---|---|---|---|---|---|\n",
    );
    for (measure, outcome) in results {
        let (value, target, met) = ours(outcome);
        let peers = peers(outcome, *measure == crate::measure::Measure::R13);
        let _ = writeln!(
            text,
            "| {} | {} | {value} | {target} | {met} | {peers} |",
            measure.name(),
            outcome.title
        );
    }
    text.push_str("\nWhere a peer is better than Diecast it stands in **bold**.\n");
    for (measure, outcome) in results {
        if !outcome.note.is_empty() {
            let _ = writeln!(text, "\n**{}**: {}", measure.name(), outcome.note);
        }
        if plot::worth(outcome) {
            let name = measure.name();
            let _ = writeln!(text, "\n![{name}]({})", plot::file_name(*measure));
        }
    }
    text.push_str(&seconds(samples));
    text
}

/// `1.05 (1.04 to 1.06)`
fn told(spread: &Spread, unit: &str) -> String {
    let space = if unit.is_empty() { "" } else { " " };
    let value = shown(spread.value);
    if spread.runs < 2 {
        return format!("{value}{space}{unit} (one run)");
    }
    format!("{value}{space}{unit} ({} to {}, n={})", shown(spread.min), shown(spread.max), spread.runs)
}

fn ours(outcome: &Outcome) -> (String, String, String) {
    let mark = |met: bool| if met { "met" } else { "missed" };
    if !outcome.parts.is_empty() {
        let each = |show: &dyn Fn(&str, &crate::outcome::Figure) -> String| {
            let parts = outcome.in_order().into_iter();
            let told: Vec<String> = parts.map(|(name, figure)| show(name, figure)).collect();
            told.join("<br>")
        };
        return (
            each(&|name, figure| format!("{name}: {}", told(&figure.spread, outcome.unit))),
            each(&|_, figure| shown(figure.target)),
            each(&|_, figure| mark(figure.met).to_owned()),
        );
    }
    match (&outcome.figure, &outcome.error) {
        (Some(figure), _) => {
            (told(&figure.spread, outcome.unit), shown(figure.target), mark(figure.met).to_owned())
        }
        (None, Some(error)) => (format!("not measured: {}", one_line(error)), String::new(), String::new()),
        (None, None) => ("not measured".to_owned(), String::new(), String::new()),
    }
}

fn peers(outcome: &Outcome, more_is_better: bool) -> String {
    let mut measured: Vec<(&String, &Spread, bool)> = Vec::new();
    let mut failed = Vec::new();
    for (name, peer) in &outcome.peers {
        match peer {
            Peer::Measured { spread, wins } => measured.push((name, spread, *wins)),
            Peer::Failed { error } => failed.push(format!("{name}: could not run: {}", one_line(error))),
        }
    }
    measured.sort_by(|one, other| one.1.value.total_cmp(&other.1.value));
    if more_is_better {
        measured.reverse();
    }
    let measured = measured.into_iter().map(|(name, spread, wins)| {
        let told = format!("{name} {}", told(spread, outcome.unit));
        if wins { format!("**{told}**") } else { told }
    });
    measured.chain(failed).collect::<Vec<_>>().join("<br>")
}

/// What fits into a cell of a table.
fn one_line(text: &str) -> String {
    const SHOWN_MAX: usize = 160;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
    match line.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

/// What the ratios were made of, for who wants to know how long it takes.
fn seconds(samples: &[Sample]) -> String {
    let mut rows: BTreeMap<(String, &str, u32), Vec<&Sample>> = BTreeMap::new();
    for sample in samples.iter().filter(|it| SPREAD.contains(&&*it.scene) && it.error.is_none()) {
        rows.entry((sample.contender(), &sample.scene, sample.n)).or_default().push(sample);
    }
    if rows.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "\n## Seconds and bytes\n\n| Contender | Targets | Link, Mbit/s | Seconds until the last is done | MB toward a target | MB from the source |\n|---|---|---|---|---|---|\n",
    );
    for ((who, _, n), runs) in rows {
        let median = |name: &str| {
            let values: Vec<f64> = runs.iter().filter_map(|run| run.get(name)).collect();
            Spread::of(&values)
        };
        let mega =
            |name: &str| median(name).map_or_else(String::new, |it| shown(it.value / crate::ratios::MB));
        let seconds = median("seconds").map_or_else(String::new, |it| told(&it, "s"));
        let _ = writeln!(
            text,
            "| {who} | {n} | {} | {seconds} | {} | {} |",
            mega("rate_bits"),
            mega("target_bytes"),
            mega("source_bytes")
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ratios;

    #[test]
    fn the_table_reads_well() {
        let samples = ratios::tests::some();
        let around = Circumstances {
            machine: "2 cores".to_owned(),
            command: "./bench/run".to_owned(),
            day: "1 January 2026".to_owned(),
            remarks: vec!["The machine was busy.".to_owned()],
        };
        insta::assert_snapshot!(markdown(&ratios::results(&samples), &samples, &around));
    }

    #[test]
    fn results_as_json_have_a_value_a_spread_a_target_and_peers() {
        insta::assert_json_snapshot!(ratios::results(&ratios::tests::some()));
    }

    #[test]
    fn an_error_of_many_lines_fits_into_a_cell() {
        let told = one_line(&"no | such\n  thing ".repeat(40));
        assert!(told.starts_with("no \\| such thing") && told.ends_with("...") && !told.contains('\n'));
    }
}
