//! What was measured, as a table to read and as JSON to compare.

use super::series::Series;
use crate::{paths::make_folder, run::run};
use anyhow::{Context, Result};
use serde::Serialize;
use std::{fmt::Write, fs, path::Path};

/// One comparison.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    pub what: String,
    /// How it is done here.
    pub ours: Series,
    /// How it would be done otherwise.
    pub other: Series,
    /// Ours divided by the other, or the other by ours where that is what was promised.
    pub ratio: f64,
    /// What the project has set itself, as `at most 0.05`.
    pub aim: Aim,
    /// What a reader must know: sizes, what was extrapolated.
    pub note: String,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aim {
    AtMost(f64),
    AtLeast(f64),
}

impl Row {
    /// Compares the medians: ours to the other's if it is to be little, else the other's to ours.
    pub fn new(what: &str, ours: Series, other: Series, aim: Aim, note: String) -> Self {
        let ratio = match aim {
            Aim::AtMost(_) => ours.median / other.median,
            Aim::AtLeast(_) => other.median / ours.median,
        };
        Self { what: what.to_owned(), ours, other, ratio, aim, note }
    }

    fn reached(&self) -> bool {
        match self.aim {
            Aim::AtMost(most) => self.ratio <= most,
            Aim::AtLeast(least) => self.ratio >= least,
        }
    }
}

#[derive(Serialize)]
struct Results<'a> {
    machine: String,
    date: String,
    rows: &'a [Row],
}

pub fn markdown(rows: &[Row]) -> Result<String> {
    let mut text = format!(
        "# Maintenance, measured\n\n{}, {}\n\n\
         | What | Diecast | Otherwise | Ratio | Aim | |\n|---|---|---|---|---|---|\n",
        date()?,
        machine()?
    );
    for row in rows {
        let aim = match row.aim {
            Aim::AtMost(most) => format!("≤ {most}"),
            Aim::AtLeast(least) => format!("≥ {least}"),
        };
        let verdict = if row.reached() { "reached" } else { "**not reached**" };
        let (ours, other) = (row.ours.told(), row.other.told());
        writeln!(text, "| {} | {ours} | {other} | {:.3} | {aim} | {verdict} |", row.what, row.ratio)?;
    }
    text.push('\n');
    for (number, row) in rows.iter().enumerate() {
        if number == 0 || rows[number - 1].note != row.note {
            writeln!(text, "- {}: {}", row.what, row.note)?;
        }
    }
    Ok(text)
}

/// Writes both forms, each whole or not at all.
pub fn write(folder: &Path, rows: &[Row]) -> Result<()> {
    make_folder(folder)?;
    let json = serde_json::to_string_pretty(&Results { machine: machine()?, date: date()?, rows })?;
    for (name, text) in [("maintenance.md", markdown(rows)?), ("maintenance.json", json + "\n")] {
        let (file, fresh) = (folder.join(name), folder.join(format!("{name}.new")));
        fs::write(&fresh, text)
            .and_then(|()| fs::rename(&fresh, &file))
            .with_context(|| format!("writing {}", file.display()))?;
    }
    Ok(())
}

fn date() -> Result<String> {
    Ok(run(&["date", "--utc", "+%Y-%m-%d"])?)
}

fn machine() -> Result<String> {
    let line = "model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1); \
        echo \"$(nproc) cores (${model:-unknown}), $(free -g | awk '/^Mem/ {print $2}') GiB, Linux $(uname -r)\"";
    Ok(run(&["sh", "-c", line])?)
}
