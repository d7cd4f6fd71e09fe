//! Measures the schedule: the last of thousands of targets over the bound, in virtual time.

use diecast_testkit::swarm::{Distribution, run};
use std::process::ExitCode;

const USAGE: &str = "usage: cargo run --release -p diecast-testkit --example swarm -- --targets N [--pieces M] [--sites K] [--seed S] [--slow N] [--dying N] [--server-leaves] [--source-leaves] [--json]";

fn main() -> ExitCode {
    let Some((of, json)) = asked(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let Some(outcome) = run(of) else {
        eprintln!("the distribution does not come to an end");
        return ExitCode::FAILURE;
    };
    let Distribution { targets, pieces, sites, seed, .. } = of;
    let (over, source, link) = (outcome.over_bound, outcome.source_bytes_over_w, outcome.link_bytes_over_w);
    if json {
        println!(
            r#"{{"targets":{targets},"pieces":{pieces},"sites":{sites},"seed":{seed},"over_bound":{over:.4},"source_bytes_over_w":{source:.4},"link_bytes_over_w":{link:.4}}}"#
        );
    } else {
        println!(
            "{targets} targets in {sites} sites, {pieces} pieces, simulated: the last over the bound {over:.3}"
        );
        println!("the source sent {source:.3} copies; into a site came {link:.3} at the most");
    }
    ExitCode::SUCCESS
}

fn asked(mut words: impl Iterator<Item = String>) -> Option<(Distribution, bool)> {
    let mut of = Distribution::new(0, 2000, 1, 1);
    let mut json = false;
    while let Some(word) = words.next() {
        let mut number = || words.next()?.parse().ok().filter(|number: &usize| *number > 0);
        match word.as_str() {
            "--targets" => of.targets = number()?,
            "--pieces" => of.pieces = number()?,
            "--sites" => of.sites = number()?,
            "--seed" => of.seed = number()? as u64,
            "--slow" => of.trouble.slow = number()?,
            "--dying" => of.trouble.dying = number()?,
            "--server-leaves" => of.trouble.server_leaves = true,
            "--source-leaves" => of.trouble.source_leaves = true,
            "--json" => json = true,
            _ => return None,
        }
    }
    (of.targets > 0).then_some((of, json))
}
