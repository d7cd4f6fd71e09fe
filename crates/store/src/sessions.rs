//! Who is signed in. A token is known by its hash alone.

use crate::{
    Change, StoreError, View,
    error::{decode, doing, encode},
    ledger::Kind,
};
use diecast_domain::units::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    pub administrator: String,
    pub note: Option<String>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

impl View {
    /// The session of a token, expired or not.
    pub async fn session(&mut self, token_hash: &str) -> Result<Option<Session>, StoreError> {
        let body: Option<String> = sqlx::query_scalar("SELECT body FROM sessions WHERE token_hash = $1")
            .bind(token_hash)
            .fetch_optional(self.db())
            .await
            .map_err(doing("read a session"))?;
        body.map(|body| decode("sessions", &body)).transpose()
    }
}

const KIND: Kind = Kind { object: "session", read: "SELECT body FROM sessions WHERE token_hash = $1" };

fn its_owner(session: &serde_json::Value) -> String {
    session["administrator"].as_str().unwrap_or_default().to_owned()
}

impl Change {
    /// Adds a session, and clears away those that are over.
    pub async fn add_session(&mut self, token_hash: &str, session: &Session) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM sessions WHERE expires_at <= $1")
            .bind(session.created_at.0)
            .execute(self.db())
            .await
            .map_err(doing("clear old sessions"))?;
        self.note(&KIND, token_hash, its_owner, Some(session)).await?;
        sqlx::query(
            "INSERT INTO sessions (token_hash, administrator, expires_at, body) VALUES ($1, $2, $3, $4)",
        )
        .bind(token_hash)
        .bind(&session.administrator)
        .bind(session.expires_at.0)
        .bind(encode(session))
        .execute(self.db())
        .await
        .map_err(doing("write a session"))?;
        Ok(())
    }

    pub async fn delete_session(&mut self, token_hash: &str) -> Result<(), StoreError> {
        self.note(&KIND, token_hash, its_owner, None::<&Session>).await?;
        sqlx::query("DELETE FROM sessions WHERE token_hash = $1")
            .bind(token_hash)
            .execute(self.db())
            .await
            .map_err(doing("end a session"))?;
        Ok(())
    }

    /// Ends every session of one administrator: after a new password.
    pub async fn delete_sessions_of(&mut self, administrator: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM sessions WHERE administrator = $1")
            .bind(administrator)
            .execute(self.db())
            .await
            .map_err(doing("end sessions"))?;
        Ok(())
    }
}
