//! Whether what is written of the settings is true: the file that a package ships, and the page of the reference.

use crate::Key;
use std::collections::BTreeSet;

/// What is wrong with the shipped file and the page. `section` is the heading of the page that lists these keys.
pub fn complaints(keys: &[Key], shipped: &str, page: &str, section: &str) -> Vec<String> {
    let mut found = Vec::new();
    let in_file: BTreeSet<&str> = shipped.lines().filter_map(key_of_line).collect();
    let rows = rows(page, section);
    for key in keys {
        let (name, variable) = (&key.name, &key.variable);
        if !in_file.contains(name.as_str()) {
            found.push(format!("the shipped file does not show `{name}`: a line `#{name} = ...`"));
        }
        if !shipped.contains(variable.as_str()) {
            found.push(format!("the shipped file does not name {variable}, the variable of `{name}`"));
        }
        let default = key.defaults.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ");
        match rows.iter().find(|row| row[0] == format!("`{name}`")) {
            None => found.push(format!("the page does not list `{name}` under {section}")),
            Some(row) if row[1] != format!("`{variable}`") => {
                found.push(format!(
                    "the page names {} as the variable of `{name}`, which is {variable}",
                    row[1]
                ));
            }
            Some(row) if !default.is_empty() && row[2] != default => {
                found.push(format!(
                    "the page says that `{name}` is {} by default, and it is {default}",
                    row[2]
                ));
            }
            Some(_) => {}
        }
    }
    let known = |name: &str| keys.iter().any(|key| key.name == name);
    let strange = in_file.iter().filter(|name| !known(name));
    found.extend(strange.map(|name| format!("the shipped file shows `{name}`, which is no key")));
    let strange = rows.iter().filter(|row| !known(row[0].trim_matches('`')));
    found.extend(strange.map(|row| format!("the page lists {}, which is no key", row[0])));
    found
}

/// The file with every key that it shows set as it is shown.
pub fn uncommented(shipped: &str) -> String {
    let lines = shipped.lines().map(|line| match key_of_line(line) {
        Some(_) => line.trim_start_matches('#'),
        None => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// `#listen = "..."`: a default, shown and not set.
fn key_of_line(line: &str) -> Option<&str> {
    let (name, _) = line.strip_prefix('#').unwrap_or(line).split_once(" = ")?;
    let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    Some(name).filter(|name| !name.is_empty() && name.chars().all(plain))
}

/// The cells of the table below a heading, without the table's head.
fn rows<'p>(page: &'p str, section: &str) -> Vec<Vec<&'p str>> {
    let below = page.lines().skip_while(|line| *line != section).skip(1);
    let section = below.take_while(|line| !line.starts_with("## "));
    let lines = section.filter(|line| line.starts_with('|')).skip(2);
    lines.map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, default: &str) -> Key {
        Key {
            name: name.to_owned(),
            variable: format!("X_{}", name.to_uppercase()),
            defaults: vec![default.to_owned()],
            help: String::new(),
            many: false,
            switch: false,
        }
    }

    #[test]
    fn what_is_missing_or_no_longer_true_is_said() {
        let page = "# P\n## It\n\n| Key | Variable | Default | What |\n|---|---|---|---|\n| `one` | `X_ONE` | `1` | It |\n## Other\n| `no` | x |";
        let file = "# Talk = talk\n#one = 1\n# X_ONE\n";
        assert_eq!(complaints(&[key("one", "1")], file, page, "## It"), Vec::<String>::new());
        let said = complaints(&[key("one", "2"), key("two", "2")], file, page, "## It");
        assert_eq!(said.len(), 4, "{said:?}");
        let said = complaints(&[], file, page, "## It");
        assert_eq!(said.len(), 2, "{said:?}");
        assert_eq!(uncommented(file), "# Talk = talk\none = 1\n# X_ONE");
    }
}
