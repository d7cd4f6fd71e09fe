//! What was measured, as a table to read and as JSON to compare.

use super::series::Series;
use crate::{paths::make_folder, run::run};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::{fmt::Write, fs, path::Path};

/// One comparison.
#[derive(Clone, Debug, Serialize, Deserialize)]
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

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
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

#[derive(Serialize, Deserialize)]
struct Results {
    machine: String,
    date: String,
    rows: Vec<Row>,
}

impl Results {
    /// These rows, and those of other parts that the same machine measured on the same day.
    fn with(self, earlier: Option<Self>) -> Self {
        let Some(earlier) = earlier.filter(|it| (&it.machine, &it.date) == (&self.machine, &self.date))
        else {
            return self;
        };
        let anew = |row: &Row| self.rows.iter().any(|it| it.what == row.what);
        let kept: Vec<Row> = earlier.rows.into_iter().filter(|row| !anew(row)).collect();
        Self { rows: [kept, self.rows].concat(), ..self }
    }
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

/// Writes both forms, each whole or not at all. A part that is measured by itself takes nothing from the others.
pub fn write(folder: &Path, rows: &[Row]) -> Result<()> {
    make_folder(folder)?;
    let earlier = fs::read(folder.join("maintenance.json")).ok();
    let earlier = earlier.and_then(|text| serde_json::from_slice(&text).ok());
    let results = Results { machine: machine()?, date: date()?, rows: rows.to_vec() }.with(earlier);
    let json = serde_json::to_string_pretty(&results)?;
    for (name, text) in [("maintenance.md", markdown(&results.rows)?), ("maintenance.json", json + "\n")] {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn results(date: &str, rows: &[(&str, f64)]) -> Results {
        let row = |(what, value): &(&str, f64)| {
            let series = || Series::of("s", vec![*value]);
            Row::new(what, series(), series(), Aim::AtMost(1.0), String::new())
        };
        Results { machine: "two cores".into(), date: date.into(), rows: rows.iter().map(row).collect() }
    }

    fn told(results: &Results) -> Vec<(&str, f64)> {
        results.rows.iter().map(|row| (row.what.as_str(), row.ours.median)).collect()
    }

    #[test]
    fn a_part_measured_by_itself_leaves_the_others_of_that_day_and_no_others() {
        let earlier = || Some(results("today", &[("publishing", 1.0), ("hosts", 2.0)]));
        let again = results("today", &[("hosts", 3.0)]).with(earlier());
        assert_eq!(told(&again), [("publishing", 1.0), ("hosts", 3.0)]);
        assert_eq!(told(&results("tomorrow", &[("hosts", 3.0)]).with(earlier())), [("hosts", 3.0)]);
        assert_eq!(told(&results("today", &[("hosts", 3.0)]).with(None)), [("hosts", 3.0)]);
    }
}
