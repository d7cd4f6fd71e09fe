//! Templates: their names, their status, and the publication under way.

use crate::{
    Change, StoreError, View,
    error::{decode, decode_all, doing, encode},
    ledger::{Kind, its_name},
};
use diecast_domain::{
    host::HostDefaults,
    ids::{ProviderId, TemplateId},
    limit::Limit,
    maintenance::{Discarded, Maintenance},
    names::TemplateName,
    template::{Publication, TemplateStatus},
    units::Timestamp,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateRecord {
    pub id: TemplateId,
    pub name: TemplateName,
    pub status: TemplateStatus,
    pub concurrency: u32,
    /// The number of the current version.
    pub current: Option<u32>,
    pub publication: Option<Publication>,
    /// Said of the version that is being published.
    pub note: Option<String>,
    pub author: String,
    pub created_at: Timestamp,
    #[serde(default)]
    pub maintenance: Option<Maintenance>,
    /// Working copies that are to go.
    #[serde(default)]
    pub discarded: Vec<Discarded>,
    /// Where it was made.
    #[serde(default)]
    pub source: Option<ProviderId>,
    /// The highest number that a version of it ever had, if one above those that there are.
    #[serde(default)]
    pub numbered: u32,
    /// Newest versions that retention keeps; 0: all.
    #[serde(default)]
    pub keep: u32,
    /// On each transfer of it.
    #[serde(default)]
    pub limit: Option<Limit>,
    #[serde(default)]
    pub host_defaults: HostDefaults,
}

impl View {
    pub async fn templates(&mut self) -> Result<Vec<TemplateRecord>, StoreError> {
        let bodies = sqlx::query_scalar("SELECT body FROM templates ORDER BY name")
            .fetch_all(self.db())
            .await
            .map_err(doing("list templates"))?;
        decode_all("templates", bodies)
    }

    pub async fn template(&mut self, id: TemplateId) -> Result<Option<TemplateRecord>, StoreError> {
        let body: Option<String> = sqlx::query_scalar("SELECT body FROM templates WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(self.db())
            .await
            .map_err(doing("read a template"))?;
        body.map(|body| decode("templates", &body)).transpose()
    }

    pub async fn template_named(&mut self, name: &str) -> Result<Option<TemplateRecord>, StoreError> {
        let body: Option<String> = sqlx::query_scalar("SELECT body FROM templates WHERE name = $1")
            .bind(name)
            .fetch_optional(self.db())
            .await
            .map_err(doing("read a template"))?;
        body.map(|body| decode("templates", &body)).transpose()
    }
}

const KIND: Kind = Kind { object: "template", read: "SELECT body FROM templates WHERE id = $1" };

impl Change {
    pub async fn put_template(&mut self, template: &TemplateRecord) -> Result<(), StoreError> {
        self.note(&KIND, &template.id.to_string(), its_name, Some(template)).await?;
        sqlx::query(
            "INSERT INTO templates (id, name, body) VALUES ($1, $2, $3)
             ON CONFLICT (id) DO UPDATE SET body = excluded.body",
        )
        .bind(template.id.to_string())
        .bind(template.name.as_str())
        .bind(encode(template))
        .execute(self.db())
        .await
        .map_err(doing("write a template"))?;
        Ok(())
    }

    /// Its versions and its list go with it. Their manifests stay until they are swept.
    pub async fn delete_template(&mut self, id: TemplateId) -> Result<(), StoreError> {
        self.note(&KIND, &id.to_string(), its_name, None::<&TemplateRecord>).await?;
        sqlx::query("DELETE FROM templates WHERE id = $1")
            .bind(id.to_string())
            .execute(self.db())
            .await
            .map_err(doing("delete a template"))?;
        Ok(())
    }
}
