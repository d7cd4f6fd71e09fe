//! What may be typed after `bench/run`.

use crate::{
    measure::Measure,
    peers::{Input, Peer},
};
use clap::Parser;
use std::path::PathBuf;

/// Runs often enough that one that was disturbed does not decide.
const RUNS: u32 = 5;

/// Measures Diecast beside what one would use otherwise, in one run on this machine: R1 to R15 of bench/README.md.
#[derive(Clone, Debug, Parser)]
#[command(name = "bench/run", version)]
pub struct Args {
    /// One run of everything, few targets, few peers, a smaller slice: to see that all works, within ten minutes
    #[arg(long)]
    pub quick: bool,
    /// Only some measures: R2,R6
    #[arg(long, value_delimiter = ',', value_name = "R1,R2,...", ignore_case = true)]
    pub only: Vec<Measure>,
    /// Go on with the run whose samples lie in the folder for the results
    #[arg(long = "continue")]
    pub go_on: bool,
    /// Where samples, results, table and plots go
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// How often each thing is measured
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub runs: Option<u32>,
    /// How much of the image goes through shaped links [default: 256, with --quick 64]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(16..=1024))]
    pub slice: Option<u64>,
    /// Leave the peers out
    #[arg(long)]
    pub no_peers: bool,
    /// Only work out the results anew from the samples that are there
    #[arg(long)]
    pub report: bool,
    /// Only make the images that will be needed
    #[arg(long, hide = true)]
    pub make_images: bool,
    /// Where images, packages and the lab lie
    #[arg(long, value_name = "DIR", hide = true)]
    pub work: Option<PathBuf>,
}

/// Who is measured beside Diecast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peers {
    None,
    /// Each once, by its way with the fewest bytes: to many targets, and rsync with whole images.
    Few,
    All,
}

/// What follows from what was typed.
#[derive(Clone, Debug)]
pub struct Plan {
    pub measures: Vec<Measure>,
    pub quick: bool,
    pub runs: u32,
    pub peers: Peers,
    pub go_on: bool,
    /// How many targets, one after the other; the first is 1, the second is what peers are measured with.
    pub targets: Vec<u32>,
    /// How many sites, one after the other.
    pub sites: Vec<u32>,
    /// How many targets while the server's memory is looked at.
    pub memory_targets: u32,
    /// The part of the image that goes through shaped links.
    pub slice_bytes: u64,
    /// A peer's way is not measured again if a run of it has taken this long...
    pub run_seconds_max: f64,
    /// ... or all of them together this long.
    pub runs_seconds_max: f64,
}

impl Args {
    pub fn plan(&self) -> Plan {
        let all = || Measure::ALL.to_vec();
        let mut measures = if self.only.is_empty() { all() } else { self.only.clone() };
        measures.sort_unstable();
        measures.dedup();
        let quick = self.quick;
        Plan {
            measures,
            quick,
            runs: self.runs.unwrap_or(if quick { 1 } else { RUNS }),
            peers: match (self.no_peers, quick) {
                (true, _) => Peers::None,
                (false, true) => Peers::Few,
                (false, false) => Peers::All,
            },
            go_on: self.go_on,
            targets: if quick { vec![1, 4] } else { vec![1, 4, 8, 16] },
            sites: if quick { vec![2] } else { vec![2, 3, 4] },
            memory_targets: if quick { 4 } else { 32 },
            slice_bytes: self.slice.unwrap_or(if quick { 64 } else { 256 }) << 20,
            run_seconds_max: if quick { 0.0 } else { 30.0 },
            runs_seconds_max: if quick { 0.0 } else { 80.0 },
        }
    }
}

impl Plan {
    /// Whether a peer is measured in this way, out of `all` ways to use it.
    pub fn takes(&self, peer: &Peer, all: &[Peer]) -> bool {
        match self.peers {
            Peers::None => false,
            Peers::Few => peer.is_its_least(all),
            Peers::All => true,
        }
    }

    /// The same of the ways in which whole images go.
    pub fn takes_with_images(&self, peer: &Peer) -> bool {
        self.peers == Peers::All || (peer.name, peer.input) == ("rsync", Input::Packed)
    }

    pub fn wants(&self, any: &[Measure]) -> bool {
        any.iter().any(|measure| self.measures.contains(measure))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(line: &[&str]) -> Plan {
        Args::try_parse_from([&["bench/run"], line].concat()).unwrap().plan()
    }

    #[test]
    fn without_a_word_everything_is_measured_five_times() {
        let plan = plan(&[]);
        assert_eq!((plan.measures.len(), plan.runs, plan.go_on), (15, 5, false));
        assert_eq!(plan.targets, [1, 4, 8, 16]);
    }

    #[test]
    fn only_takes_measures_by_their_names_in_their_order() {
        let plan = plan(&["--only", "r6,R2,R6", "--quick"]);
        assert_eq!(plan.measures, [Measure::R2, Measure::R6]);
        assert_eq!(plan.runs, 1);
        assert!(plan.wants(&[Measure::R2, Measure::R1]) && !plan.wants(&[Measure::R1]));
        assert_eq!(plan.peers, Peers::Few);
    }

    #[test]
    fn quickly_each_peer_goes_one_way_and_without_peers_none() {
        let all = crate::peers::peers();
        let taken = |line: &[&str]| all.iter().filter(|peer| plan(line).takes(peer, &all)).count();
        let mut names: Vec<_> = all.iter().map(|peer| peer.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(taken(&["--quick"]), names.len());
        assert_eq!((taken(&[]), taken(&["--quick", "--no-peers"])), (all.len(), 0));
    }

    #[test]
    fn the_slice_is_as_large_as_was_asked_for() {
        assert_eq!(plan(&["--quick"]).slice_bytes, 64 << 20);
        assert_eq!(plan(&["--quick", "--slice", "1024"]).slice_bytes, 1 << 30);
        assert!(Args::try_parse_from(["bench/run", "--slice", "0"]).is_err());
    }

    #[test]
    fn an_unknown_measure_is_refused_with_those_that_there_are() {
        let error = Args::try_parse_from(["bench/run", "--only", "R16"]).unwrap_err().to_string();
        assert!(error.contains("R16") && error.contains("R15"), "{error}");
    }
}
