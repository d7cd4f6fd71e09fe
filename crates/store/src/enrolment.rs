//! One-time tokens with which agents enrol. A token is known by its hash alone.

use crate::{Change, StoreError, View, error::doing};
use diecast_domain::{ids::ProviderId, units::Timestamp};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnrolmentToken {
    pub provider: ProviderId,
    pub expires_at: Timestamp,
    /// The digest of the request that used it. The same request again is a repetition, not a reuse.
    pub used_by: Option<String>,
}

impl View {
    pub async fn enrolment_token(&mut self, token_hash: &str) -> Result<Option<EnrolmentToken>, StoreError> {
        let row: Option<(String, i64, Option<String>)> = sqlx::query_as(
            "SELECT provider, expires_at, used_by FROM enrolment_tokens WHERE token_hash = $1",
        )
        .bind(token_hash)
        .fetch_optional(self.db())
        .await
        .map_err(doing("read an enrolment token"))?;
        Ok(row.and_then(|(provider, expires_at, used_by)| {
            let provider = provider.parse().ok()?;
            Some(EnrolmentToken { provider, expires_at: Timestamp(expires_at), used_by })
        }))
    }
}

impl Change {
    /// Makes `token_hash` the one token of its provider.
    pub async fn put_enrolment_token(
        &mut self,
        token_hash: &str,
        token: &EnrolmentToken,
    ) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM enrolment_tokens WHERE provider = $1")
            .bind(token.provider.to_string())
            .execute(self.db())
            .await
            .map_err(doing("clear old enrolment tokens"))?;
        sqlx::query(
            "INSERT INTO enrolment_tokens (token_hash, provider, expires_at, used_by)
             VALUES ($1, $2, $3, $4)",
        )
        .bind(token_hash)
        .bind(token.provider.to_string())
        .bind(token.expires_at.0)
        .bind(&token.used_by)
        .execute(self.db())
        .await
        .map_err(doing("write an enrolment token"))?;
        Ok(())
    }
}
