//! A file of settings: TOML, with tables taken as the beginning of a name (`[backup]` and `every` is `backup-every`).

use diecast_domain::code::{Code, Problem};
use std::path::{Path, PathBuf};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// Nobody writes a longer one by hand.
const BYTES_MAX: u64 = 1 << 20;

/// What one line sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) key: String,
    pub(crate) value: Value,
    pub(crate) line: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    One(String),
    Switch(bool),
    Many(Vec<String>),
}

pub(crate) struct File {
    path: PathBuf,
    text: String,
}

impl File {
    /// None if it is not there, and nobody asked for it by name.
    pub(crate) fn read(path: &Path, asked_for: bool) -> Result<Option<Self>, Problem> {
        let unreadable = |why: &dyn std::fmt::Display| {
            Problem::new(Code::S0007, format!("{} cannot be read: {why}", path.display()))
                .with_hint("check the path, and that the file may be read by the user that runs this")
        };
        match std::fs::metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !asked_for => return Ok(None),
            Err(error) => return Err(unreadable(&error)),
            Ok(meta) if meta.len() > BYTES_MAX => return Err(unreadable(&"it is larger than 1 MiB")),
            Ok(_) => {}
        }
        let text = std::fs::read_to_string(path).map_err(|error| unreadable(&error))?;
        Ok(Some(Self { path: path.to_owned(), text }))
    }

    /// One that says this.
    #[cfg(any(test, feature = "doors"))]
    pub(crate) fn of(text: &str) -> Self {
        Self { path: "a.toml".into(), text: text.to_owned() }
    }

    pub(crate) fn settings(&self) -> Result<Vec<Setting>, Problem> {
        let whole = DeTable::parse(&self.text).map_err(|error| {
            let line = error.span().map_or(1, |span| self.line(span.start));
            self.wrong(line, error.message())
        })?;
        let mut found = Vec::new();
        self.collect(whole.get_ref(), "", &mut found)?;
        found.sort_by_key(|setting: &Setting| setting.line);
        for (index, later) in found.iter().enumerate() {
            // Once within a table and once without: TOML itself sees two names.
            if let Some(before) = found[..index].iter().find(|before| before.key == later.key) {
                let what = format!("`{}` is set on line {} already", later.key, before.line);
                return Err(self.wrong(later.line, what));
            }
        }
        Ok(found)
    }

    /// An error on a line of this file.
    pub(crate) fn wrong(&self, line: usize, what: impl std::fmt::Display) -> Problem {
        Problem::new(Code::S0007, format!("{}, line {line}: {what}", self.path.display()))
    }

    fn line(&self, offset: usize) -> usize {
        self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
    }

    fn collect(&self, table: &DeTable<'_>, above: &str, found: &mut Vec<Setting>) -> Result<(), Problem> {
        for (name, value) in table {
            let line = self.line(name.span().start);
            let key = format!("{above}{}", name.get_ref());
            if let DeValue::Table(inner) = value.get_ref() {
                self.collect(inner, &format!("{key}-"), found)?;
                continue;
            }
            let Some(value) = meant(value) else {
                let what = format!("`{key}` cannot be a {}", value.get_ref().type_str());
                return Err(self
                    .wrong(line, what)
                    .with_hint("write the value in quotes, as it is typed after the flag"));
            };
            found.push(Setting { key, value, line });
        }
        Ok(())
    }
}

fn meant(value: &Spanned<DeValue<'_>>) -> Option<Value> {
    match value.get_ref() {
        DeValue::Boolean(switch) => Some(Value::Switch(*switch)),
        DeValue::Array(items) => {
            items.iter().map(|item| plain(item.get_ref())).collect::<Option<_>>().map(Value::Many)
        }
        other => plain(other).map(Value::One),
    }
}

fn plain(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.clone().into_owned()),
        DeValue::Integer(number) => Some(number.as_str().to_owned()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        _ => None,
    }
}
