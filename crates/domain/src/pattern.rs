//! Name patterns: `desk-{nnn}` makes `desk-001`, `desk-002`, ...

use crate::names::{HostName, is_label};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{collections::BTreeSet, fmt, str::FromStr};

/// Most digits in a pattern; a million hosts of one name are enough.
const DIGITS_MAX: usize = 6;
/// Most hosts made by one request.
pub const HOSTS_PER_REQUEST_MAX: u32 = 1000;

/// Text with one number in it, `{n}` to `{nnnnnn}`, as many digits as there are `n`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePattern {
    before: String,
    digits: usize,
    after: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPattern {
    #[error(
        "`{text}` is not a name pattern: write one number as {{n}} to {{nnnnnn}}, as in `desk-{{nnn}}`, and otherwise lower-case letters, digits and hyphens"
    )]
    Malformed { text: String },
    #[error("the pattern has only {left} free names left, and {wanted} are wanted")]
    UsedUp { left: usize, wanted: usize },
}

impl FromStr for NamePattern {
    type Err = BadPattern;

    fn from_str(text: &str) -> Result<Self, BadPattern> {
        let malformed = || BadPattern::Malformed { text: text.chars().take(80).collect() };
        let (before, rest) = text.split_once('{').ok_or_else(malformed)?;
        let (number, after) = rest.split_once('}').ok_or_else(malformed)?;
        let digits = number.len();
        let pattern = Self { before: before.into(), digits, after: after.into() };
        let counts = (1..=DIGITS_MAX).contains(&digits) && number.bytes().all(|byte| byte == b'n');
        if counts && is_label(&pattern.nth(1)) { Ok(pattern) } else { Err(malformed()) }
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{{{}}}{}", self.before, "n".repeat(self.digits), self.after)
    }
}

impl Serialize for NamePattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for NamePattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl NamePattern {
    fn nth(&self, number: usize) -> String {
        format!("{}{number:0digits$}{}", self.before, self.after, digits = self.digits)
    }

    /// The `count` lowest names that are not taken, from number 1 on.
    pub fn free_names(&self, taken: &BTreeSet<HostName>, count: usize) -> Result<Vec<HostName>, BadPattern> {
        let last = 10_usize.pow(self.digits as u32) - 1;
        let names: Vec<HostName> = (1..=last)
            .filter_map(|number| self.nth(number).parse().ok())
            .filter(|name| !taken.contains(name))
            .take(count)
            .collect();
        if names.len() < count {
            return Err(BadPattern::UsedUp { left: names.len(), wanted: count });
        }
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_gives_the_lowest_free_names() {
        let pattern: NamePattern = "desk-{nnn}".parse().unwrap();
        let taken = BTreeSet::from(["desk-001".parse().unwrap(), "desk-003".parse().unwrap()]);
        let names = pattern.free_names(&taken, 3).unwrap();
        let names: Vec<_> = names.iter().map(HostName::as_str).collect();
        assert_eq!(names, ["desk-002", "desk-004", "desk-005"]);
    }

    #[test]
    fn a_pattern_that_is_used_up_says_so() {
        let pattern: NamePattern = "d{n}".parse().unwrap();
        assert_eq!(pattern.free_names(&BTreeSet::new(), 10), Err(BadPattern::UsedUp { left: 9, wanted: 10 }));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for bad in ["desk", "desk-{}", "desk-{x}", "Desk-{nn}", "d-{nnnnnnn}", "{n", "n}", "a{n}{n}", "-{n}"]
        {
            assert!(bad.parse::<NamePattern>().is_err(), "{bad}");
        }
    }
}
