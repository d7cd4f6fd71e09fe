//! A rate as people write it: in bits or in bytes, and always saying which.

use crate::units::BytesPerSecond;
use std::{fmt, str::FromStr};

/// Slower than this a frame of 1 MiB takes so long that the many receivers of one source give it up.
pub const RATE_MIN: Rate = Rate { bits: 256_000, in_bytes: false };
/// Faster than any link of today.
pub const RATE_MAX: Rate = Rate { bits: 1_000_000_000_000, in_bytes: false };

/// Bits in one second. Shown in the unit in which it was written.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    bits: u64,
    in_bytes: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRate {
    #[error(
        "`{text}` is no rate: write bits as in `100Mbit/s` (kbit/s, Mbit/s, Gbit/s) or bytes as in `12MB/s` (kB/s, MB/s, GB/s, KiB/s, MiB/s, GiB/s)"
    )]
    Malformed { text: String },
    #[error(
        "`{text}` does not say whether bits or bytes are meant: write `{number}Mbit/s` or `{number}MB/s`"
    )]
    Ambiguous { text: String, number: String },
    #[error("{rate} is too slow for a transfer to end: {RATE_MIN} is the least")]
    TooSlow { rate: String },
    #[error("{rate} is faster than any link: {RATE_MAX} is the most; `off` takes a limit away")]
    TooFast { rate: String },
}

/// Bits in each unit. Those of bits and of bytes differ by more than one letter's size, so that none is
/// taken for the other.
const UNITS: [(&str, u64); 10] = [
    ("Gbit/s", 1_000_000_000),
    ("Mbit/s", 1_000_000),
    ("kbit/s", 1_000),
    ("GiB/s", 8 << 30),
    ("MiB/s", 8 << 20),
    ("KiB/s", 8 << 10),
    ("GB/s", 8_000_000_000),
    ("MB/s", 8_000_000),
    ("kB/s", 8_000),
    ("B/s", 8),
];

impl Rate {
    pub const fn bits_per_second(bits: u64) -> Self {
        Self { bits, in_bytes: false }
    }

    pub const fn bytes_per_second(self) -> BytesPerSecond {
        BytesPerSecond(self.bits / 8)
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self { bits: self.bits.saturating_add(other.bits), in_bytes: self.in_bytes && other.in_bytes }
    }

    /// So many parts of `whole`.
    pub(super) fn part(self, parts: u32, whole: u32) -> Self {
        let bits = u128::from(self.bits) * u128::from(parts) / u128::from(whole.max(1));
        Self { bits: u64::try_from(bits).unwrap_or(u64::MAX), in_bytes: self.in_bytes }
    }

    /// `2 Mbit/s`, in a sentence.
    pub fn spoken(self) -> String {
        let (number, unit) = self.written();
        format!("{number} {unit}")
    }

    /// In the largest unit that tells it exactly with three decimals at most.
    fn written(self) -> (String, &'static str) {
        let of_kind = |unit: &&(&str, u64)| unit.0.ends_with("B/s") == self.in_bytes;
        let tells = |(_, size): &&(&str, u64)| {
            self.bits >= *size && (u128::from(self.bits) * 1000).is_multiple_of(u128::from(*size))
        };
        let found = UNITS.iter().filter(of_kind).filter(tells).max_by_key(|(_, size)| *size);
        let Some((unit, size)) = found.copied() else {
            return (self.bits.to_string(), "bit/s");
        };
        let thousandths = u128::from(self.bits) * 1000 / u128::from(size);
        let number = format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
        (number.trim_end_matches('0').trim_end_matches('.').to_owned(), unit)
    }
}

impl PartialEq for Rate {
    fn eq(&self, other: &Self) -> bool {
        self.bits == other.bits
    }
}

impl Eq for Rate {}

impl Ord for Rate {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.bits.cmp(&other.bits)
    }
}

impl PartialOrd for Rate {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl FromStr for Rate {
    type Err = BadRate;
    fn from_str(text: &str) -> Result<Self, BadRate> {
        let text = text.trim();
        let short: String = text.chars().take(80).collect();
        let end = text.find(|it: char| !it.is_ascii_digit() && it != '.').unwrap_or(text.len());
        let (number, unit) = (&text[..end], text[end..].trim());
        let Some(thousandths) = thousandths(number) else {
            return Err(BadRate::Malformed { text: short });
        };
        let bare = unit.trim_end_matches("ps").trim_end_matches("/s");
        if bare.is_empty()
            || matches!(
                bare,
                "k" | "K" | "m" | "M" | "g" | "G" | "b" | "kb" | "Kb" | "mb" | "Mb" | "gb" | "Gb"
            )
        {
            return Err(BadRate::Ambiguous { text: short, number: number.to_owned() });
        }
        let is_unit = |(name, _): &&(&str, u64)| {
            let name = name.trim_end_matches("/s");
            // `bit` is a word of its own; of `B` the size of the letter says what it is.
            if name.ends_with("bit") { bare.eq_ignore_ascii_case(name) } else { bare == name }
        };
        let Some((name, size)) = UNITS.iter().find(is_unit) else {
            return Err(BadRate::Malformed { text: short });
        };
        let bits = thousandths.saturating_mul(u128::from(*size)) / 1000;
        let rate = Self { bits: u64::try_from(bits).unwrap_or(u64::MAX), in_bytes: name.ends_with("B/s") };
        if rate < RATE_MIN {
            return Err(BadRate::TooSlow { rate: short });
        }
        if rate > RATE_MAX {
            return Err(BadRate::TooFast { rate: short });
        }
        Ok(rate)
    }
}

/// `1.5` as 1500; at most three decimals.
fn thousandths(number: &str) -> Option<u128> {
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str, most: usize| {
        (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !digits(whole, 18) || !digits(decimals, 3) {
        return None;
    }
    let decimals: u128 = format!("{decimals:0<3}").parse().ok()?;
    Some(whole.parse::<u128>().ok()? * 1000 + decimals)
}

/// As it is typed: `2Mbit/s`.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, unit) = self.written();
        write!(f, "{number}{unit}")
    }
}
