//! The audit trail: a line an entry, and below it what it changed.

use super::{Look, counted, sheet, time};
use diecast_api::operator::audit::{AuditEntryView, AuditList, AuditSettings};
use serde_json::Value;

/// Longer values of a field are cut for eyes; JSON has them whole.
const VALUE_MAX: usize = 60;

pub(crate) fn list(_: Look, list: &AuditList) -> String {
    list.items.iter().map(entry).collect()
}

/// `2026-01-01 00:00:00Z  provider.changed  provider kvm-a  a sentence  (by admin from 10.0.0.7)`
fn entry(it: &AuditEntryView) -> String {
    let at = time::instant(&it.at);
    let AuditEntryView { action, object, name, message, who, from, .. } = it;
    let refused = it.refused.as_ref().map(|code| format!("REFUSED {code}: ")).unwrap_or_default();
    let about = if name.is_empty() { object.clone() } else { format!("{object} {name}") };
    let mut text = format!("{at}  {action:<20}  {about}  {refused}{message}  (by {who} from {from})\n");
    for line in changes(it.before.as_ref(), it.after.as_ref()) {
        text.push_str(&format!("    {line}\n"));
    }
    text
}

/// `settings.storage: "default" -> "fast"`, one for each field that is not what it was. What was
/// made or deleted is said by the entry itself.
fn changes(before: Option<&Value>, after: Option<&Value>) -> Vec<String> {
    let mut lines = Vec::new();
    if let (Some(before), Some(after)) = (before, after) {
        compare("", before, after, &mut lines);
    }
    lines
}

fn compare(path: &str, before: &Value, after: &Value, lines: &mut Vec<String>) {
    if before == after {
        return;
    }
    let (Value::Object(one), Value::Object(other)) = (before, after) else {
        lines.push(format!("{path}: {} -> {}", short(before), short(after)));
        return;
    };
    let fields: std::collections::BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    for field in fields {
        let path = if path.is_empty() { field.clone() } else { format!("{path}.{field}") };
        let value = |object: &serde_json::Map<String, Value>| object.get(field).cloned().unwrap_or_default();
        compare(&path, &value(one), &value(other), lines);
    }
}

fn short(value: &Value) -> String {
    if value.is_null() {
        return "nothing".to_owned();
    }
    let text = value.to_string();
    if text.chars().count() <= VALUE_MAX {
        return text;
    }
    text.chars().take(VALUE_MAX - 3).chain("...".chars()).collect()
}

pub(crate) fn settings(look: Look, it: &AuditSettings) -> String {
    sheet::details(look, &[("Kept for", counted(it.days, "day"))])
}

#[cfg(test)]
mod tests {
    use super::{super::samples, *};

    #[test]
    fn entries_say_who_did_what_and_what_it_changed() {
        insta::assert_snapshot!(list(samples::look(None), &samples::audit()));
    }
}
