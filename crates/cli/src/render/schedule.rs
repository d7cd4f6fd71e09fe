//! Schedules: what runs next, and what came of it last.

use super::{Look, NOTHING, sheet, time, yes_no};
use diecast_api::operator::schedule::{ScheduleList, ScheduleView};

pub(crate) fn list(look: Look, list: &ScheduleList) -> String {
    let row = |it: &ScheduleView| {
        vec![
            it.name.clone(),
            it.action.clone(),
            it.selection.clone(),
            it.when.clone(),
            yes_no(it.enabled),
            next(look, it).unwrap_or_else(|| "never".into()),
            last(look, it).unwrap_or_else(|| NOTHING.into()),
        ]
    };
    let header = ["NAME", "ACTION", "HOSTS", "WHEN", "ENABLED", "NEXT", "LAST"];
    sheet::table(look, &header, list.items.iter().map(row).collect())
}

/// `2026-01-03 02:00:00Z (in 2 d 1 h)`
fn next(look: Look, it: &ScheduleView) -> Option<String> {
    let at = it.next_at.as_deref()?;
    Some(format!("{} ({})", time::instant(at), time::until(look.now, at)))
}

/// `5 d ago: 3 hosts are recreated`
fn last(look: Look, it: &ScheduleView) -> Option<String> {
    let at = it.last_at.as_deref()?;
    let failed = if it.last_ok == Some(false) { "FAILED, " } else { "" };
    let outcome = it.last_outcome.as_deref().unwrap_or(NOTHING);
    Some(format!("{}: {failed}{outcome}", time::ago(look.now, at)))
}

pub(crate) fn show(look: Look, it: &ScheduleView) -> String {
    let pairs = [
        ("Name", it.name.clone()),
        ("Action", it.action.clone()),
        ("Hosts", it.selection.clone()),
        ("When", it.when.clone()),
        ("Enabled", yes_no(it.enabled)),
        ("Next", next(look, it).unwrap_or_else(|| "never".into())),
        ("Last", last(look, it).unwrap_or_default()),
        ("Author", it.author.clone()),
    ];
    sheet::details(look, &pairs)
}

#[cfg(test)]
mod tests {
    use super::{super::samples, *};

    #[test]
    fn schedules_say_what_runs_next_and_what_came_of_it_last() {
        insta::assert_snapshot!(list(samples::look(None), &samples::schedules()));
    }

    #[test]
    fn one_schedule() {
        insta::assert_snapshot!(show(samples::look(None), &samples::schedules().items[0]));
    }
}
