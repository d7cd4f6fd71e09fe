//! Links between sites: the limit of what crosses them.

use crate::{
    Change, StoreError, View,
    error::{decode_all, doing, encode},
    ledger::Kind,
};
use diecast_domain::{limit::Limit, site::SiteLink};
use serde::{Deserialize, Serialize};

/// The limit of one link, in each direction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteLinkRecord {
    /// In their order.
    pub sites: [String; 2],
    pub limit: Limit,
}

impl SiteLinkRecord {
    /// None of what is no link: its sites are one.
    pub fn link(&self) -> Option<SiteLink> {
        SiteLink::new(&self.sites[0], &self.sites[1])
    }
}

impl View {
    pub async fn site_links(&mut self) -> Result<Vec<SiteLinkRecord>, StoreError> {
        let bodies = sqlx::query_scalar("SELECT body FROM site_links ORDER BY sites")
            .fetch_all(self.db())
            .await
            .map_err(doing("list site links"))?;
        decode_all("site_links", bodies)
    }
}

const KIND: Kind = Kind { object: "site", read: "SELECT body FROM site_links WHERE sites = $1" };

impl Change {
    /// None takes the limit away.
    pub async fn put_site_link(&mut self, link: &SiteLink, limit: Option<&Limit>) -> Result<(), StoreError> {
        let record = limit
            .map(|limit| SiteLinkRecord { sites: link.sites().map(str::to_owned), limit: limit.clone() });
        let key = encode(&link.sites());
        self.note(&KIND, &key, |_| link.to_string(), record.as_ref()).await?;
        let done = match record {
            Some(record) => {
                let put = sqlx::query(
                    "INSERT INTO site_links (sites, body) VALUES ($1, $2)
                     ON CONFLICT (sites) DO UPDATE SET body = excluded.body",
                );
                put.bind(key).bind(encode(&record)).execute(self.db()).await
            }
            None => {
                let delete = sqlx::query("DELETE FROM site_links WHERE sites = $1");
                delete.bind(key).execute(self.db()).await
            }
        };
        done.map_err(doing("write a site link"))?;
        Ok(())
    }
}
