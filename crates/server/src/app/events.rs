//! What happened: the log, in pages and as it grows.

use crate::app::{App, authorise::Action, cx::Cx, page, refused::Refused};
use diecast_api::{
    operator::event::{EventList, EventView},
    time::rfc3339,
};
use diecast_domain::units::Timestamp;
use diecast_store::Event;

/// Events read at a time while a page is filled or a stream catches up.
const BATCH: u32 = 500;

/// Which events; what is left out is not asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) object: Option<String>,
    pub(crate) name: Option<String>,
    /// A whole kind, or the word before its dot.
    pub(crate) kind: Option<String>,
    pub(crate) actor: Option<String>,
    pub(crate) since: Option<Timestamp>,
}

/// From which end a list is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Order {
    #[default]
    OldestFirst,
    NewestFirst,
}

impl Filter {
    fn lets(&self, event: &Event) -> bool {
        let what = &event.what;
        let is = |wanted: &Option<String>, said: &str| wanted.as_ref().is_none_or(|wanted| wanted == said);
        is(&self.object, &what.object)
            && is(&self.name, &what.name)
            && is(&self.actor, &what.actor)
            && (is(&self.kind, &what.kind) || is(&self.kind, what.kind.split('.').next().unwrap_or_default()))
            && self.since.is_none_or(|since| what.at >= since)
    }
}

/// Where a stream begins.
pub(crate) struct Beginning {
    pub(crate) after: i64,
    /// What was missed is no longer kept: read everything again.
    pub(crate) reset: bool,
}

impl App {
    pub(crate) async fn event_history(
        &self,
        cx: &Cx,
        filter: &Filter,
        order: Order,
        ask: &page::Ask,
    ) -> Result<EventList, Refused> {
        cx.may(Action::Read)?;
        let limit = ask.limit()? as usize;
        let after = ask.after.as_ref().map(|after| after.parse::<i64>()).transpose();
        let mut after = after.map_err(|_| Refused::malformed("`after` is the number of an event"))?;
        let mut view = self.store().view().await?;
        let mut items: Vec<EventView> = Vec::new();
        loop {
            let batch = match order {
                Order::OldestFirst => view.events_after(after.unwrap_or(0), BATCH).await?,
                Order::NewestFirst => view.events_before(after.unwrap_or(i64::MAX), BATCH).await?,
            };
            let Some(last) = batch.last() else { break };
            // Further back there is only what is older still.
            let over = order == Order::NewestFirst && filter.since.is_some_and(|since| last.what.at < since);
            after = Some(last.id);
            items.extend(batch.iter().filter(|event| filter.lets(event)).map(self::view));
            if items.len() > limit {
                items.truncate(limit);
                let next = items.last().map(|event| event.id.to_string());
                return Ok(EventList { items, next });
            }
            if over {
                break;
            }
        }
        Ok(EventList { items, next: None })
    }

    /// Where a stream begins that saw event `last` before, or none.
    pub(crate) async fn events_begin(&self, cx: &Cx, last: Option<i64>) -> Result<Beginning, Refused> {
        cx.may(Action::Read)?;
        let mut view = self.store().view().await?;
        let (first, latest) = (view.first_event().await?, view.last_event().await?);
        Ok(match last {
            None => Beginning { after: latest, reset: false },
            Some(last) if last > latest || last + 1 < first => Beginning { after: latest, reset: true },
            Some(last) => Beginning { after: last, reset: false },
        })
    }

    /// Some events after number `after`, the oldest first.
    pub(crate) async fn events_after(&self, after: i64) -> Result<Vec<EventView>, Refused> {
        let events = self.store().view().await?.events_after(after, BATCH).await?;
        Ok(events.iter().map(view).collect())
    }
}

fn view(event: &Event) -> EventView {
    let what = &event.what;
    EventView {
        id: event.id,
        at: rfc3339(what.at),
        kind: what.kind.clone(),
        object: what.object.clone(),
        name: what.name.clone(),
        actor: what.actor.clone(),
        message: what.message.clone(),
        code: what.code.map(|code| code.to_string()),
    }
}
