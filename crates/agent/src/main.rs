//! The binary `diecast-agent`.

use clap::Parser;
use diecast_agent::{
    config::SETTINGS,
    data::{self, DataDir, Identity},
    join, manual, memory, moving, run, service,
    settings::{AgentArgs, AgentCommand, JoinArgs, LogFormat, StatusArgs},
    support,
    worker::own_trouble,
};
use diecast_domain::{assignment::Assignment, code::Problem};
use std::{io::Write, process::ExitCode};
use tokio::runtime::Runtime;
use tracing_subscriber::EnvFilter;

/// A unit that restarts what fails does not restart this.
const TYPED_WRONGLY: u8 = 2;

pub fn main() -> ExitCode {
    memory::keep_for_frames();
    diecast_identity::install_crypto_provider();
    let typed = AgentArgs::parse();
    let args = match diecast_config::reparse::<AgentArgs>(&SETTINGS, typed.config.as_deref()) {
        Ok(args) => args,
        Err(problem) => {
            tell(&problem);
            return ExitCode::from(TYPED_WRONGLY);
        }
    };
    if let Err(problem) = service::go_on_as_its_user(&args.command) {
        tell(&problem);
        return ExitCode::FAILURE;
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: no threads could be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    let done = match args.command {
        AgentCommand::Join(args) => join_and_start(&runtime, &args),
        AgentCommand::Run(args) => {
            log(args.log_format);
            runtime.block_on(run::run(args))
        }
        AgentCommand::Status(args) => status(&args),
        AgentCommand::SetServer(args) => {
            runtime.block_on(moving::set_server(&args)).map(|identity| moved(&identity))
        }
        AgentCommand::Support(args) => runtime.block_on(support::support(&args)).map(|contents| {
            let _ = write!(std::io::stdout(), "{}\n{contents}", args.file.display());
        }),
        AgentCommand::Completions(args) => manual::completions(args.shell),
        AgentCommand::ManPages(args) => manual::pages(&args.folder),
    };
    // Threads that read or write a disk are not waited for: whatever they did is found again.
    runtime.shutdown_background();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            tell(&problem);
            ExitCode::FAILURE
        }
    }
}

fn tell(problem: &Problem) {
    let Problem { code, cause, hint, .. } = problem;
    let _ = writeln!(std::io::stderr(), "error[{code}]: {cause}\n  hint: {hint}");
}

fn log(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Json => builder.json().init(),
        LogFormat::Human => builder.init(),
    }
}

fn join_and_start(runtime: &Runtime, args: &JoinArgs) -> Result<(), Problem> {
    let told = service::join_as_its_user(args)?;
    if !told {
        let Identity { server, name, .. } = runtime.block_on(join::join(args))?;
        let _ = writeln!(std::io::stderr(), "Joined {server} as provider `{name}`.");
    }
    if args.start {
        return service::start(&args.data.data);
    }
    if !told {
        let _ = writeln!(std::io::stderr(), "Start it with: {}", service::how_to_start(&args.data.data));
    }
    Ok(())
}

fn moved(identity: &Identity) {
    let _ = writeln!(
        std::io::stderr(),
        "{} will go to {} when it is started again: systemctl restart diecast-agent",
        identity.name,
        identity.server
    );
}

fn status(args: &StatusArgs) -> Result<(), Problem> {
    let data = DataDir::open(&args.data.data)?;
    let own = join::load(&data)?;
    let held: Option<Assignment> =
        data::read_json(&data.file("assignment.json")).map_err(|error| own_trouble(&error))?;
    let running = data.lock().is_err();
    let generation = held.as_ref().map(|held| held.generation.to_string());
    let replicas: Vec<String> = held
        .iter()
        .flat_map(|held| &held.orders.replicas)
        .map(|order| format!("{} v{} {}", order.version.name, order.version.number, order.version.digest))
        .collect();
    let mut out = std::io::stdout();
    let _ = if args.json {
        let value = serde_json::json!({
            "provider": own.identity.name, "id": own.identity.provider, "server": own.identity.server,
            "running": running, "generation": generation, "assigned": replicas,
        });
        writeln!(out, "{value:#}")
    } else {
        writeln!(
            out,
            "provider    {}\nserver      {}\nrunning     {}\ngeneration  {}\nassigned    {}",
            own.identity.name,
            own.identity.server,
            if running { "yes" } else { "no" },
            generation.as_deref().unwrap_or("none yet"),
            if replicas.is_empty() { "nothing".into() } else { replicas.join("\n            ") },
        )
    };
    Ok(())
}
