//! Keeping the certificate fresh: a new one when two thirds of its life are over.

use crate::{
    data::{self, DataDir},
    run::Shared,
    server::Server,
};
use diecast_identity::{Keys, Reloader, renew_at};
use std::{
    sync::PoisonError,
    time::{Duration, SystemTime},
};

/// How often the date is looked at, and how soon a failed renewal is tried again.
const LOOK_INTERVAL: Duration = Duration::from_secs(3600);

/// Runs for as long as the agent does.
pub async fn renew(data: DataDir, shared: Shared, servers: Vec<Server>, depot: Reloader) {
    loop {
        let certificate = {
            let held = shared.read().unwrap_or_else(PoisonError::into_inner);
            held.keyed.certificate_pem.clone()
        };
        if renew_at(&certificate).is_ok_and(|at| SystemTime::now() >= at)
            && let Err(error) = renew_once(&data, &shared, &servers, &depot).await
        {
            tracing::warn!("the certificate could not be renewed yet: {error:#}");
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

async fn renew_once(
    data: &DataDir,
    shared: &Shared,
    servers: &[Server],
    depot: &Reloader,
) -> anyhow::Result<()> {
    let Some(server) = servers.first() else { return Ok(()) };
    // The key stays: a crash between two files would else leave a key without its certificate.
    let held = shared.read().unwrap_or_else(PoisonError::into_inner).clone();
    let keys = Keys::from_pem(&held.keyed.key_pem)?;
    let renewed = server.renew(keys.csr_pem.clone()).await?;
    data::write(&data.file("certificate.pem"), renewed.certificate.as_bytes(), 0o644)?;
    let keyed = keys.certified(renewed.certificate);
    depot.replace(&keyed)?;
    for server in servers {
        server.renewed(&held.ca, &keyed)?;
    }
    shared.write().unwrap_or_else(PoisonError::into_inner).keyed = keyed;
    tracing::info!("the certificate was renewed");
    Ok(())
}
