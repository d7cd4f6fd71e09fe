//! Routes of events: the history in pages, and the stream.

use crate::{
    app::{App, cx::Cx, events, refused::Refused},
    changed::Changed,
    http::extract::{Asked, Page},
};
use axum::{
    Json,
    extract::State,
    http::HeaderMap,
    response::sse::{Event, KeepAlive, Sse},
};
use diecast_api::{
    operator::event::{ChangedView, EventList},
    time::instant,
};
use futures::{Stream, StreamExt, stream};
use serde::Deserialize;
use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};
use tokio::{
    sync::{broadcast, watch},
    time::Instant,
};
use utoipa::IntoParams;

/// Between signs of life on a stream on which nothing happens; proxies give up after a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Between two messages of what changed: a thousand agents report more often than anybody reads.
const CHANGED_PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// Only events about this kind of thing: `provider`, `template`, `host`, `server`.
    object: Option<String>,
    /// Only events about the thing of this name.
    name: Option<String>,
    /// Only events of this kind: `replica.failed`, or `replica` for all that begin so.
    kind: Option<String>,
    /// Only what this user did; `diecast` is what nobody asked for at that moment.
    actor: Option<String>,
    /// Only events from this time on, RFC 3339.
    since: Option<String>,
    /// `oldest` (which is the default) or `newest`: which come first, and which way pages go.
    order: Option<String>,
}

impl Filter {
    fn order(&self) -> Result<events::Order, Refused> {
        match self.order.as_deref() {
            None | Some("oldest") => Ok(events::Order::OldestFirst),
            Some("newest") => Ok(events::Order::NewestFirst),
            Some(_) => Err(Refused::malformed("`order` is `oldest` or `newest`")),
        }
    }

    fn events(self) -> Result<events::Filter, Refused> {
        let malformed = || Refused::malformed("`since` is a time, as in 2026-01-31T22:00:00Z");
        let since = self.since.map(|since| instant(&since).ok_or_else(malformed)).transpose()?;
        Ok(events::Filter { object: self.object, name: self.name, kind: self.kind, actor: self.actor, since })
    }
}

/// What happened, the oldest first unless it is asked otherwise
#[utoipa::path(get, path = "/events/history", tag = "events", operation_id = "list_events",
    params(Filter, Page), responses((status = 200, body = EventList)))]
pub(super) async fn history(
    State(app): State<App>,
    cx: Cx,
    Asked(filter): Asked<Filter>,
    Asked(page): Asked<Page>,
) -> Result<Json<EventList>, Refused> {
    let order = filter.order()?;
    app.event_history(&cx, &filter.events()?, order, &page.into()).await.map(Json)
}

/// What happens, as it happens: numbered server-sent events, resumed after `Last-Event-ID`
///
/// Among them, without a number and at most one a second, messages named `changed`: what is not as it was,
/// such as the progress of a transfer.
#[utoipa::path(get, path = "/events", tag = "events", operation_id = "follow_events",
    params(("Last-Event-ID" = Option<i64>, Header)),
    responses((status = 200, body = String, content_type = "text/event-stream")))]
pub(super) async fn stream(
    State(app): State<App>,
    cx: Cx,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refused> {
    let last = headers.get("last-event-id").map(|value| {
        let number = value.to_str().ok().and_then(|text| text.trim().parse().ok());
        number.ok_or_else(|| Refused::malformed("`Last-Event-ID` is the number of an event"))
    });
    let beginning = app.events_begin(&cx, last.transpose()?).await?;
    // The number alone, so that who is cut off before anything happened can resume as well.
    let mut first = Event::default().id(beginning.after.to_string());
    if beginning.reset {
        first = first.event("reset").data("{}");
    }
    let follow = Follow {
        announcements: app.announcements(),
        changes: app.live().changes(),
        changed: Changed::default(),
        quiet_until: Instant::now(),
        stopping: app.stopping(),
        after: beginning.after,
        waiting: VecDeque::from([first]),
        app: app.clone(),
    };
    let events = stream::unfold(follow, async |mut follow| Some((Ok(follow.next().await?), follow)));
    // Who comes again then is told why not.
    let events = events.take_until(Box::pin(async move { app.shut_out(cx).await }));
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

struct Follow {
    app: App,
    announcements: watch::Receiver<i64>,
    changes: broadcast::Receiver<Arc<Changed>>,
    /// What is not told yet.
    changed: Changed,
    quiet_until: Instant,
    stopping: watch::Receiver<bool>,
    after: i64,
    waiting: VecDeque<Event>,
}

impl Follow {
    /// None ends the stream: the server stops, or cannot read. The client comes again.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            self.announcements.mark_unchanged();
            for view in self.app.events_after(self.after).await.ok()? {
                self.after = view.id;
                let event = Event::default().id(view.id.to_string()).json_data(&view);
                self.waiting.push_back(event.expect("an event is plain data without line ends"));
            }
            if !self.changed.is_empty() && self.quiet_until <= Instant::now() {
                let told = self.tell_changed();
                self.waiting.push_back(told);
            }
            if self.waiting.is_empty() {
                tokio::select! {
                    changed = self.announcements.changed() => changed.ok()?,
                    changed = self.changes.recv() => self.changed.add(missed_or(changed)?),
                    () = tokio::time::sleep_until(self.quiet_until), if !self.changed.is_empty() => {}
                    _ = self.stopping.wait_for(|stop| *stop) => return None,
                }
            }
        }
    }

    fn tell_changed(&mut self) -> Event {
        self.quiet_until = Instant::now() + CHANGED_PAUSE;
        let view: ChangedView = std::mem::take(&mut self.changed).view();
        let event = Event::default().event("changed").json_data(view);
        event.expect("names are plain data without line ends")
    }
}

/// None when nobody tells any more.
fn missed_or(changed: Result<Arc<Changed>, broadcast::error::RecvError>) -> Option<Changed> {
    match changed {
        Ok(changed) => Some(Changed::clone(&changed)),
        Err(broadcast::error::RecvError::Lagged(_)) => Some(Changed::everything()),
        Err(broadcast::error::RecvError::Closed) => None,
    }
}
