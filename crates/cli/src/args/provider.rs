//! `diecast provider`: what may be typed.

use super::{WaitArgs, YesArgs, parse};
use clap::{Args, Subcommand};
use diecast_domain::names::ProviderName;
use std::time::Duration;

#[derive(Subcommand, Clone, Debug)]
pub enum ProviderCommand {
    /// Add a hypervisor; prints the one line that starts its agent
    Add(AddArgs),
    /// List providers
    List,
    /// Show one provider: state, hypervisor, storage, networks
    Show {
        /// Which one
        name: ProviderName,
    },
    /// Let a provider prove that it can run hosts, with a throw-away machine
    Check(CheckArgs),
    /// Change a provider; what is not given stays
    Set(SetArgs),
    /// Print a new line that starts its agent, with a new one-time token
    Rejoin {
        /// Which one
        name: ProviderName,
    },
    /// Remove a provider that holds nothing
    Remove(RemoveArgs),
}

#[derive(Args, Clone, Debug)]
#[command(
    after_help = "stdout is the one line to run on the provider's machine, as root. Its token works once.

Examples:
  diecast provider add kvm-a --site berlin --label tier=prod
  diecast provider add kvm-b --storage fast --network corp=br20 --wait"
)]
pub struct AddArgs {
    /// What to call it: lower-case letters, digits and hyphens
    pub name: ProviderName,
    /// The kind of hypervisor
    #[arg(long, default_value = "libvirt", value_parser = ["libvirt"])]
    pub kind: String,
    /// The hypervisor's address as its agent reaches it
    #[arg(long, default_value = "qemu:///system")]
    pub uri: String,
    /// The storage pool for templates and hosts
    #[arg(long, default_value = "default", value_name = "POOL")]
    pub storage: String,
    /// The template's name for a network, and its name here: corp=br20 (may be repeated)
    #[arg(long = "network", value_name = "NAME=HERE", value_parser = parse::full_pair)]
    pub networks: Vec<(String, String)>,
    /// Where it stands; providers of one site fetch from each other first
    #[arg(long)]
    pub site: Option<String>,
    /// A label to select it by: tier=prod (may be repeated)
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = parse::full_pair)]
    pub labels: Vec<(String, String)>,
    /// What it may receive of versions, and as much again that it may send: 100Mbit/s, 12MB/s, off, or by the
    /// time of the day
    #[arg(long, value_name = "LIMIT", value_parser = parse::limit)]
    pub limit: Option<String>,
    #[command(flatten)]
    pub wait: WaitArgs,
}

#[derive(Args, Clone, Debug)]
pub struct CheckArgs {
    /// Which one
    pub name: ProviderName,
    /// Only ask for the check, and print its operation
    #[arg(long)]
    pub no_wait: bool,
    /// What it does anyway; here so that it may be typed everywhere
    #[arg(long, hide = true, conflicts_with = "no_wait")]
    pub wait: bool,
    /// Wait no longer than this: 90s, 10m, or plain seconds
    #[arg(long, value_name = "TIME", value_parser = parse::duration, conflicts_with = "no_wait")]
    pub timeout: Option<std::time::Duration>,
}

#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  diecast provider set kvm-a --storage fast
  diecast provider set kvm-a --network corp=br21 --network guest=   # maps one, unmaps the other
  diecast provider set kvm-a --limit '2Mbit/s 08:00-18:00 Europe/Madrid; 100Mbit/s'
  diecast provider set kvm-a --limit off
  diecast provider set kvm-a --scrub-window '22:00-06:00 Europe/Madrid' --scrub-rate 50MiB/s --scrub-every 14d
  diecast provider set kvm-a --scrub off")]
pub struct SetArgs {
    /// Which one
    pub name: ProviderName,
    /// The hypervisor's address as its agent reaches it
    #[arg(long)]
    pub uri: Option<String>,
    /// The storage pool for templates and hosts
    #[arg(long, value_name = "POOL")]
    pub storage: Option<String>,
    /// Map a network; with nothing after the =, take the mapping away (may be repeated)
    #[arg(long = "network", value_name = "NAME=HERE", value_parser = parse::pair)]
    pub networks: Vec<(String, String)>,
    /// Where it stands
    #[arg(long)]
    pub site: Option<String>,
    /// Set a label; with nothing after the =, take it away (may be repeated)
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = parse::pair)]
    pub labels: Vec<(String, String)>,
    /// What it may receive of versions, and as much again that it may send: 100Mbit/s, 12MB/s, off, or by the
    /// time of the day
    #[arg(long, value_name = "LIMIT", value_parser = parse::limit)]
    pub limit: Option<String>,
    /// Whether what it holds is read back by itself, to find what rots on its disk
    #[arg(long, value_name = "on|off", value_parser = parse::on_or_off)]
    pub scrub: Option<bool>,
    /// How fast it is read back: 50MiB/s
    #[arg(long, value_name = "RATE", value_parser = parse::byte_rate)]
    pub scrub_rate: Option<u64>,
    /// When it may be read back: 22:00-06:00, in UTC or with a time zone after it; any: at any time
    #[arg(long, value_name = "WINDOW", value_parser = parse::window)]
    pub scrub_window: Option<String>,
    /// How often every byte is read back: 7d, 36h
    #[arg(long, value_name = "TIME", value_parser = parse::days)]
    pub scrub_every: Option<Duration>,
}

#[derive(Args, Clone, Debug)]
pub struct RemoveArgs {
    /// Which one
    pub name: ProviderName,
    /// It is dead: revoke its certificate, and write off what it held and ran
    #[arg(long)]
    pub forget: bool,
    #[command(flatten)]
    pub yes: YesArgs,
}
