//! `diecast-bench`, which `bench/run` runs: plays the scenes and tells the results.

use anyhow::{Result, ensure};
use clap::Parser;
use diecast_bench::{
    args::Args,
    images::Images,
    report::{self, Report},
    sample::Ledger,
    scenes::{self, Stage},
    table::Circumstances,
};
use diecast_lab::{repository, run::run};
use std::process::ExitCode;

fn main() -> ExitCode {
    match measure(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure(args: &Args) -> Result<()> {
    let plan = args.plan();
    let work = args.work.clone().unwrap_or_else(|| repository().join("target/bench"));
    let work = std::path::absolute(work)?;
    if args.make_images {
        return scenes::make_images(&plan, &Images::at(&work)).map(drop);
    }
    let folder = args.out.clone().unwrap_or_else(|| repository().join("bench/results"));
    report::folder(&folder)?;
    let ledger = Ledger::open(&Report::samples(&folder), args.go_on || args.report)?;
    let (images, load) = (Images::at(&work), report::load());
    let report = Report { folder, around: around(args, &images, load)? };
    if args.report {
        report.write(ledger.samples())?;
    } else {
        ensure!(
            std::env::var_os("DIECAST_BIN_DIR").is_some(),
            "start `bench/run`: it builds what is measured"
        );
        let mut stage = Stage { plan: &plan, images: &images, ledger, report: &report };
        scenes::play(&mut stage, &work)?;
        // The image's packages are known only now.
        let ledger = stage.ledger;
        let report = Report { around: around(args, &images, load)?, folder: report.folder };
        report.write(ledger.samples())?;
        diecast_bench::say(&format!("results are in {}", report.folder.display()));
        print!("{}", std::fs::read_to_string(report.folder.join("results.md"))?);
    }
    Ok(())
}

fn around(args: &Args, images: &Images, load: Option<f64>) -> Result<Circumstances> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let command = [&["./bench/run".to_owned()], words.as_slice()].concat().join(" ");
    let mut remarks = Vec::new();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as f64;
    if let Some(load) = load.filter(|load| *load > cores / 2.0) {
        remarks.push(format!("The machine was doing other work too (load {load:.1}): do not trust times."));
    }
    if args.quick {
        remarks.push("A quick run: each thing once, with few targets and a small slice.".to_owned());
    }
    if let Some(packages) = images.packages("golden") {
        remarks.push(format!("The image: Debian 12 with {packages} packages."));
    }
    let day = run(&["date", "--utc", "+%-d %B %Y"])?;
    Ok(Circumstances { machine: report::machine(), command, day, remarks })
}
