//! One-time acts: those that wait, and for a while those that ended.

use crate::{
    Change, StoreError, View,
    error::{decode, decode_all, doing, encode},
};
use diecast_domain::{
    assignment::Operation,
    code::Problem,
    ids::{OperationId, ProviderId},
    report::CheckLine,
    units::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long an act that ended can still be looked up.
pub const OPERATIONS_LIFE: Duration = Duration::from_secs(7 * 24 * 3600);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationRecord {
    pub operation: Operation,
    pub provider: ProviderId,
    /// The host or template it is about, by name.
    pub object: Option<String>,
    pub state: OperationState,
    pub created_at: Timestamp,
    pub author: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum OperationState {
    Waiting,
    Done { lines: Vec<CheckLine> },
    Failed { problem: Problem },
}

impl View {
    pub async fn operations_waiting(&mut self) -> Result<Vec<OperationRecord>, StoreError> {
        let bodies =
            sqlx::query_scalar("SELECT body FROM operations WHERE ended = FALSE ORDER BY created_at, id")
                .fetch_all(self.db())
                .await
                .map_err(doing("list operations"))?;
        decode_all("operations", bodies)
    }

    pub async fn operation(&mut self, id: OperationId) -> Result<Option<OperationRecord>, StoreError> {
        let body: Option<String> = sqlx::query_scalar("SELECT body FROM operations WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(self.db())
            .await
            .map_err(doing("read an operation"))?;
        body.map(|body| decode("operations", &body)).transpose()
    }
}

impl Change {
    /// Adds an operation, and clears away those that ended long ago.
    pub async fn add_operation(&mut self, record: &OperationRecord) -> Result<(), StoreError> {
        let life = i64::try_from(OPERATIONS_LIFE.as_millis()).unwrap_or(i64::MAX);
        sqlx::query("DELETE FROM operations WHERE ended = TRUE AND created_at < $1")
            .bind(record.created_at.0.saturating_sub(life))
            .execute(self.db())
            .await
            .map_err(doing("clear old operations"))?;
        self.put_operation(record).await
    }

    pub async fn put_operation(&mut self, record: &OperationRecord) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO operations (id, provider, ended, created_at, body) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (id) DO UPDATE SET ended = excluded.ended, body = excluded.body",
        )
        .bind(record.operation.id.to_string())
        .bind(record.provider.to_string())
        .bind(record.state != OperationState::Waiting)
        .bind(record.created_at.0)
        .bind(encode(record))
        .execute(self.db())
        .await
        .map_err(doing("write an operation"))?;
        Ok(())
    }
}
