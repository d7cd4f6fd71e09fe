//! Manifests, as the bytes that agents hand in and are handed. Checked elsewhere.

use crate::{Change, StoreError, View, error::doing};
use diecast_domain::digest::Digest;
use std::collections::BTreeSet;

/// Bytes in one row: far below what a database takes as one value.
const PART_BYTES: usize = 16 << 20;

impl View {
    pub async fn has_manifest(&mut self, digest: Digest) -> Result<bool, StoreError> {
        let parts: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM manifests WHERE digest = $1")
            .bind(digest.to_string())
            .fetch_one(self.db())
            .await
            .map_err(doing("look for a manifest"))?;
        Ok(parts > 0)
    }

    /// Of which versions there are manifests.
    pub async fn manifests_there(&mut self) -> Result<BTreeSet<Digest>, StoreError> {
        let digests: Vec<String> = sqlx::query_scalar("SELECT DISTINCT digest FROM manifests")
            .fetch_all(self.db())
            .await
            .map_err(doing("list manifests"))?;
        Ok(digests.iter().filter_map(|digest| digest.parse().ok()).collect())
    }

    pub async fn manifest(&mut self, digest: Digest) -> Result<Option<Vec<u8>>, StoreError> {
        let parts: Vec<Vec<u8>> =
            sqlx::query_scalar("SELECT bytes FROM manifests WHERE digest = $1 ORDER BY part")
                .bind(digest.to_string())
                .fetch_all(self.db())
                .await
                .map_err(doing("read a manifest"))?;
        Ok((!parts.is_empty()).then(|| parts.concat()))
    }
}

impl Change {
    /// Stores a manifest in place of what was there: the same content may be packed in another way.
    pub async fn put_manifest(&mut self, digest: Digest, bytes: &[u8]) -> Result<(), StoreError> {
        self.delete_manifest(digest).await?;
        for (part, bytes) in bytes.chunks(PART_BYTES).enumerate() {
            sqlx::query("INSERT INTO manifests (digest, part, bytes) VALUES ($1, $2, $3)")
                .bind(digest.to_string())
                .bind(i64::try_from(part).unwrap_or(i64::MAX))
                .bind(bytes)
                .execute(self.db())
                .await
                .map_err(doing("write a manifest"))?;
        }
        Ok(())
    }

    async fn delete_manifest(&mut self, digest: Digest) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM manifests WHERE digest = $1")
            .bind(digest.to_string())
            .execute(self.db())
            .await
            .map_err(doing("delete a manifest"))?;
        Ok(())
    }

    /// Deletes manifests that no version has. Not to be called while something is being published:
    /// a manifest is handed in before its version is written.
    /// Nor after a restore, while some are handed in whose versions this store has yet to learn of.
    pub async fn sweep_manifests(&mut self) -> Result<(), StoreError> {
        if self.open_recovery().await?.is_some() {
            return Ok(());
        }
        sqlx::query("DELETE FROM manifests WHERE digest NOT IN (SELECT digest FROM versions)")
            .execute(self.db())
            .await
            .map_err(doing("sweep manifests"))?;
        Ok(())
    }
}
