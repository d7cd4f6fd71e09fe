//! Who may sign in. Passwords are kept as Argon2id hashes, made elsewhere.

use crate::{Change, StoreError, View, error::doing};

#[derive(Clone, PartialEq, Eq)]
pub struct Administrator {
    pub name: String,
    /// In PHC's form.
    pub password_hash: String,
}

impl View {
    pub async fn administrator(&mut self, name: &str) -> Result<Option<Administrator>, StoreError> {
        let row: Option<(String, String)> =
            sqlx::query_as("SELECT name, password_hash FROM administrators WHERE name = $1")
                .bind(name)
                .fetch_optional(self.db())
                .await
                .map_err(doing("read an administrator"))?;
        Ok(row.map(|(name, password_hash)| Administrator { name, password_hash }))
    }
}

impl Change {
    pub async fn put_administrator(&mut self, administrator: &Administrator) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO administrators (name, password_hash) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET password_hash = excluded.password_hash",
        )
        .bind(&administrator.name)
        .bind(&administrator.password_hash)
        .execute(self.db())
        .await
        .map_err(doing("write an administrator"))?;
        Ok(())
    }
}
