//! One-time acts: those that ended, and those that nobody carries out in time.

use crate::{picture::Picture, reconcile::Pass};
use diecast_domain::{
    code::{Code, Problem},
    ids::{OperationId, ProviderId},
    report::Outcome,
};
use diecast_store::{Change, OperationState, StoreError};
use std::time::Duration;

/// How long a one-time act waits for a provider that does not answer. Nobody wants a machine started
/// hours after asking.
const OPERATION_PATIENCE: Duration = Duration::from_secs(600);

pub(super) async fn end(
    change: &mut Change,
    picture: &mut Picture,
    id: OperationId,
    outcome: Outcome,
) -> Result<(), StoreError> {
    let Some(at) = picture.operations.iter().position(|record| record.operation.id == id) else {
        return Ok(());
    };
    let mut record = picture.operations.remove(at);
    record.state = match outcome {
        Outcome::Running => return Ok(()),
        Outcome::Done { lines } => OperationState::Done { lines },
        Outcome::Failed { problem } => OperationState::Failed { problem },
    };
    change.put_operation(&record).await
}

/// Ends what waits for a provider that has been silent for long.
pub(crate) async fn give_up_operations(
    change: &mut Change,
    picture: &mut Picture,
    pass: &mut Pass,
) -> Result<(), StoreError> {
    let late = |record: &&diecast_store::OperationRecord| {
        picture.now.since(record.created_at) >= OPERATION_PATIENCE
            && !picture.state(record.provider).answers()
    };
    let late: Vec<(ProviderId, OperationId)> =
        picture.operations.iter().filter(late).map(|record| (record.provider, record.operation.id)).collect();
    for (provider, id) in late {
        let name = picture.provider_name(provider);
        let problem = Problem::new(Code::P0001, format!("{name} did not answer in time; nothing was done"));
        end(change, picture, id, Outcome::Failed { problem }).await?;
        if let Some(waiting) = picture.world.operations.get_mut(&provider) {
            waiting.retain(|operation| operation.id != id);
        }
        pass.dirty = true;
    }
    Ok(())
}
