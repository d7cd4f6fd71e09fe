//! Screens of working copies: opened by operators, answered by the agents that have the machine.

use crate::{
    app::{App, agents::agent, authorise::Action, cx::Cx, refused::Refused},
    relay::{End, Near, NotYours, Relays},
};
use bytes::Bytes;
use diecast_domain::{
    assignment::ConsoleOrder,
    code::Code,
    ids::{ConsoleId, ProviderId},
    wishes::may_see_working_copy,
};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Screens of one provider at a time: more than people look at, few enough for any agent.
const CONSOLES_MAX: usize = 16;

/// Screens that somebody looks at, by the machine that each is of.
pub(crate) type Consoles = Relays<Uuid, Bytes>;

pub(crate) fn none() -> Consoles {
    Relays::none(CONSOLES_MAX)
}

/// What agents are told.
pub(crate) fn orders(consoles: &Consoles) -> BTreeMap<ProviderId, Vec<ConsoleOrder>> {
    consoles.orders(|id, machine| ConsoleOrder { id: ConsoleId::from_uuid(id), machine: *machine })
}

/// A screen that was opened, and who is to show it.
pub(crate) struct Screen {
    pub(crate) viewer: Near<Uuid, Bytes>,
    pub(crate) provider: String,
}

impl App {
    /// Opens the screen of a template's working copy. Its agent is told to dial in.
    pub(crate) async fn open_console(&self, cx: &Cx, template: &str) -> Result<Screen, Refused> {
        cx.may(Action::Operate)?;
        let (change, picture) = self.begin().await?;
        let record = picture.template_named(template)?;
        may_see_working_copy(&picture.world, record.id)?;
        let stay = record.maintenance.as_ref().ok_or_else(|| {
            Refused::new(Code::A0010, format!("template `{template}` is not in maintenance"))
        })?;
        let provider = picture.provider_name(stay.provider);
        let viewer = self.live().consoles.open(stay.provider, stay.id.as_uuid()).ok_or_else(|| {
            let cause = format!("{CONSOLES_MAX} screens on {provider} are open already");
            let mut refused = Refused::new(Code::A0010, cause);
            refused.problem = refused.problem.with_hint("close one of them first");
            refused
        })?;
        let sentence = format!("the screen of the working copy of `{template}` was opened");
        self.finish(change, vec![cx.event("maintenance.console", "template", template, sentence)]).await?;
        Ok(Screen { viewer, provider })
    }

    /// Hands an agent its end of a screen that its orders name.
    pub(crate) fn answer_console(&self, cx: &Cx, id: ConsoleId) -> Result<End<Bytes>, Refused> {
        let provider = agent(cx)?;
        self.live().consoles.answer(id.as_uuid(), provider).map_err(|not| match not {
            NotYours::Unknown => Refused::new(Code::A0004, format!("nobody looks at screen {id}")),
            NotYours::OfAnotherProvider => {
                Refused::new(Code::A0003, format!("screen {id} is of another provider"))
            }
            NotYours::Taken => Refused::new(Code::A0010, format!("screen {id} is shown already")),
        })
    }
}
