//! `diecast event`.

use super::Context;
use crate::{
    Failure,
    args::event::{EventCommand, ListArgs},
    render::event as render,
};
use diecast_api::{
    client::{Client, ClientError, Page, StreamItem, routes::EventFilter},
    operator::event::{EventList, EventView},
};

/// Events asked for at a time: the most the server gives.
const PAGE: u32 = 1000;

pub(super) async fn run(cx: &mut Context<'_>, command: EventCommand) -> Result<(), Failure> {
    let EventCommand::List(args) = command;
    let filter = EventFilter {
        object: args.object.clone(),
        name: args.name.clone(),
        kind: args.kind.clone(),
        actor: args.actor.clone(),
        since: args.since.map(|since| since.to_string()),
    };
    if !args.follow {
        let list = newest(&cx.client, &filter, args.limit).await?;
        return cx.printer.answer(&list, |_, list| render::list(list));
    }
    // From here on nothing is missed: what happens while the past is read comes again by the stream.
    let begun = newest(&cx.client, &EventFilter::default(), 1).await?.items.pop().map_or(0, |event| event.id);
    let list = newest(&cx.client, &filter, args.limit).await?;
    for event in list.items.iter().filter(|event| event.id <= begun) {
        print(cx, event)?;
    }
    follow(cx, &args, begun).await
}

/// The newest events, at most `limit` of them, the oldest first. No more is read than is shown.
pub(super) async fn newest(
    client: &Client,
    filter: &EventFilter,
    limit: u32,
) -> Result<EventList, ClientError> {
    let mut items: Vec<EventView> = Vec::new();
    let mut after = None;
    loop {
        let wanted = limit.saturating_sub(u32::try_from(items.len()).unwrap_or(u32::MAX));
        if wanted == 0 {
            break;
        }
        let page = Page { limit: Some(wanted.min(PAGE)), after };
        let list = client.latest_events(filter, page).await?;
        items.extend(list.items);
        after = list.next;
        if after.is_none() {
            break;
        }
    }
    items.reverse();
    Ok(EventList { items, next: None })
}

async fn follow(cx: &mut Context<'_>, args: &ListArgs, last: i64) -> Result<(), Failure> {
    let mut events = cx.client.events(Some(last));
    loop {
        match events.next().await? {
            StreamItem::Event(event) if wanted(args, &event) => print(cx, &event)?,
            StreamItem::Event(_) => {}
            StreamItem::Reset => cx.printer.talk("some events are no longer kept and are missing here"),
            StreamItem::Interrupted => cx.printer.talk("the server does not answer; still trying"),
        }
    }
}

/// As the server filters what is past.
fn wanted(args: &ListArgs, event: &EventView) -> bool {
    let is = |wanted: &Option<String>, said: &str| wanted.as_ref().is_none_or(|wanted| wanted == said);
    is(&args.object, &event.object)
        && is(&args.name, &event.name)
        && is(&args.actor, &event.actor)
        && (is(&args.kind, &event.kind) || is(&args.kind, event.kind.split('.').next().unwrap_or_default()))
}

fn print(cx: &mut Context<'_>, event: &EventView) -> Result<(), Failure> {
    if cx.printer.is_json() { cx.printer.json_line(event) } else { cx.printer.text(&render::line(event)) }
}
