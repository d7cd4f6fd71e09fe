//! What every use case is told first: who asks, and when.

use crate::app::authorise::{self, Action};
use diecast_domain::{code::Problem, ids::ProviderId, units::Timestamp};
use diecast_store::{Author, NewEvent, Session};

#[derive(Clone, Debug)]
pub(crate) struct Cx {
    pub(crate) actor: Actor,
    pub(crate) now: Timestamp,
}

#[derive(Clone, Debug)]
pub(crate) enum Actor {
    Administrator { session: Session, token_hash: String },
    Agent { provider: ProviderId },
}

impl Cx {
    pub(crate) fn may(&self, action: Action) -> Result<(), Problem> {
        authorise::may(&self.actor, action)
    }

    /// Who, for the event log.
    pub(crate) fn who(&self) -> String {
        match &self.actor {
            Actor::Administrator { session, .. } => session.administrator.clone(),
            Actor::Agent { provider } => provider.to_string(),
        }
    }

    /// In whose name a request writes that comes from `from` and calls `call`.
    pub(crate) fn author(&self, from: String, request: Option<String>, call: String) -> Author {
        Author { who: self.who(), from, request, call, at: self.now }
    }

    pub(crate) fn event(&self, kind: &str, object: &str, name: &str, message: String) -> NewEvent {
        NewEvent {
            at: self.now,
            kind: kind.to_owned(),
            object: object.to_owned(),
            name: name.to_owned(),
            actor: self.who(),
            message,
            code: None,
        }
    }
}
