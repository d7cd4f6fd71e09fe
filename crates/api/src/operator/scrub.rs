//! Scrubs: how what a provider holds is read back by itself.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScrubView {
    pub on: bool,
    /// Each byte is read once in so many seconds.
    pub every_seconds: u64,
    pub bytes_per_second: u64,
    /// `22:00-06:00 Europe/Berlin`; absent: at any time.
    pub window: Option<String>,
    /// When the next replica falls due; it is read from then on, in the window.
    pub next_at: Option<String>,
    /// What is read now, or was begun.
    pub running: Option<ScrubbingView>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScrubbingView {
    /// `golden v2`; the digest if no template names it.
    pub what: String,
    pub bytes_done: u64,
    pub bytes_total: u64,
    /// Else it waits for its window.
    pub reading: bool,
}

/// Part of `PATCH /api/v1/providers/{name}`: what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeScrub {
    #[serde(default)]
    pub on: Option<bool>,
    #[serde(default)]
    pub every_seconds: Option<u64>,
    #[serde(default)]
    pub bytes_per_second: Option<u64>,
    /// `22:00-06:00`, in UTC, or with a time zone after it; empty: at any time.
    #[serde(default)]
    pub window: Option<String>,
}
