//! One life of the agent as the server sees it: it asks for its assignment, and reports.
//!
//! Reports go out every [`REPORT_INTERVAL`] from a thread of their own with a runtime of their own:
//! neither a full thread pool nor a hypervisor that hangs makes a provider look dead.

use crate::{
    board::Board,
    data::{self, DataDir},
    recovery, report,
    server::Server,
};
use diecast_domain::{
    assignment::{Acceptance, Refusal, accept},
    code::Problem,
    ids::{ProviderId, SessionId},
    provider::REPORT_INTERVAL,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// Between two tries while the server cannot be reached: short, since much waits for it.
const RETRY_PAUSE: Duration = Duration::from_secs(2);
/// How long the first report waits for the hypervisor: within the silence that is forgiven.
const FIRST_LOOK_PATIENCE: Duration = Duration::from_secs(8);
/// Between two reports while a task runs: a bar that moves every three seconds looks stuck.
const REPORT_INTERVAL_BUSY: Duration = Duration::from_secs(1);
/// Reports that say something new go out at once, but never closer together than this.
const REPORT_PAUSE_MIN: Duration = Duration::from_millis(300);

/// Runs for as long as the agent does. Whatever is taken is on the disk before it is acted on.
pub async fn follow_assignment(
    board: Arc<Board>,
    data: DataDir,
    server: Server,
    provider: ProviderId,
    session: SessionId,
) {
    let mut last: Option<Problem> = None;
    let mut refused: Option<Refusal> = None;
    loop {
        let after = board.know().assignment.as_ref().map(|held| held.generation).unwrap_or_default();
        match server.assignment(after, session).await {
            Ok(None) => last = None,
            Ok(Some(offered)) => {
                last = None;
                let mut held = board.know().assignment.clone();
                let before = held.clone();
                match accept(provider, &mut held, offered) {
                    Ok(Acceptance::Repeated) => tokio::time::sleep(REPORT_PAUSE_MIN).await,
                    Ok(Acceptance::Taken) => {
                        refused = None;
                        let former = held.as_ref().map(|held| recovery::keep(&data, before.as_ref(), held));
                        let kept = former.transpose().and_then(|former| {
                            data::write_json(&data.file("assignment.json"), &held)?;
                            Ok(former.flatten())
                        });
                        let former = match kept {
                            Ok(former) => former,
                            Err(error) => {
                                // What cannot be remembered is not begun: it would be forgotten by a crash.
                                tracing::error!("{error:#}");
                                tokio::time::sleep(RETRY_PAUSE).await;
                                continue;
                            }
                        };
                        let consoles = held.as_ref().map(|held| held.orders.consoles.clone());
                        board.consoles.send_replace(consoles.unwrap_or_default());
                        let mut known = board.know();
                        known.assignment = held;
                        known.former = former;
                        known.refresh_sources();
                        // Before it is said that they are followed.
                        let orders = known.assignment.as_ref().map(|told| &told.orders);
                        if let Some(orders) = orders {
                            board.paces.follow(&orders.limits, crate::clock::now());
                        }
                        drop(known);
                        board.nudge();
                    }
                    Err(refusal) => {
                        if refused.as_ref() != Some(&refusal) {
                            tracing::warn!("an assignment was refused: {refusal}");
                        }
                        refused = Some(refusal);
                        tokio::time::sleep(RETRY_PAUSE).await;
                    }
                }
            }
            Err(problem) => {
                tell_once(&mut last, problem, "assignment");
                tokio::time::sleep(RETRY_PAUSE).await;
            }
        }
    }
}

/// Starts the reporter's thread. What is returned ends when the thread does.
pub fn report(
    board: Arc<Board>,
    server: Server,
    provider: ProviderId,
    session: SessionId,
) -> std::io::Result<oneshot::Receiver<()>> {
    let (alive, ended) = oneshot::channel();
    let run = move || {
        let _alive = alive;
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                tracing::error!("no reports can be sent: {error}");
                std::process::exit(1);
            }
        };
        runtime.block_on(report_for_ever(&board, &server, provider, session));
    };
    std::thread::Builder::new().name("reporter".into()).spawn(run).map(|_| ended)
}

async fn report_for_ever(board: &Board, server: &Server, provider: ProviderId, session: SessionId) {
    let mut last: Option<Problem> = None;
    wait_for_the_hypervisor(board).await;
    for sequence in 1.. {
        let begun = Instant::now();
        let said = report::compose(&board.know(), provider, session, sequence);
        match server.report(&said).await {
            Ok(()) => last = None,
            Err(problem) => tell_once(&mut last, problem, "report"),
        }
        // Until the next is due, or what there is to say has changed.
        loop {
            tokio::time::sleep(REPORT_PAUSE_MIN).await;
            let now = report::compose(&board.know(), provider, session, sequence);
            let news = last.is_none() && report::differs(&said, &now);
            // While something is under way its progress is told more often.
            let due = if board.know().tasks.is_empty() { REPORT_INTERVAL } else { REPORT_INTERVAL_BUSY };
            if news || begun.elapsed() >= due {
                break;
            }
        }
    }
}

/// The first report of a life waits a little for the first look, so that it does not call silent
/// what was not asked yet.
async fn wait_for_the_hypervisor(board: &Board) {
    let begun = Instant::now();
    let looked = || {
        let known = board.know();
        known.hypervisor.answered || known.hypervisor.problem.is_some()
    };
    while !looked() && begun.elapsed() < FIRST_LOOK_PATIENCE {
        tokio::time::sleep(REPORT_PAUSE_MIN).await;
    }
}

/// One line when a trouble begins, and none while it lasts.
fn tell_once(last: &mut Option<Problem>, problem: Problem, what: &str) {
    if last.as_ref().map(|known| known.code) != Some(problem.code) {
        tracing::warn!(code = %problem.code, "{what}: {}", problem.cause);
    }
    *last = Some(problem);
}
