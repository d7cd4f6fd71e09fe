//! Names that people give: checked once at the door, safe everywhere after.
//!
//! A name may become a file name, a libvirt volume, a machine's host name and a part of a URL, so
//! it is a DNS label: 1 to 63 lower-case letters, digits and hyphens, no hyphen at either end.

use serde::{Deserialize, Deserializer, Serialize, de};
use std::{borrow::Borrow, cmp::Ordering, fmt, str::FromStr};

/// The longest name: a DNS label (RFC 1035).
pub const NAME_LENGTH_MAX: usize = 63;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` cannot be {what} name: use 1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end"
)]
pub struct BadName {
    what: &'static str,
    text: String,
}

pub(crate) fn is_label(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=NAME_LENGTH_MAX).contains(&text.len())
        && text.bytes().all(allowed)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// By letters, and by numbers where both have one: `desk-2` comes before `desk-10`.
pub fn natural(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one, other);
    loop {
        let (a, b) = (digits(one), digits(other));
        if a > 0 && b > 0 {
            let (number, second) = (one[..a].trim_start_matches('0'), other[..b].trim_start_matches('0'));
            let order = number.len().cmp(&second.len()).then_with(|| number.cmp(second)).then(a.cmp(&b));
            if order.is_ne() {
                return order;
            }
            (one, other) = (&one[a..], &other[b..]);
            continue;
        }
        let (Some(a), Some(b)) = (one.chars().next(), other.chars().next()) else {
            return one.len().cmp(&other.len());
        };
        if a != b {
            return a.cmp(&b);
        }
        (one, other) = (&one[a.len_utf8()..], &other[b.len_utf8()..]);
    }
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident: $what:literal),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str { &self.0 }
        }
        impl FromStr for $name {
            type Err = BadName;
            fn from_str(text: &str) -> Result<Self, BadName> {
                if is_label(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(BadName { what: $what, text: text.chars().take(80).collect() })
                }
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.pad(&self.0) }
        }
        impl Borrow<str> for $name {
            fn borrow(&self) -> &str { &self.0 }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    )+};
}

names! {
    /// What a way of being told is called.
    NotificationName: "a notification",
    /// What a pool is called.
    PoolName: "a pool",
    /// What a host is called, in Diecast, in the hypervisor and inside the guest.
    HostName: "a host",
    /// What a provider is called.
    ProviderName: "a provider",
    /// What a schedule is called.
    ScheduleName: "a schedule",
    /// What a template is called.
    TemplateName: "a template",
    /// What a token is called.
    TokenName: "a token",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_count_as_numbers() {
        let mut names =
            ["desk-10", "desk-2", "a", "desk-02", "desk", "desk-2-b", "desk-99999999999999999999999"];
        names.sort_by(|one, other| natural(one, other));
        let sorted =
            ["a", "desk", "desk-2", "desk-2-b", "desk-02", "desk-10", "desk-99999999999999999999999"];
        assert_eq!(names, sorted);
    }

    #[test]
    fn a_name_is_safe_in_a_path_a_url_and_a_guest() {
        for good in ["win11", "a", "kvm-a", &"x".repeat(63)] {
            assert!(good.parse::<TemplateName>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "Win11", "a/b", "..", "a b", "ä", &"x".repeat(64)] {
            assert!(bad.parse::<TemplateName>().is_err(), "{bad}");
        }
    }
}
