//! What can be typed after `diecast-lab`.

use clap::{Args as Group, Parser, Subcommand};
use diecast_lab::{Firmware, bench::Part, golden::Kind};
use std::path::PathBuf;

/// Real hypervisors on one Linux machine: each provider a network namespace with its own libvirtd
/// and agent, joined by a bridge to one server.
#[derive(Parser)]
#[command(name = "diecast-lab", version)]
pub struct Args {
    /// The data folder [default: DIECAST_LAB, else .lab in the source tree]
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Start a lab
    Up(Up),
    /// Take the lab down: no namespace, mount, process or file stays but the cache
    Down {
        /// Remove the cache of downloads and golden machines too
        #[arg(long)]
        cache: bool,
    },
    /// Show its providers
    List {
        #[arg(long)]
        json: bool,
    },
    /// Add a provider
    Add {
        name: String,
        #[arg(long, default_value = diecast_lab::SITE)]
        site: String,
    },
    /// Take a provider out, with its disk
    Remove { name: String },
    /// Cut a provider's power
    Stop { name: String },
    /// Give a provider its power back
    Start { name: String },
    /// Pull a provider's network cable
    Cut { name: String },
    /// Put a provider's network cable back
    Mend { name: String },
    /// Slow a provider's link down, both ways
    Slow {
        name: String,
        /// As `tc` writes it: 200mbit
        #[arg(required_unless_present = "off")]
        rate: Option<String>,
        /// Let it run free
        #[arg(long, conflicts_with = "rate")]
        off: bool,
    },
    /// Fill a provider's disk
    Fill {
        name: String,
        /// What stays free: 100MiB
        #[arg(long, value_parser = bytes, default_value = "0", value_name = "BYTES")]
        leave: u64,
    },
    /// Empty it again
    Unfill { name: String },
    /// Stop, start or kill a provider's agent
    Agent { name: String, act: Act },
    /// Stop, start or kill the server
    Server { act: Act },
    /// Run a command inside a provider's namespaces
    Exec {
        name: String,
        #[arg(last = true, required = true)]
        argv: Vec<String>,
    },
    /// Print the environment for the command line, to be evaluated by a shell
    Env,
    /// Show what Diecast is for: a golden VM, its template everywhere, a host on every provider
    Demo(Demo),
    /// Define a shut-off VM on a provider, from disks
    Define(Define),
    /// Make the disk of a golden machine, a raw file
    Golden(Golden),
    /// Print the folder that has a kernel, fetched if it is not there, for an agent's `--kernel-root`
    Kernel,
    /// Measure maintenance beside what one would use otherwise; `bench/maintenance` runs this
    Bench(Bench),
}

#[derive(Clone, Copy, clap::ValueEnum)]
pub enum Act {
    Stop,
    Start,
    Kill,
}

#[derive(Group)]
pub struct Up {
    #[arg(long, default_value_t = 4)]
    pub providers: usize,
    /// Hypervisors only, without server and agents
    #[arg(long)]
    pub bare: bool,
    /// Shape every link, both ways, as `tc` writes it: 200mbit
    #[arg(long)]
    pub rate: Option<String>,
    /// The size of each provider's disk
    #[arg(long, value_parser = bytes, default_value = "12GiB", value_name = "BYTES")]
    pub disk_size: u64,
}

#[derive(Group)]
pub struct Demo {
    /// Take the golden VM from your own disk image: raw, qcow2, vmdk or vhdx
    #[arg(long, value_name = "FILE", conflicts_with = "debian")]
    pub image: Option<PathBuf>,
    /// Build a real Debian 12 and take that (three minutes, once)
    #[arg(long)]
    pub debian: bool,
    /// End the lab, and leave nothing behind
    #[arg(long, conflicts_with_all = ["image", "debian", "env", "json", "maintenance"])]
    pub down: bool,
    /// Print the environment of the running lab, to be evaluated by a shell
    #[arg(long, conflicts_with_all = ["image", "debian", "json", "maintenance"])]
    pub env: bool,
    /// Print one JSON document at the end
    #[arg(long)]
    pub json: bool,
    /// Then change the golden machine in maintenance, and see the change reach every host
    #[arg(long, conflicts_with = "image")]
    pub maintenance: bool,
    /// How many hypervisors
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=26))]
    pub providers: u8,
    /// Shape every link, both ways, as `tc` writes it: 200mbit
    #[arg(long)]
    pub rate: Option<String>,
}

#[derive(Group)]
pub struct Define {
    /// The name of the VM
    pub vm: String,
    #[arg(long)]
    pub provider: String,
    /// A raw disk, or a qcow2 by its ending; may be repeated
    #[arg(long, required = true, value_name = "FILE")]
    pub disk: Vec<PathBuf>,
    #[arg(long, value_enum, default_value = "bios")]
    pub firmware: Firmware,
    #[arg(long, value_name = "MIB")]
    pub memory: Option<u32>,
}

#[derive(Group)]
pub struct Golden {
    pub kind: Kind,
    #[arg(long)]
    pub out: PathBuf,
    /// Data in its file system that is worth sending
    #[arg(long, value_parser = bytes, value_name = "BYTES")]
    pub payload: Option<u64>,
    /// What the payload is drawn from
    #[arg(long)]
    pub seed: Option<u64>,
    /// The size of the disk
    #[arg(long, value_parser = bytes, value_name = "BYTES")]
    pub size: Option<u64>,
}

#[derive(Group)]
pub struct Bench {
    /// What to measure [default: all of it]
    #[arg(value_enum)]
    pub parts: Vec<Part>,
    /// How often each way is measured
    #[arg(long, default_value_t = 3)]
    pub runs: u32,
    /// The disk that is published; it takes twice this room
    #[arg(long, value_parser = bytes, default_value = "16GiB", value_name = "BYTES")]
    pub size: u64,
    /// The disk of the machine that hosts are made of; it takes three times this room
    #[arg(long, value_parser = bytes, default_value = "8GiB", value_name = "BYTES")]
    pub host_size: u64,
    #[arg(long, default_value_t = 100)]
    pub hosts: u32,
    /// Clones that `virt-clone` really makes; the rest is extrapolated
    #[arg(long, default_value_t = 3)]
    pub clones: u32,
    /// Where the table and the JSON go
    #[arg(long, value_name = "DIR")]
    pub results: PathBuf,
}

/// `12GiB`, `100MiB`, `64KiB` or a plain number of bytes.
fn bytes(text: &str) -> Result<u64, String> {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let found = units.iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, *shift)));
    let (number, shift) = found.unwrap_or((text, 0));
    let number: u64 = number.trim().parse().map_err(|_| "write it like 12GiB or 100MiB".to_owned())?;
    number.checked_shl(shift).filter(|bytes| bytes >> shift == number).ok_or_else(|| "too much".to_owned())
}
