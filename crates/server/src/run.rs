//! The commands of `diecast server`.

use crate::{
    args::{LogFormat, PasswordArgs, ServerArgs, ServerCommand},
    backup,
    first,
    settings::{self, ServerSettings},
    start::{start, unforeseen},
};
use diecast_domain::code::{Code, Problem};
use diecast_store::Store;
use std::io::{IsTerminal, Write};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Does what was typed.
pub async fn execute(args: ServerArgs) -> Result<(), Problem> {
    go_on_as_owner(&args.command)?;
    match args.command {
        ServerCommand::Run(args) => {
            log(args.log_format);
            run(args.settings()?).await
        }
        ServerCommand::Password(args) => password(args).await,
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

async fn password(args: PasswordArgs) -> Result<(), Problem> {
    let database = settings::database_path(&args.place.data, args.place.database.as_deref())?;
    let store = Store::open_beside(&database).await.map_err(|error| error.problem())?;
    let given = std::env::var(first::PASSWORD_VARIABLE).ok();
    let set = first::set_password(&store, &args.user, given.as_deref()).await.map_err(unforeseen)?;
    store.close().await;
    let Some(drawn) = set else {
        return Err(Problem::new(Code::A0004, format!("there is no administrator `{}`", args.user)));
    };
    if let Some(password) = drawn {
        let written = writeln!(std::io::stdout(), "{password}");
        written.map_err(|error| unforeseen(error.into()))?;
    }
    Ok(())
}

/// To stderr. `RUST_LOG` says how much.
fn log(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    // A second subscriber in one process is refused; the first one does.
    let _ = match format {
        LogFormat::Human => builder.try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
}
