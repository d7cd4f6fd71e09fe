//! One method a route, in the order of the nouns.

use super::{Client, ClientError, Page, Tagged};
use crate::operator::{
    distribution::{DistributionView, ProviderNames, RemoveProviders},
    event::EventList,
    host::{CreateHosts, HostList, HostView},
    maintenance::{EnterMaintenance, LeaveMaintenance, MaintenanceView},
    operation::{OperationList, OperationView},
    pool::{CreatePool, PoolList, PoolSettings, PoolView},
    provider::{AddProvider, ChangeProvider, JoinView, ProviderList, ProviderView},
    recovery::{Adopt, AdoptedView, Finish, RecoveryView},
    recreation::{CreateRecreation, RecreationList, RecreationView},
    schedule::{ChangeSchedule, CreateSchedule, ScheduleList, ScheduleView},
    session::{SessionView, SignIn, SignedIn},
    site::{SetSiteLink, SiteLinkView, SiteList},
    template::{
        ActivateVersion, ChangeTemplate, CreateTemplate, PlanView, TagVersion, TemplateList, TemplateView,
        VersionList, VersionView,
    },
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outdated: Option<bool>,
}

/// Which recreations; what is left out is not asked for.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RecreationFilter {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Only those that are not over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running: Option<bool>,
}

/// Which events; what is left out is not asked for.
#[derive(Clone, Debug, Default, Serialize)]
pub struct EventFilter {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A whole kind, or the word before its dot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
}

impl Client {
    pub(super) fn get(&self, parts: &[&str]) -> super::send::Ask<'_> {
        self.ask(Method::GET, parts)
    }

    pub(super) fn post(&self, parts: &[&str]) -> super::send::Ask<'_> {
        self.ask(Method::POST, parts)
    }

    pub async fn sign_in(&self, sign_in: &SignIn) -> Answer<SignedIn> {
        self.post(&["session"]).body(sign_in).json().await
    }
    pub async fn recovery(&self) -> Answer<RecoveryView> {
        self.get(&["recovery"]).json().await
    }
    pub async fn adopt(&self, adopt: &Adopt) -> Answer<AdoptedView> {
        self.post(&["recovery", "adopt"]).body(adopt).json().await
    }
    pub async fn finish_recovery(&self, finish: &Finish) -> Answer<RecoveryView> {
        self.post(&["recovery", "finish"]).body(finish).json().await
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

    pub async fn sites(&self, page: Page) -> Answer<SiteList> {
        self.get(&["sites"]).query(&page).json().await
    }
    pub async fn set_site_link(&self, site: &str, other: &str, set: &SetSiteLink) -> Answer<SiteLinkView> {
        self.ask(Method::PUT, &["sites", site, "links", other]).body(set).json().await
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
    /// `version` may be a number or a tag, here and below.
    pub async fn tag_version(&self, template: &str, version: &str, tag: &TagVersion) -> Answer<VersionView> {
        self.post(&["templates", template, "versions", version, "tags"]).body(tag).json().await
    }
    pub async fn untag_version(&self, template: &str, version: &str, tag: &str) -> Answer<()> {
        self.ask(Method::DELETE, &["templates", template, "versions", version, "tags", tag]).done().await
    }
    pub async fn activate_version(
        &self,
        template: &str,
        version: &str,
        activate: &ActivateVersion,
    ) -> Answer<TemplateView> {
        self.post(&["templates", template, "versions", version, "activate"]).body(activate).json().await
    }
    pub async fn plan_activation(
        &self,
        template: &str,
        version: &str,
        activate: &ActivateVersion,
    ) -> Answer<PlanView> {
        self.post(&["templates", template, "versions", version, "activate"])
            .body(activate)
            .dry_run()
            .json()
            .await
    }
    pub async fn delete_version(&self, template: &str, version: &str) -> Answer<()> {
        self.ask(Method::DELETE, &["templates", template, "versions", version]).done().await
    }
    pub async fn plan_version_deletion(&self, template: &str, version: &str) -> Answer<PlanView> {
        self.ask(Method::DELETE, &["templates", template, "versions", version]).dry_run().json().await
    }

    pub async fn maintenance(&self, template: &str) -> Answer<MaintenanceView> {
        self.get(&["templates", template, "maintenance"]).json().await
    }
    pub async fn enter_maintenance(
        &self,
        template: &str,
        enter: &EnterMaintenance,
    ) -> Answer<MaintenanceView> {
        self.post(&["templates", template, "maintenance"]).body(enter).create().json().await
    }
    pub async fn plan_maintenance(&self, template: &str, enter: &EnterMaintenance) -> Answer<PlanView> {
        self.post(&["templates", template, "maintenance"]).body(enter).dry_run().json().await
    }
    /// Starts the working copy's machine again.
    pub async fn start_maintenance(&self, template: &str) -> Answer<OperationView> {
        self.post(&["templates", template, "maintenance", "start"]).json().await
    }
    pub async fn leave_maintenance(&self, template: &str, leave: &LeaveMaintenance) -> Answer<TemplateView> {
        self.post(&["templates", template, "maintenance", "leave"]).body(leave).json().await
    }
    pub async fn plan_leaving(&self, template: &str, leave: &LeaveMaintenance) -> Answer<PlanView> {
        self.post(&["templates", template, "maintenance", "leave"]).body(leave).dry_run().json().await
    }
    /// `forget` gives up a working copy whose provider is dead.
    pub async fn cancel_maintenance(&self, template: &str, forget: bool) -> Answer<()> {
        let ask = self.ask(Method::DELETE, &["templates", template, "maintenance"]);
        if forget { ask.query(&[("forget", "true")]).done().await } else { ask.done().await }
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
    /// `data`: its data disk too. None: there is none, or the server refuses.
    pub async fn delete_host(&self, name: &str, data: Option<bool>) -> Answer<()> {
        let ask = self.ask(Method::DELETE, &["hosts", name]);
        match data {
            Some(data) => ask.query(&[("data", data)]).done().await,
            None => ask.done().await,
        }
    }
    pub async fn recreations(&self, filter: &RecreationFilter, page: Page) -> Answer<RecreationList> {
        self.get(&["recreations"]).query(filter).query(&page).json().await
    }
    pub async fn recreation(&self, id: &str) -> Answer<RecreationView> {
        self.get(&["recreations", id]).json().await
    }
    pub async fn recreate(&self, create: &CreateRecreation) -> Answer<RecreationList> {
        self.post(&["recreations"]).body(create).create().json().await
    }
    pub async fn plan_recreation(&self, create: &CreateRecreation) -> Answer<PlanView> {
        self.post(&["recreations"]).body(create).dry_run().json().await
    }
    pub async fn proceed_recreation(&self, id: &str) -> Answer<RecreationView> {
        self.post(&["recreations", id, "proceed"]).json().await
    }
    pub async fn cancel_recreation(&self, id: &str) -> Answer<RecreationView> {
        self.post(&["recreations", id, "cancel"]).json().await
    }

    pub async fn pools(&self, page: Page) -> Answer<PoolList> {
        self.get(&["pools"]).query(&page).json().await
    }
    pub async fn pool(&self, name: &str) -> Answer<Tagged<PoolView>> {
        self.get(&["pools", name]).tagged().await
    }
    pub async fn create_pool(&self, create: &CreatePool) -> Answer<PoolView> {
        self.post(&["pools"]).body(create).create().json().await
    }
    pub async fn plan_pool(&self, create: &CreatePool) -> Answer<PlanView> {
        self.post(&["pools"]).body(create).dry_run().json().await
    }
    pub async fn change_pool(
        &self,
        name: &str,
        change: &PoolSettings,
        etag: Option<&str>,
    ) -> Answer<PoolView> {
        self.ask(Method::PATCH, &["pools", name]).body(change).if_match(etag).json().await
    }
    pub async fn plan_pool_change(&self, name: &str, change: &PoolSettings) -> Answer<PlanView> {
        self.ask(Method::PATCH, &["pools", name]).body(change).dry_run().json().await
    }
    /// `keep_hosts`: they stay, as hosts of no pool. `data`: data disks go too.
    pub async fn delete_pool(&self, name: &str, keep_hosts: bool, data: Option<bool>) -> Answer<()> {
        let ask = self.ask(Method::DELETE, &["pools", name]).query(&[("keep_hosts", keep_hosts)]);
        match data {
            Some(data) => ask.query(&[("data", data)]).done().await,
            None => ask.done().await,
        }
    }
    pub async fn plan_pool_deletion(&self, name: &str) -> Answer<PlanView> {
        self.ask(Method::DELETE, &["pools", name]).dry_run().json().await
    }

    pub async fn schedules(&self, page: Page) -> Answer<ScheduleList> {
        self.get(&["schedules"]).query(&page).json().await
    }
    pub async fn schedule(&self, name: &str) -> Answer<Tagged<ScheduleView>> {
        self.get(&["schedules", name]).tagged().await
    }
    pub async fn create_schedule(&self, create: &CreateSchedule) -> Answer<ScheduleView> {
        self.post(&["schedules"]).body(create).create().json().await
    }
    pub async fn plan_schedule(&self, create: &CreateSchedule) -> Answer<PlanView> {
        self.post(&["schedules"]).body(create).dry_run().json().await
    }
    pub async fn change_schedule(&self, name: &str, change: &ChangeSchedule) -> Answer<ScheduleView> {
        self.ask(Method::PATCH, &["schedules", name]).body(change).json().await
    }
    pub async fn delete_schedule(&self, name: &str) -> Answer<()> {
        self.ask(Method::DELETE, &["schedules", name]).done().await
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
    /// The same from its other end: the newest first.
    pub async fn latest_events(&self, filter: &EventFilter, page: Page) -> Answer<EventList> {
        let newest = [("order", "newest")];
        self.get(&["events", "history"]).query(&newest).query(filter).query(&page).json().await
    }
    /// Any address, as the document that it answers with.
    pub async fn raw(&self, parts: &[&str], query: &[(&str, &str)]) -> Answer<serde_json::Value> {
        self.get(parts).query(query).json().await
    }
    /// The server's last log lines, JSON, the newest last.
    pub async fn server_log(&self) -> Answer<String> {
        self.get(&["log"]).text().await
    }
    /// As Prometheus reads them.
    pub async fn metrics(&self) -> Answer<String> {
        self.ask_at(Method::GET, "", &["metrics"]).text().await
    }
    /// The page of an error code, Markdown.
    pub async fn error_page(&self, code: &str) -> Answer<String> {
        self.get(&["errors", code]).text().await
    }
}
