//! Bundles as text: what one says of itself, and what became of it.

use super::{Look, NOTHING, bytes, or_nothing, sheet, short, time, version::number};
use diecast_api::{operator::bundle::BundleView, time::rfc3339};
use diecast_domain::bundle::Header;
use std::path::Path;

pub(crate) fn show(look: Look, header: &Header, length: u64) -> String {
    let created = rfc3339(header.created_at);
    let created = format!("{} ({})", time::instant(&created), time::ago(look.now, &created));
    let builds_on = header.since.map(|since| format!("{} ({})", number(since.number), since.digest));
    let tags: Vec<_> = header.tags.iter().map(ToString::to_string).collect();
    let size = header.size;
    let pairs = [
        ("Template", header.template.to_string()),
        ("Version", number(header.number)),
        ("Digest", header.digest.to_string()),
        ("Builds on", builds_on.unwrap_or_else(|| "nothing: it has all of the version".to_owned())),
        ("Carries", format!("{} of {}", bytes(header.carried.0), bytes(size.data_bytes.0))),
        ("File", bytes(length)),
        ("Disks", bytes(size.virtual_bytes.0)),
        ("Tags", tags.join(", ")),
        ("Note", header.note.clone().unwrap_or_default()),
        ("Author", header.author.clone()),
        ("Created", created),
        ("Parent", header.parent.map(number).unwrap_or_default()),
        ("Warnings", header.warnings.join("; ")),
    ];
    sheet::details(look, &pairs)
}

pub(crate) fn exported(view: &BundleView, file: &Path, length: u64) -> String {
    let since = view.since.map(|since| format!(", what is new since {}", number(since)));
    format!(
        "{} has {} of {}{} ({})\n{}",
        file.display(),
        number(view.version),
        view.template,
        since.unwrap_or_default(),
        bytes(length),
        view.digest
    )
}

/// One that was read, as it is told while others follow.
pub(crate) fn imported(view: &BundleView, file: &Path) -> String {
    let (version, template) = (number(view.version), &view.template);
    match (&view.provider, view.new) {
        (Some(provider), true) => format!("{}: {template} has {version} now, by {provider}", file.display()),
        (Some(provider), false) => {
            format!("{}: {provider} holds {version} of {template} again", file.display())
        }
        (None, _) => format!("{}: {template} has {version} already; nothing to do", file.display()),
    }
}

pub(crate) fn list(look: Look, views: &[BundleView]) -> String {
    let row = |view: &BundleView| {
        vec![
            view.template.clone(),
            number(view.version),
            short(&view.digest).to_owned(),
            or_nothing(view.since.map(number)),
            bytes(view.carried_bytes),
            view.provider.clone().unwrap_or_else(|| NOTHING.to_owned()),
            if view.new { "imported" } else { "was there" }.to_owned(),
        ]
    };
    let header = ["TEMPLATE", "VERSION", "DIGEST", "SINCE", "CARRIED", "PROVIDER", "RESULT"];
    sheet::table(look, &header, views.iter().map(row).collect())
}
