//! What each command does: opens the lab, calls one method, prints.

use crate::args::{Act, Args, Bench, Command, Define, Demo, Golden, Up};
use anyhow::{Context, Result};
use clap::ValueEnum;
use diecast_lab::{
    GoldenVm, Lab, Options, Paths,
    bench::{self, Part},
    demo, golden, repository,
};
use std::process::ExitCode;

pub fn run(args: Args) -> Result<ExitCode> {
    let paths = Paths::new(args.data.as_deref())?;
    let open = || Lab::open(paths.clone());
    match args.command {
        Command::Up(up) => start(paths, &up)?,
        Command::Down { cache } => down(&paths, cache)?,
        Command::List { json } => list(&open()?, json)?,
        Command::Add { name, site } => open()?.add(&name, &site)?,
        Command::Remove { name } => open()?.remove(&name)?,
        Command::Stop { name } => open()?.stop(&name)?,
        Command::Start { name } => open()?.power(&name)?,
        Command::Cut { name } => open()?.cut(&name)?,
        Command::Mend { name } => open()?.mend(&name)?,
        Command::Slow { name, rate, off: _ } => open()?.slow(&name, rate.as_deref())?,
        Command::Fill { name, leave } => open()?.fill(&name, leave)?,
        Command::Unfill { name } => open()?.unfill(&name)?,
        Command::Agent { name, act } => match act {
            Act::Stop => open()?.agent_stop(&name)?,
            Act::Start => open()?.agent_start(&name)?,
            Act::Kill => open()?.agent_kill(&name)?,
        },
        Command::Server { act } => match act {
            Act::Stop => open()?.server_stop()?,
            Act::Start => open()?.server_start()?,
            Act::Kill => open()?.server_kill()?,
        },
        Command::Exec { name, argv } => return exec(&open()?, &name, &argv),
        Command::Env => print_environment(&open()?)?,
        Command::Demo(wish) => demonstrate(paths, &wish)?,
        Command::Define(wanted) => define(&open()?, &wanted)?,
        Command::Golden(golden) => make_golden(&paths, &golden)?,
        Command::Kernel => println!("{}", golden::kernel_root(&paths)?.display()),
        Command::Bench(wish) => measure(wish)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn start(paths: Paths, up: &Up) -> Result<()> {
    let options =
        Options { providers: up.providers, bare: up.bare, rate: up.rate.clone(), disk_bytes: up.disk_size };
    let lab = Lab::up(paths, &options)?;
    let state = lab.state()?;
    eprintln!(
        "lab: {} providers run ({}; a guest boots in {:.1} s); data folder {}",
        state.providers.len(),
        if state.kvm { "KVM" } else { "emulation, no working KVM" },
        state.boot_seconds,
        lab.data().display()
    );
    Ok(())
}

fn down(paths: &Paths, cache: bool) -> Result<()> {
    diecast_lab::take_down(paths)?;
    if cache {
        let folder = paths.cache()?;
        std::fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
        let _ = std::fs::remove_dir(paths.data());
    }
    Ok(())
}

fn list(lab: &Lab, json: bool) -> Result<()> {
    let items = lab.list()?;
    if json {
        println!("{}", serde_json::to_string_pretty(&serde_json::json!({ "items": items }))?);
        return Ok(());
    }
    println!("{:<12} {:<8} {:<16} {:<8} {:<8} STORAGE", "PROVIDER", "SITE", "NAMESPACE", "LINK", "AGENT");
    for item in items {
        let agent = item.agent_pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string());
        let storage = item.storage.display();
        println!(
            "{:<12} {:<8} {:<16} {:<8} {agent:<8} {storage}",
            item.name, item.site, item.netns, item.link
        );
    }
    Ok(())
}

/// Runs on this terminal, and ends as the command ended.
fn exec(lab: &Lab, name: &str, argv: &[String]) -> Result<ExitCode> {
    let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
    let mut command = lab.exec_command(name, &argv)?;
    let status = command.status().with_context(|| format!("running {} on {name}", argv.join(" ")))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

fn print_environment(lab: &Lab) -> Result<()> {
    for (name, value) in lab.environment()? {
        println!("export {name}='{value}'");
    }
    println!("export DIECAST_LAB='{}'", lab.data().display());
    println!("export PATH='{}':\"$PATH\"", diecast_lab::programs()?.display());
    Ok(())
}

fn demonstrate(paths: Paths, wish: &Demo) -> Result<()> {
    if wish.down {
        return down(&paths, false);
    }
    if wish.env {
        return print_environment(&Lab::open(paths)?);
    }
    let source = match (&wish.image, wish.debian) {
        (Some(file), _) => demo::Source::Image(std::path::absolute(file).context("finding the image")?),
        (None, true) => demo::Source::Debian,
        (None, false) => demo::Source::Tiny,
    };
    let wanted = demo::Wish {
        source,
        providers: wish.providers.into(),
        rate: wish.rate.clone(),
        maintenance: wish.maintenance,
    };
    let document = demo::run(paths, &wanted)?;
    if wish.json {
        println!("{}", serde_json::to_string_pretty(&document)?);
    }
    Ok(())
}

fn define(lab: &Lab, wanted: &Define) -> Result<()> {
    let mut vm = GoldenVm::new(&wanted.vm, &wanted.disk[0]);
    vm.disks = wanted.disk.iter().map(std::path::absolute).collect::<Result<_, _>>()?;
    vm.firmware = wanted.firmware;
    vm.memory_mib = wanted.memory.unwrap_or(vm.memory_mib);
    lab.define(&wanted.provider, &vm)?;
    Ok(())
}

fn make_golden(paths: &Paths, wanted: &Golden) -> Result<()> {
    let mut recipe = golden::Recipe::new(wanted.kind);
    recipe.payload_bytes = wanted.payload.unwrap_or(recipe.payload_bytes);
    recipe.seed = wanted.seed.unwrap_or(recipe.seed);
    recipe.disk_bytes = wanted.size.unwrap_or(recipe.disk_bytes);
    let out = std::path::absolute(&wanted.out).context("finding the file to make")?;
    golden::make(paths, &recipe, &out)
}

fn measure(wish: Bench) -> Result<()> {
    let parts = if wish.parts.is_empty() { Part::value_variants().to_vec() } else { wish.parts };
    bench::run(&bench::Wish {
        parts,
        runs: wish.runs,
        disk_bytes: wish.size,
        host_disk_bytes: wish.host_size,
        hosts: wish.hosts,
        clones: wish.clones,
        work: repository().join("target/bench/space"),
        results: wish.results,
    })
}
