//! Did you mean: the name among those there are that is closest to the one typed.

/// Typing slips are rarely more than two letters.
const DISTANCE_MAX: usize = 2;

/// The closest of `names`, if it is close enough to be a slip.
pub(crate) fn closest<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = names.into_iter().map(|name| (distance(typed, name), name));
    let within = |typed: &str| DISTANCE_MAX.min(typed.len() / 3);
    near.filter(|(distance, _)| (1..=within(typed)).contains(distance)).min().map(|(_, name)| name)
}

/// Levenshtein's: letters to insert, delete or replace.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_a_different_name_is_not() {
        let names = ["win11", "win10", "debian"];
        assert_eq!(closest("wim11", names), Some("win11"));
        assert_eq!(closest("debain", names), Some("debian"));
        assert_eq!(closest("ubuntu", names), None);
        assert_eq!(closest("x", ["y"]), None);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
