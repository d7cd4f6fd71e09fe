//! Pools: sets of hosts that are kept at a size.

use crate::{
    Change, StoreError, View,
    error::{decode_all, doing, encode},
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

impl Change {
    pub async fn put_pool(&mut self, pool: &Pool) -> Result<(), StoreError> {
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
        sqlx::query("DELETE FROM pools WHERE id = $1")
            .bind(id.to_string())
            .execute(self.db())
            .await
            .map_err(doing("delete a pool"))?;
        Ok(())
    }
}
