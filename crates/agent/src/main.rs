//! The binary `diecast-agent`.

use clap::Parser;
use diecast_agent::{
    data::{self, DataDir, Identity},
    join, run,
    settings::{AgentArgs, AgentCommand, StatusArgs},
    worker::own_trouble,
};
use diecast_domain::{assignment::Assignment, code::Problem};
use std::{io::Write, process::ExitCode};
use tracing_subscriber::EnvFilter;

pub fn main() -> ExitCode {
    diecast_identity::install_crypto_provider();
    let args = AgentArgs::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: no threads could be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    let done = match args.command {
        AgentCommand::Join(args) => {
            runtime.block_on(join::join(&args)).map(|identity| joined(&identity, &args.data.data))
        }
        AgentCommand::Run(args) => {
            log(&args.log_format);
            runtime.block_on(run::run(args))
        }
        AgentCommand::Status(args) => status(&args),
    };
    // Threads that read or write a disk are not waited for: whatever they did is found again.
    runtime.shutdown_background();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            let _ = writeln!(
                std::io::stderr(),
                "error[{}]: {}\n  hint: {}",
                problem.code,
                problem.cause,
                problem.hint
            );
            ExitCode::FAILURE
        }
    }
}

fn log(format: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if format == "json" { builder.json().init() } else { builder.init() }
}

fn joined(identity: &Identity, data: &std::path::Path) {
    let _ = writeln!(
        std::io::stderr(),
        "Joined {} as provider `{}`. Start it with: diecast-agent run --data {}",
        identity.server,
        identity.name,
        data.display()
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
