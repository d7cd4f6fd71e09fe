//! Providers: what the operator set, and how their agents stand with the server.

use crate::{
    Change, StoreError, View,
    error::{decode, decode_all, doing, encode},
    ledger::{Kind, its_name},
};
use diecast_domain::{
    ids::ProviderId,
    limit::Limit,
    names::ProviderName,
    provider::{ProviderKind, ProviderSettings, ProviderState},
    scrub::ScrubPolicy,
    units::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A provider as the operator wants it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderRecord {
    pub id: ProviderId,
    pub name: ProviderName,
    pub kind: ProviderKind,
    pub settings: ProviderSettings,
    pub site: Option<String>,
    pub labels: BTreeMap<String, String>,
    pub created_at: Timestamp,
    #[serde(default)]
    pub limit: Option<Limit>,
    #[serde(default)]
    pub scrub: ScrubPolicy,
}

/// Its agent, as the server last knew it. Only transitions are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    pub provider: ProviderId,
    pub state: ProviderState,
    /// Since when it is in that state.
    pub since: Timestamp,
    /// Serials of the certificates that count: the one in use, and the one just made for it. Empty
    /// before the first enrolment.
    pub certificates: Vec<String>,
    pub certificate_expires_at: Option<Timestamp>,
}

impl View {
    pub async fn providers(&mut self) -> Result<Vec<ProviderRecord>, StoreError> {
        let bodies = sqlx::query_scalar("SELECT body FROM providers ORDER BY name")
            .fetch_all(self.db())
            .await
            .map_err(doing("list providers"))?;
        decode_all("providers", bodies)
    }

    pub async fn provider(&mut self, id: ProviderId) -> Result<Option<ProviderRecord>, StoreError> {
        let body: Option<String> = sqlx::query_scalar("SELECT body FROM providers WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(self.db())
            .await
            .map_err(doing("read a provider"))?;
        body.map(|body| decode("providers", &body)).transpose()
    }

    pub async fn provider_named(&mut self, name: &str) -> Result<Option<ProviderRecord>, StoreError> {
        let body: Option<String> = sqlx::query_scalar("SELECT body FROM providers WHERE name = $1")
            .bind(name)
            .fetch_optional(self.db())
            .await
            .map_err(doing("read a provider"))?;
        body.map(|body| decode("providers", &body)).transpose()
    }

    pub async fn contacts(&mut self) -> Result<Vec<Contact>, StoreError> {
        let bodies = sqlx::query_scalar("SELECT body FROM contacts ORDER BY provider")
            .fetch_all(self.db())
            .await
            .map_err(doing("list contacts"))?;
        decode_all("contacts", bodies)
    }

    pub async fn contact(&mut self, provider: ProviderId) -> Result<Option<Contact>, StoreError> {
        let body: Option<String> = sqlx::query_scalar("SELECT body FROM contacts WHERE provider = $1")
            .bind(provider.to_string())
            .fetch_optional(self.db())
            .await
            .map_err(doing("read a contact"))?;
        body.map(|body| decode("contacts", &body)).transpose()
    }
}

const KIND: Kind = Kind { object: "provider", read: "SELECT body FROM providers WHERE id = $1" };

impl Change {
    pub async fn put_provider(&mut self, provider: &ProviderRecord) -> Result<(), StoreError> {
        self.note(&KIND, &provider.id.to_string(), its_name, Some(provider)).await?;
        sqlx::query(
            "INSERT INTO providers (id, name, body) VALUES ($1, $2, $3)
             ON CONFLICT (id) DO UPDATE SET body = excluded.body",
        )
        .bind(provider.id.to_string())
        .bind(provider.name.as_str())
        .bind(encode(provider))
        .execute(self.db())
        .await
        .map_err(doing("write a provider"))?;
        Ok(())
    }

    pub async fn put_contact(&mut self, contact: &Contact) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO contacts (provider, body) VALUES ($1, $2)
             ON CONFLICT (provider) DO UPDATE SET body = excluded.body",
        )
        .bind(contact.provider.to_string())
        .bind(encode(contact))
        .execute(self.db())
        .await
        .map_err(doing("write a contact"))?;
        Ok(())
    }

    /// Forgets a provider: its contact, tokens, memberships, assignment and operations go with it.
    pub async fn delete_provider(&mut self, id: ProviderId) -> Result<(), StoreError> {
        self.note(&KIND, &id.to_string(), its_name, None::<&ProviderRecord>).await?;
        sqlx::query("DELETE FROM providers WHERE id = $1")
            .bind(id.to_string())
            .execute(self.db())
            .await
            .map_err(doing("delete a provider"))?;
        Ok(())
    }
}
