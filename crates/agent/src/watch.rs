//! Watching the hypervisor: asks it every few seconds, so that reports never wait for it.

use crate::{board::Board, data::DataDir, storage};
use diecast_domain::{code::Problem, provider::ProviderSettings};
use diecast_provider::{HoldTemplates, Inspect, Libvirt, MaintainTemplates, RunHosts};
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

/// Between two looks; a report is at most this much older than the hypervisor's own knowledge.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// The hypervisor, once it has answered, and the settings it was reached with.
pub type Driver = Option<(Arc<Libvirt>, ProviderSettings)>;

/// Runs for as long as the agent does. `driver` is what tasks use to act.
pub async fn watch(board: Arc<Board>, data: DataDir, driver: watch::Sender<Driver>) {
    loop {
        let settings = board.know().assignment.as_ref().map(|assignment| assignment.orders.settings.clone());
        if let Some(settings) = settings {
            let looked = look(&board, &data, &driver, &settings).await;
            let mut known = board.know();
            let before = known.hypervisor.problem.take();
            if let Err(problem) = looked {
                if before.as_ref() != Some(&problem) {
                    tracing::warn!(code = %problem.code, "{}", problem.cause);
                }
                known.hypervisor.problem = Some(problem);
            }
        }
        board.nudge();
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

async fn look(
    board: &Board,
    data: &DataDir,
    driver: &watch::Sender<Driver>,
    settings: &ProviderSettings,
) -> Result<(), Problem> {
    let held = driver.borrow().clone().filter(|(_, used)| used == settings).map(|(hypervisor, _)| hypervisor);
    let hypervisor = match held {
        Some(hypervisor) => hypervisor,
        None => {
            let hypervisor = Arc::new(Libvirt::connect(&settings.uri).await?);
            board.know().registered.clear();
            driver.send_replace(Some((hypervisor.clone(), settings.clone())));
            hypervisor
        }
    };
    let facts = hypervisor.facts().await?;
    let look = board.know().hypervisor.marked.begin();
    let (vms, hosts) = tokio::try_join!(hypervisor.vms(), hypervisor.hosts())?;
    let found = hypervisor.storage_dir(&settings.storage).await;
    let found = found.map(|path| (storage::recognise(data, &path), path));
    let copies_look = board.know().hypervisor.working_copies.begin();
    let copies = match &found {
        Ok((Ok(()), _)) => Some(hypervisor.working_copies(&settings.storage).await),
        _ => None,
    };
    let load = crate::load::now(facts.cpu.count);
    let mut known = board.know();
    known.load = load;
    known.hypervisor.facts = Some(facts);
    known.hypervisor.vms = vms;
    known.hypervisor.marked.see(look, hosts);
    known.hypervisor.answered = true;
    match found {
        Ok((Ok(()), path)) => {
            known.storage_problem = None;
            known.storage = Some(path);
        }
        // Another disk, or none, lies where ours was: nothing there is ours, and ours is not there.
        Ok((Err(problem), _)) => known.lose_storage(problem),
        // A pool that is off is where it was; preflight and check say what is wrong with it now.
        Err(problem) => known.storage_problem = Some(problem),
    }
    known.hypervisor.storage_seen = matches!(copies, Some(Ok(_)));
    match copies {
        Some(Ok(copies)) => known.hypervisor.working_copies.see(copies_look, copies),
        // Slow or broken for now: what lies there is not gone.
        Some(Err(problem)) => known.storage_problem = Some(problem),
        None => {}
    }
    Ok(())
}
