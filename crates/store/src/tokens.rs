//! Tokens of scripts: each with a name, a role and an end. A token is known by its hash alone.

use crate::{
    Change, StoreError, View,
    error::{decode, doing, encode},
    ledger::{Kind, its_name},
};
use diecast_domain::{names::TokenName, role::Role, units::Timestamp};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRecord {
    pub name: TokenName,
    pub role: Role,
    pub author: String,
    pub created_at: Timestamp,
    /// None: never.
    pub expires_at: Option<Timestamp>,
}

impl TokenRecord {
    pub fn expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }
}

/// When a token was used last, and from which address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastUse {
    pub at: Timestamp,
    pub from: String,
}

type Row = (String, Option<i64>, Option<String>);

fn token((body, used_at, used_from): Row) -> Result<(TokenRecord, Option<LastUse>), StoreError> {
    let used = used_at.zip(used_from).map(|(at, from)| LastUse { at: Timestamp(at), from });
    Ok((decode("tokens", &body)?, used))
}

impl View {
    /// By name, each with its last use.
    pub async fn tokens(&mut self) -> Result<Vec<(TokenRecord, Option<LastUse>)>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as("SELECT body, used_at, used_from FROM tokens ORDER BY name")
            .fetch_all(self.db())
            .await
            .map_err(doing("list tokens"))?;
        rows.into_iter().map(token).collect()
    }

    pub async fn token_named(
        &mut self,
        name: &str,
    ) -> Result<Option<(TokenRecord, Option<LastUse>)>, StoreError> {
        let row: Option<Row> = sqlx::query_as("SELECT body, used_at, used_from FROM tokens WHERE name = $1")
            .bind(name)
            .fetch_optional(self.db())
            .await
            .map_err(doing("read a token"))?;
        row.map(token).transpose()
    }

    /// The token with this hash, expired or not.
    pub async fn token(
        &mut self,
        token_hash: &str,
    ) -> Result<Option<(TokenRecord, Option<LastUse>)>, StoreError> {
        let row: Option<Row> =
            sqlx::query_as("SELECT body, used_at, used_from FROM tokens WHERE token_hash = $1")
                .bind(token_hash)
                .fetch_optional(self.db())
                .await
                .map_err(doing("read a token"))?;
        row.map(token).transpose()
    }
}

const KIND: Kind = Kind { object: "token", read: "SELECT body FROM tokens WHERE name = $1" };

impl Change {
    /// Adds a token whose name is free, or gives it, not used yet, another text: after an answer was lost.
    pub async fn put_token(&mut self, token_hash: &str, record: &TokenRecord) -> Result<(), StoreError> {
        self.note(&KIND, record.name.as_str(), its_name, Some(record)).await?;
        sqlx::query(
            "INSERT INTO tokens (name, token_hash, body) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO UPDATE SET token_hash = excluded.token_hash, body = excluded.body",
        )
        .bind(record.name.as_str())
        .bind(token_hash)
        .bind(encode(record))
        .execute(self.db())
        .await
        .map_err(doing("write a token"))?;
        Ok(())
    }

    pub async fn delete_token(&mut self, name: &str) -> Result<(), StoreError> {
        self.note(&KIND, name, its_name, None::<&TokenRecord>).await?;
        sqlx::query("DELETE FROM tokens WHERE name = $1")
            .bind(name)
            .execute(self.db())
            .await
            .map_err(doing("delete a token"))?;
        Ok(())
    }

    /// Writes down a use of a token. Nothing if it is gone.
    pub async fn use_token(&mut self, name: &str, used: &LastUse) -> Result<(), StoreError> {
        sqlx::query("UPDATE tokens SET used_at = $2, used_from = $3 WHERE name = $1")
            .bind(name)
            .bind(used.at.0)
            .bind(&used.from)
            .execute(self.db())
            .await
            .map_err(doing("write the use of a token"))?;
        Ok(())
    }
}
