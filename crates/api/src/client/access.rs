//! Routes of who is let in and what they did: tokens and the audit trail.

use super::{Client, ClientError, Page};
use crate::operator::{
    audit::{AuditList, AuditSettings},
    token::{CreateToken, MadeToken, TokenList, TokenView},
};
use reqwest::Method;
use serde::Serialize;

type Answer<T> = Result<T, ClientError>;

/// Which entries of the audit trail; what is left out is not asked for.
#[derive(Clone, Debug, Default, Serialize)]
pub struct AuditFilter {
    /// RFC 3339
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `newest` first or `oldest` first
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<&'static str>,
}

impl Client {
    pub async fn tokens(&self, page: Page) -> Answer<TokenList> {
        self.get(&["tokens"]).query(&page).json().await
    }
    pub async fn token(&self, name: &str) -> Answer<TokenView> {
        self.get(&["tokens", name]).json().await
    }
    pub async fn create_token(&self, create: &CreateToken) -> Answer<MadeToken> {
        self.post(&["tokens"]).body(create).create().json().await
    }
    pub async fn revoke_token(&self, name: &str) -> Answer<()> {
        self.ask(Method::DELETE, &["tokens", name]).done().await
    }

    pub async fn audit(&self, filter: &AuditFilter, page: Page) -> Answer<AuditList> {
        self.get(&["audit"]).query(filter).query(&page).json().await
    }
    pub async fn audit_settings(&self) -> Answer<AuditSettings> {
        self.get(&["audit", "settings"]).json().await
    }
    pub async fn change_audit_settings(&self, settings: &AuditSettings) -> Answer<AuditSettings> {
        self.ask(Method::PATCH, &["audit", "settings"]).body(settings).json().await
    }
}
