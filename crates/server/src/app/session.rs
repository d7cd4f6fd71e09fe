//! Signing in and out, and knowing who a token belongs to.

use crate::{
    app::{
        App,
        authorise::Action,
        cx::{Actor, Cx},
        etag::{self, Tagged},
        refused::Refused,
    },
    clock, secret,
};
use diecast_api::{
    operator::session::{SessionView, SignIn, SignedIn},
    time::rfc3339,
};
use diecast_domain::code::Code;
use diecast_store::Session;
use std::{net::IpAddr, time::Duration};

/// How long a token works: a script's token is renewed monthly.
const SESSION_LIFE: Duration = Duration::from_secs(30 * 24 * 3600);
/// Nobody's name or password is longer; a hash of megabytes would be work for nothing.
const CREDENTIAL_LENGTH_MAX: usize = 1024;

impl App {
    pub(crate) async fn sign_in(&self, from: IpAddr, asked: SignIn) -> Result<SignedIn, Refused> {
        let now = clock::now();
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
        let hash = administrator.map(|there| there.password_hash);
        let matches =
            tokio::task::spawn_blocking(move || secret::password_matches(&password, hash.as_deref()));
        let matches = matches.await.map_err(Refused::unforeseen)?;
        drop(turn);
        if !matches {
            tracing::warn!(%from, "a sign-in failed");
            return Err(Refused::new(Code::A0008, "the user name or the password is wrong"));
        }
        self.attempts().succeeded(from);
        let token = secret::token("dcs");
        let session =
            Session { administrator: user.clone(), note, created_at: now, expires_at: now + SESSION_LIFE };
        let mut change = self.store().change().await?;
        change.add_session(&secret::token_hash(&token), &session).await?;
        change.commit().await?;
        tracing::info!(user, %from, "signed in");
        Ok(SignedIn { token, user, expires_at: rfc3339(session.expires_at) })
    }

    /// Who has this token, if it is one that works now.
    pub(crate) async fn authenticate(&self, token: &str) -> Result<Cx, Refused> {
        let now = clock::now();
        let token_hash = secret::token_hash(token);
        match self.store().view().await?.session(&token_hash).await? {
            Some(session) if session.expires_at > now => {
                Ok(Cx { actor: Actor::Administrator { session, token_hash }, now })
            }
            Some(_) => Err(Refused::new(Code::A0002, "the token has expired")),
            None => Err(Refused::new(Code::A0002, "the token is not known here")),
        }
    }

    pub(crate) fn session(&self, cx: &Cx) -> Result<Tagged<SessionView>, Refused> {
        cx.may(Action::Read)?;
        let Actor::Administrator { session, .. } = &cx.actor else {
            return Err(Refused::new(Code::A0003, "an agent has no session"));
        };
        let value = SessionView {
            user: session.administrator.clone(),
            role: "administrator".to_owned(),
            expires_at: rfc3339(session.expires_at),
            server_version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        Ok(Tagged { etag: etag::of(session), value })
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
