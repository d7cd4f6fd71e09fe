//! What every use case is told first: who asks, and when.

use crate::app::authorise::{self, Action};
use diecast_domain::{code::Problem, ids::ProviderId, role::Role, units::Timestamp};
use diecast_store::{Author, NewEvent, Session, TokenRecord};
use std::net::IpAddr;

/// From where a request comes, and what it calls.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) address: IpAddr,
    /// Its id, as the log has it.
    pub(crate) request: Option<String>,
    /// `PATCH /api/v1/providers/kvm-a`
    pub(crate) call: String,
}

impl Origin {
    /// In whose name it writes.
    pub(crate) fn author(&self, who: String, at: Timestamp) -> Author {
        let Self { address, request, call } = self.clone();
        Author { who, from: address.to_string(), request, call, at }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Cx {
    pub(crate) actor: Actor,
    pub(crate) now: Timestamp,
}

#[derive(Clone, Debug)]
pub(crate) enum Actor {
    /// Who signed in with a password.
    Administrator {
        session: Session,
        token_hash: String,
    },
    /// Who has a token that somebody made.
    Token {
        token: TokenRecord,
    },
    Agent {
        provider: ProviderId,
    },
}

impl Actor {
    /// None: an agent.
    pub(crate) fn role(&self) -> Option<Role> {
        match self {
            Self::Administrator { .. } => Some(Role::Administrator),
            Self::Token { token } => Some(token.role),
            Self::Agent { .. } => None,
        }
    }
}

impl Cx {
    pub(crate) fn may(&self, action: Action) -> Result<(), Problem> {
        authorise::may(&self.actor, action)
    }

    /// Who, for the event log.
    pub(crate) fn who(&self) -> String {
        match &self.actor {
            Actor::Administrator { session, .. } => session.administrator.clone(),
            Actor::Token { token } => format!("token:{}", token.name),
            Actor::Agent { provider } => provider.to_string(),
        }
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
