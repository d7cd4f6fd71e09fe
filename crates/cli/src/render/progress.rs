//! Progress: what a bar says, and a line for every change where no bar can be drawn.

use super::{distribution::headline, time};
use diecast_api::operator::{
    distribution::{DistributionRow, DistributionView},
    template::PublicationView,
};
use diecast_domain::units::{ByteCount, BytesPerSecond};

/// Progress is told anew after so many per cent.
const STEP_PERCENT: f64 = 10.0;

/// `41.7 %  transferring  112 MiB/s  12 s left`
pub(crate) fn bar(row: &DistributionRow) -> String {
    let mut parts = vec![format!("{:>5.1} %", row.percent)];
    parts.push(row.phase.clone().unwrap_or_else(|| row.state.clone()));
    if row.bytes_per_second > 0 {
        parts.push(BytesPerSecond(row.bytes_per_second).to_string());
    }
    if let Some(left) = row.seconds_left {
        parts.push(format!("{} left", time::span(left)));
    }
    if let (Some(code), Some(cause)) = (&row.code, &row.cause) {
        parts.push(format!("{code} {cause}"));
    }
    parts.join("  ")
}

/// What to say of a view after the one before: the headline and the rows that changed.
pub(crate) fn changes(before: Option<&DistributionView>, now: &DistributionView) -> Vec<String> {
    let mut lines = Vec::new();
    if before.is_none_or(|before| headline(before) != headline(now)) {
        lines.push(headline(now));
    }
    for row in &now.providers {
        let was = before.and_then(|view| view.providers.iter().find(|was| was.provider == row.provider));
        if was.is_none_or(|was| differs(was, row)) {
            lines.push(line(row));
        }
    }
    for was in before.iter().flat_map(|view| &view.providers) {
        if !now.providers.iter().any(|row| row.provider == was.provider) {
            lines.push(format!("{}: off the list", was.provider));
        }
    }
    lines
}

fn differs(was: &DistributionRow, row: &DistributionRow) -> bool {
    let word = |row: &DistributionRow| {
        (row.state.clone(), row.progress.clone(), row.phase.clone(), row.code.clone(), step(row.percent))
    };
    word(was) != word(row)
}

fn step(percent: f64) -> u64 {
    (percent / STEP_PERCENT) as u64
}

/// `kvm-b: Needs update, transferring, 41.7 % of 2.40 GiB, 112 MiB/s, 12 s left`
fn line(row: &DistributionRow) -> String {
    let mut parts = vec![row.state.clone()];
    let settled = row.state == "Ready" || row.phase.as_deref() == Some("queued");
    parts.extend(row.phase.clone().filter(|phase| !phase.eq_ignore_ascii_case(&row.state)));
    if !settled && row.bytes_total > 0 {
        parts.push(format!("{:.1} % of {}", row.percent, ByteCount(row.bytes_total)));
    }
    if row.bytes_per_second > 0 {
        parts.push(BytesPerSecond(row.bytes_per_second).to_string());
    }
    if let Some(left) = row.seconds_left {
        parts.push(format!("{} left", time::span(left)));
    }
    if let (Some(code), Some(cause)) = (&row.code, &row.cause) {
        parts.push(format!("{code} {cause}"));
    }
    format!("{}: {}", row.provider, parts.join(", "))
}

/// ``VM `golden` on kvm-a: reading, 40.0 % of 2.40 GiB``
pub(crate) fn publication(publication: &PublicationView) -> String {
    let PublicationView { provider, source, phase, percent, .. } = publication;
    let total = ByteCount(publication.bytes_total);
    match publication.bytes_total {
        0 => format!("{source} on {provider}: {phase}"),
        _ => format!("{source} on {provider}: {phase}, {percent:.1} % of {total}"),
    }
}

/// As [`publication`], with how fast it goes.
pub(crate) fn publication_at(now: &PublicationView, rate: u64) -> String {
    match rate {
        0 => publication(now),
        _ => format!("{}, {}", publication(now), BytesPerSecond(rate)),
    }
}

/// `41.7 %  reading  40.0 MiB / 96.0 MiB  112 MiB/s`
pub(crate) fn publication_bar(now: &PublicationView, rate: u64) -> String {
    let mut parts = vec![format!("{:>5.1} %", now.percent), now.phase.clone()];
    if now.bytes_total > 0 {
        parts.push(format!("{} / {}", ByteCount(now.bytes_done), ByteCount(now.bytes_total)));
    }
    if rate > 0 {
        parts.push(BytesPerSecond(rate).to_string());
    }
    if let (Some(code), Some(cause)) = (&now.code, &now.cause) {
        parts.push(format!("{code} {cause}"));
    }
    parts.join("  ")
}

/// The publication has come far enough to be told again.
pub(crate) fn publication_differs(was: Option<&PublicationView>, now: &PublicationView) -> bool {
    let word = |it: &PublicationView| (it.phase.clone(), it.code.clone(), step(it.percent));
    was.is_none_or(|was| word(was) != word(now))
}

#[cfg(test)]
mod tests {
    use super::{super::samples, *};

    #[test]
    fn every_change_is_a_line_and_what_stayed_is_none() {
        let before = samples::distribution();
        assert_eq!(changes(Some(&before), &before), Vec::<String>::new());
        insta::assert_snapshot!("first", changes(None, &before).join("\n"));
        insta::assert_snapshot!("then", changes(Some(&before), &samples::settled()).join("\n"));
    }

    #[test]
    fn a_little_progress_is_not_told() {
        let before = samples::distribution();
        let mut now = before.clone();
        now.providers[1].percent += 1.0;
        assert_eq!(changes(Some(&before), &now).len(), 0);
        now.providers[1].percent += 10.0;
        assert_eq!(changes(Some(&before), &now).len(), 1);
    }

    #[test]
    fn a_publication_says_phase_bytes_and_rate() {
        let now = samples::leaving("reading", 42.0).publication.unwrap();
        assert_eq!(publication_bar(&now, 1 << 20), " 42.0 %  reading  40.1 MiB / 95.4 MiB  1.00 MiB/s");
        assert_eq!(
            publication_at(&now, 1 << 20),
            "working copy of v2 on kvm-a: reading, 42.0 % of 95.4 MiB, 1.00 MiB/s"
        );
    }

    #[test]
    fn a_bar_says_phase_rate_and_time_left() {
        let said: Vec<_> = samples::distribution().providers.iter().map(bar).collect();
        insta::assert_snapshot!(said.join("\n"));
    }
}
