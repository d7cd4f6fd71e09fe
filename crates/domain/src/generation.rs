//! The number that makes a stale instruction recognisable.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Epoch of the store, then a counter. Restoring a backup raises the epoch, so that what a restored
/// server says is newer than anything said before, although its counter went back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Generation {
    pub epoch: u64,
    pub number: u64,
}

impl Generation {
    #[must_use]
    pub const fn next(self) -> Self {
        Self { epoch: self.epoch, number: self.number + 1 }
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.number)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a generation is two numbers with a dot between, as in 1.42")]
pub struct NoGeneration;

impl FromStr for Generation {
    type Err = NoGeneration;

    fn from_str(text: &str) -> Result<Self, NoGeneration> {
        let (epoch, number) = text.split_once('.').ok_or(NoGeneration)?;
        let number_of = |text: &str| text.parse().map_err(|_| NoGeneration);
        Ok(Self { epoch: number_of(epoch)?, number: number_of(number)? })
    }
}
