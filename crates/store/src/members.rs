//! Distribution lists: one row for each provider on one.

use crate::{
    Change, StoreError, View,
    error::{decode, doing, encode},
    ledger::Kind,
};
use diecast_domain::{
    distribution::Member,
    ids::{ProviderId, TemplateId},
};

impl View {
    pub async fn members(&mut self) -> Result<Vec<(TemplateId, ProviderId, Member)>, StoreError> {
        let rows: Vec<(String, String, String)> =
            sqlx::query_as("SELECT template, provider, body FROM members ORDER BY template, provider")
                .fetch_all(self.db())
                .await
                .map_err(doing("list members"))?;
        let mut members = Vec::with_capacity(rows.len());
        for (template, provider, body) in rows {
            if let (Ok(template), Ok(provider)) = (template.parse(), provider.parse()) {
                members.push((template, provider, decode("members", &body)?));
            }
        }
        Ok(members)
    }
}

const KIND: Kind =
    Kind { object: "member", read: "SELECT body FROM members WHERE template || ' ' || provider = $1" };

impl Change {
    async fn note_member(
        &mut self,
        template: TemplateId,
        provider: ProviderId,
        after: Option<&Member>,
    ) -> Result<(), StoreError> {
        let list = self.template(template).await?.map_or_else(String::new, |it| it.name.to_string());
        let member = self.provider(provider).await?.map_or_else(String::new, |it| it.name.to_string());
        let key = format!("{template} {provider}");
        self.note(&KIND, &key, |_| format!("{member} of {list}"), after).await
    }

    pub async fn put_member(
        &mut self,
        template: TemplateId,
        provider: ProviderId,
        member: &Member,
    ) -> Result<(), StoreError> {
        self.note_member(template, provider, Some(member)).await?;
        sqlx::query(
            "INSERT INTO members (template, provider, body) VALUES ($1, $2, $3)
             ON CONFLICT (template, provider) DO UPDATE SET body = excluded.body",
        )
        .bind(template.to_string())
        .bind(provider.to_string())
        .bind(encode(member))
        .execute(self.db())
        .await
        .map_err(doing("write a member"))?;
        Ok(())
    }

    pub async fn delete_member(
        &mut self,
        template: TemplateId,
        provider: ProviderId,
    ) -> Result<(), StoreError> {
        self.note_member(template, provider, None).await?;
        sqlx::query("DELETE FROM members WHERE template = $1 AND provider = $2")
            .bind(template.to_string())
            .bind(provider.to_string())
            .execute(self.db())
            .await
            .map_err(doing("delete a member"))?;
        Ok(())
    }
}
