//! Notifications: by which ways people are told of alarms.

mod view;
mod wish;

use crate::{
    app::{
        App,
        authorise::Action,
        cx::Cx,
        etag::{self, Tagged},
        idempotency::{self, Key},
        page,
        refused::Refused,
    },
    clock,
    notify::{self, Payload},
    picture::no_such,
};
use diecast_api::operator::notification::{
    ChangeNotification, CreateNotification, NotificationList, NotificationTest, NotificationView,
};
use diecast_domain::{code::Code, notification::Notification};
use diecast_store::{NotificationState, View};
use uuid::Uuid;
use view::{row, view};

/// Notifications that there may be: each is looked at in every pass.
const NOTIFICATIONS_MAX: usize = 50;

type Kept = (Notification, NotificationState);

impl App {
    pub(crate) async fn notifications(&self, cx: &Cx, ask: &page::Ask) -> Result<NotificationList, Refused> {
        cx.may(Action::Read)?;
        let all = self.store().view().await?.notifications().await?;
        let (page, next) = ask.cut(all, |(it, _)| it.name.to_string())?;
        Ok(NotificationList { items: page.iter().map(row).collect(), next })
    }

    pub(crate) async fn notification(
        &self,
        cx: &Cx,
        name: &str,
    ) -> Result<Tagged<NotificationView>, Refused> {
        cx.may(Action::Read)?;
        let there = named(&mut self.store().view().await?, name).await?;
        Ok(tagged(cx, &there))
    }

    pub(crate) async fn create_notification(
        &self,
        cx: &Cx,
        asked: &CreateNotification,
        key: Option<&Key>,
    ) -> Result<Tagged<NotificationView>, Refused> {
        cx.may(Action::Administer)?;
        let mut change = self.store().change().await?;
        if let Some(made) = idempotency::repeated(&mut change, cx, key).await? {
            return Ok(tagged(cx, &named(&mut change, &made).await?));
        }
        let drawn = wish::created(asked, self.notifier(), cx)?;
        let (notification, secret) = (drawn.notification, drawn.secret);
        let there = change.notifications().await?;
        let name = notification.name.as_str();
        if there.iter().any(|(it, _)| it.name == notification.name) {
            return Err(Refused::new(Code::A0005, format!("there is a notification `{name}` already")));
        }
        if there.len() >= NOTIFICATIONS_MAX {
            let cause = format!("there are {NOTIFICATIONS_MAX} notifications, and there may be no more");
            return Err(Refused::new(Code::A0010, cause));
        }
        change.put_notification(&notification).await?;
        idempotency::remember(&mut change, cx, key, name).await?;
        let sentence = format!("notification `{name}` tells {}", notify::whom(&notification.way));
        let event = cx.event("notification.created", "notification", name, sentence);
        self.finish(change, vec![event]).await?;
        let mut shown = tagged(cx, &(notification, NotificationState::default()));
        shown.value.secret = secret;
        Ok(shown)
    }

    pub(crate) async fn change_notification(
        &self,
        cx: &Cx,
        name: &str,
        asked: &ChangeNotification,
        if_match: Option<&str>,
    ) -> Result<Tagged<NotificationView>, Refused> {
        cx.may(Action::Administer)?;
        let mut change = self.store().change().await?;
        let (before, mut state) = named(&mut change, name).await?;
        etag::check(if_match, &before, &format!("notification `{name}`"))?;
        let after = wish::changed(&before, asked, self.notifier())?;
        if after == before {
            return Ok(tagged(cx, &(before, state)));
        }
        change.put_notification(&after).await?;
        // What was in the way may be gone: it is tried now.
        let waiting = change.messages().await?.into_iter().filter(|outgoing| outgoing.to == after.name);
        for mut outgoing in waiting {
            outgoing.due_at = cx.now;
            match after.terms.enabled {
                true => change.put_message(&outgoing).await?,
                false => change.delete_message(outgoing.message.id).await?,
            }
        }
        if !after.terms.enabled {
            state = NotificationState::default();
            change.put_notification_state(&after.name, &state).await?;
        }
        let event = cx.event(
            "notification.changed",
            "notification",
            name,
            format!("notification `{name}` was changed"),
        );
        self.finish(change, vec![event]).await?;
        self.notifier().wake();
        Ok(tagged(cx, &(after, state)))
    }

    pub(crate) async fn delete_notification(
        &self,
        cx: &Cx,
        name: &str,
        if_match: Option<&str>,
    ) -> Result<(), Refused> {
        cx.may(Action::Administer)?;
        let mut change = self.store().change().await?;
        let (before, _) = named(&mut change, name).await?;
        etag::check(if_match, &before, &format!("notification `{name}`"))?;
        change.delete_notification(&before.name).await?;
        let sentence = format!("notification `{name}` was deleted");
        let event = cx.event("notification.deleted", "notification", name, sentence);
        self.finish(change, vec![event]).await?;
        Ok(())
    }

    /// Sends a message that says it is a test, now, and waits for what comes of it. Nothing is open in
    /// the store meanwhile.
    pub(crate) async fn test_notification(&self, cx: &Cx, name: &str) -> Result<NotificationTest, Refused> {
        cx.may(Action::Administer)?;
        let (notification, _) = named(&mut self.store().view().await?, name).await?;
        let payload = Payload::test(Uuid::now_v7(), name, self.url(), clock::now());
        let outcome = notify::deliver(self.notifier(), &notification, &payload).await;
        let sentence = match &outcome {
            Ok(_) => format!("a test of notification `{name}` was taken by its receiver"),
            Err(problem) => format!("a test of notification `{name}` failed: {}", problem.cause),
        };
        let mut event = cx.event("notification.tested", "notification", name, sentence);
        event.code = outcome.as_ref().err().map(|problem| problem.code);
        self.finish(self.store().change().await?, vec![event]).await?;
        Ok(match outcome {
            Ok(detail) => NotificationTest { delivered: true, detail, problem: None },
            Err(problem) => {
                let detail = problem.cause.clone();
                NotificationTest { delivered: false, detail, problem: Some((&problem).into()) }
            }
        })
    }
}

async fn named(view: &mut View, name: &str) -> Result<Kept, Refused> {
    let all = view.notifications().await?;
    let found = all.into_iter().find(|(it, _)| it.name.as_str() == name);
    found.ok_or_else(|| no_such("notification", name).into())
}

fn tagged(cx: &Cx, kept: &Kept) -> Tagged<NotificationView> {
    Tagged { etag: etag::of(&kept.0), value: view(kept, cx.may(Action::Administer).is_ok()) }
}
