//! That this store was restored from a backup, and whether the differences have been looked at since.

use crate::{
    Change, StoreError, View,
    error::{decode, doing, encode},
};
use diecast_domain::units::Timestamp;
use serde::{Deserialize, Serialize};

/// The setting that says so.
const RECOVERY: &str = "recovery";

/// What was right only at the moment of the backup: who was signed in, which tokens enrolled, what was
/// under way, what agents had said. An act that waited then was done long ago, or is not wanted any more.
const PASSING: [&str; 7] = [
    "DELETE FROM sessions",
    "DELETE FROM enrolment_tokens",
    "DELETE FROM idempotency_keys",
    "DELETE FROM operations WHERE ended = FALSE",
    "DELETE FROM reports",
    "DELETE FROM assignments",
    "DELETE FROM messages",
];

/// A store that was restored from a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryRecord {
    /// What the store knows is of this moment.
    pub backup_made_at: Timestamp,
    pub restored_at: Timestamp,
    /// An operator has looked at what differs, and lets everything go on.
    #[serde(default)]
    pub finished_at: Option<Timestamp>,
}

impl RecoveryRecord {
    /// Nothing new is begun and nothing is deleted while this holds.
    pub const fn is_open(&self) -> bool {
        self.finished_at.is_none()
    }
}

impl View {
    /// The last restore. None if this store was never restored.
    pub async fn recovery(&mut self) -> Result<Option<RecoveryRecord>, StoreError> {
        self.setting(RECOVERY).await?.map(|body| decode("settings", &body)).transpose()
    }

    /// The restore that nobody has finished looking at, if there is one.
    pub async fn open_recovery(&mut self) -> Result<Option<RecoveryRecord>, StoreError> {
        Ok(self.recovery().await?.filter(RecoveryRecord::is_open))
    }
}

impl Change {
    pub async fn put_recovery(&mut self, record: &RecoveryRecord) -> Result<(), StoreError> {
        self.put_setting(RECOVERY, &encode(record)).await
    }

    /// Makes a database that was just restored what it is from now on: of an epoch that nobody has heard
    /// of, without what was passing, and marked as recovered.
    pub async fn begin_recovery(&mut self, record: &RecoveryRecord) -> Result<(), StoreError> {
        for statement in PASSING {
            sqlx::query(statement).execute(self.db()).await.map_err(doing("forget what was passing"))?;
        }
        // One more would do once. The same backup restored again, after the first restore has given out
        // orders, must be newer than those too: seconds are.
        let seconds = u64::try_from(record.restored_at.0 / 1000).unwrap_or(0);
        let epoch = seconds.max(self.epoch().await? + 1);
        self.put_epoch(epoch).await?;
        self.put_recovery(record).await
    }
}
