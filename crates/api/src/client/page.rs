//! Lists come in pages; this gathers them.

use super::ClientError;
use crate::operator::{
    alarm::{AlarmList, AlarmView},
    audit::{AuditEntryView, AuditList},
    event::{EventList, EventView},
    host::{HostList, HostView},
    notification::{NotificationList, NotificationView},
    operation::{OperationList, OperationView},
    pool::{PoolList, PoolView},
    provider::{ProviderList, ProviderView},
    recreation::{RecreationList, RecreationView},
    schedule::{ScheduleList, ScheduleView},
    site::{SiteList, SiteView},
    template::{TemplateList, TemplateView, VersionList, VersionView},
    token::{TokenList, TokenView},
    vm::{VmList, VmView},
};
use serde::Serialize;

/// Which page of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Page {
    /// The `next` of the page before; none for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// A page of some list.
pub trait Listed {
    type Item;
    fn new(items: Vec<Self::Item>) -> Self;
    fn into_parts(self) -> (Vec<Self::Item>, Option<String>);
}

macro_rules! listed {
    ($($list:ident of $item:ident),+ $(,)?) => {$(
        impl Listed for $list {
            type Item = $item;
            fn new(items: Vec<$item>) -> Self {
                Self { items, next: None }
            }
            fn into_parts(self) -> (Vec<$item>, Option<String>) {
                (self.items, self.next)
            }
        }
    )+};
}

listed! {
    AlarmList of AlarmView,
    AuditList of AuditEntryView,
    EventList of EventView,
    NotificationList of NotificationView,
    OperationList of OperationView,
    PoolList of PoolView,
    ProviderList of ProviderView,
    RecreationList of RecreationView,
    ScheduleList of ScheduleView,
    SiteList of SiteView,
    TemplateList of TemplateView,
    TokenList of TokenView,
    VersionList of VersionView,
    VmList of VmView,
}

impl Listed for HostList {
    type Item = HostView;
    fn new(items: Vec<HostView>) -> Self {
        let total = u32::try_from(items.len()).unwrap_or(u32::MAX);
        Self { items, next: None, total }
    }
    fn into_parts(self) -> (Vec<HostView>, Option<String>) {
        (self.items, self.next)
    }
}

/// Every page of a list, as one that has no next.
pub async fn all<L: Listed>(fetch: impl AsyncFn(Page) -> Result<L, ClientError>) -> Result<L, ClientError> {
    let mut gathered = Vec::new();
    let mut page = Page::default();
    loop {
        let (items, next) = fetch(page.clone()).await?.into_parts();
        gathered.extend(items);
        // A cursor that does not move would be asked for ever.
        if next.is_none() || next == page.after {
            return Ok(L::new(gathered));
        }
        page.after = next;
    }
}
