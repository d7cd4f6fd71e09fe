//! How a distribution stands: a headline, a row a provider, and what is not well.

use super::{Look, NOTHING, bytes, integrity, or_nothing, sheet, short, time, trouble};
use diecast_api::operator::{
    ProblemView,
    distribution::{DistributionRow, DistributionView, SavedView, SourceView},
};
use diecast_domain::units::BytesPerSecond;

/// Titles, and whether a narrow terminal goes without.
const COLUMNS: [(&str, bool); 12] = [
    ("PROVIDER", true),
    ("STATE", true),
    ("PROGRESS", true),
    ("PHASE", true),
    ("%", true),
    ("DONE", false),
    ("NETWORK", false),
    ("RATE", true),
    ("LEFT", true),
    ("SINCE", false),
    ("ATTEMPTS", false),
    ("VERIFIED", false),
];
/// A terminal with fewer columns than this is narrow: every word of the table would be on a line of its own.
const NARROW: u16 = 110;

pub(crate) fn show(look: Look, view: &DistributionView) -> String {
    let mut text = format!("{}\n", headline(view));
    if !view.providers.is_empty() {
        let rows = view.providers.iter().map(|row| cells(look, row)).collect();
        text.push_str(&format!("\n{}", sheet::fitting_table(look, &COLUMNS, NARROW, rows)));
    }
    let transfers: String = view.providers.iter().filter_map(received).collect();
    if !transfers.is_empty() {
        text.push_str(&format!("\n{transfers}"));
    }
    let limits: String = view.providers.iter().filter_map(held_back).collect();
    if !limits.is_empty() {
        text.push_str(&format!("\n{limits}"));
    }
    let troubles: String = view.providers.iter().filter_map(|row| trouble_of(look, row)).collect();
    if !troubles.is_empty() {
        text.push_str(&format!("\n{troubles}"));
    }
    for row in &view.providers {
        let whose = format!("{} on {}", view.template, row.provider);
        for damage in &row.damaged {
            text.push_str(&format!("\n{}", integrity::damage(&whose, damage)));
        }
    }
    text
}

/// `win11  version 2 (3f9a0c21b7de)  Distributing (1 failed, 12 of 40 ready)`
pub(crate) fn headline(view: &DistributionView) -> String {
    let version = match (view.version, &view.digest) {
        (Some(number), Some(digest)) => format!("version {number} ({})", short(digest)),
        (Some(number), None) => format!("version {number}"),
        (None, _) => "no version yet".to_owned(),
    };
    format!("{}  {version}  {}", view.template, view.summary.text)
}

fn cells(look: Look, row: &DistributionRow) -> Vec<String> {
    let moves = row.bytes_per_second > 0;
    vec![
        row.provider.clone(),
        row.state.clone(),
        row.progress.clone(),
        row.phase.clone().unwrap_or_else(|| NOTHING.into()),
        format!("{:.1}", row.percent),
        done(row),
        bytes(row.bytes_network),
        if moves { BytesPerSecond(row.bytes_per_second).to_string() } else { NOTHING.into() },
        or_nothing(row.seconds_left.map(time::span)),
        time::lasting(look.now, &row.since),
        attempts(look, row),
        integrity::verified_ago(look, row.verified_at.as_ref()),
    ]
}

/// `1.00 GiB / 2.40 GiB`
pub(crate) fn done(row: &DistributionRow) -> String {
    match row.bytes_total {
        0 => NOTHING.to_owned(),
        total => format!("{} / {}", bytes(row.bytes_done), bytes(total)),
    }
}

/// `2, next in 40 s`
fn attempts(look: Look, row: &DistributionRow) -> String {
    match &row.next_attempt_at {
        Some(at) => format!("{}, next {}", row.attempts, time::until(look.now, at)),
        None => row.attempts.to_string(),
    }
}

/// `kvm-b receives from kvm-a: 410 MiB, 88.0 MiB/s; kvm-e: 103 MiB, 24.0 MiB/s`
fn received(row: &DistributionRow) -> Option<String> {
    let one = |it: &SourceView| {
        let rate = if it.bytes_per_second == 0 {
            "nothing now".to_owned()
        } else {
            BytesPerSecond(it.bytes_per_second).to_string()
        };
        format!("{}: {}, {rate}", it.provider, bytes(it.bytes))
    };
    let sources: Vec<_> = row.sources.iter().map(one).collect();
    let saved = row.saved.as_ref().map(|saved| format!("{} {}\n", row.provider, spared(saved)));
    let saved = saved.unwrap_or_default();
    (!sources.is_empty()).then(|| format!("{} receives from {}\n{saved}", row.provider, sources.join("; ")))
}

/// `is spared 17.6 GiB of holes, 307 MiB that were there, 205 MiB by compression, 82.0 MiB by differences`
fn spared(saved: &SavedView) -> String {
    let SavedView { holes, there, compression, differences } = *saved;
    let differences = match differences {
        0 => String::new(),
        differences => format!(", {} by differences", bytes(differences)),
    };
    format!(
        "is spared {} of holes, {} that were there, {} by compression{differences}",
        bytes(holes),
        bytes(there),
        bytes(compression)
    )
}

/// What somebody set to keep it slow: what would else be looked for in the network.
fn held_back(row: &DistributionRow) -> Option<String> {
    let limited = row.limited.as_ref()?;
    Some(format!("{}: {}\n", row.provider, limited.text))
}

/// Why a provider is not well, if it is not, and when it is tried again.
fn trouble_of(look: Look, row: &DistributionRow) -> Option<String> {
    let problem = ProblemView {
        code: row.code.clone()?,
        cause: row.cause.clone().unwrap_or_default(),
        hint: row.hint.clone().unwrap_or_default(),
    };
    let mut text = trouble(&row.provider, &problem);
    if let Some(at) = &row.next_attempt_at {
        text.push_str(&format!("  next attempt {}, by itself\n", time::until(look.now, at)));
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::{super::samples, *};

    #[test]
    fn a_distribution_under_way_in_a_pipe() {
        insta::assert_snapshot!(show(samples::look(None), &samples::distribution()));
    }

    #[test]
    fn a_distribution_under_way_on_a_narrow_terminal() {
        insta::assert_snapshot!(show(samples::look(Some(80)), &samples::distribution()));
    }

    #[test]
    fn a_distribution_under_way_on_a_usual_terminal() {
        insta::assert_snapshot!(show(samples::look(Some(120)), &samples::distribution()));
    }

    #[test]
    fn a_distribution_that_is_well_has_nothing_below_its_table() {
        insta::assert_snapshot!(show(samples::look(None), &samples::settled()));
    }

    #[test]
    fn a_template_without_a_version_says_so() {
        let mut view = samples::settled();
        (view.version, view.digest, view.providers) = (None, None, vec![]);
        insta::assert_snapshot!(show(samples::look(None), &view));
    }
}
