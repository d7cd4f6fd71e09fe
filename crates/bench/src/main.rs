//! `diecast-bench`, which `bench/run` runs: plays the scenes and tells the results.

use anyhow::{Result, ensure};
use clap::Parser;
use diecast_bench::{
    args::Args,
    circumstances::Circumstances,
    images::Images,
    report::{self, Report},
    sample::Ledger,
    scenes::{self, Stage},
};
use diecast_lab::repository;
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
    let images = Images::at(&work);
    let around = Circumstances::of(args, &folder)?;
    let mut report = Report { folder, around };
    if args.report {
        report.write(ledger.samples())?;
    } else {
        ensure!(
            std::env::var_os("DIECAST_BIN_DIR").is_some(),
            "start `bench/run`: it builds what is measured"
        );
        report.around.keep(&report.folder)?;
        let mut stage = Stage { plan: &plan, images: &images, ledger, report: &report };
        scenes::play(&mut stage, &work)?;
        let ledger = stage.ledger;
        // The image's packages are known only now.
        report.around.ended(images.packages("golden"));
        report.around.keep(&report.folder)?;
        report.write(ledger.samples())?;
        diecast_bench::say(&format!("results are in {}", report.folder.display()));
        print!("{}", std::fs::read_to_string(report.folder.join("results.md"))?);
    }
    Ok(())
}
