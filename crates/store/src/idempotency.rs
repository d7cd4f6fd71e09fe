//! Which creating requests were done already: written in the very change that did them.

use crate::{Change, StoreError, View, error::doing};
use diecast_domain::units::Timestamp;
use std::time::Duration;

/// How long a key is remembered: longer than anybody repeats a request.
pub const IDEMPOTENCY_LIFE: Duration = Duration::from_secs(24 * 3600);

/// What a key was used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// The digest of the request.
    pub request: String,
    /// What it made, by name. Never a secret.
    pub result: String,
}

impl View {
    pub async fn remembered(&mut self, owner: &str, key: &str) -> Result<Option<Remembered>, StoreError> {
        let row: Option<(String, String)> =
            sqlx::query_as("SELECT request, result FROM idempotency_keys WHERE owner = $1 AND name = $2")
                .bind(owner)
                .bind(key)
                .fetch_optional(self.db())
                .await
                .map_err(doing("read an idempotency key"))?;
        Ok(row.map(|(request, result)| Remembered { request, result }))
    }
}

impl Change {
    pub async fn remember(
        &mut self,
        owner: &str,
        key: &str,
        what: &Remembered,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let life = i64::try_from(IDEMPOTENCY_LIFE.as_millis()).unwrap_or(i64::MAX);
        sqlx::query("DELETE FROM idempotency_keys WHERE created_at < $1")
            .bind(now.0.saturating_sub(life))
            .execute(self.db())
            .await
            .map_err(doing("clear old idempotency keys"))?;
        sqlx::query(
            "INSERT INTO idempotency_keys (owner, name, request, result, created_at)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(owner)
        .bind(key)
        .bind(&what.request)
        .bind(&what.result)
        .bind(now.0)
        .execute(self.db())
        .await
        .map_err(doing("write an idempotency key"))?;
        Ok(())
    }
}
