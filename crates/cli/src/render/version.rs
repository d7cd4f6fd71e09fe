//! The versions of a template: the list, and one with what is new in it and why it is kept.

use super::{Look, NOTHING, bytes, counted, integrity, listed, or_nothing, sheet, template, time, trimming};
use diecast_api::operator::template::{VersionList, VersionView};

/// Titles, and whether a narrow terminal goes without.
const COLUMNS: [(&str, bool); 13] = [
    ("VERSION", true),
    ("STATUS", true),
    ("TAGS", true),
    ("PARENT", false),
    ("NEW", true),
    ("SIZE", false),
    ("HOSTS", true),
    ("HELD BY", true),
    ("VERIFIED", false),
    ("KEPT BECAUSE", true),
    ("AUTHOR", false),
    ("CREATED", false),
    ("NOTE", true),
];
/// A terminal with fewer columns than this is narrow.
const NARROW: u16 = 140;
/// Providers named in a cell.
const HOLDERS_MAX: usize = 3;

pub(crate) fn list(look: Look, list: &VersionList) -> String {
    let row = |version: &VersionView| {
        vec![
            number(version.number),
            version.status.clone(),
            version.tags.join(", "),
            or_nothing(version.parent.map(number)),
            new(version).unwrap_or_else(|| NOTHING.to_owned()),
            bytes(version.size.data_bytes),
            version.hosts.to_string(),
            listed(&version.held_by, HOLDERS_MAX),
            integrity::verified_ago(look, version.verified_at.as_ref()),
            version.kept_because.join("; "),
            version.author.clone(),
            time::ago(look.now, &version.created_at),
            version.note.clone().unwrap_or_default(),
        ]
    };
    let rows = list.items.iter().map(row).collect();
    sheet::fitting_table(look, &COLUMNS, NARROW, rows)
}

/// `v2`, as it may be typed too.
pub(crate) fn number(number: u32) -> String {
    format!("v{number}")
}

/// `96.0 MiB (0.9 %)`: what its parent has nowhere.
pub(crate) fn new(version: &VersionView) -> Option<String> {
    let new = bytes(version.new_bytes?);
    Some(match version.new_percent {
        Some(percent) => format!("{new} ({percent:.1} %)"),
        None => new,
    })
}

pub(crate) fn show(look: Look, version: &VersionView) -> String {
    let created =
        format!("{} ({})", time::instant(&version.created_at), time::ago(look.now, &version.created_at));
    let pairs = [
        ("Version", number(version.number)),
        ("Status", version.status.clone()),
        ("Digest", version.digest.clone()),
        ("Tags", version.tags.join(", ")),
        ("Note", version.note.clone().unwrap_or_default()),
        ("Author", version.author.clone()),
        ("Created", created),
        ("Parent", version.parent.map(number).unwrap_or_default()),
        ("New since its parent", new(version).unwrap_or_default()),
        ("Size", template::size(&version.size)),
        ("Trimming", trimming::sentence(version.trimming.as_ref())),
        ("Hosts", version.hosts.to_string()),
        ("Held by", if version.held_by.is_empty() { "nobody".into() } else { version.held_by.join(", ") }),
        ("Verified", integrity::verified(look, version.verified_at.as_ref())),
        ("Kept because", version.kept_because.join("; ")),
    ];
    let mut text = sheet::details(look, &pairs);
    if !version.held.is_empty() {
        text.push_str(&format!("\n{}", integrity::holders(look, &version.held)));
    }
    for held in &version.held {
        let whose = format!("{} on {}", held.template, held.provider);
        let damage = held.damage.iter().map(|damage| format!("\n{}", integrity::damage(&whose, damage)));
        text.extend(damage);
    }
    text
}

/// What leaving maintenance, or an activation, has led to, in a sentence: `now` is the current version,
/// `before` was it; what was activated was there already.
pub(crate) fn outcome(template: &str, before: u32, activated: bool, now: &VersionView) -> String {
    let named = number(now.number);
    if now.number == before {
        return format!("nothing was changed: {template} stays at {named}, and no version was made");
    }
    if activated || now.number < before {
        return format!("{named} of {template} is current again: no new version was needed");
    }
    let parent = now.parent.map(|parent| format!(" from {}", number(parent))).unwrap_or_default();
    let new = new(now).map(|new| format!("; {new} of it is new")).unwrap_or_default();
    let held = match now.held_by.len() as u64 {
        0 => "it is now brought to the providers".to_owned(),
        held => format!("held by {} so far", counted(held, "provider")),
    };
    format!("{named} of {template} is published{parent}{new}; {held}")
}

#[cfg(test)]
mod tests {
    use super::{super::samples, *};

    #[test]
    fn versions_and_who_holds_them() {
        insta::assert_snapshot!(list(samples::look(None), &samples::versions()));
    }

    #[test]
    fn versions_on_a_usual_terminal() {
        insta::assert_snapshot!(list(samples::look(Some(100)), &samples::versions()));
    }

    #[test]
    fn one_version() {
        insta::assert_snapshot!(show(samples::look(None), &samples::versions().items[0]));
    }

    #[test]
    fn the_outcome_says_what_is_new_or_that_nothing_is() {
        let version = &samples::versions().items[0];
        let said = [(1, false), (2, false), (3, false), (1, true)];
        let said = said.map(|(before, activated)| outcome("win11", before, activated, version));
        insta::assert_snapshot!(said.join("\n"));
    }
}
