//! Schedules: what is to be done at a time.

use crate::{
    Change, StoreError, View,
    error::{decode_all, doing, encode},
    ledger::{Kind, its_name},
};
use diecast_domain::{ids::ScheduleId, schedule::Schedule};

impl View {
    pub async fn schedules(&mut self) -> Result<Vec<Schedule>, StoreError> {
        let bodies = sqlx::query_scalar("SELECT body FROM schedules ORDER BY name")
            .fetch_all(self.db())
            .await
            .map_err(doing("list schedules"))?;
        decode_all("schedules", bodies)
    }
}

const KIND: Kind = Kind { object: "schedule", read: "SELECT body FROM schedules WHERE id = $1" };

impl Change {
    pub async fn put_schedule(&mut self, schedule: &Schedule) -> Result<(), StoreError> {
        self.note(&KIND, &schedule.id.to_string(), its_name, Some(schedule)).await?;
        sqlx::query(
            "INSERT INTO schedules (id, name, body) VALUES ($1, $2, $3)
             ON CONFLICT (id) DO UPDATE SET body = excluded.body",
        )
        .bind(schedule.id.to_string())
        .bind(schedule.name.as_str())
        .bind(encode(schedule))
        .execute(self.db())
        .await
        .map_err(doing("write a schedule"))?;
        Ok(())
    }

    pub async fn delete_schedule(&mut self, id: ScheduleId) -> Result<(), StoreError> {
        self.note(&KIND, &id.to_string(), its_name, None::<&Schedule>).await?;
        sqlx::query("DELETE FROM schedules WHERE id = $1")
            .bind(id.to_string())
            .execute(self.db())
            .await
            .map_err(doing("delete a schedule"))?;
        Ok(())
    }
}
