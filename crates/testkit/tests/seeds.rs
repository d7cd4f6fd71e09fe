//! A thousand hostile worlds.

use diecast_testkit::Sim;

/// Worlds that one run of the tests lives through.
const SEEDS: u64 = 1_000;

#[test]
fn every_world_keeps_its_promises_and_settles() {
    for seed in 0..SEEDS {
        if let Err(broken) = Sim::hostile(seed).live() {
            panic!("{broken}");
        }
    }
}
