//! Tokens: with which scripts, dashboards and pipelines are let in.

use crate::{
    app::{
        App,
        authorise::Action,
        cx::Cx,
        etag::{self, Tagged},
        idempotency::{self, Key},
        page,
        refused::Refused,
    },
    picture::no_such,
    secret,
};
use diecast_api::{
    operator::token::{CreateToken, MadeToken, TokenList, TokenView},
    time::{instant, rfc3339},
};
use diecast_domain::{code::Code, names::TokenName, role::Role, units::Timestamp};
use diecast_store::{LastUse, TokenRecord};
use std::time::Duration;

/// How long a token works unless it is said: forgotten ones end by themselves.
const LIFE_DEFAULT: Duration = Duration::from_secs(90 * 24 * 3600);
/// More are no longer looked through by anybody.
const TOKENS_MAX: usize = 1000;
/// For a token that does not expire.
const NEVER: &str = "never";

impl App {
    pub(crate) async fn create_token(
        &self,
        cx: &Cx,
        asked: &CreateToken,
        key: Option<&Key>,
    ) -> Result<MadeToken, Refused> {
        cx.may(Action::Administer)?;
        let name: TokenName = asked.name.parse()?;
        let role = match asked.role.as_deref() {
            Some(role) => role.parse().map_err(|error| Refused::malformed(format!("{error}")))?,
            None => Role::Viewer,
        };
        let expires_at = expiry(asked.expires_at.as_deref(), cx.now)?;
        let mut change = self.store().change().await?;
        let repeated = idempotency::repeated(&mut change, cx, key).await?;
        let tokens = change.tokens().await?;
        // The text was said once and is not kept: whoever asks again gets a new one.
        if repeated.is_none() {
            if tokens.iter().any(|(token, _)| token.name == name) {
                return Err(Refused::new(Code::A0005, format!("there is a token `{name}` already")));
            }
            if tokens.len() >= TOKENS_MAX {
                let cause = format!("there are {TOKENS_MAX} tokens, which is the most");
                return Err(Refused::new(Code::A0010, cause));
            }
            idempotency::remember(&mut change, cx, key, name.as_str()).await?;
        }
        let text = secret::token("dct");
        let record = TokenRecord { name, role, author: cx.who(), created_at: cx.now, expires_at };
        change.put_token(&secret::token_hash(&text), &record).await?;
        let name = record.name.to_string();
        let sentence = format!("token `{name}` was made for {}", article(role));
        self.finish(change, vec![cx.event("token.created", "token", &name, sentence)]).await?;
        Ok(MadeToken { name, token: text, role: role.to_string(), expires_at: expires_at.map(rfc3339) })
    }

    pub(crate) async fn tokens(&self, cx: &Cx, ask: &page::Ask) -> Result<TokenList, Refused> {
        cx.may(Action::Administer)?;
        let all = self.store().view().await?.tokens().await?;
        let (page, next) = ask.cut(all, |(token, _)| token.name.to_string())?;
        let items = page.into_iter().map(|(token, used)| self.token_view(&token, used, cx.now)).collect();
        Ok(TokenList { items, next })
    }

    pub(crate) async fn token(&self, cx: &Cx, name: &str) -> Result<Tagged<TokenView>, Refused> {
        cx.may(Action::Administer)?;
        let found = self.store().view().await?.token_named(name).await?;
        let (token, used) = found.ok_or_else(|| no_such("token", name))?;
        Ok(Tagged { etag: etag::of(&token), value: self.token_view(&token, used, cx.now) })
    }

    /// From here on it opens nothing.
    pub(crate) async fn revoke_token(
        &self,
        cx: &Cx,
        name: &str,
        if_match: Option<&str>,
    ) -> Result<(), Refused> {
        cx.may(Action::Administer)?;
        let mut change = self.store().change().await?;
        let (token, _) = change.token_named(name).await?.ok_or_else(|| no_such("token", name))?;
        etag::check(if_match, &token, &format!("token `{name}`"))?;
        change.delete_token(name).await?;
        let event = cx.event("token.revoked", "token", name, format!("token `{name}` was revoked"));
        self.finish(change, vec![event]).await?;
        self.uses().forget(name);
        Ok(())
    }

    /// Keeps in mind that a token was used. Written by itself, so that nobody who only reads waits for
    /// the writer.
    pub(crate) fn note_use(&self, token: &TokenRecord, used: LastUse) {
        let name = token.name.to_string();
        if !self.uses().note(&name, used.clone()) {
            return;
        }
        let app = self.clone();
        tokio::spawn(async move {
            let written = async {
                let mut change = app.store().change().await?;
                change.use_token(&name, &used).await?;
                change.commit().await
            };
            if let Err(error) = written.await {
                let error = format!("{:#}", anyhow::Error::new(error));
                tracing::warn!(token = name, error, "that a token was used could not be written down");
            }
        });
    }

    fn token_view(&self, token: &TokenRecord, written: Option<LastUse>, now: Timestamp) -> TokenView {
        let used = self.uses().of(token.name.as_str()).or(written);
        TokenView {
            name: token.name.to_string(),
            role: token.role.to_string(),
            author: token.author.clone(),
            created_at: rfc3339(token.created_at),
            expires_at: token.expires_at.map(rfc3339),
            expired: token.expired(now),
            last_used_at: used.as_ref().map(|used| rfc3339(used.at)),
            last_used_from: used.map(|used| used.from),
        }
    }
}

fn article(role: Role) -> &'static str {
    match role {
        Role::Administrator => "an administrator",
        Role::Viewer => "a viewer",
    }
}

/// When a token is to end that is made now.
fn expiry(asked: Option<&str>, now: Timestamp) -> Result<Option<Timestamp>, Refused> {
    match asked {
        None => Ok(Some(now + LIFE_DEFAULT)),
        Some(NEVER) => Ok(None),
        Some(text) => {
            let refuse = |what: &str| Refused::malformed(format!("`expires_at` {what}"));
            let at = instant(text).ok_or_else(|| refuse("is a time by RFC 3339, or `never`"))?;
            if at <= now {
                return Err(refuse("is over already"));
            }
            Ok(Some(at))
        }
    }
}
