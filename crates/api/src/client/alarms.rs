//! Alarms, and the ways of being told of them.

use super::{Client, ClientError, Page, Tagged};
use crate::operator::{
    alarm::AlarmList,
    notification::{
        ChangeNotification, CreateNotification, NotificationList, NotificationTest, NotificationView,
    },
};
use reqwest::Method;

type Answer<T> = Result<T, ClientError>;

impl Client {
    pub async fn alarms(&self, page: Page) -> Answer<AlarmList> {
        self.ask(Method::GET, &["alarms"]).query(&page).json().await
    }

    pub async fn notifications(&self, page: Page) -> Answer<NotificationList> {
        self.ask(Method::GET, &["notifications"]).query(&page).json().await
    }
    pub async fn notification(&self, name: &str) -> Answer<Tagged<NotificationView>> {
        self.ask(Method::GET, &["notifications", name]).tagged().await
    }
    pub async fn create_notification(&self, create: &CreateNotification) -> Answer<NotificationView> {
        self.ask(Method::POST, &["notifications"]).body(create).create().json().await
    }
    pub async fn change_notification(
        &self,
        name: &str,
        change: &ChangeNotification,
    ) -> Answer<NotificationView> {
        self.ask(Method::PATCH, &["notifications", name]).body(change).json().await
    }
    pub async fn delete_notification(&self, name: &str) -> Answer<()> {
        self.ask(Method::DELETE, &["notifications", name]).done().await
    }
    /// Waits for what comes of it.
    pub async fn test_notification(&self, name: &str) -> Answer<NotificationTest> {
        self.ask(Method::POST, &["notifications", name, "test"]).json().await
    }
}
