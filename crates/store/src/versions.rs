//! Versions: what was published. What a version is, is written once and never edited; what is said
//! of it, its tags, may change.

use crate::{
    Change, StoreError, View,
    error::{decode_all, doing, encode},
    ledger::Kind,
};
use diecast_domain::{
    digest::Digest,
    ids::TemplateId,
    profile::HardwareProfile,
    template::{Tag, VersionSize},
    trim::Trimming,
    units::{ByteCount, Timestamp},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

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
    /// The version it was derived from.
    #[serde(default)]
    pub parent: Option<u32>,
    /// Data that the parent has nowhere.
    #[serde(default)]
    pub new_bytes: Option<ByteCount>,
    /// What was trimmed before it was read, or would have been.
    #[serde(default)]
    pub trimming: Option<Trimming>,
    #[serde(default)]
    pub tags: BTreeSet<Tag>,
    /// It is to go everywhere.
    #[serde(default)]
    pub deleting: bool,
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

const KIND: Kind =
    Kind { object: "version", read: "SELECT body FROM versions WHERE template || ' ' || number = $1" };

impl Change {
    async fn note_version(
        &mut self,
        template: TemplateId,
        number: u32,
        after: Option<&VersionRecord>,
    ) -> Result<(), StoreError> {
        let name = self.template(template).await?.map_or_else(String::new, |it| it.name.to_string());
        let key = format!("{template} {number}");
        self.note(&KIND, &key, |_| format!("{name} v{number}"), after).await
    }

    pub async fn add_version(&mut self, version: &VersionRecord) -> Result<(), StoreError> {
        self.note_version(version.template, version.number, Some(version)).await?;
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

    /// Writes what is said of a version that is there.
    pub async fn put_version(&mut self, version: &VersionRecord) -> Result<(), StoreError> {
        self.note_version(version.template, version.number, Some(version)).await?;
        sqlx::query("UPDATE versions SET body = $3 WHERE template = $1 AND number = $2")
            .bind(version.template.to_string())
            .bind(i64::from(version.number))
            .bind(encode(version))
            .execute(self.db())
            .await
            .map_err(doing("write a version"))?;
        Ok(())
    }

    /// Its manifest stays until it is swept.
    pub async fn delete_version(&mut self, template: TemplateId, number: u32) -> Result<(), StoreError> {
        self.note_version(template, number, None).await?;
        sqlx::query("DELETE FROM versions WHERE template = $1 AND number = $2")
            .bind(template.to_string())
            .bind(i64::from(number))
            .execute(self.db())
            .await
            .map_err(doing("delete a version"))?;
        Ok(())
    }
}
