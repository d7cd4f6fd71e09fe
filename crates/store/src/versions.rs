//! Versions: what was published. A row is written once and never edited.

use crate::{
    Change, StoreError, View,
    error::{decode_all, doing, encode},
};
use diecast_domain::{
    digest::Digest, ids::TemplateId, profile::HardwareProfile, template::VersionSize, units::Timestamp,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionRecord {
    pub template: TemplateId,
    pub number: u32,
    pub digest: Digest,
    pub size: VersionSize,
    pub profile: HardwareProfile,
    pub warnings: Vec<String>,
    pub note: Option<String>,
    pub author: String,
    pub created_at: Timestamp,
}

impl View {
    /// Every version of every template, by template, then by number.
    pub async fn versions(&mut self) -> Result<Vec<VersionRecord>, StoreError> {
        let bodies = sqlx::query_scalar("SELECT body FROM versions ORDER BY template, number")
            .fetch_all(self.db())
            .await
            .map_err(doing("list versions"))?;
        decode_all("versions", bodies)
    }
}

impl Change {
    pub async fn add_version(&mut self, version: &VersionRecord) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO versions (template, number, digest, body) VALUES ($1, $2, $3, $4)")
            .bind(version.template.to_string())
            .bind(i64::from(version.number))
            .bind(version.digest.to_string())
            .bind(encode(version))
            .execute(self.db())
            .await
            .map_err(doing("write a version"))?;
        Ok(())
    }
}
