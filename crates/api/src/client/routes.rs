//! One method a route, in the order of the nouns.

use super::{Client, ClientError, Page, Tagged};
use crate::operator::{
    distribution::{DistributionView, ProviderNames, RemoveProviders},
    event::EventList,
    host::{CreateHosts, HostList, HostView},
    operation::{OperationList, OperationView},
    provider::{AddProvider, ChangeProvider, JoinView, ProviderList, ProviderView},
    session::{SessionView, SignIn, SignedIn},
    template::{ChangeTemplate, CreateTemplate, PlanView, TemplateList, TemplateView, VersionList},
    vm::VmList,
};
use reqwest::Method;
use serde::Serialize;

type Answer<T> = Result<T, ClientError>;

/// Which hosts; what is left out is not asked for.
#[derive(Clone, Debug, Default, Serialize)]
pub struct HostFilter {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
}

/// Which events; what is left out is not asked for.
#[derive(Clone, Debug, Default, Serialize)]
pub struct EventFilter {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Client {
    fn get(&self, parts: &[&str]) -> super::send::Ask<'_> {
        self.ask(Method::GET, parts)
    }

    fn post(&self, parts: &[&str]) -> super::send::Ask<'_> {
        self.ask(Method::POST, parts)
    }

    pub async fn sign_in(&self, sign_in: &SignIn) -> Answer<SignedIn> {
        self.post(&["session"]).body(sign_in).json().await
    }
    pub async fn session(&self) -> Answer<SessionView> {
        self.get(&["session"]).json().await
    }
    pub async fn sign_out(&self) -> Answer<()> {
        self.ask(Method::DELETE, &["session"]).done().await
    }

    pub async fn providers(&self, page: Page) -> Answer<ProviderList> {
        self.get(&["providers"]).query(&page).json().await
    }
    pub async fn provider(&self, name: &str) -> Answer<Tagged<ProviderView>> {
        self.get(&["providers", name]).tagged().await
    }
    pub async fn add_provider(&self, add: &AddProvider) -> Answer<JoinView> {
        self.post(&["providers"]).body(add).create().json().await
    }
    pub async fn change_provider(
        &self,
        name: &str,
        change: &ChangeProvider,
        etag: Option<&str>,
    ) -> Answer<ProviderView> {
        self.ask(Method::PATCH, &["providers", name]).body(change).if_match(etag).json().await
    }
    /// `forget` gives up on a dead one: its certificate is revoked, and what it held is written off.
    pub async fn remove_provider(&self, name: &str, forget: bool, etag: Option<&str>) -> Answer<()> {
        let ask = self.ask(Method::DELETE, &["providers", name]).if_match(etag);
        if forget { ask.query(&[("forget", "true")]).done().await } else { ask.done().await }
    }
    pub async fn rejoin_provider(&self, name: &str) -> Answer<JoinView> {
        self.post(&["providers", name, "rejoin"]).json().await
    }
    pub async fn check_provider(&self, name: &str) -> Answer<OperationView> {
        self.post(&["providers", name, "check"]).json().await
    }
    pub async fn vms(&self, provider: &str, page: Page) -> Answer<VmList> {
        self.get(&["providers", provider, "vms"]).query(&page).json().await
    }

    pub async fn templates(&self, page: Page) -> Answer<TemplateList> {
        self.get(&["templates"]).query(&page).json().await
    }
    pub async fn template(&self, name: &str) -> Answer<Tagged<TemplateView>> {
        self.get(&["templates", name]).tagged().await
    }
    pub async fn create_template(&self, create: &CreateTemplate) -> Answer<TemplateView> {
        self.post(&["templates"]).body(create).create().json().await
    }
    pub async fn plan_template(&self, create: &CreateTemplate) -> Answer<PlanView> {
        self.post(&["templates"]).body(create).dry_run().json().await
    }
    pub async fn change_template(
        &self,
        name: &str,
        change: &ChangeTemplate,
        etag: Option<&str>,
    ) -> Answer<TemplateView> {
        self.ask(Method::PATCH, &["templates", name]).body(change).if_match(etag).json().await
    }
    pub async fn plan_template_change(&self, name: &str, change: &ChangeTemplate) -> Answer<PlanView> {
        self.ask(Method::PATCH, &["templates", name]).body(change).dry_run().json().await
    }
    pub async fn delete_template(&self, name: &str, etag: Option<&str>) -> Answer<()> {
        self.ask(Method::DELETE, &["templates", name]).if_match(etag).done().await
    }
    pub async fn plan_template_deletion(&self, name: &str) -> Answer<PlanView> {
        self.ask(Method::DELETE, &["templates", name]).dry_run().json().await
    }
    pub async fn versions(&self, template: &str, page: Page) -> Answer<VersionList> {
        self.get(&["templates", template, "versions"]).query(&page).json().await
    }

    pub async fn distribution(&self, template: &str) -> Answer<DistributionView> {
        self.get(&["templates", template, "distribution"]).json().await
    }
    pub async fn add_to_distribution(
        &self,
        template: &str,
        names: &ProviderNames,
    ) -> Answer<DistributionView> {
        self.post(&["templates", template, "distribution", "providers"]).body(names).json().await
    }
    pub async fn plan_addition(&self, template: &str, names: &ProviderNames) -> Answer<PlanView> {
        self.post(&["templates", template, "distribution", "providers"]).body(names).dry_run().json().await
    }
    pub async fn remove_from_distribution(
        &self,
        template: &str,
        remove: &RemoveProviders,
    ) -> Answer<DistributionView> {
        self.post(&["templates", template, "distribution", "remove"]).body(remove).json().await
    }
    pub async fn plan_removal(&self, template: &str, remove: &RemoveProviders) -> Answer<PlanView> {
        self.post(&["templates", template, "distribution", "remove"]).body(remove).dry_run().json().await
    }
    pub async fn retry_distribution(
        &self,
        template: &str,
        names: &ProviderNames,
    ) -> Answer<DistributionView> {
        self.post(&["templates", template, "distribution", "retry"]).body(names).json().await
    }
    pub async fn verify_distribution(&self, template: &str, names: &ProviderNames) -> Answer<OperationList> {
        self.post(&["templates", template, "distribution", "verify"]).body(names).json().await
    }

    pub async fn hosts(&self, filter: &HostFilter, page: Page) -> Answer<HostList> {
        self.get(&["hosts"]).query(filter).query(&page).json().await
    }
    pub async fn host(&self, name: &str) -> Answer<Tagged<HostView>> {
        self.get(&["hosts", name]).tagged().await
    }
    pub async fn create_hosts(&self, create: &CreateHosts) -> Answer<HostList> {
        self.post(&["hosts"]).body(create).create().json().await
    }
    pub async fn plan_hosts(&self, create: &CreateHosts) -> Answer<PlanView> {
        self.post(&["hosts"]).body(create).dry_run().json().await
    }
    pub async fn delete_host(&self, name: &str) -> Answer<()> {
        self.ask(Method::DELETE, &["hosts", name]).done().await
    }
    pub async fn start_host(&self, name: &str) -> Answer<OperationView> {
        self.post(&["hosts", name, "start"]).json().await
    }
    pub async fn stop_host(&self, name: &str, force: bool) -> Answer<OperationView> {
        let ask = self.post(&["hosts", name, "stop"]);
        if force { ask.query(&[("force", "true")]).json().await } else { ask.json().await }
    }

    pub async fn operation(&self, id: &str) -> Answer<OperationView> {
        self.get(&["operations", id]).json().await
    }

    pub async fn event_history(&self, filter: &EventFilter, page: Page) -> Answer<EventList> {
        self.get(&["events", "history"]).query(filter).query(&page).json().await
    }
    /// The page of an error code, Markdown.
    pub async fn error_page(&self, code: &str) -> Answer<String> {
        self.get(&["errors", code]).text().await
    }
}
