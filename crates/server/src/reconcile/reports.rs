//! Keeps each agent's last report in the store, without what changes all the time.

use super::Pass;
use crate::app::App;
use diecast_domain::{ids::SessionId, replica::Progress, report::Report, units::ByteCount};
use diecast_store::{Change, StoreError};
use uuid::Uuid;

/// Writes `report` if more than a number in it changed.
pub(super) async fn keep(
    change: &mut Change,
    app: &App,
    report: &Report,
    pass: &mut Pass,
) -> Result<(), StoreError> {
    let essence = essence(report);
    if app.live().is_kept(&essence) {
        return Ok(());
    }
    if app.live().is_other_release(&essence) {
        pass.replaced.insert(essence.provider);
    }
    change.put_report(&essence).await?;
    pass.kept.push(essence);
    pass.dirty = true;
    Ok(())
}

fn essence(report: &Report) -> Report {
    let mut essence = report.clone();
    essence.session = SessionId::from_uuid(Uuid::nil());
    essence.sequence = 0;
    essence.traffic = Default::default();
    essence.scrub = None;
    essence.load = None;
    essence.publications.iter_mut().for_each(|it| it.progress = Progress::default());
    for replica in &mut essence.replicas {
        replica.progress = Progress { total: replica.progress.total, ..Progress::default() };
        replica.sources.clear();
    }
    for storage in essence.facts.iter_mut().flat_map(|facts| &mut facts.storages) {
        storage.free = ByteCount::ZERO;
    }
    essence
}
