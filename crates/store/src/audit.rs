//! The audit trail: who changed what, when, from where, what it was before and after. Kept for a time.

use crate::{
    Change, StoreError, View,
    error::{decode, doing, encode},
};
use diecast_domain::{code::Code, units::Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;

/// How long entries are kept unless somebody set it: a year, and the month in which one looks back.
pub const AUDIT_LIFE: Duration = Duration::from_secs(400 * DAY_SECONDS);
const DAY_SECONDS: u64 = 24 * 3600;
/// What was refused and is kept: who tries passwords must not fill the disk.
const REFUSED_MAX: i64 = 10_000;
/// The setting that holds for how many days entries are kept.
const DAYS: &str = "audit-days";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    pub at: Timestamp,
    pub who: String,
    /// The address of the caller, or `console`.
    pub from: String,
    pub request: Option<String>,
    /// What was called: `PATCH /api/v1/providers/kvm-a`
    pub call: String,
    /// A dotted name: `provider.changed`
    pub action: String,
    pub object: String,
    pub name: String,
    /// A sentence.
    pub message: String,
    #[serde(default)]
    pub before: Option<Value>,
    #[serde(default)]
    pub after: Option<Value>,
    /// Why it was not done.
    #[serde(default)]
    pub refused: Option<Code>,
}

/// Which entries; what is left out is not asked for.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub who: Option<String>,
    pub object: Option<String>,
    pub name: Option<String>,
}

impl View {
    /// Up to `limit` entries, numbered; the newest first, below number `below`.
    pub async fn audit_newest(
        &mut self,
        filter: &AuditFilter,
        below: i64,
        limit: u32,
    ) -> Result<Vec<(i64, AuditEntry)>, StoreError> {
        let query = "SELECT id, body FROM audit WHERE id < $1 AND at >= $2 AND at <= $3
             AND ($4 = '' OR who = $4) AND ($5 = '' OR object = $5) AND ($6 = '' OR name = $6)
             ORDER BY id DESC LIMIT $7";
        self.audit(query, filter, below, limit).await
    }

    /// Up to `limit` entries, numbered; the oldest first, above number `above`.
    pub async fn audit_oldest(
        &mut self,
        filter: &AuditFilter,
        above: i64,
        limit: u32,
    ) -> Result<Vec<(i64, AuditEntry)>, StoreError> {
        let query = "SELECT id, body FROM audit WHERE id > $1 AND at >= $2 AND at <= $3
             AND ($4 = '' OR who = $4) AND ($5 = '' OR object = $5) AND ($6 = '' OR name = $6)
             ORDER BY id LIMIT $7";
        self.audit(query, filter, above, limit).await
    }

    async fn audit(
        &mut self,
        query: &'static str,
        filter: &AuditFilter,
        edge: i64,
        limit: u32,
    ) -> Result<Vec<(i64, AuditEntry)>, StoreError> {
        let rows: Vec<(i64, String)> = sqlx::query_as(query)
            .bind(edge)
            .bind(filter.since.map_or(i64::MIN, |at| at.0))
            .bind(filter.until.map_or(i64::MAX, |at| at.0))
            .bind(filter.who.as_deref().unwrap_or_default())
            .bind(filter.object.as_deref().unwrap_or_default())
            .bind(filter.name.as_deref().unwrap_or_default())
            .bind(i64::from(limit))
            .fetch_all(self.db())
            .await
            .map_err(doing("list the audit trail"))?;
        rows.into_iter().map(|(id, body)| Ok((id, decode("audit", &body)?))).collect()
    }

    /// For how long entries are kept.
    pub async fn audit_life(&mut self) -> Result<Duration, StoreError> {
        let days = self.setting(DAYS).await?;
        let days = days.and_then(|days| days.parse().ok());
        Ok(days.map_or(AUDIT_LIFE, |days: u32| Duration::from_secs(u64::from(days) * DAY_SECONDS)))
    }
}

impl Change {
    pub async fn add_audit(&mut self, entry: &AuditEntry) -> Result<(), StoreError> {
        let id = self.next_number("audit").await?;
        sqlx::query(
            "INSERT INTO audit (id, at, who, object, name, refused, body) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(id)
        .bind(entry.at.0)
        .bind(&entry.who)
        .bind(&entry.object)
        .bind(&entry.name)
        .bind(entry.refused.is_some())
        .bind(encode(entry))
        .execute(self.db())
        .await
        .map_err(doing("write into the audit trail"))?;
        if entry.refused.is_some() {
            self.forget_refused().await?;
        }
        Ok(())
    }

    async fn forget_refused(&mut self) -> Result<(), StoreError> {
        sqlx::query(
            "DELETE FROM audit WHERE refused = TRUE AND id <=
             (SELECT id FROM audit WHERE refused = TRUE ORDER BY id DESC LIMIT 1 OFFSET $1)",
        )
        .bind(REFUSED_MAX)
        .execute(self.db())
        .await
        .map_err(doing("clear what was refused"))?;
        Ok(())
    }

    pub async fn put_audit_days(&mut self, days: u32) -> Result<(), StoreError> {
        self.put_setting(DAYS, &days.to_string()).await
    }

    /// Forgets entries that are older than they are kept. Says how many those were.
    pub async fn sweep_audit(&mut self, now: Timestamp) -> Result<u64, StoreError> {
        let life = self.audit_life().await?;
        let life = i64::try_from(life.as_millis()).unwrap_or(i64::MAX);
        let done = sqlx::query("DELETE FROM audit WHERE at < $1")
            .bind(now.0.saturating_sub(life))
            .execute(self.db())
            .await
            .map_err(doing("clear the audit trail"))?;
        Ok(done.rows_affected())
    }
}
