//! Tells the whole story of one seed.

use diecast_testkit::Sim;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(seed) = std::env::args().nth(1).and_then(|text| text.parse().ok()) else {
        eprintln!("usage: cargo run -p diecast-testkit --example replay SEED");
        return ExitCode::from(2);
    };
    let mut sim = Sim::hostile(seed).telling_all();
    let outcome = sim.live();
    println!("{}", sim.story);
    match outcome {
        Ok(seconds) => {
            println!("seed {seed} settled {seconds} s after the storm");
            ExitCode::SUCCESS
        }
        Err(broken) => {
            println!("{}", broken.promise);
            ExitCode::FAILURE
        }
    }
}
