//! Hosts that are wished for, and the addresses of their network cards.

use crate::{
    Change, StoreError, View,
    error::{decode, decode_all, doing, encode},
    ledger::{Kind, its_name},
};
use diecast_domain::{
    host::{Host, MacAddress},
    ids::HostId,
};

impl View {
    pub async fn hosts(&mut self) -> Result<Vec<Host>, StoreError> {
        let bodies = sqlx::query_scalar("SELECT body FROM hosts ORDER BY name")
            .fetch_all(self.db())
            .await
            .map_err(doing("list hosts"))?;
        decode_all("hosts", bodies)
    }

    pub async fn host_named(&mut self, name: &str) -> Result<Option<Host>, StoreError> {
        let body: Option<String> = sqlx::query_scalar("SELECT body FROM hosts WHERE name = $1")
            .bind(name)
            .fetch_optional(self.db())
            .await
            .map_err(doing("read a host"))?;
        body.map(|body| decode("hosts", &body)).transpose()
    }

    pub async fn is_mac_taken(&mut self, mac: MacAddress) -> Result<bool, StoreError> {
        let taken: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM macs WHERE mac = $1")
            .bind(mac.to_string())
            .fetch_one(self.db())
            .await
            .map_err(doing("look for an address"))?;
        Ok(taken > 0)
    }
}

const KIND: Kind = Kind { object: "host", read: "SELECT body FROM hosts WHERE id = $1" };

impl Change {
    /// Adds a host, with its addresses.
    pub async fn add_host(&mut self, host: &Host) -> Result<(), StoreError> {
        self.put_host(host).await?;
        for mac in &host.macs {
            sqlx::query("INSERT INTO macs (mac, host) VALUES ($1, $2)")
                .bind(mac.to_string())
                .bind(host.id.to_string())
                .execute(self.db())
                .await
                .map_err(doing("write an address"))?;
        }
        Ok(())
    }

    pub async fn put_host(&mut self, host: &Host) -> Result<(), StoreError> {
        self.note(&KIND, &host.id.to_string(), its_name, Some(host)).await?;
        sqlx::query(
            "INSERT INTO hosts (id, name, body) VALUES ($1, $2, $3)
             ON CONFLICT (id) DO UPDATE SET body = excluded.body",
        )
        .bind(host.id.to_string())
        .bind(host.name.as_str())
        .bind(encode(host))
        .execute(self.db())
        .await
        .map_err(doing("write a host"))?;
        Ok(())
    }

    pub async fn delete_host(&mut self, id: HostId) -> Result<(), StoreError> {
        self.note(&KIND, &id.to_string(), its_name, None::<&Host>).await?;
        sqlx::query("DELETE FROM hosts WHERE id = $1")
            .bind(id.to_string())
            .execute(self.db())
            .await
            .map_err(doing("delete a host"))?;
        Ok(())
    }
}
