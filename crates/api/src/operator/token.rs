//! Tokens: with which scripts, dashboards and pipelines are let in.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST /api/v1/tokens`
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateToken {
    pub name: String,
    /// `viewer` (looks, and changes nothing) or `administrator`. Left out: `viewer`.
    #[serde(default)]
    pub role: Option<String>,
    /// The last moment that it works (RFC 3339), or `never`. Left out: in 90 days.
    #[serde(default)]
    pub expires_at: Option<String>,
}

/// A token that was made just now. Its text is said once; the server keeps only a hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MadeToken {
    pub name: String,
    /// What is sent as `Authorization: Bearer ...`
    pub token: String,
    pub role: String,
    /// Absent: never.
    pub expires_at: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenView {
    pub name: String,
    pub role: String,
    pub author: String,
    pub created_at: String,
    /// Absent: never.
    pub expires_at: Option<String>,
    /// It works no more.
    pub expired: bool,
    /// Absent: never yet. To the minute.
    pub last_used_at: Option<String>,
    /// The address that it was used from then.
    pub last_used_from: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TokenList {
    pub items: Vec<TokenView>,
    pub next: Option<String>,
}
