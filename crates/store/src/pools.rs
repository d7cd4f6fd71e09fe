//! Pools: sets of hosts that are kept at a size.

use crate::{
    Change, StoreError, View,
    error::{decode_all, doing, encode},
    ledger::{Kind, its_name},
};
use diecast_domain::{ids::PoolId, pool::Pool};

impl View {
    pub async fn pools(&mut self) -> Result<Vec<Pool>, StoreError> {
        let bodies = sqlx::query_scalar("SELECT body FROM pools ORDER BY name")
            .fetch_all(self.db())
            .await
            .map_err(doing("list pools"))?;
        decode_all("pools", bodies)
    }
}

const KIND: Kind = Kind { object: "pool", read: "SELECT body FROM pools WHERE id = $1" };

impl Change {
    pub async fn put_pool(&mut self, pool: &Pool) -> Result<(), StoreError> {
        self.note(&KIND, &pool.id.to_string(), its_name, Some(pool)).await?;
        sqlx::query(
            "INSERT INTO pools (id, name, body) VALUES ($1, $2, $3)
             ON CONFLICT (id) DO UPDATE SET body = excluded.body",
        )
        .bind(pool.id.to_string())
        .bind(pool.name.as_str())
        .bind(encode(pool))
        .execute(self.db())
        .await
        .map_err(doing("write a pool"))?;
        Ok(())
    }

    pub async fn delete_pool(&mut self, id: PoolId) -> Result<(), StoreError> {
        self.note(&KIND, &id.to_string(), its_name, None::<&Pool>).await?;
        sqlx::query("DELETE FROM pools WHERE id = $1")
            .bind(id.to_string())
            .execute(self.db())
            .await
            .map_err(doing("delete a pool"))?;
        Ok(())
    }
}
