//! The last report of each agent in which more than a number changed: after a restart the server
//! knows who holds what before anybody has called.

use crate::{
    Change, StoreError, View,
    error::{decode_all, doing, encode},
};
use diecast_domain::report::Report;

impl View {
    pub async fn reports(&mut self) -> Result<Vec<Report>, StoreError> {
        let bodies = sqlx::query_scalar("SELECT body FROM reports ORDER BY provider")
            .fetch_all(self.db())
            .await
            .map_err(doing("list reports"))?;
        decode_all("reports", bodies)
    }
}

impl Change {
    pub async fn put_report(&mut self, report: &Report) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO reports (provider, body) VALUES ($1, $2)
             ON CONFLICT (provider) DO UPDATE SET body = excluded.body",
        )
        .bind(report.provider.to_string())
        .bind(encode(report))
        .execute(self.db())
        .await
        .map_err(doing("write a report"))?;
        Ok(())
    }
}
