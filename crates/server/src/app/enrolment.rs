//! How an agent gets its certificate: once with a one-time token, later with the one it has.

use crate::{
    app::{App, authorise::Action, cx::Cx, refused::Refused},
    clock, secret,
};
use diecast_api::agent::{Enrolled, Enrolment, Renewal};
use diecast_domain::{
    code::{Code, Problem},
    ids::ProviderId,
    units::Timestamp,
};
use diecast_identity::{PeerIdentity, SignError, identity_of_pem};
use diecast_store::{Contact, EnrolmentToken, ProviderRecord};
use std::time::SystemTime;

impl App {
    /// Uses up a token. The very same request again is answered again: its answer may have been lost.
    pub(crate) async fn enrol(&self, asked: &Enrolment) -> Result<Enrolled, Refused> {
        let now = clock::now();
        let token_hash = secret::token_hash(&asked.token);
        let request = secret::token_hash(&asked.csr);
        let mut change = self.store().change().await?;
        let refuse = |what: &str| Refused::new(Code::P0008, format!("the enrolment token {what}"));
        let token = change.enrolment_token(&token_hash).await?.ok_or_else(|| refuse("is not known here"))?;
        if token.expires_at <= now {
            return Err(refuse("has expired"));
        }
        if token.used_by.as_ref().is_some_and(|used_by| *used_by != request) {
            return Err(refuse("was used already"));
        }
        let provider = change.provider(token.provider).await?.ok_or_else(|| refuse("is not known here"))?;
        let certificate = self.authority().sign_provider(&asked.csr, provider.id).map_err(bad_request)?;
        let signed = identity_of_pem(&certificate).map_err(Refused::unforeseen)?;
        let before = change.contact(provider.id).await?;
        // Only the new one counts: enrolling anew is what is done when the old key is in wrong hands.
        change
            .put_contact(&contact(before, &provider, vec![signed.certificate_serial.clone()], &signed, now))
            .await?;
        let used = EnrolmentToken { used_by: Some(request), ..token };
        change.put_enrolment_token(&token_hash, &used).await?;
        let cx = Cx { actor: crate::app::cx::Actor::Agent { provider: provider.id }, now };
        let sentence =
            format!("an agent ({}) enrolled as {}", asked.agent_version.escape_debug(), provider.name);
        let event = diecast_store::NewEvent {
            actor: provider.name.to_string(),
            ..cx.event(
                "provider.enrolled",
                "provider",
                provider.name.as_str(),
                sentence.chars().take(300).collect(),
            )
        };
        self.finish(change, vec![event]).await?;
        Ok(self.enrolled(&provider, certificate))
    }

    /// A fresh certificate for an agent that has one. The old one counts until it is over.
    pub(crate) async fn renew(
        &self,
        cx: &Cx,
        identity: &PeerIdentity,
        provider: ProviderId,
        asked: &Renewal,
    ) -> Result<Enrolled, Refused> {
        cx.may(Action::ActFor(provider))?;
        let mut change = self.store().change().await?;
        let record = change.provider(provider).await?.ok_or_else(|| revoked(provider))?;
        let certificate = self.authority().sign_provider(&asked.csr, provider).map_err(bad_request)?;
        let signed = identity_of_pem(&certificate).map_err(Refused::unforeseen)?;
        let before = change.contact(provider).await?;
        let counts = vec![identity.certificate_serial.clone(), signed.certificate_serial.clone()];
        change.put_contact(&contact(before, &record, counts, &signed, cx.now)).await?;
        self.finish(change, Vec::new()).await?;
        tracing::info!(provider = %record.name, "an agent's certificate was renewed");
        Ok(self.enrolled(&record, certificate))
    }

    fn enrolled(&self, provider: &ProviderRecord, certificate: String) -> Enrolled {
        Enrolled {
            provider: provider.id,
            name: provider.name.to_string(),
            certificate,
            ca: self.authority().certificate_pem(),
        }
    }

    /// The agent behind a certificate that the handshake found good: is it one that counts?
    pub(crate) async fn recognise(&self, identity: Option<&PeerIdentity>) -> Result<Cx, Refused> {
        let Some((identity, provider)) = identity.and_then(|it| Some((it, it.provider?))) else {
            let cause = "an agent's certificate is needed here, and none was shown";
            return Err(Refused::new(Code::P0012, cause));
        };
        let contact = self.store().view().await?.contact(provider).await?;
        let counts = contact.is_some_and(|it| it.certificates.contains(&identity.certificate_serial));
        let counts = counts || self.counts_again(identity, provider).await?;
        if !counts || identity.expired(SystemTime::now()) {
            return Err(revoked(provider));
        }
        Ok(Cx { actor: crate::app::cx::Actor::Agent { provider }, now: clock::now() })
    }
}

fn revoked(provider: ProviderId) -> Refused {
    Refused::new(Code::P0012, format!("the certificate of provider {provider} no longer counts"))
}

fn bad_request(error: SignError) -> Refused {
    Problem::new(Code::A0001, format!("the signing request was refused: {error}"))
        .with_hint("update the agent, and enrol again")
        .into()
}

fn contact(
    before: Option<Contact>,
    provider: &ProviderRecord,
    certificates: Vec<String>,
    signed: &PeerIdentity,
    now: Timestamp,
) -> Contact {
    let expires = signed.not_after.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let (state, since) = before
        .map_or((diecast_domain::provider::ProviderState::AwaitingAgent, now), |it| (it.state, it.since));
    Contact {
        provider: provider.id,
        state,
        since,
        certificates,
        certificate_expires_at: Some(Timestamp(i64::try_from(expires.as_millis()).unwrap_or(i64::MAX))),
    }
}
