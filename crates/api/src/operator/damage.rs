//! What is held where, when it was verified last, and what of it is damaged.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One version on one provider's disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeldView {
    pub template: String,
    pub version: u32,
    pub provider: String,
    /// When every byte was last read and matched there; absent while that is not so.
    pub verified_at: Option<String>,
    /// What is wrong with it, if it was found damaged.
    pub damage: Option<DamageView>,
}

/// A copy that was verified and has wrong bytes now, or cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DamageView {
    pub version: u32,
    pub found_at: String,
    /// `T0008`, `T0005`, or `T0011` if nobody else who answers has it
    pub code: String,
    pub cause: String,
    pub hint: String,
    /// The first of them, as `64.0 KiB at offset 41943040 of disk0`.
    pub places: Vec<String>,
    /// All of them.
    pub count: u64,
    /// Nobody else who answers has what is damaged.
    pub last_copy: bool,
    /// Hosts whose disks stand on it.
    pub hosts: Vec<String>,
}
