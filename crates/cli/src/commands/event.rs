//! `diecast event`.

use super::Context;
use crate::{
    Failure,
    args::event::{EventCommand, ListArgs},
    render::event as render,
};
use diecast_api::{
    client::{Page, StreamItem, all, routes::EventFilter},
    operator::event::EventView,
};

/// Events asked for at a time: the most the server gives.
const PAGE: u32 = 1000;

pub(super) async fn run(cx: &mut Context<'_>, command: EventCommand) -> Result<(), Failure> {
    let EventCommand::List(args) = command;
    let filter = EventFilter { object: args.object.clone(), name: args.name.clone() };
    let client = &cx.client;
    let mut list =
        all(async |page: Page| client.event_history(&filter, Page { limit: Some(PAGE), ..page }).await)
            .await?;
    let last = list.items.last().map(|event| event.id);
    let surplus = list.items.len().saturating_sub(args.limit as usize);
    list.items.drain(..surplus);
    if !args.follow {
        return cx.printer.answer(&list, |_, list| render::list(list));
    }
    for event in &list.items {
        print(cx, event)?;
    }
    follow(cx, &args, last).await
}

async fn follow(cx: &mut Context<'_>, args: &ListArgs, last: Option<i64>) -> Result<(), Failure> {
    let mut events = cx.client.events(last);
    loop {
        match events.next().await? {
            StreamItem::Event(event) if wanted(args, &event) => print(cx, &event)?,
            StreamItem::Event(_) => {}
            StreamItem::Reset => cx.printer.talk("some events are no longer kept and are missing here"),
            StreamItem::Interrupted => cx.printer.talk("the server does not answer; still trying"),
        }
    }
}

fn wanted(args: &ListArgs, event: &EventView) -> bool {
    args.object.as_ref().is_none_or(|object| *object == event.object)
        && args.name.as_ref().is_none_or(|name| *name == event.name)
}

fn print(cx: &mut Context<'_>, event: &EventView) -> Result<(), Failure> {
    if cx.printer.is_json() { cx.printer.json_line(event) } else { cx.printer.text(&render::line(event)) }
}
