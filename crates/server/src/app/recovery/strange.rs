//! Providers that enrolled after the backup: heard, and known again.

use super::free_name;
use crate::{app::App, picture::Picture, strangers::Stranger};
use diecast_api::agent::CERTIFICATE_LIFE;
use diecast_domain::{
    code::{Code, Problem},
    ids::ProviderId,
    provider::{ProviderKind, ProviderState},
    report::Report,
    units::Timestamp,
};
use diecast_identity::PeerIdentity;
use diecast_store::{Change, Contact, ProviderRecord, RecoveryRecord, StoreError};
use std::{sync::Arc, time::SystemTime};

impl App {
    /// Whether a certificate that does not count was made after the backup, for a provider of the store:
    /// then it counts from now on.
    pub(crate) async fn counts_again(
        &self,
        identity: &PeerIdentity,
        provider: ProviderId,
    ) -> Result<bool, StoreError> {
        let mut view = self.store().view().await?;
        let Some(record) = view.open_recovery().await? else { return Ok(false) };
        let Some(contact) = view.contact(provider).await? else { return Ok(false) };
        drop(view);
        if !made_since(identity, &record) {
            return Ok(false);
        }
        let mut certificates = contact.certificates.clone();
        certificates.push(identity.certificate_serial.clone());
        let certificate_expires_at = Some(expires(identity));
        let mut change = self.store().change().await?;
        change.put_contact(&Contact { certificates, certificate_expires_at, ..contact }).await?;
        change.commit().await?;
        tracing::info!(%provider, "a certificate that was made after the backup counts again");
        Ok(true)
    }

    /// Keeps what an agent says whose provider the store does not know, while a recovery is open.
    pub(crate) async fn hear_stranger(&self, identity: &PeerIdentity, report: Report, now: Timestamp) {
        let Some(provider) = identity.provider.filter(|provider| *provider == report.provider) else {
            return;
        };
        let Ok(mut view) = self.store().view().await else { return };
        let (open, known) = (view.open_recovery().await, view.provider(provider).await);
        let (Ok(Some(record)), Ok(None)) = (open, known) else { return };
        if made_since(identity, &record) && !identity.expired(SystemTime::now()) {
            let stranger = Stranger {
                certificate_serial: identity.certificate_serial.clone(),
                certificate_expires_at: expires(identity),
                heard: now,
                report: Arc::new(report),
            };
            self.live().strangers.heard(provider, stranger);
        }
    }
}

/// A certificate of before the backup that does not count was taken back before it, too.
fn made_since(identity: &PeerIdentity, record: &RecoveryRecord) -> bool {
    let made = identity.not_after.checked_sub(CERTIFICATE_LIFE).unwrap_or(SystemTime::UNIX_EPOCH);
    let made = made.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
    // Certificates tell whole seconds.
    i64::try_from(made).unwrap_or(0) + 1000 >= record.backup_made_at.0
}

fn expires(identity: &PeerIdentity) -> Timestamp {
    let since = identity.not_after.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Makes a stranger a provider, under the name that it says. Gives the name, or why not.
pub(super) async fn adopt(
    change: &mut Change,
    picture: &Picture,
    id: ProviderId,
    stranger: &Stranger,
    now: Timestamp,
) -> Result<Result<String, Problem>, StoreError> {
    let (Some(name), Some(settings)) = (stranger.report.name.clone(), stranger.report.settings.clone())
    else {
        let cause = "its agent does not say what it was told";
        let hint = "update its agent; or `diecast provider add`, and enrol it anew";
        return Ok(Err(Problem::new(Code::B0007, cause).with_hint(hint)));
    };
    if let Err(taken) = free_name(picture, &name) {
        return Ok(Err(taken));
    }
    change
        .put_provider(&ProviderRecord {
            id,
            name: name.clone(),
            kind: ProviderKind::Libvirt,
            settings,
            site: None,
            labels: Default::default(),
            created_at: now,
            limit: None,
            scrub: Default::default(),
        })
        .await?;
    change
        .put_contact(&Contact {
            provider: id,
            state: ProviderState::AwaitingAgent,
            since: now,
            certificates: vec![stranger.certificate_serial.clone()],
            certificate_expires_at: Some(stranger.certificate_expires_at),
        })
        .await?;
    Ok(Ok(name.to_string()))
}
