//! Sites: where providers stand together, near each other. What travels between two sites crosses their link.

use std::fmt;

/// What the site of those providers is called that name none: they are one site together.
pub const UNNAMED: &str = "-";

/// The way between two sites, whichever of them is named first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SiteLink {
    first: String,
    second: String,
}

impl SiteLink {
    /// None within one site: there is no link there.
    pub fn new(one: &str, other: &str) -> Option<Self> {
        let (first, second) = if one <= other { (one, other) } else { (other, one) };
        (first != second).then(|| Self { first: first.to_owned(), second: second.to_owned() })
    }

    pub fn sites(&self) -> [&str; 2] {
        [&self.first, &self.second]
    }

    /// What stands at its other end. None if `site` stands at neither.
    pub fn beyond(&self, site: &str) -> Option<&str> {
        match site {
            _ if site == self.first => Some(&self.second),
            _ if site == self.second => Some(&self.first),
            _ => None,
        }
    }
}

/// `berlin-madrid`
impl fmt::Display for SiteLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_the_same_from_both_ends_and_joins_two_sites() {
        let link = SiteLink::new("madrid", "berlin").unwrap();
        assert_eq!(Some(&link), SiteLink::new("berlin", "madrid").as_ref());
        assert_eq!((link.to_string().as_str(), link.sites()), ("berlin-madrid", ["berlin", "madrid"]));
        assert_eq!((link.beyond("berlin"), link.beyond("rome")), (Some("madrid"), None));
        assert_eq!(SiteLink::new("berlin", "berlin"), None);
    }
}
