//! What each agent was last told, and under which number.

use crate::{
    Change, StoreError, View,
    error::{decode, decode_all, doing, encode},
};
use diecast_domain::{
    assignment::{Assignment, Orders},
    generation::Generation,
    ids::ProviderId,
};

/// The setting that holds the store's epoch.
const EPOCH: &str = "epoch";

impl View {
    /// The epoch of this store: 1, and one more for each time that it was restored from a backup.
    pub async fn epoch(&mut self) -> Result<u64, StoreError> {
        let epoch = self.setting(EPOCH).await?;
        Ok(epoch.and_then(|epoch| epoch.parse().ok()).unwrap_or(1))
    }

    pub async fn assignments(&mut self) -> Result<Vec<Assignment>, StoreError> {
        let bodies = sqlx::query_scalar("SELECT body FROM assignments ORDER BY provider")
            .fetch_all(self.db())
            .await
            .map_err(doing("list assignments"))?;
        decode_all("assignments", bodies)
    }

    pub async fn assignment(&mut self, provider: ProviderId) -> Result<Option<Assignment>, StoreError> {
        let body: Option<String> = sqlx::query_scalar("SELECT body FROM assignments WHERE provider = $1")
            .bind(provider.to_string())
            .fetch_optional(self.db())
            .await
            .map_err(doing("read an assignment"))?;
        body.map(|body| decode("assignments", &body)).transpose()
    }
}

impl Change {
    pub async fn put_epoch(&mut self, epoch: u64) -> Result<(), StoreError> {
        self.put_setting(EPOCH, &epoch.to_string()).await
    }

    /// Stores new orders under the next generation, which it returns.
    pub async fn assign(&mut self, orders: Orders) -> Result<Generation, StoreError> {
        let number = self.next_number("generation").await?;
        let epoch = self.epoch().await?;
        let generation = Generation { epoch, number: u64::try_from(number).unwrap_or(0) };
        let provider = orders.provider;
        sqlx::query(
            "INSERT INTO assignments (provider, epoch, number, body) VALUES ($1, $2, $3, $4)
             ON CONFLICT (provider) DO UPDATE
             SET epoch = excluded.epoch, number = excluded.number, body = excluded.body",
        )
        .bind(provider.to_string())
        .bind(i64::try_from(epoch).unwrap_or(i64::MAX))
        .bind(number)
        .bind(encode(&Assignment { generation, orders }))
        .execute(self.db())
        .await
        .map_err(doing("write an assignment"))?;
        Ok(generation)
    }
}
