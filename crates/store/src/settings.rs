//! Facts about this installation: its epoch, its CA, its secrets. A name and a text each.

use crate::{Change, StoreError, View, error::doing};

impl View {
    pub async fn setting(&mut self, name: &str) -> Result<Option<String>, StoreError> {
        sqlx::query_scalar("SELECT value FROM settings WHERE name = $1")
            .bind(name)
            .fetch_optional(self.db())
            .await
            .map_err(doing("read a setting"))
    }
}

impl Change {
    pub async fn put_setting(&mut self, name: &str, value: &str) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO settings (name, value) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .bind(name)
        .bind(value)
        .execute(self.db())
        .await
        .map_err(doing("write a setting"))?;
        Ok(())
    }
}
