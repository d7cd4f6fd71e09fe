//! What a reading found wrong with a version that is held here. Kept on the disk until every byte
//! matches again, so that a restart knows where to begin mending.

use crate::clock;
use diecast_domain::{
    code::{Code, Problem},
    damage,
    digest::Digest,
    units::Timestamp,
};
use diecast_transfer::verify::Damage;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    version: Digest,
    /// Empty where reading failed before a place could be named.
    pub damage: Damage,
    /// Why reading failed, if it did.
    unread: Option<Problem>,
    pub found_at: Timestamp,
    /// When it was last tried, nobody else who answered had what is damaged.
    last_copy: bool,
    /// Every byte matches again.
    #[serde(default)]
    pub mended: bool,
}

impl Finding {
    pub fn of(version: Digest, damage: Damage) -> Self {
        Self { version, damage, unread: None, found_at: clock::now(), last_copy: false, mended: false }
    }

    /// The disk could not be read at all.
    pub fn unread(version: Digest, problem: Problem) -> Self {
        Self { unread: Some(problem), ..Self::of(version, Damage::default()) }
    }

    /// The same trouble, of which more is known: it began when it was found first.
    #[must_use]
    pub fn since(self, before: Option<&Self>) -> Self {
        let Some(before) = before else { return self };
        Self { found_at: before.found_at, last_copy: before.last_copy, ..self }
    }

    #[must_use]
    pub fn as_last_copy(self, last_copy: bool) -> Self {
        Self { last_copy, ..self }
    }

    #[must_use]
    pub fn as_mended(self) -> Self {
        Self { mended: true, ..self }
    }

    /// What an administrator is told.
    pub fn problem(&self) -> Problem {
        match &self.unread {
            Some(problem) => problem.clone(),
            None if self.damage.is_empty() => {
                let version = self.version.short();
                Problem::new(Code::T0008, format!("the copy of version {version} changed"))
            }
            None if self.last_copy => self.damage.last_copy_problem(&self.version),
            None => self.damage.changed_problem(&self.version),
        }
    }

    /// As it is reported.
    pub fn told(&self) -> damage::Damage {
        damage::Damage { mended: self.mended, ..self.damage.told(self.found_at, self.last_copy) }
    }
}
