//! Recreations: the list, one with its waves and hosts, what changes while it runs, and who does not answer.

use super::{Look, NOTHING, counted, or_nothing, sheet, time, trouble, version};
use diecast_api::operator::recreation::{RecreationHostView, RecreationList, RecreationView, SilentProvider};
use std::collections::BTreeMap;

pub(crate) fn list(look: Look, list: &RecreationList) -> String {
    let row = |it: &RecreationView| {
        vec![
            it.id.clone(),
            it.template.clone(),
            version::number(it.version),
            it.stage.clone(),
            wave(it).unwrap_or_else(|| NOTHING.into()),
            format!("{} of {}", it.passed, it.total),
            it.failed.to_string(),
            it.author.clone(),
            begins(look, it),
            it.note.clone().unwrap_or_default(),
        ]
    };
    let header = ["ID", "TEMPLATE", "TO", "STAGE", "WAVE", "PASSED", "FAILED", "AUTHOR", "BEGINS", "NOTE"];
    sheet::table(look, &header, list.items.iter().map(row).collect())
}

/// `2 of 4`; none before the first.
fn wave(it: &RecreationView) -> Option<String> {
    (it.wave > 0).then(|| format!("{} of {}", it.wave, it.waves))
}

/// `in 2 h` or `10 min ago`
fn begins(look: Look, it: &RecreationView) -> String {
    match time::seconds_until(look.now, &it.begins_at) {
        Some(seconds) if seconds > 0 => time::until(look.now, &it.begins_at),
        _ => time::ago(look.now, &it.begins_at),
    }
}

/// `win11 to v2  Running, wave 2 of 4  7 of 40 passed, 3 running, 29 waiting, 1 failed`
pub(crate) fn headline(it: &RecreationView) -> String {
    let wave = wave(it).map(|wave| format!(", wave {wave}")).unwrap_or_default();
    let counts = [
        ("running", it.running),
        ("waiting", it.waiting),
        ("failed", it.failed),
        ("rolled back", it.rolled_back),
    ];
    let counts =
        counts.iter().filter(|(_, count)| *count > 0).map(|(word, count)| format!(", {count} {word}"));
    let counts: String = counts.collect();
    let to = version::number(it.version);
    format!("{} to {to}  {}{wave}  {} of {} passed{counts}", it.template, it.stage, it.passed, it.total)
}

pub(crate) fn show(look: Look, it: &RecreationView) -> String {
    let mut text = format!("{}\n", headline(it));
    if let Some(note) = &it.note {
        text.push_str(&format!("{note}\n"));
    }
    let instant = |at: &Option<String>| at.as_deref().map(time::instant).unwrap_or_default();
    let pairs = [
        ("ID", it.id.clone()),
        ("Asked for by", format!("{}, {}", it.author, time::ago(look.now, &it.created_at))),
        ("Begins", format!("{} ({})", time::instant(&it.begins_at), begins(look, it))),
        ("Hosts in use wait until", instant(&it.deadline)),
        ("Ended", instant(&it.ended_at)),
    ];
    text.push_str(&format!("\n{}", sheet::details(look, &pairs)));
    if !it.hosts.is_empty() {
        text.push_str(&format!("\n{}", hosts(look, it)));
    }
    if !it.silent.is_empty() {
        text.push_str(&format!("\n{}", silent(look, it)));
    }
    text
}

/// First what moves or failed, then what waits, then what is over.
fn hosts(look: Look, it: &RecreationView) -> String {
    let mut hosts: Vec<_> = it.hosts.iter().collect();
    hosts.sort_by_key(|host| order(&host.state));
    let rows = hosts.into_iter().map(|host| {
        vec![
            host.host.clone(),
            host.provider.clone(),
            host.state.clone(),
            or_nothing(host.wave),
            host.note.clone().unwrap_or_default(),
        ]
    });
    sheet::table(look, &["HOST", "PROVIDER", "STATE", "WAVE", "NOTE"], rows.collect())
}

fn order(state: &str) -> u8 {
    match state {
        "failed" => 0,
        "begun" => 1,
        "healthy" => 2,
        "waiting" => 3,
        _ => 4,
    }
}

/// A host on which something is being done, or went wrong.
pub(crate) fn is_lively(host: &RecreationHostView) -> bool {
    order(&host.state) < 3
}

/// Who does not answer, since when, how many hosts that touches, and what to check.
pub(crate) fn silent(look: Look, it: &RecreationView) -> String {
    let who = |silent: &SilentProvider| {
        let SilentProvider { provider, since, hosts, problem } = silent;
        let since = time::lasting(look.now, since);
        trouble(&format!("{provider} (for {since}, {})", counted(*hosts, "host")), problem)
    };
    let lines: String = it.silent.iter().map(who).collect();
    let (who, verb) =
        (counted(it.silent.len() as u64, "provider"), if it.silent.len() == 1 { "does" } else { "do" });
    format!("{who} with hosts to recreate {verb} not answer:\n{lines}")
}

/// The same in a line each, for an error.
pub(crate) fn silent_lines(look: Look, it: &RecreationView) -> Vec<String> {
    let line = |silent: &SilentProvider| {
        let SilentProvider { provider, since, hosts, problem } = silent;
        let (since, hosts) = (time::lasting(look.now, since), counted(*hosts, "host"));
        format!(
            "{provider}, silent for {since}, {hosts}: {} {}; {}",
            problem.code, problem.cause, problem.hint
        )
    };
    it.silent.iter().map(line).collect()
}

/// What to say after the look before: the headline, and hosts that came to another state.
pub(crate) fn changes(before: Option<&RecreationView>, now: &RecreationView) -> Vec<String> {
    let mut lines = Vec::new();
    if before.is_none_or(|before| headline(before) != headline(now) || before.note != now.note) {
        let note = now.note.as_ref().map(|note| format!("  ({note})")).unwrap_or_default();
        lines.push(format!("{}{note}", headline(now)));
    }
    let were = before.iter().flat_map(|before| &before.hosts);
    let were: BTreeMap<&str, &RecreationHostView> = were.map(|was| (was.host.as_str(), was)).collect();
    for host in &now.hosts {
        let told = match were.get(host.host.as_str()) {
            // At first sight, those that only wait are in the headline.
            None => is_lively(host),
            Some(was) => (&was.state, &was.note) != (&host.state, &host.note),
        };
        if told {
            lines.push(line(host));
        }
    }
    lines
}

/// `desk-004 on kvm-a: begun, wave 2 (its guest agent has not answered yet)`
pub(crate) fn line(host: &RecreationHostView) -> String {
    let wave = host.wave.map(|wave| format!(", wave {wave}")).unwrap_or_default();
    let note = host.note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
    format!("{} on {}: {}{wave}{note}", host.host, host.provider, host.state)
}

#[cfg(test)]
mod tests {
    use super::{super::samples, *};

    #[test]
    fn recreations_at_a_glance() {
        let items = vec![samples::recreation(), samples::waiting_recreation(), samples::stopped_recreation()];
        insta::assert_snapshot!(list(samples::look(None), &RecreationList { items, next: None }));
    }

    #[test]
    fn a_wave_that_runs_shows_what_each_host_waits_for() {
        insta::assert_snapshot!(show(samples::look(None), &samples::recreation()));
    }

    #[test]
    fn a_wave_that_runs_on_a_narrow_terminal() {
        insta::assert_snapshot!(show(samples::look(Some(80)), &samples::recreation()));
    }

    #[test]
    fn silent_providers_are_listed_with_since_when_and_what_to_check() {
        insta::assert_snapshot!(show(samples::look(None), &samples::waiting_recreation()));
    }

    #[test]
    fn one_that_was_stopped_says_why() {
        insta::assert_snapshot!(show(samples::look(None), &samples::stopped_recreation()));
    }

    #[test]
    fn every_change_is_a_line_and_what_stayed_is_none() {
        let before = samples::recreation();
        assert_eq!(changes(Some(&before), &before), Vec::<String>::new());
        let said = [changes(None, &before), changes(Some(&before), &samples::stopped_recreation())].concat();
        insta::assert_snapshot!(said.join("\n"));
    }

    #[test]
    fn hundreds_of_hosts_with_long_names_are_a_row_each() {
        let mut view = samples::recreation();
        let host = view.hosts[0].clone();
        let named = |n| RecreationHostView { host: format!("{}-{n:03}", "x".repeat(59)), ..host.clone() };
        view.hosts = (0..500).map(named).collect();
        let piped = show(samples::look(None), &view);
        assert_eq!(piped.lines().filter(|line| line.starts_with("xxx")).count(), 500);
        let shown = show(samples::look(Some(80)), &view);
        assert!(shown.lines().skip(2).all(|line| line.chars().count() <= 80), "{shown}");
    }
}
