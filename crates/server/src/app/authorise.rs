//! Who may do what: the one place where it is decided. Roles come here later.
//!
//! Today an administrator may do everything that operators do, and an agent may speak for its own
//! provider and for nobody else. Neither may do what the other may.

use crate::app::cx::Actor;
use diecast_domain::{
    code::{Code, Problem},
    ids::ProviderId,
};

/// What is to be done, as coarse as a role would tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Read,
    ChangeProviders,
    ChangeTemplates,
    ChangeHosts,
    /// Start, stop, check, verify, retry: acts that change no wish.
    Operate,
    EndOwnSession,
    /// What the agent of this provider says and asks.
    ActFor(ProviderId),
}

pub(crate) fn may(actor: &Actor, action: Action) -> Result<(), Problem> {
    use Action::*;
    match (actor, action) {
        (
            Actor::Administrator { .. },
            Read | ChangeProviders | ChangeTemplates | ChangeHosts | Operate | EndOwnSession,
        ) => Ok(()),
        (Actor::Agent { provider }, ActFor(other)) if *provider == other => Ok(()),
        (Actor::Agent { provider }, ActFor(other)) => {
            let cause = format!("the agent of provider {provider} spoke for provider {other}");
            Err(Problem::new(Code::P0012, cause))
        }
        (Actor::Administrator { .. }, ActFor(_)) => {
            Err(Problem::new(Code::A0003, "only an agent may do this, with its certificate"))
        }
        (Actor::Agent { .. }, _) => Err(Problem::new(Code::A0003, "an agent may not do what operators do")),
    }
}
