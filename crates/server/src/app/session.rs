//! Signing in and out, and knowing who a token belongs to.

use crate::{
    app::{
        App,
        authorise::Action,
        cx::{Actor, Cx, Origin},
        etag::{self, Tagged},
        refused::Refused,
    },
    clock, secret,
};
use diecast_api::{
    operator::session::{SessionView, SignIn, SignedIn},
    time::rfc3339,
};
use diecast_domain::code::{Code, Problem};
use diecast_store::{LastUse, Session, writing_as};
use std::time::Duration;

/// How long a token works: a script's token is renewed monthly.
const SESSION_LIFE: Duration = Duration::from_secs(30 * 24 * 3600);
/// Between two looks whether who holds a stream or a screen open is still let in. It is looked up, since a
/// password is also changed by a program beside this one.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// Nobody's name or password is longer; a hash of megabytes would be work for nothing.
const CREDENTIAL_LENGTH_MAX: usize = 1024;

impl App {
    pub(crate) async fn sign_in(&self, origin: &Origin, asked: SignIn) -> Result<SignedIn, Refused> {
        let (now, from) = (clock::now(), origin.address);
        let SignIn { user, password, note } = asked;
        let longest = user.len().max(password.len()).max(note.as_ref().map_or(0, String::len));
        if longest > CREDENTIAL_LENGTH_MAX {
            return Err(Refused::malformed("the user name, password or note is too long"));
        }
        self.attempts().begin(from, now).map_err(|wait| {
            let seconds = wait.as_secs() + 1;
            let cause = format!("too many sign-ins failed from {from}; try again in {seconds} seconds");
            Refused { retry_after: Some(seconds), ..Refused::new(Code::A0009, cause) }
        })?;
        let administrator = self.store().view().await?.administrator(&user).await?;
        let turn = self.password_checks().acquire().await.map_err(Refused::unforeseen)?;
        let known = administrator.is_some();
        let hash = administrator.map(|there| there.password_hash);
        let matches =
            tokio::task::spawn_blocking(move || secret::password_matches(&password, hash.as_deref()));
        let matches = matches.await.map_err(Refused::unforeseen)?;
        drop(turn);
        if !matches {
            tracing::warn!(%from, "a sign-in failed");
            let problem = Problem::new(Code::A0008, "the user name or the password is wrong");
            // A name that is none may be a password, typed into the wrong field.
            let who = if known { user } else { "(unknown)".to_owned() };
            self.note_refusal(&origin.author(who, now), &problem).await;
            return Err(problem.into());
        }
        self.attempts().succeeded(from);
        let token = secret::token("dcs");
        let session =
            Session { administrator: user.clone(), note, created_at: now, expires_at: now + SESSION_LIFE };
        writing_as(origin.author(user.clone(), now), self.begin_session(&token, &session)).await?;
        tracing::info!(user, %from, "signed in");
        Ok(SignedIn { token, user, expires_at: rfc3339(session.expires_at) })
    }

    async fn begin_session(&self, token: &str, session: &Session) -> Result<(), Refused> {
        let mut change = self.store().change().await?;
        change.add_session(&secret::token_hash(token), session).await?;
        Ok(change.commit().await?)
    }

    /// Who has this token, if it is one that works now. It is used from `origin`.
    pub(crate) async fn authenticate(&self, token: &str, origin: &Origin) -> Result<Cx, Refused> {
        let now = clock::now();
        let token_hash = secret::token_hash(token);
        let mut view = self.store().view().await?;
        if let Some((token, _)) = view.token(&token_hash).await? {
            if token.expired(now) {
                let cause = format!("token `{}` has expired", token.name);
                let hint = "make a new one with `diecast token create`";
                return Err(Problem::new(Code::A0002, cause).with_hint(hint).into());
            }
            self.note_use(&token, LastUse { at: now, from: origin.address.to_string() });
            return Ok(Cx { actor: Actor::Token { token }, now });
        }
        match view.session(&token_hash).await? {
            Some(session) if session.expires_at > now => {
                Ok(Cx { actor: Actor::Administrator { session, token_hash }, now })
            }
            Some(_) => Err(Refused::new(Code::A0002, "the token has expired")),
            None => Err(Refused::new(Code::A0002, "the token is not known here")),
        }
    }

    /// Ends when who asked is no longer let in: signed out, revoked or expired. For what stays open.
    pub(crate) async fn shut_out(&self, cx: Cx) {
        while self.is_let_in(&cx).await.unwrap_or_else(|refused| {
            tracing::warn!(cause = refused.problem.cause, "whether a token still works could not be read");
            false
        }) {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    async fn is_let_in(&self, cx: &Cx) -> Result<bool, Refused> {
        let (mut view, now) = (self.store().view().await?, clock::now());
        Ok(match &cx.actor {
            Actor::Token { token } => {
                let known = view.token_named(token.name.as_str()).await?;
                // A newer one of the same name is another.
                known.is_some_and(|(known, _)| known == *token && !token.expired(now))
            }
            Actor::Administrator { token_hash, .. } => {
                view.session(token_hash).await?.is_some_and(|session| session.expires_at > now)
            }
            Actor::Agent { .. } => true,
        })
    }

    pub(crate) fn session(&self, cx: &Cx) -> Result<Tagged<SessionView>, Refused> {
        cx.may(Action::Read)?;
        let (etag, expires_at) = match &cx.actor {
            Actor::Administrator { session, .. } => (etag::of(session), Some(session.expires_at)),
            Actor::Token { token } => (etag::of(token), token.expires_at),
            Actor::Agent { .. } => return Err(Refused::new(Code::A0003, "an agent has no session")),
        };
        let value = SessionView {
            user: cx.who(),
            role: cx.actor.role().map(|role| role.to_string()).unwrap_or_default(),
            expires_at: expires_at.map(rfc3339),
            server_version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        Ok(Tagged { etag, value })
    }

    pub(crate) async fn sign_out(&self, cx: &Cx) -> Result<(), Refused> {
        cx.may(Action::EndOwnSession)?;
        if let Actor::Administrator { token_hash, .. } = &cx.actor {
            let mut change = self.store().change().await?;
            change.delete_session(token_hash).await?;
            change.commit().await?;
        }
        Ok(())
    }
}
