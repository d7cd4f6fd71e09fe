//! The versions of a template.

use super::{Look, bytes, sheet, short, time};
use diecast_api::operator::template::{VersionList, VersionView};

pub(crate) fn list(look: Look, list: &VersionList) -> String {
    let row = |version: &VersionView| {
        vec![
            version.number.to_string(),
            if version.current { "current" } else { "" }.to_owned(),
            short(&version.digest).to_owned(),
            bytes(version.size.data_bytes),
            version.held_by.join(", "),
            version.author.clone(),
            time::ago(look.now, &version.created_at),
            version.note.clone().unwrap_or_default(),
        ]
    };
    let header = ["VERSION", "", "DIGEST", "SIZE", "HELD BY", "AUTHOR", "CREATED", "NOTE"];
    sheet::table(look, &header, list.items.iter().map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::{super::samples, *};

    #[test]
    fn versions_and_who_holds_them() {
        insta::assert_snapshot!(list(samples::look(None), &samples::versions()));
    }
}
