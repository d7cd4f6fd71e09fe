//! The tasks: one file a kind of object. Each may be killed anywhere and begun again.

mod bundle;
mod changes;
mod host;
mod operation;
mod publication;
mod removal;
mod replica;
mod trimming;
mod working_copy;

pub use replica::look_again;

use crate::worker::{Ended, Job};
use diecast_domain::{agent::Step, code::Problem};

/// Does what the step says, to its end.
pub async fn perform(step: Step, job: Job) -> Ended {
    match step {
        Step::Publish(id) => publication::publish(&job, id).await,
        Step::Fill(digest) => replica::fill(&job, digest).await,
        Step::Mend(digest) => replica::mend(&job, digest).await,
        Step::Register(digest) => replica::register(&job, digest).await,
        Step::RemoveReplica(digest) => removal::replica(&job, digest).await,
        Step::MakeHost(host) => host::make(&job, host).await,
        Step::RecreateHost(host) => host::recreate(&job, host).await,
        Step::RemoveHost(host) => host::remove(&job, host).await,
        Step::RemoveSetAside(host) => host::remove_set_aside(&job, host).await,
        Step::MakeWorkingCopy(id) => working_copy::make(&job, id).await,
        Step::RemoveWorkingCopy(id) => working_copy::remove(&job, id).await,
        Step::Operate(id) => operation::operate(&job, id).await,
        Step::CarryBundle(id) => bundle::carry(&job, id).await,
        Step::Cancel(_) => Ok(()),
    }
}

/// Runs what blocks for long on a thread that may.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Option<Problem>> {
    tokio::task::spawn_blocking(work).await.map_err(|failed| {
        let cause = format!("a task of the agent ended unexpectedly: {failed}");
        Some(Problem::new(diecast_domain::code::Code::S0004, cause))
    })
}
