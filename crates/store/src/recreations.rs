//! Recreations: those that are not over, and for a while those that are.

use crate::{
    Change, StoreError, View,
    error::{decode_all, doing, encode},
    ledger::{Kind, its_name},
};
use diecast_domain::{recreation::Recreation, units::Timestamp};
use std::time::Duration;

/// How long a recreation that is over can still be looked up.
pub const RECREATIONS_LIFE: Duration = Duration::from_secs(90 * 24 * 3600);

impl View {
    /// Those that something may still be done for.
    pub async fn recreations_running(&mut self) -> Result<Vec<Recreation>, StoreError> {
        let bodies =
            sqlx::query_scalar("SELECT body FROM recreations WHERE over = FALSE ORDER BY created_at, id")
                .fetch_all(self.db())
                .await
                .map_err(doing("list recreations"))?;
        decode_all("recreations", bodies)
    }

    /// All of them, the newest first.
    pub async fn recreations(&mut self) -> Result<Vec<Recreation>, StoreError> {
        let bodies = sqlx::query_scalar("SELECT body FROM recreations ORDER BY created_at DESC, id DESC")
            .fetch_all(self.db())
            .await
            .map_err(doing("list recreations"))?;
        decode_all("recreations", bodies)
    }
}

const KIND: Kind = Kind { object: "recreation", read: "SELECT body FROM recreations WHERE id = $1" };

impl Change {
    pub async fn put_recreation(&mut self, recreation: &Recreation) -> Result<(), StoreError> {
        self.note(&KIND, &recreation.id.to_string(), its_name, Some(recreation)).await?;
        sqlx::query(
            "INSERT INTO recreations (id, over, created_at, body) VALUES ($1, $2, $3, $4)
             ON CONFLICT (id) DO UPDATE SET over = excluded.over, body = excluded.body",
        )
        .bind(recreation.id.to_string())
        .bind(recreation.stage.is_over())
        .bind(recreation.created_at.0)
        .bind(encode(recreation))
        .execute(self.db())
        .await
        .map_err(doing("write a recreation"))?;
        Ok(())
    }

    /// Forgets recreations that are over and began before `before`.
    pub async fn sweep_recreations(&mut self, before: Timestamp) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM recreations WHERE over = TRUE AND created_at < $1")
            .bind(before.0)
            .execute(self.db())
            .await
            .map_err(doing("forget recreations"))?;
        Ok(())
    }
}
