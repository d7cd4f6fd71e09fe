//! The commands of `diecast server`.

use crate::{
    args::{ServerArgs, ServerCommand},
    backup, log, password,
    settings::ServerSettings,
    start::{start, unforeseen},
};
use diecast_domain::code::{Code, Problem};
use tokio::signal::unix::{SignalKind, signal};

/// Does what was typed.
pub async fn execute(args: ServerArgs) -> Result<(), Problem> {
    go_on_as_owner(&args.command)?;
    match args.command {
        ServerCommand::Run(args) => {
            log::begin(args.log_format);
            run(args.settings()?).await
        }
        ServerCommand::Password(args) => password::reset(args).await,
        ServerCommand::Backup(args) => backup::backup(args).await,
        ServerCommand::Restore(args) => backup::restore(args).await,
    }
}

/// Runs a server until it is told to stop (SIGTERM or SIGINT).
pub async fn run(settings: ServerSettings) -> Result<(), Problem> {
    #[cfg(feature = "failpoints")]
    let _scenario = fail::FailScenario::setup();
    let signals = |kind| signal(kind).map_err(|error| unforeseen(error.into()));
    let (mut terminate, mut interrupt) =
        (signals(SignalKind::terminate())?, signals(SignalKind::interrupt())?);
    let mut running = start(settings).await?;
    tokio::select! {
        problem = running.ended() => return Err(problem),
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("the server stops");
    running.stop().await;
    Ok(())
}

/// Root that does by hand what the service does is the service's user, as far as its folder goes.
fn go_on_as_owner(command: &ServerCommand) -> Result<(), Problem> {
    let data = match command {
        ServerCommand::Run(args) => &args.place.data,
        ServerCommand::Password(args) => &args.place.data,
        // Their files are the caller's, and what is restored is given to the folder's owner.
        ServerCommand::Backup(_) | ServerCommand::Restore(_) => return Ok(()),
    };
    diecast_config::user::go_on_as_owner_of(data).map_err(|error| {
        let cause =
            format!("this program cannot go on as the user that {} belongs to: {error}", data.display());
        Problem::new(Code::S0003, cause)
    })
}
