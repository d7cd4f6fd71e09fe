//! The fifteen measures: what each is, in which unit, and what was set as its target.

use serde::{Deserialize, Serialize};

/// One of R1 to R15.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum, Serialize, Deserialize)]
#[clap(rename_all = "verbatim")]
pub enum Measure {
    R1,
    R2,
    R3,
    R4,
    R5,
    R6,
    R7,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15,
}

/// Where a value has to lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aim {
    AtMost(f64),
    AtLeast(f64),
}

impl Aim {
    pub fn figure(self) -> f64 {
        match self {
            Self::AtMost(figure) | Self::AtLeast(figure) => figure,
        }
    }

    pub fn met(self, value: f64) -> bool {
        match self {
            Self::AtMost(figure) => value <= figure,
            Self::AtLeast(figure) => value >= figure,
        }
    }

    /// True if the first is the better one.
    pub fn prefers(self, one: f64, other: f64) -> bool {
        match self {
            Self::AtMost(_) => one < other,
            Self::AtLeast(_) => one > other,
        }
    }

    /// How far a value is from it: above 1 it is missed.
    pub fn strain(self, value: f64) -> f64 {
        match self {
            Self::AtMost(figure) => value / figure,
            Self::AtLeast(figure) => figure / value,
        }
    }
}

impl Measure {
    pub const ALL: [Self; 15] = [
        Self::R1,
        Self::R2,
        Self::R3,
        Self::R4,
        Self::R5,
        Self::R6,
        Self::R7,
        Self::R8,
        Self::R9,
        Self::R10,
        Self::R11,
        Self::R12,
        Self::R13,
        Self::R14,
        Self::R15,
    ];

    pub fn name(self) -> String {
        format!("{self:?}")
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::R1 => "time to one target, times the link's rate, over its bytes",
            Self::R2 => "last of N targets over one target",
            Self::R3 => "bytes that the source sends, over one copy's",
            Self::R4 => "bytes on the busiest site link, over one copy's",
            Self::R5 => "first copy on the wire, over used bytes",
            Self::R6 => "difference on the wire: patched and trimmed",
            Self::R7 => "rebuilt image: new raw bytes over used bytes",
            Self::R8 => "publish: CPU time for each used GB",
            Self::R9 => "receive, verify, write: CPU time for each used GB",
            Self::R10 => "peak memory",
            Self::R11 => "fetched again after `kill -9` at half, over one copy's bytes",
            Self::R12 => "healthy targets beside a slow, far or dying one, over without it",
            Self::R13 => "reading a finished template, over a hand-copied raw file",
            Self::R14 => "new version by reflink: disk added over new raw bytes",
            Self::R15 => "last of 10,000 targets over the bound (simulated, in virtual time)",
        }
    }

    pub fn unit(self) -> &'static str {
        match self {
            Self::R6 | Self::R10 => "MB",
            Self::R8 | Self::R9 => "s/GB",
            _ => "",
        }
    }

    /// The target; where a measure has parts, that of a part.
    pub fn aim(self, part: &str) -> Aim {
        match (self, part) {
            (Self::R1, _) => Aim::AtMost(1.10),
            (Self::R2, "N=16") => Aim::AtMost(1.15),
            (Self::R2, "N=8") => Aim::AtMost(1.12),
            (Self::R2 | Self::R3, _) => Aim::AtMost(1.10),
            (Self::R4, _) => Aim::AtMost(1.05),
            (Self::R5, _) => Aim::AtMost(0.33),
            (Self::R6, "as the next version") => Aim::AtMost(100.0),
            (Self::R6, _) => Aim::AtMost(180.0),
            (Self::R7, _) => Aim::AtMost(0.25),
            (Self::R8, _) => Aim::AtMost(4.0),
            (Self::R9, _) => Aim::AtMost(2.0),
            (Self::R10, "server") => Aim::AtMost(96.0),
            (Self::R10, _) => Aim::AtMost(128.0),
            (Self::R11, _) => Aim::AtMost(0.02),
            (Self::R12, _) => Aim::AtMost(1.15),
            (Self::R13, _) => Aim::AtLeast(0.98),
            (Self::R14, _) => Aim::AtMost(1.1),
            (Self::R15, _) => Aim::AtMost(1.3),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_says_what_is_better_and_what_is_missed() {
        let low = Measure::R1.aim("");
        assert!(low.met(1.1) && !low.met(1.11) && low.prefers(1.0, 1.1) && low.strain(2.2) > 1.9);
        let high = Measure::R13.aim("");
        assert!(high.met(0.99) && !high.met(0.9) && high.prefers(1.1, 1.0) && high.strain(0.5) > 1.9);
    }

    #[test]
    fn all_fifteen_are_there_in_their_order() {
        let names: Vec<_> = Measure::ALL.iter().map(|measure| measure.name()).collect();
        assert_eq!(names, (1..=15).map(|number| format!("R{number}")).collect::<Vec<_>>());
    }
}
