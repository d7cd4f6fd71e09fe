//! What is said while a bundle is carried, beside its bytes: between agent and server, and between server
//! and operator.
//!
//! ```text
//!   export   agent ══ bytes ══► server ══ bytes ══► operator        then `carried`, then `done`
//!   import   operator ══ bytes, `end` ══► server ══► agent          then `carried`, then `done`
//! ```
//!
//! Bytes are binary messages, words are text: JSON. Whoever ends it otherwise says `refused` first, with the
//! cause; a connection that ends without one broke off.

use crate::operator::{bundle::BundleView, template::PlanView};
use diecast_domain::code::Problem;
use serde::{Deserialize, Serialize};

/// The largest message. Bytes come in far smaller ones.
pub const MESSAGE_BYTES_MAX: usize = 1 << 20;
/// Bytes that one message carries.
pub const PIECE_BYTES: usize = 256 << 10;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "said")]
pub enum Word {
    /// The operator: that was all of the file.
    End,
    /// The agent, passed on: how far it is.
    Progress { doing: Doing, done: u64, total: u64 },
    /// The agent: an export was written to its end, or what an import brought is held, verified. `data` is that of
    /// the leaves in the file.
    Carried { data: u64 },
    /// The server: it is done.
    Done { bundle: BundleView },
    /// The server: what it would do.
    Planned { plan: PlanView },
    /// Whoever: it is not done.
    Refused { problem: Problem },
}

/// What an agent is doing with a bundle's version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doing {
    /// Reading it and writing the bundle.
    Writing,
    /// Looking at what is there already, and taking it from other versions.
    Copying,
    /// Unpacking what the bundle brings.
    Unpacking,
    /// Reading all of it back.
    Verifying,
}

impl Doing {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Writing => "writing",
            Self::Copying => "copying what is there",
            Self::Unpacking => "unpacking",
            Self::Verifying => "verifying",
        }
    }
}
