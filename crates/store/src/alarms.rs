//! Alarms: what is not well now, so that a restart raises nothing twice.

use crate::{
    Change, StoreError, View,
    error::{decode_all, doing, encode},
};
use diecast_domain::alarm::Alarm;

impl View {
    /// All that stand, the oldest first.
    pub async fn alarms(&mut self) -> Result<Vec<Alarm>, StoreError> {
        let bodies = sqlx::query_scalar("SELECT body FROM alarms ORDER BY raised_at, key")
            .fetch_all(self.db())
            .await
            .map_err(doing("list alarms"))?;
        decode_all("alarms", bodies)
    }
}

impl Change {
    pub async fn put_alarm(&mut self, alarm: &Alarm) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO alarms (key, raised_at, body) VALUES ($1, $2, $3)
             ON CONFLICT (key) DO UPDATE SET body = excluded.body",
        )
        .bind(&alarm.key)
        .bind(alarm.since.0)
        .bind(encode(alarm))
        .execute(self.db())
        .await
        .map_err(doing("write an alarm"))?;
        Ok(())
    }

    pub async fn delete_alarm(&mut self, key: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM alarms WHERE key = $1")
            .bind(key)
            .execute(self.db())
            .await
            .map_err(doing("clear an alarm"))?;
        Ok(())
    }
}
