//! Several measurements of one thing: the one in the middle, and the two at the ends.

use serde::{Deserialize, Serialize};

/// What is told of several values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The median.
    pub value: f64,
    pub min: f64,
    pub max: f64,
    pub runs: usize,
}

impl Spread {
    /// Nothing is told of no values, or of what is no number.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let runs = sorted.len();
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let middle = runs / 2;
        let value =
            if runs % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) };
        Some(Self { value, min, max, runs })
    }
}

/// As many digits as are worth reading.
pub fn shown(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 0.1 || size == 0.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle_and_the_spread_around_it() {
        let odd = Spread::of(&[3.0, 1.0, 2.0]).unwrap();
        assert_eq!(odd, Spread { value: 2.0, min: 1.0, max: 3.0, runs: 3 });
        assert_eq!(Spread::of(&[4.0, 1.0, 2.0, 3.0]).unwrap().value, 2.5);
    }

    #[test]
    fn nothing_is_told_of_nothing() {
        assert_eq!(Spread::of(&[]), None);
        assert_eq!(Spread::of(&[f64::NAN, f64::INFINITY]), None);
    }

    #[test]
    fn numbers_have_the_digits_that_are_worth_reading() {
        let told: Vec<_> = [653.4, 12.34, 1.045, 0.0042, 0.0].map(shown).into();
        assert_eq!(told, ["653", "12.3", "1.04", "0.0042", "0.00"]);
    }
}
