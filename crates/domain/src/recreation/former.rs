//! Former disks that nothing waits for any more.

use super::HostProgress;
use crate::{
    host::{Host, HostPhase},
    plan::World,
};

/// The host with its former disks given up, if they may be: its present ones were made, it is not
/// on its way back, and no recreation that runs may still roll it back. Whatever ended a recreation
/// before it could say so, nothing is left over.
pub fn former_due(world: &World, host: &Host) -> Option<Host> {
    let mut former = host.previous.filter(|former| !former.dropping && host.restores.is_none())?;
    let report = world.host_reports.get(&host.id).filter(|_| world.answers(host.provider))?;
    let there = matches!(report.phase, HostPhase::Made | HostPhase::Gone);
    let stands = there && report.stood() == host.incarnation;
    let held = world
        .recreations
        .iter()
        .filter(|recreation| !recreation.stage.is_over())
        .any(|recreation| recreation.hosts.get(&host.id).and_then(HostProgress::wave).is_some());
    former.dropping = true;
    (stands && !held && !host.deleting).then(|| Host { previous: Some(former), ..host.clone() })
}
