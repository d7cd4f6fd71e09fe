//! Numbers that only rise: generations and events.

use crate::{Change, StoreError, View, error::doing};

impl View {
    pub(crate) async fn counter(&mut self, name: &str) -> Result<i64, StoreError> {
        sqlx::query_scalar("SELECT value FROM counters WHERE name = $1")
            .bind(name)
            .fetch_one(self.db())
            .await
            .map_err(doing("read a counter"))
    }
}

impl Change {
    pub(crate) async fn next_number(&mut self, name: &str) -> Result<i64, StoreError> {
        sqlx::query_scalar("UPDATE counters SET value = value + 1 WHERE name = $1 RETURNING value")
            .bind(name)
            .fetch_one(self.db())
            .await
            .map_err(doing("raise a counter"))
    }
}
