//! Notifications: by which ways people are told, what they were told last, and what is still to be sent.

use crate::{
    Change, StoreError, View,
    error::{decode, decode_all, doing, encode},
    ledger::{Kind, its_name},
};
use diecast_domain::{
    names::NotificationName,
    notification::{Memory, Message, Notification, Sending},
    units::Timestamp,
};
use serde::{Deserialize, Serialize};

/// What is not a wish: kept apart, so that a change of it is nobody's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationState {
    pub memory: Memory,
    pub sending: Sending,
}

/// A message, and when it is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingMessage {
    pub to: NotificationName,
    pub due_at: Timestamp,
    pub message: Message,
}

const KIND: Kind = Kind { object: "notification", read: "SELECT body FROM notifications WHERE name = $1" };

impl View {
    pub async fn notifications(&mut self) -> Result<Vec<(Notification, NotificationState)>, StoreError> {
        let rows: Vec<(String, String)> =
            sqlx::query_as("SELECT body, state FROM notifications ORDER BY name")
                .fetch_all(self.db())
                .await
                .map_err(doing("list notifications"))?;
        let read = |(body, state): (String, String)| {
            Ok((decode("notifications", &body)?, decode("notifications", &state)?))
        };
        rows.into_iter().map(read).collect()
    }

    /// What is still to be sent, the most urgent first.
    pub async fn messages(&mut self) -> Result<Vec<OutgoingMessage>, StoreError> {
        let rows: Vec<(i64, String, String)> =
            sqlx::query_as("SELECT due_at, notification, body FROM messages ORDER BY due_at, id")
                .fetch_all(self.db())
                .await
                .map_err(doing("list messages"))?;
        let names: Vec<String> = rows.iter().map(|(_, name, _)| encode(name)).collect();
        let names: Vec<NotificationName> = decode_all("messages", names)?;
        let read = |((due_at, _, body), to): ((i64, String, String), NotificationName)| {
            Ok(OutgoingMessage { to, due_at: Timestamp(due_at), message: decode("messages", &body)? })
        };
        rows.into_iter().zip(names).map(read).collect()
    }
}

impl Change {
    /// Writes the wish. What was told is left as it is.
    pub async fn put_notification(&mut self, notification: &Notification) -> Result<(), StoreError> {
        let name = notification.name.as_str();
        self.note(&KIND, name, its_name, Some(notification)).await?;
        sqlx::query(
            "INSERT INTO notifications (name, body, state) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO UPDATE SET body = excluded.body",
        )
        .bind(name)
        .bind(encode(notification))
        .bind(encode(&NotificationState::default()))
        .execute(self.db())
        .await
        .map_err(doing("write a notification"))?;
        Ok(())
    }

    pub async fn put_notification_state(
        &mut self,
        name: &NotificationName,
        state: &NotificationState,
    ) -> Result<(), StoreError> {
        sqlx::query("UPDATE notifications SET state = $2 WHERE name = $1")
            .bind(name.as_str())
            .bind(encode(state))
            .execute(self.db())
            .await
            .map_err(doing("write what was told"))?;
        Ok(())
    }

    /// Its messages go with it.
    pub async fn delete_notification(&mut self, name: &NotificationName) -> Result<(), StoreError> {
        self.note(&KIND, name.as_str(), its_name, None::<&Notification>).await?;
        sqlx::query("DELETE FROM notifications WHERE name = $1")
            .bind(name.as_str())
            .execute(self.db())
            .await
            .map_err(doing("delete a notification"))?;
        Ok(())
    }

    /// Writes a message of a notification that is there.
    pub async fn put_message(&mut self, outgoing: &OutgoingMessage) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO messages (id, notification, due_at, body) VALUES ($1, $2, $3, $4)
             ON CONFLICT (id) DO UPDATE SET due_at = excluded.due_at, body = excluded.body",
        )
        .bind(outgoing.message.id.to_string())
        .bind(outgoing.to.as_str())
        .bind(outgoing.due_at.0)
        .bind(encode(&outgoing.message))
        .execute(self.db())
        .await
        .map_err(doing("write a message"))?;
        Ok(())
    }

    pub async fn delete_message(&mut self, id: uuid::Uuid) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM messages WHERE id = $1")
            .bind(id.to_string())
            .execute(self.db())
            .await
            .map_err(doing("delete a message"))?;
        Ok(())
    }
}
