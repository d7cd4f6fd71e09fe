//! What happened, a line an event.

use super::time;
use diecast_api::operator::event::{EventList, EventView};

/// `2026-01-01 00:00:00Z  replica.ready  template win11  T0001  a sentence (admin)`
pub(crate) fn line(event: &EventView) -> String {
    let EventView { at, kind, object, name, actor, message, code, .. } = event;
    let code = code.as_ref().map(|code| format!("{code}  ")).unwrap_or_default();
    let by = if actor == "diecast" { String::new() } else { format!("  (by {actor})") };
    let at = time::instant(at);
    format!("{at}  {kind:<24}  {object} {name}  {code}{message}{by}")
}

pub(crate) fn list(list: &EventList) -> String {
    list.items.iter().map(|event| format!("{}\n", line(event))).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::samples, *};

    #[test]
    fn events_are_lines() {
        insta::assert_snapshot!(list(&samples::events()));
    }
}
