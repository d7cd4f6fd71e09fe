//! Limits of bandwidth, as they are felt now.

use crate::time::rfc3339;
use diecast_domain::limit::Limited;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// It may not go faster now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LimitedView {
    /// `limited to 2 Mbit/s by provider kvm-b until 18:00 Europe/Madrid`
    pub text: String,
    pub bytes_per_second: u64,
    /// `provider kvm-b`, `template win11`, `its source kvm-a`
    pub by: String,
    /// When that changes; absent if it does not by itself.
    pub until: Option<String>,
}

impl From<&Limited> for LimitedView {
    fn from(limited: &Limited) -> Self {
        Self {
            text: limited.to_string(),
            bytes_per_second: limited.rate.bytes_per_second().0,
            by: limited.by.to_string(),
            until: limited.until.map(rfc3339),
        }
    }
}
