//! The difference between a file and what is there, line by line.

use crate::commands::Step;
use serde::Serialize;

/// Longer values are texts, and told by their size.
const VALUE_MAX: usize = 60;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Sign {
    Add,
    Change,
    Remove,
}

impl Sign {
    const fn letter(self) -> char {
        match self {
            Self::Add => '+',
            Self::Change => '~',
            Self::Remove => '-',
        }
    }
}

/// One value under its dotted key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Field {
    pub(crate) key: String,
    pub(crate) from: Option<String>,
    pub(crate) to: Option<String>,
}

/// `pool desks`
pub(crate) fn title(step: &Step) -> String {
    format!("{} {}", step.kind, step.name)
}

pub(crate) fn show(steps: &[Step]) -> String {
    if steps.is_empty() {
        return "nothing to change\n".to_owned();
    }
    let mut text = String::new();
    for step in steps {
        text.push_str(&format!("{} {}\n", step.sign.letter(), title(step)));
        for field in &step.fields {
            text.push_str(&format!("    {}\n", line(field)));
        }
    }
    text
}

/// `~ max: 20 → 30`
fn line(field: &Field) -> String {
    let Field { key, from, to } = field;
    match (from, to) {
        (Some(from), Some(to)) => format!("~ {key}: {} → {}", value(from), value(to)),
        (None, Some(to)) => format!("+ {key}: {}", value(to)),
        (Some(from), None) => format!("- {key}: {}", value(from)),
        (None, None) => format!("~ {key}"),
    }
}

fn value(text: &str) -> String {
    let lines = text.lines().count();
    if lines > 1 || text.chars().count() > VALUE_MAX {
        return format!("({} bytes of text)", text.len());
    }
    if text.is_empty() { "none".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_says_what_comes_what_goes_and_what_becomes_of_it() {
        let field = |from: Option<&str>, to: Option<&str>| {
            let (from, to) = (from.map(str::to_owned), to.map(str::to_owned));
            line(&Field { key: "site".into(), from, to })
        };
        assert_eq!(field(Some("berlin"), Some("madrid")), "~ site: berlin → madrid");
        assert_eq!(field(None, Some("madrid")), "+ site: madrid");
        assert_eq!(field(Some("berlin"), None), "- site: berlin");
        assert_eq!(field(Some("berlin"), Some("")), "~ site: berlin → none");
        assert_eq!(field(None, Some("a\nb")), "+ site: (3 bytes of text)");
    }
}
