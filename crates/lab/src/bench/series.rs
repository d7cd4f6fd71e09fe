//! Several measurements of one thing.

use serde::{Deserialize, Serialize};

/// Its values as they came, and what is told of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Series {
    pub unit: String,
    pub median: f64,
    pub least: f64,
    pub most: f64,
    pub values: Vec<f64>,
}

impl Series {
    /// Of at least one value.
    pub fn of(unit: &str, values: Vec<f64>) -> Self {
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let median =
            if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 };
        Self { unit: unit.to_owned(), median, least: sorted[0], most: sorted[sorted.len() - 1], values }
    }

    /// `12.3 s (11.9 to 12.8)`
    pub fn told(&self) -> String {
        let number = |value: f64| if value >= 100.0 { format!("{value:.0}") } else { format!("{value:.2}") };
        let spread = format!("{} to {}", number(self.least), number(self.most));
        format!("{} {} ({spread}, n={})", number(self.median), self.unit, self.values.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle_and_the_spread_around_it() {
        let odd = Series::of("s", vec![3.0, 1.0, 2.0]);
        assert_eq!((odd.median, odd.least, odd.most), (2.0, 1.0, 3.0));
        assert_eq!(Series::of("s", vec![4.0, 1.0, 2.0, 3.0]).median, 2.5);
        assert_eq!(odd.told(), "2.00 s (1.00 to 3.00, n=3)");
    }
}
