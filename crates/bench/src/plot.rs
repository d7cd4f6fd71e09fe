//! A measure as bars: Diecast, its peers, and a line at the target.

use crate::{
    measure::Measure,
    outcome::{Outcome, Peer},
    stats::{Spread, shown},
};
use std::fmt::Write;

const ROW: f64 = 22.0;
const NAMES: f64 = 190.0;
const BARS: f64 = 380.0;
const FIGURES: f64 = 80.0;
const HEAD: f64 = 34.0;
/// A bar that is longer than so many times the target ends there, with its figure beside it.
const CUT: f64 = 8.0;

struct Bar {
    name: String,
    spread: Spread,
    ours: bool,
}

fn bars(outcome: &Outcome) -> Vec<Bar> {
    let mut bars: Vec<Bar> = outcome
        .in_order()
        .into_iter()
        .map(|(name, figure)| Bar { name: format!("diecast, {name}"), spread: figure.spread, ours: true })
        .collect();
    if let (true, Some(figure)) = (bars.is_empty(), &outcome.figure) {
        bars.push(Bar { name: "diecast".to_owned(), spread: figure.spread, ours: true });
    }
    let mut peers: Vec<Bar> = outcome
        .peers
        .iter()
        .filter_map(|(name, peer)| match peer {
            Peer::Measured { spread, .. } => Some(Bar { name: name.clone(), spread: *spread, ours: false }),
            Peer::Failed { .. } => None,
        })
        .collect();
    peers.sort_by(|one, other| one.spread.value.total_cmp(&other.spread.value));
    bars.extend(peers);
    bars
}

/// A single bar says nothing that the table does not.
pub fn worth(outcome: &Outcome) -> bool {
    bars(outcome).len() > 1
}

pub fn file_name(measure: Measure) -> String {
    format!("{}.svg", measure.name().to_lowercase())
}

/// The picture. It is legible on a light page and on a dark one.
pub fn svg(measure: Measure, outcome: &Outcome) -> String {
    let bars = bars(outcome);
    let target = outcome.figure.map(|figure| figure.target);
    let most = bars.iter().map(|bar| bar.spread.max).fold(0.0, f64::max).max(target.unwrap_or(0.0));
    let limit = target.map_or(most, |target| most.min(CUT * target)).max(f64::MIN_POSITIVE);
    let along = |value: f64| NAMES + BARS * (value / limit).clamp(0.0, 1.0);
    let (width, height) = (NAMES + BARS + FIGURES, HEAD + ROW * bars.len() as f64 + 14.0);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"8\" y=\"20\" font-weight=\"bold\">{} {}{}</text>\n",
        measure.name(),
        escaped(outcome.title),
        if outcome.unit.is_empty() { String::new() } else { format!(" ({})", outcome.unit) }
    );
    for (number, bar) in bars.iter().enumerate() {
        let y = HEAD + ROW * number as f64;
        let (middle, end) = (y + ROW / 2.0 - 1.0, along(bar.spread.value));
        let colour = if bar.ours { "#0066cc" } else { "#8a8d90" };
        let _ = writeln!(
            text,
            "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{}</text>\
             <rect x=\"{NAMES}\" y=\"{:.0}\" width=\"{:.1}\" height=\"{:.0}\" fill=\"{colour}\"/>\
             <line x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{middle:.0}\" y2=\"{middle:.0}\" stroke=\"#151515\"/>\
             <text x=\"{:.1}\" y=\"{:.0}\">{}</text>",
            NAMES - 6.0,
            y + 14.0,
            escaped(&bar.name),
            y + 2.0,
            end - NAMES,
            ROW - 6.0,
            along(bar.spread.min),
            along(bar.spread.max),
            along(bar.spread.max) + 6.0,
            y + 14.0,
            shown(bar.spread.value)
        );
    }
    if let Some(target) = target {
        let x = along(target);
        let _ = writeln!(
            text,
            "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.0}\" y2=\"{:.0}\" stroke=\"#c9190b\" stroke-dasharray=\"4 3\"/>",
            HEAD - 4.0,
            height - 10.0
        );
    }
    text.push_str("</svg>\n");
    text
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ratios;

    #[test]
    fn the_picture_has_a_bar_for_each_and_a_line_at_the_target() {
        let results = ratios::results(&ratios::tests::some());
        insta::assert_snapshot!(svg(Measure::R2, &results[&Measure::R2]));
    }

    #[test]
    fn what_is_drawn_is_more_than_one_bar() {
        let results = ratios::results(&ratios::tests::some());
        assert!(worth(&results[&Measure::R2]) && !worth(&results[&Measure::R6]));
    }
}
