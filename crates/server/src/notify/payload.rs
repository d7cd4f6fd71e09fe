//! A message in words: as JSON for programs, as text for people.

use diecast_api::{operator::alarm::AlarmView, time::rfc3339};
use diecast_domain::{
    alarm::{Alarm, Severity},
    notification::{Cleared, Flapped, Message, Telling},
    units::Timestamp,
};
use serde::Serialize;
use uuid::Uuid;

/// Alarms of a kind of news in one message. Of more, their number is said.
const ITEMS_MAX: usize = 100;

/// What a webhook and a script are handed. Fields are only ever added.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Payload {
    /// The same in every attempt to send it.
    id: String,
    /// Nothing happened: somebody tries whether messages arrive.
    test: bool,
    /// One line for people.
    summary: String,
    notification: String,
    /// The address of the server that sends it.
    server: String,
    created_at: String,
    raised: Vec<AlarmView>,
    cleared: Vec<ClearedView>,
    /// They came and went again and again, so not every time was told.
    flapped: Vec<FlappedView>,
    /// Alarms that had no room here.
    more: usize,
}

#[derive(Clone, Debug, Serialize)]
struct ClearedView {
    #[serde(flatten)]
    alarm: AlarmView,
    cleared_at: String,
}

#[derive(Clone, Debug, Serialize)]
struct FlappedView {
    #[serde(flatten)]
    alarm: AlarmView,
    stands: bool,
    times: u32,
}

/// An alarm in the words of the API.
pub(crate) fn view(alarm: &Alarm) -> AlarmView {
    AlarmView {
        id: alarm.key.clone(),
        kind: alarm.kind.as_str().to_owned(),
        title: alarm.kind.title().to_owned(),
        severity: alarm.severity.as_str().to_owned(),
        object: alarm.object.clone(),
        name: alarm.name.clone(),
        since: rfc3339(alarm.since),
        code: alarm.problem.code.to_string(),
        cause: alarm.problem.cause.clone(),
        hint: alarm.problem.hint.clone(),
    }
}

impl Payload {
    pub(crate) fn of(message: &Message, notification: &str, server: &str, now: Timestamp) -> Self {
        let Telling { raised, cleared, flapped } = &message.telling;
        let over = |count: usize| count.saturating_sub(ITEMS_MAX);
        let late = now.since(message.created_at).as_secs() / 60;
        let mut summary = summary(&message.telling);
        if late >= 5 {
            summary.push_str(&format!(" ({late} min late)"));
        }
        Self {
            id: message.id.to_string(),
            test: false,
            summary,
            notification: notification.to_owned(),
            server: server.to_owned(),
            created_at: rfc3339(message.created_at),
            raised: raised.iter().take(ITEMS_MAX).map(view).collect(),
            cleared: cleared.iter().take(ITEMS_MAX).map(ClearedView::from).collect(),
            flapped: flapped.iter().take(ITEMS_MAX).map(FlappedView::from).collect(),
            more: over(raised.len()) + over(cleared.len()) + over(flapped.len()),
        }
    }

    /// Somebody tries whether messages arrive.
    pub(crate) fn test(id: Uuid, notification: &str, server: &str, now: Timestamp) -> Self {
        let message = Message { id, telling: Telling::default(), created_at: now, attempts: 0 };
        let summary = format!("This is a test of the notification `{notification}`: it arrives");
        Self { test: true, summary, ..Self::of(&message, notification, server, now) }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn json(&self) -> String {
        serde_json::to_string(self).expect("plain data with string keys is always JSON")
    }

    pub(super) fn subject(&self) -> String {
        format!("[Diecast] {}", self.summary)
    }

    pub(super) fn text(&self) -> String {
        let mut text = format!("{}\n", self.summary);
        let mut section = |title: &str, items: Vec<String>| {
            if !items.is_empty() {
                text.push_str(&format!("\n{title}\n\n{}", items.concat()));
            }
        };
        section("NOT WELL", self.raised.iter().map(alarm_text).collect());
        section("CAME AND WENT", self.flapped.iter().map(FlappedView::text).collect());
        section("WELL AGAIN", self.cleared.iter().map(ClearedView::text).collect());
        if self.more > 0 {
            text.push_str(&format!("\n... and {} more\n", self.more));
        }
        text.push_str(&format!(
            "\n-- \nSent by Diecast at {}, by the notification `{}`.\nAll that is not well now: diecast alarm list\n",
            self.server, self.notification
        ));
        text
    }
}

fn alarm_text(it: &AlarmView) -> String {
    let AlarmView { title, name, since, code, cause, hint, .. } = it;
    let urgent = if it.severity == Severity::Critical.as_str() { "CRITICAL " } else { "" };
    format!(
        "{urgent}{title}: {name}, since {since}\n  {code} {cause}\n  -> {hint}\n  -> diecast explain {code}\n\n"
    )
}

impl ClearedView {
    fn text(&self) -> String {
        let AlarmView { title, name, since, .. } = &self.alarm;
        format!("{title}: {name}, from {since} to {}\n", self.cleared_at)
    }
}

impl FlappedView {
    fn text(&self) -> String {
        let AlarmView { title, name, code, cause, .. } = &self.alarm;
        let now = if self.stands { "not well now" } else { "well now" };
        format!("{title}: {name}, {} times, {now}\n  {code} {cause}\n", self.times)
    }
}

impl From<&Cleared> for ClearedView {
    fn from(cleared: &Cleared) -> Self {
        Self { alarm: view(&cleared.alarm), cleared_at: rfc3339(cleared.at) }
    }
}

impl From<&Flapped> for FlappedView {
    fn from(flapped: &Flapped) -> Self {
        Self { alarm: view(&flapped.alarm), stands: flapped.stands, times: flapped.times }
    }
}

/// `Provider lost: kvm-b; 2 more not well; well again: kvm-a (Provider lost)`
fn summary(telling: &Telling) -> String {
    let mut parts = Vec::new();
    let named = |alarm: &Alarm| format!("{}: {}", alarm.kind.title(), alarm.name);
    let worst = telling.raised.iter().max_by_key(|alarm| alarm.severity);
    let rest = |count: usize| if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
    if let Some(worst) = worst {
        parts.push(format!("{}{}", named(worst), rest(telling.raised.len())));
    }
    if let Some(first) = telling.flapped.first() {
        parts.push(format!("came and went: {}{}", named(&first.alarm), rest(telling.flapped.len())));
    }
    if let Some(first) = telling.cleared.first() {
        parts.push(format!("well again: {}{}", named(&first.alarm), rest(telling.cleared.len())));
    }
    parts.join("; ")
}
