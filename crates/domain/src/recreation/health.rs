//! What becomes of a host that a recreation has begun: whether it came up well.

use super::{HostProgress, Recreation};
use crate::{
    code::Retry,
    host::{Host, HostPhase, is_up},
    plan::World,
    units::Timestamp,
};
use std::time::Duration;

/// Failed attempts to make a host's disks after which it counts as failed, although its agent goes on
/// trying until it is rolled back.
pub const ATTEMPTS_MAX: u32 = 3;

/// The wave of a host whose provider does not answer: none that runs. It is judged with the one that
/// runs when its provider is back.
pub(super) const UNHEARD: u32 = 0;

/// How a host that has begun stands now. Its provider's silence stops the clock: nobody can say that
/// it is not well.
pub(super) fn judge(
    recreation: &Recreation,
    world: &World,
    host: &Host,
    progress: HostProgress,
    now: Timestamp,
) -> HostProgress {
    let HostProgress::Begun { wave, incarnation, at, attempt, made_at } = progress else { return progress };
    if !world.answers(host.provider) {
        return HostProgress::Begun { wave: UNHEARD, incarnation, at, attempt, made_at: None };
    }
    let wave = if wave == UNHEARD { recreation.wave } else { wave };
    let failed = HostProgress::Failed { wave, incarnation };
    let report = world.host_reports.get(&host.id);
    match report.filter(|report| report.stood() >= incarnation) {
        Some(report) if report.phase == HostPhase::Made => {
            let since = made_at.unwrap_or(now);
            let patience = Duration::from_secs(u64::from(recreation.terms.health_seconds));
            if is_up(report, host.setup.ready_when) {
                HostProgress::Healthy { wave, incarnation }
            } else if now.since(since) >= patience {
                failed
            } else {
                HostProgress::Begun { wave, incarnation, at, attempt, made_at: Some(since) }
            }
        }
        Some(report) if report.phase == HostPhase::Gone => failed,
        _ if cannot_be_made(host, attempt) => failed,
        _ => HostProgress::Begun { wave, incarnation, at, attempt, made_at },
    }
}

fn cannot_be_made(host: &Host, first_attempt: u32) -> bool {
    let Some(problem) = &host.problem else { return false };
    let begun_anew = u32::from(host.next_attempt_at.is_none());
    let failed = (host.attempt + 1).saturating_sub(first_attempt).saturating_sub(begun_anew);
    problem.code.retry() != Retry::Later || failed >= ATTEMPTS_MAX
}

/// Why it failed, for people.
pub(super) fn cause(recreation: &Recreation, host: &Host) -> String {
    match &host.problem {
        Some(problem) => problem.cause.clone(),
        None => format!("it was not well {} s after it was made", recreation.terms.health_seconds),
    }
}
