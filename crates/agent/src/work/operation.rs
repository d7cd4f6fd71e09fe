//! One-time acts. Their outcome is written down before it is told, so that none is done twice.

use super::{replica, working_copy};
use crate::{
    data,
    finding::Finding,
    worker::{Ended, Job, own_trouble},
};
use diecast_domain::{
    assignment::Act,
    code::{Code, Problem},
    digest::Digest,
    ids::OperationId,
    report::{CheckLine, Outcome},
};
use diecast_provider::{RunHosts, SelfCheck, Stop, layout as places};
use diecast_transfer::verify::Verdict;
use std::time::Duration;

/// How long a guest has to shut itself down.
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(120);

pub async fn operate(job: &Job, id: OperationId) -> Ended {
    let Some(operation) = job.orders.operations.iter().find(|operation| operation.id == id) else {
        return Err(None);
    };
    let hypervisor = &job.site.hypervisor;
    let done = match operation.act {
        Act::StartHost { host } => hypervisor.start_host(host).await.map(|()| Vec::new()),
        Act::StopHost { host, force: true } => {
            hypervisor.stop_host(host, Stop::Force).await.map(|()| Vec::new())
        }
        Act::StopHost { host, force: false } => {
            let how = Stop::Politely { deadline: SHUTDOWN_DEADLINE };
            hypervisor.stop_host(host, how).await.map(|()| Vec::new())
        }
        Act::StartWorkingCopy { maintenance } => {
            working_copy::start_again(job, maintenance).await.map(|()| Vec::new())
        }
        Act::VerifyReplica { digest } => verify(job, digest).await?,
        Act::CheckProvider => {
            let networks = &job.site.provider_settings.networks;
            let lines = hypervisor.check(job.pool(), networks, job.site.settings.floor).await;
            let say = |line: diecast_provider::CheckLine| CheckLine {
                name: line.name,
                ok: line.ok,
                detail: line.detail,
                hint: line.hint,
            };
            Ok(lines.into_iter().map(say).collect())
        }
    };
    let outcome = match done {
        Ok(lines) => Outcome::Done { lines },
        Err(problem) => Outcome::Failed { problem },
    };
    data::write_json(&job.site.data.operation(id), &outcome).map_err(|error| Some(own_trouble(&error)))?;
    job.site.board.know().operations.insert(id, outcome);
    Ok(())
}

/// Reads the replica back. What is found damaged is mended by the agent's next decision.
async fn verify(job: &Job, digest: Digest) -> Result<Result<Vec<CheckLine>, Problem>, Option<Problem>> {
    let dir = places::version_dir(&job.site.storage, &digest);
    if !dir.exists() {
        return Ok(Err(Problem::new(
            Code::A0010,
            format!("{} does not hold version {} yet", job.site.name, digest.short()),
        )));
    }
    let manifest = match replica::manifest(job, &digest).await {
        Ok(manifest) => manifest,
        Err(problem) => return Ok(Err(problem)),
    };
    let verdict = match replica::verify(job, &manifest, &dir).await {
        // A disk that cannot be read is an outcome, and what it holds is not known to be whole.
        Err(Some(problem)) => {
            let finding = Finding::unread(digest, problem.clone());
            job.site.board.found_damaged(&job.site.data, digest, finding);
            return Ok(Err(problem));
        }
        verdict => verdict?,
    };
    match verdict {
        Verdict::Verified(verified) => {
            replica::record(job, &verified)?;
            job.site.board.is_whole(&job.site.data, digest);
            Ok(Ok(vec![CheckLine {
                name: "every byte".into(),
                ok: true,
                detail: format!("{} read and compared", manifest.data_bytes()),
                hint: None,
            }]))
        }
        Verdict::Damaged(damage) => {
            let problem = damage.changed_problem(&digest);
            job.site.board.found_damaged(&job.site.data, digest, Finding::of(digest, damage));
            Ok(Err(problem))
        }
    }
}
