//! Tables without lines, and sheets of names and values: for eyes, and for `awk` when piped.

use super::Look;
use comfy_table::{Attribute, Cell, Color, ColumnConstraint, ContentArrangement, Table, Width, presets};
use std::os::fd::RawFd;

/// Between two columns.
const GAP: u16 = 2;
/// Words up to this long are never broken; longer ones are paths and digests.
const WORD_MAX: usize = 24;

/// A table that fits the terminal; unfolded where there is none.
pub(crate) fn table(look: Look, header: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = fresh(look);
    let words: Vec<u16> =
        (0..header.len()).map(|column| longest_word(header[column], &rows, column)).collect();
    table.set_header(header.iter().map(|title| Cell::new(title).add_attribute(Attribute::Bold)));
    table.add_rows(rows.into_iter().map(|row| row.into_iter().map(toned)));
    if look.width.is_some() {
        let gaps = std::iter::repeat_n(GAP, header.len().saturating_sub(1)).chain([0]);
        for ((column, word), gap) in table.column_iter_mut().zip(words).zip(gaps) {
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(word + gap)));
        }
    }
    finished(table)
}

/// As [`table`], without the columns that a narrow terminal goes without.
pub(crate) fn fitting_table(
    look: Look,
    columns: &[(&str, bool)],
    narrow_below: u16,
    rows: Vec<Vec<String>>,
) -> String {
    let narrow = look.width.is_some_and(|width| width < narrow_below);
    let shown = |index: usize| !narrow || columns[index].1;
    let header: Vec<_> = columns.iter().map(|(title, _)| *title).collect();
    let rows = rows.into_iter().map(|row| kept(row, shown)).collect();
    table(look, &kept(header, shown), rows)
}

fn kept<T>(cells: Vec<T>, shown: impl Fn(usize) -> bool) -> Vec<T> {
    cells.into_iter().enumerate().filter(|(index, _)| shown(*index)).map(|(_, cell)| cell).collect()
}

/// The narrowest that a column can be without breaking a word.
fn longest_word(header: &str, rows: &[Vec<String>], column: usize) -> u16 {
    let cells = rows.iter().filter_map(|row| row.get(column)).map(String::as_str);
    let words = cells.chain([header]).flat_map(str::split_whitespace);
    let longest = words.map(|word| word.chars().count()).max().unwrap_or_default();
    longest.min(WORD_MAX) as u16
}

/// One thing: a line a property. Properties without a value are left out.
pub(crate) fn details(look: Look, pairs: &[(&str, String)]) -> String {
    let mut table = fresh(look);
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        table.add_row(vec![Cell::new(format!("{name}:")), toned(value.clone())]);
    }
    finished(table)
}

fn fresh(look: Look) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).force_no_tty();
    if let Some(width) = look.width {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    if look.colour {
        table.enforce_styling();
    }
    table
}

fn finished(mut table: Table) -> String {
    let last = table.column_count().saturating_sub(1);
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, if index == last { 0 } else { GAP }));
    }
    table.trim_fmt().lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// A status word in the colour of its urgency; anything else as it is.
fn toned(text: String) -> Cell {
    let colour = match text.as_str() {
        "OK" | "Ready" | "Available" | "done" | "Done" | "passed" | "healthy" => Some(Color::Green),
        "Failed to distribute"
        | "Failed"
        | "Failed to create"
        | "Missing"
        | "failed"
        | "Stopped"
        | "rolled back"
        | "Cannot fill"
        | "critical" => Some(Color::Red),
        "Not available" | "Hypervisor silent" | "Awaiting agent" | "Needs update" | "Unknown"
        | "Awaiting decision" | "warning" => Some(Color::Yellow),
        _ => None,
    };
    let cell = Cell::new(text);
    match colour {
        Some(colour) => cell.fg(colour),
        None => cell,
    }
}

/// The columns of the terminal behind a descriptor.
pub(crate) fn width_of(descriptor: RawFd) -> Option<u16> {
    #![allow(unsafe_code)]
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCGWINSZ writes one `winsize` to the address given, which outlives the call.
    let answered = unsafe { libc::ioctl(descriptor, libc::TIOCGWINSZ, &raw mut size) } == 0;
    (answered && size.ws_col > 0).then_some(size.ws_col)
}

#[cfg(test)]
mod tests {
    use super::{super::samples::look, *};

    #[test]
    fn a_pipe_gets_every_letter_and_a_terminal_gets_what_fits() {
        let rows = || vec![vec!["kvm-a".to_owned(), "word ".repeat(30), "OK".to_owned()]];
        let piped = table(look(None), &["PROVIDER", "CAUSE", "WORD"], rows());
        assert_eq!(piped.lines().count(), 2);
        assert!(!piped.contains('\u{1b}'));
        let shown = table(look(Some(60)), &["PROVIDER", "CAUSE", "WORD"], rows());
        assert!(shown.lines().all(|line| line.chars().count() <= 60), "{shown}");
    }

    #[test]
    fn colours_are_for_terminals() {
        let coloured = Look { colour: true, ..look(Some(80)) };
        assert!(table(coloured, &["WORD"], vec![vec!["OK".into()]]).contains('\u{1b}'));
    }
}
