//! The wish for a new host: its identity and its addresses are drawn here, for operators and for
//! pools alike.

use diecast_domain::{
    host::{Host, HostKind, HostSetup, MacAddress},
    ids::{HostId, PoolId, ProviderId},
    names::HostName,
    units::Timestamp,
};
use diecast_store::{Change, StoreError, VersionRecord};
use uuid::Uuid;

/// Draws before it is said that no address is free: with 2^24 of them nobody gets here.
const MAC_DRAWS_MAX: u32 = 1000;

/// What is decided of a host before anything is drawn.
pub(crate) struct HostDraft<'a> {
    pub(crate) name: HostName,
    pub(crate) provider: ProviderId,
    pub(crate) version: &'a VersionRecord,
    pub(crate) kind: HostKind,
    pub(crate) setup: HostSetup,
    pub(crate) pool: Option<PoolId>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum DraftError {
    #[error("no free address for a network card was found")]
    NoAddress,
    #[error("the wish for a host could not be written")]
    Store(#[from] StoreError),
}

/// Draws it up and writes it down.
pub(crate) async fn add(
    change: &mut Change,
    draft: HostDraft<'_>,
    now: Timestamp,
) -> Result<Host, DraftError> {
    let host = Host {
        id: HostId::from_uuid(Uuid::new_v4()),
        name: draft.name,
        provider: draft.provider,
        template: draft.version.template,
        version: draft.version.number,
        digest: draft.version.digest,
        kind: draft.kind,
        macs: draw_macs(change, draft.version.profile.nics.len()).await?,
        attempt: 1,
        next_attempt_at: None,
        problem: None,
        made: false,
        deleting: false,
        delete_data: false,
        created_at: now,
        setup: draft.setup,
        pool: draft.pool,
        incarnation: 1,
        restores: None,
        previous: None,
    };
    change.add_host(&host).await?;
    Ok(host)
}

/// Addresses that no host and no working copy has.
pub(crate) async fn draw_macs(change: &mut Change, count: usize) -> Result<Vec<MacAddress>, DraftError> {
    let stays = change.templates().await?.into_iter().filter_map(|template| template.maintenance);
    let in_maintenance: Vec<MacAddress> = stays.flat_map(|stay| stay.macs).collect();
    let mut drawn: Vec<MacAddress> = Vec::new();
    for _ in 0..MAC_DRAWS_MAX {
        if drawn.len() == count {
            return Ok(drawn);
        }
        let mac = MacAddress::from_draw(rand::random());
        if !drawn.contains(&mac) && !in_maintenance.contains(&mac) && !change.is_mac_taken(mac).await? {
            drawn.push(mac);
        }
    }
    Err(DraftError::NoAddress)
}
