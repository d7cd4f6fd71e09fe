//! Signing in.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST /api/v1/session`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    pub user: String,
    pub password: String,
    /// What the token is for.
    #[serde(default)]
    pub note: Option<String>,
}

/// A bearer token. It is shown once; the server keeps only its hash.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SignedIn {
    pub token: String,
    pub user: String,
    pub expires_at: String,
}

/// `GET /api/v1/session`: who is asking.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SessionView {
    pub user: String,
    pub role: String,
    /// Absent: never.
    pub expires_at: Option<String>,
    /// The server's release.
    pub server_version: String,
}
