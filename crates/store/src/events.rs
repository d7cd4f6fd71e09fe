//! What happened, numbered without gaps. The oldest are cleared away.

use crate::{
    Change, StoreError, View,
    error::{decode, doing, encode},
};
use diecast_domain::{code::Code, units::Timestamp};
use serde::{Deserialize, Serialize};

/// Events that are kept: a day of a large installation, or a year of a small one.
pub const EVENTS_MAX: i64 = 10_000;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewEvent {
    pub at: Timestamp,
    /// A dotted name: `replica.ready`
    pub kind: String,
    /// `provider`, `template`, `host`, `server`
    pub object: String,
    /// Its name.
    pub name: String,
    /// Who did it: a user, or `diecast`.
    pub actor: String,
    /// A sentence.
    pub message: String,
    pub code: Option<Code>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub id: i64,
    pub what: NewEvent,
}

impl View {
    /// The number of the latest event; 0 if nothing ever happened.
    pub async fn last_event(&mut self) -> Result<i64, StoreError> {
        self.counter("event").await
    }

    /// The number of the oldest that is kept; 0 if there is none.
    pub async fn first_event(&mut self) -> Result<i64, StoreError> {
        sqlx::query_scalar("SELECT COALESCE(MIN(id), 0) FROM events")
            .fetch_one(self.db())
            .await
            .map_err(doing("look for the oldest event"))
    }

    /// Up to `limit` events after number `after`, the oldest first.
    pub async fn events_after(&mut self, after: i64, limit: u32) -> Result<Vec<Event>, StoreError> {
        let rows: Vec<(i64, String)> =
            sqlx::query_as("SELECT id, body FROM events WHERE id > $1 ORDER BY id LIMIT $2")
                .bind(after)
                .bind(i64::from(limit))
                .fetch_all(self.db())
                .await
                .map_err(doing("list events"))?;
        rows.into_iter().map(event).collect()
    }

    /// Up to `limit` events before number `before`, the newest first.
    pub async fn events_before(&mut self, before: i64, limit: u32) -> Result<Vec<Event>, StoreError> {
        let rows: Vec<(i64, String)> =
            sqlx::query_as("SELECT id, body FROM events WHERE id < $1 ORDER BY id DESC LIMIT $2")
                .bind(before)
                .bind(i64::from(limit))
                .fetch_all(self.db())
                .await
                .map_err(doing("list events"))?;
        rows.into_iter().map(event).collect()
    }
}

fn event((id, body): (i64, String)) -> Result<Event, StoreError> {
    Ok(Event { id, what: decode("events", &body)? })
}

impl Change {
    /// Appends an event; returns its number.
    pub async fn add_event(&mut self, event: &NewEvent) -> Result<i64, StoreError> {
        if let Some(ledger) = &mut self.ledger {
            ledger.happened(event);
        }
        let id = self.next_number("event").await?;
        sqlx::query("INSERT INTO events (id, body) VALUES ($1, $2)")
            .bind(id)
            .bind(encode(event))
            .execute(self.db())
            .await
            .map_err(doing("write an event"))?;
        sqlx::query("DELETE FROM events WHERE id <= $1")
            .bind(id - EVENTS_MAX)
            .execute(self.db())
            .await
            .map_err(doing("clear old events"))?;
        Ok(id)
    }
}
