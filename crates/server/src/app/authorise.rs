//! Who may do what: the one place where it is decided.
//!
//! An administrator may do everything that operators do; a viewer may look, but not at who is let in
//! nor at what they did; and an agent may speak for its own provider and for nobody else. Agents may
//! nothing that operators may, and operators nothing that agents may.

use crate::app::cx::Actor;
use diecast_domain::{
    code::{Code, Problem},
    ids::ProviderId,
    role::Role,
};

/// What is to be done, as coarse as a role tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Read,
    ChangeProviders,
    ChangeTemplates,
    ChangeHosts,
    /// Start, stop, check, verify, retry: acts that change no wish.
    Operate,
    /// Who is let in and what they did, who is told, how the server itself is set: tokens, the audit
    /// trail, notifications.
    Administer,
    EndOwnSession,
    /// What the agent of this provider says and asks.
    ActFor(ProviderId),
}

pub(crate) fn may(actor: &Actor, action: Action) -> Result<(), Problem> {
    match (actor, action) {
        (Actor::Agent { provider }, Action::ActFor(other)) if *provider == other => Ok(()),
        (Actor::Agent { provider }, Action::ActFor(other)) => {
            let cause = format!("the agent of provider {provider} spoke for provider {other}");
            Err(Problem::new(Code::P0012, cause))
        }
        (Actor::Agent { .. }, _) => Err(Problem::new(Code::A0003, "an agent may not do what operators do")),
        (_, Action::ActFor(_)) => {
            Err(Problem::new(Code::A0003, "only an agent may do this, with its certificate"))
        }
        (Actor::Token { token }, Action::EndOwnSession) => {
            let cause = format!("token `{}` is no session: it does not sign out", token.name);
            let hint = format!("revoke it with `diecast token revoke {}`", token.name);
            Err(Problem::new(Code::A0010, cause).with_hint(hint))
        }
        (_, action) => match (actor.role(), action) {
            (Some(Role::Administrator), _) | (Some(Role::Viewer), Action::Read | Action::EndOwnSession) => {
                Ok(())
            }
            (Some(Role::Viewer), _) | (None, _) => Err(only_looks(actor)),
        },
    }
}

fn only_looks(actor: &Actor) -> Problem {
    let who = match actor {
        Actor::Token { token } => format!("token `{}`", token.name),
        Actor::Administrator { session, .. } => format!("`{}`", session.administrator),
        Actor::Agent { provider } => format!("the agent of provider {provider}"),
    };
    let cause = format!(
        "{who} is a viewer: it may look at everything but tokens and the audit trail, and change nothing"
    );
    Problem::new(Code::A0003, cause)
        .with_hint("use an administrator's login, or a token made with `--role administrator`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use diecast_domain::units::Timestamp;
    use diecast_store::{Session, TokenRecord};
    use uuid::Uuid;

    const OPERATORS: [Action; 5] = [
        Action::ChangeProviders,
        Action::ChangeTemplates,
        Action::ChangeHosts,
        Action::Operate,
        Action::Administer,
    ];

    fn token(role: Role) -> Actor {
        let name = "ci".parse().unwrap();
        let author = "admin".to_owned();
        let token = TokenRecord { name, role, author, created_at: Timestamp(0), expires_at: None };
        Actor::Token { token }
    }

    fn refused(actor: &Actor, action: Action) -> Option<Code> {
        may(actor, action).err().map(|problem| problem.code)
    }

    #[test]
    fn a_viewer_looks_and_does_nothing_else() {
        assert_eq!(may(&token(Role::Viewer), Action::Read), Ok(()));
        for action in OPERATORS {
            assert_eq!(refused(&token(Role::Viewer), action), Some(Code::A0003), "{action:?}");
            assert_eq!(refused(&token(Role::Administrator), action), None, "{action:?}");
        }
    }

    #[test]
    fn agents_and_operators_do_nothing_of_each_other() {
        let provider = ProviderId::from_uuid(Uuid::from_u128(1));
        let other = ProviderId::from_uuid(Uuid::from_u128(2));
        let agent = Actor::Agent { provider };
        assert_eq!(may(&agent, Action::ActFor(provider)), Ok(()));
        assert_eq!(refused(&agent, Action::ActFor(other)), Some(Code::P0012));
        let session = Session {
            administrator: "admin".to_owned(),
            note: None,
            created_at: Timestamp(0),
            expires_at: Timestamp(1),
        };
        let person = Actor::Administrator { session, token_hash: String::new() };
        for actor in [person, token(Role::Administrator), token(Role::Viewer)] {
            assert_eq!(refused(&actor, Action::ActFor(provider)), Some(Code::A0003));
        }
        for action in OPERATORS.into_iter().chain([Action::Read]) {
            assert_eq!(refused(&agent, action), Some(Code::A0003), "{action:?}");
        }
    }

    #[test]
    fn a_token_is_no_session() {
        assert_eq!(refused(&token(Role::Administrator), Action::EndOwnSession), Some(Code::A0010));
    }
}
